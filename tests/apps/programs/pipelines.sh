# SPDX-License-Identifier: BSD-3-Clause
# For any POSIX shell: pipelines, command substitution, here-documents, traps.
a() { for i in 1 2 3; do echo $i; done | while read x; do echo got $x; done; }
a; x=$(a | tail -n1); echo $x; trap 'echo bye' EXIT; (exit 5) || echo $?; sleep 9 & kill $!; wait $! ; echo $?
ls / | grep -c tmp; cat <<EOF | tr a-z A-Z
here $x
EOF
find /etc/passwd -exec echo {} \; ; echo 1 2 3 | xargs -n1 echo; seq 5 | awk '{s+=$1} END{print s}'
tar c /etc/passwd 2>/dev/null | gzip | gunzip | tar t; echo $(echo nested $(echo twice)); yes | head -n 3 | wc -l
