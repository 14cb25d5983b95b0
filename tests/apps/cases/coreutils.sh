# SPDX-License-Identifier: BSD-3-Clause
O="--add /etc/services --add /etc/passwd --add /usr/share/doc/coreutils"
same ls -o "$O" /bin/ls -1R /usr/share/doc/coreutils
same ls-long -o "$O" /bin/ls -ln --time-style=+%s /etc/services
same cat -i /etc/services /bin/cat
same sort -i /etc/services /usr/bin/sort -k2
same wc -o "$O" /usr/bin/wc /etc/services
same sha512sum -i /etc/services /usr/bin/sha512sum
same md5sum-check -o "$O" /usr/bin/md5sum /etc/services /etc/passwd
same tac -i /etc/passwd /usr/bin/tac
same cut -i /etc/passwd /usr/bin/cut -d: -f1,3
same head -i /etc/services /usr/bin/head -n 5
same tail -i /etc/services /usr/bin/tail -n 5
same tr -i /etc/passwd /usr/bin/tr a-z A-Z
same factor /usr/bin/factor 18446744073709551615 1000000007
same seq /usr/bin/seq -w 1 7 1000
same date /bin/date -u -d @1700000000 +%FT%TZ
same expr /usr/bin/expr 7 '*' 6
same base64 -i /bin/ls /usr/bin/base64
same od -i /bin/true /usr/bin/od -An -tx1 -N 256
same nl -i /etc/passwd /usr/bin/nl
same stat -o "$O" /usr/bin/stat -c '%n %s %F %a %Y' /etc/services
same dd -i /bin/ls /bin/dd bs=1000 count=20 status=none
same test /usr/bin/test -e /nothing
same env-exit /usr/bin/env -i /usr/bin/env
same realpath -o "$O" /usr/bin/realpath /usr/../etc/./services
same touch-in-tmp /bin/mkdir -v /tmp/clade-test-no-such/x
