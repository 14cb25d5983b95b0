# SPDX-License-Identifier: BSD-3-Clause
# iproute2 in a guest: what it shows and changes.
need ip ss || return 0
say() { inside "$1" "$2" --net none -d iproute2 -d bash -- /bin/bash -c "$3"; }
say "ip neigh" "10.1.1.2 dev lo lladdr 02:00:00:00:00:05 PERMANENT" \
    'ip neigh add 10.1.1.2 lladdr 02:00:00:00:00:05 dev lo && ip neigh'
say "ip neigh del" "none left" 'ip neigh add fd00::5 lladdr 02:00:00:00:00:05 dev lo && ip neigh del fd00::5 dev lo &&
    [ -z "$(ip neigh)" ] && echo none left'
inside "ss -lx" "/tmp/named" --net none -d iproute2 -d bash -d python3 -- /usr/bin/python3 -c 'import socket, os
a, b = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
a.bind("/tmp/named"); a.listen(); b.bind("\0abstract")
for f in (a, b): os.set_inheritable(f.fileno(), True)
os.execv("/usr/bin/ss", ["ss", "-lx"])'
say "ip maddr" "inet6 ff02::1" 'ip maddr show dev lo'
say "ip addr" "inet 10.5.5.5/24 scope" 'ip addr add 10.5.5.5/24 dev lo && ip -4 addr show dev lo'
say "ip monitor" "Deleted 10.6.6.0/24 dev lo" 'ip monitor route >/tmp/said &
    until [[ "$(</tmp/said)" = *Deleted* ]]; do ip route add 10.6.6.0/24 dev lo; ip route del 10.6.6.0/24 dev lo; done
    echo "$(</tmp/said)"; kill $!; wait; true'
say "nstat" "TcpInSegs" "nstat -az"
say "ip rule" "32766:	from all lookup main" 'ip rule'
