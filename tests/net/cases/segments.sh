# SPDX-License-Identifier: BSD-3-Clause
# Many UDP datagrams in one call, which a TAP gets as one packet: on the host among themselves, then to a guest.
need /usr/bin/python3 ip || return 0
network || return 0
$within timeout 180 /usr/bin/python3 "$P/segments.py" serve 7001 >"$T/server" 2>&1 &
pids+=($!)
says "on the host" "segments: fine" $within /usr/bin/python3 "$P/segments.py" ask 127.0.0.1 7001
stop
start $TAP -d python3 -a "$P" -- /usr/bin/python3 "$P/segments.py" serve 7001
says "to a guest on a TAP" "segments: fine" $within /usr/bin/python3 "$P/segments.py" ask 10.77.0.2 7001
stop
inside "on loopback" "segments: fine" --net none -d python3 -d bash -a "$P" -- /bin/bash -c \
    "/usr/bin/python3 $P/segments.py serve 7001 & /usr/bin/python3 $P/segments.py ask 127.0.0.1 7001; r=\$?; kill \$!; exit \$r"
