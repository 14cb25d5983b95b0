# SPDX-License-Identifier: BSD-3-Clause
# dnsmasq as the guest: names over UDP and TCP, IPv4 and IPv6.
need ip dnsmasq /usr/bin/python3 || return 0
network || return 0
start $TAP -d dnsmasq-base -a /etc/passwd -a /etc/group -- /usr/sbin/dnsmasq -k -C /dev/null -h -R --pid-file= --user=root \
    --address=/web.example/10.1.2.3 --host-record=six.example,fd77::77
cat >"$T/ask.py" <<'PY'
import socket, struct, sys

def question(name, kind):
    labels = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.'))
    return struct.pack('>HHHHHH', 7, 0x100, 1, 0, 0, 0) + labels + b'\0' + struct.pack('>HH', kind, 1)

for host in ('10.77.0.2', 'fd77::2'):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    for name, kind, answer in (('web.example', 1, socket.inet_aton('10.1.2.3')),
                               ('six.example', 28, socket.inet_pton(socket.AF_INET6, 'fd77::77'))):
        q = question(name, kind)
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.settimeout(20)
        udp.sendto(q, (host, 53))
        assert udp.recv(512).endswith(answer), (host, name, 'UDP')
        with socket.create_connection((host, 53), 20) as tcp:
            tcp.sendall(struct.pack('>H', len(q)) + q)
            size = struct.unpack('>H', tcp.recv(2, socket.MSG_WAITALL))[0]
            assert tcp.recv(size, socket.MSG_WAITALL).endswith(answer), (host, name, 'TCP')
print('names: fine')
PY
if until_ok 100 $within /usr/bin/python3 -c 'import socket; socket.create_connection(("10.77.0.2", 53), 1)'; then
    says "names over UDP and TCP" "names: fine" $within /usr/bin/python3 "$T/ask.py"
else
    fail "$case_name" "no answer"
fi
