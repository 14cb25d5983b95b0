# SPDX-License-Identifier: BSD-3-Clause
# Packet sockets, their filters and rings, options of sockets: the same programs on the host and in a guest say the same. Then tcpdump,
# which uses all of that.
need ip /usr/bin/python3 || return 0
network || return 0
for p in filters packets options; do
    if $within timeout 60 /usr/bin/python3 "$P/$p.py" >"$T/host" 2>&1; then
        cp "$T/host" "$T/said"
        inside "$p" "$p" --net none -d python3 -a "$P" -- /usr/bin/python3 "$P/$p.py"
        cmp -s "$T/host" "$T/said" || fail "$case_name: $p" "differs: $(diff "$T/host" "$T/said" | head -n 4)"
    else
        fail "$case_name: $p" "fails on the host"
    fi
done
need tcpdump ping || return 0
# It says so when it listens; only then the ping starts. Immediate mode is TPACKET_V2, else it is V3.
capture='listen() { tcpdump -Z root -n -U "$@" -w /tmp/packets 2>/tmp/said & until grep -q listening /tmp/said; do sleep 0.05; done; }
ends() { wait $!; cat /tmp/said; tcpdump -Z root -nr /tmp/packets 2>/dev/null; }'
packages="-d tcpdump -d iputils-ping -d coreutils -d grep -d bash"
inside "tcpdump on lo" "ICMP echo reply, id" --net none $packages -- /bin/bash -c \
    "$capture; listen -i lo --immediate-mode -c 4 icmp; ping -qc 3 -i 0.1 127.0.0.1; ends"
inside "tcpdump on any" "lo    In  IP6 ::1 > ::1: ICMP6, echo request" --net none $packages -- /bin/bash -c \
    "$capture; listen -i any -c 4 icmp6 and ip6[40] != 129; ping -qc 4 -i 0.1 ::1; ends"
inside "tcpdump on the TAP" "10.77.0.1 > 10.77.0.2: ICMP echo reply" $TAP $packages -- /bin/bash -c \
    "$capture; listen -i eth0 -c 4 icmp and host 10.77.0.1; ping -qc 2 -i 0.1 10.77.0.1; ends"
