# SPDX-License-Identifier: BSD-3-Clause
# Echo requests both ways, small and in fragments, and a port that nobody has.
need ip ping /usr/bin/python3 || return 0
network || return 0
start $TAP -d python3 -- /usr/bin/python3 -c 'import time; time.sleep(600)'
if until_ok "$LIMIT" $within ping -c 1 -W 1 10.77.0.2; then
    says "IPv4" " 5 received" $within ping -c 5 -w 60 -i 0.05 10.77.0.2
    says "IPv4, fragments" " received, 0% packet loss" $within ping -c 3 -w 60 -i 0.05 -s 5000 10.77.0.2
    says "IPv6" " 5 received" $within ping -c 5 -w 60 -i 0.05 fd77::2
    says "IPv6, fragments" " received, 0% packet loss" $within ping -c 3 -w 60 -i 0.05 -s 5000 fd77::2
    says "refused" "ConnectionRefusedError" sh -c "$within /usr/bin/python3 -c 'import socket; socket.create_connection((\"10.77.0.2\", 99), 5)' 2>&1; true"
else
    fail "$case_name" "no answer"
fi
stop
inside "from the guest, IPv4" " received, 0% packet loss" $TAP -- "$(type -P ping)" -c 3 -w 60 -i 0.2 10.77.0.1
inside "from the guest, IPv6" " received, 0% packet loss" $TAP -- "$(type -P ping)" -c 3 -w 60 -i 0.2 fd77::1
