# SPDX-License-Identifier: BSD-3-Clause
need java javac || return 0
J=$(readlink -f "$(type -P java)")
JAVA_PACKAGE=$(dpkg -S "$J" 2>/dev/null | cut -d: -f1)
cp "$P/Threads.java" "$T/"
(cd "$T" && javac -d classes Threads.java) || { fail "$case_name" "does not compile"; return 0; }
mkdir -p /tmp/clade-java-test && cp "$T"/classes/*.class /tmp/clade-java-test/
same threads -o "--deb ${JAVA_PACKAGE:-openjdk-17-jre-headless} --add /tmp/clade-java-test" "$J" -Xshare:auto -cp /tmp/clade-java-test Threads
same interpreter -o "--deb ${JAVA_PACKAGE:-openjdk-17-jre-headless} --add /tmp/clade-java-test" "$J" -Xint -Xmx64m -cp /tmp/clade-java-test Threads
rm -rf /tmp/clade-java-test
