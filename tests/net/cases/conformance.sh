# SPDX-License-Identifier: BSD-3-Clause
# The RFCs' rules, one by one: tests/net/conformance. First against Linux's own stack in a namespace, which judges the
# cases, then against a guest. Both get their IPv6 address from the tester, which plays the router.
need ip /usr/bin/python3 /usr/lib/python3/dist-packages/scapy || return 0
network || return 0
C=$PWD/tests/net/conformance
judged() { # NAME COMMAND...
    until_ok "$LIMIT" grep -q ready "$T/server" || fail "$case_name: $1" "the subject does not start"
    says "$1" " 0 failed" "${@:2}"
}
on_linux() {
    local setting
    ip netns add "$NS-a" && ip netns add "$NS-b" && ip -n "$NS-a" link add veth0 type veth peer name eth0 netns "$NS-b" ||
        return
    ip netns exec "$NS-b" sysctl -qw net/ipv4/conf/{all,eth0}/accept_redirects=1 net/ipv6/conf/eth0/accept_redirects=1
    ip netns exec "$NS-b" sysctl -qw net/ipv4/icmp_ratelimit=0 net/ipv6/icmp/ratelimit=0 net/ipv4/tcp_invalid_ratelimit=0
    ip -n "$NS-a" address add 10.77.0.1/24 dev veth0
    ip -n "$NS-b" address add 10.77.0.2/24 brd + dev eth0
    ip -n "$NS-a" link set veth0 up && ip -n "$NS-b" link set eth0 up && ip -n "$NS-b" link set lo up
    ip -n "$NS-b" route add default via 10.77.0.1 || return
    ip netns exec "$NS-b" /usr/bin/python3 -B "$C/subject.py" 9999 >"$T/server" 2>&1 &
    pids+=($!)
}
if on_linux 2>"$T/said"; then
    judged "Linux" ip netns exec "$NS-a" /usr/bin/python3 -B "$C/run.py" veth0 9999 --linux
    stop
else
    skip "$case_name: Linux" "no two namespaces: $(head -n 1 "$T/said")"
fi
ip netns delete "$NS-a" 2>/dev/null
ip netns delete "$NS-b" 2>/dev/null
start --net tap=capt0 --ip 10.77.0.2/24 --gateway 10.77.0.1 -d python3 -a "$C" -- /usr/bin/python3 "$C/subject.py" 9999
judged "guest" $within /usr/bin/python3 -B "$C/run.py" capt0 9999
tail -n 1 "$T/said"
