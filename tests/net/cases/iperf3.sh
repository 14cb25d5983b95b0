# SPDX-License-Identifier: BSD-3-Clause
# iperf3 both ways behind a TAP, and datagrams.
need ip iperf3 || return 0
network || return 0
start $TAP -d iperf3 -- "$(type -P iperf3)" -s
if until_ok "$LIMIT" $within iperf3 -c 10.77.0.2 -t 1; then
    says "to the guest" receiver $within iperf3 -c 10.77.0.2 -t 3
    says "from the guest" receiver $within iperf3 -c 10.77.0.2 -t 3 -R
    says "four streams" SUM $within iperf3 -c 10.77.0.2 -t 3 -P 4
    says "IPv6" receiver $within iperf3 -c fd77::2 -t 2
    says "datagrams" receiver $within iperf3 -c 10.77.0.2 -t 2 -u -b 50M
    says "datagrams from the guest" receiver $within iperf3 -c 10.77.0.2 -t 2 -u -b 50M -R
else
    fail "$case_name" "no answer"
fi
