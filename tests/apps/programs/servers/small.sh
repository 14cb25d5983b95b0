# SPDX-License-Identifier: BSD-3-Clause
# Small daemons: dnsmasq over UDP and TCP, rsyslog, supervisord, lighttpd behind haproxy with its master and
# workers, rsync's daemon, OpenSSL's server and client.
. "${0%/*}/lib.sh"
mkdir -p /srv/www && cd /srv || exit
must dnsmasq -C /dev/null -h -R --pid-file=/srv/dnsmasq.pid --user=root --listen-address=127.0.0.1 --bind-interfaces \
    --address=/web.example/10.1.2.3
must python3 - <<'X'
import socket, struct
query = struct.pack('>HHHHHH', 1, 0x100, 1, 0, 0, 0) + b'\3web\7example\0' + struct.pack('>HH', 1, 1)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(60)
udp.sendto(query, ('127.0.0.1', 53))
assert udp.recv(512)[-4:] == bytes([10, 1, 2, 3])
tcp = socket.create_connection(('127.0.0.1', 53), 60)
tcp.sendall(struct.pack('>H', len(query)) + query)
assert tcp.recv(512)[-4:] == bytes([10, 1, 2, 3])
X
must kill "$(cat dnsmasq.pid)"
echo dnsmasq

cat >rsyslog.conf <<'X'
module(load="imuxsock")
module(load="imtcp")
input(type="imtcp" port="5140" address="127.0.0.1")
*.* /srv/all.log
X
must rsyslogd -f /srv/rsyslog.conf -i /srv/rsyslog.pid
await test -S /dev/log
logger -t me by the socket
await logger -n 127.0.0.1 -P 5140 -T -t me by TCP
await grep -q 'me: by the socket' all.log
await grep -q 'me.*by TCP' all.log
must kill "$(cat rsyslog.pid)"
echo rsyslog

cat >supervisor.conf <<'X'
[supervisord]
logfile = /srv/supervisor.log
pidfile = /srv/supervisor.pid
[unix_http_server]
file = /srv/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix:///srv/supervisor.sock
[program:works]
command = sleep 1000
[program:fails]
command = bash -c "exit 1"
startretries = 1
X
must supervisord -c /srv/supervisor.conf
control() { supervisorctl -c /srv/supervisor.conf "$@"; }
says() { control status | grep -q "$1"; }
await says 'works *RUNNING'
await says 'fails *FATAL'
first=$(control pid works)
must kill -9 "$first"
again() { says 'works *RUNNING' && [ "$(control pid works)" != "$first" ]; }
await again
must control shutdown
echo supervisord

echo light >www/small
printf 'server.document-root = "/srv/www"\nserver.port = 8090\nserver.bind = "127.0.0.1"\nserver.pid-file = "/srv/lighttpd.pid"\n' >lighttpd.conf
must lighttpd -f /srv/lighttpd.conf
cat >haproxy.cfg <<'X'
global
    master-worker
    pidfile /srv/haproxy.pid
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 60s
frontend front
    bind 127.0.0.1:8091
    default_backend back
backend back
    server s 127.0.0.1:8090
X
must haproxy -D -W -f /srv/haproxy.cfg
await curl -sf -m 60 http://127.0.0.1:8091/small
master=$(cat haproxy.pid) workers=$(children "$master")
kill -USR2 "$master"
await has_new_children "$master" 1 "$workers"
is page "$(curl -sS -m 60 http://127.0.0.1:8091/small)" light
kill "$master" "$(cat lighttpd.pid)"
await gone "$master"
echo "lighttpd and haproxy"

cp -r /usr/bin tree
printf 'pid file = /srv/rsyncd.pid\n[m]\npath = /srv/tree\nuse chroot = no\n' >rsyncd.conf
must rsync --daemon --config=/srv/rsyncd.conf --port=8730 --address=127.0.0.1
await rsync rsync://127.0.0.1:8730/
must rsync -a rsync://127.0.0.1:8730/m/ tree2/
must diff -r --no-dereference tree tree2
rm tree2/b* && echo x >tree2/new
must rsync -a --delete tree/ tree2/
must diff -r --no-dereference tree tree2
must kill "$(cat rsyncd.pid)"
echo rsync

openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=localhost -days 2 2>/dev/null
openssl s_server -accept 8443 -key key -cert cert -quiet -www &
tls=$!
await openssl s_client -connect 127.0.0.1:8443 </dev/null
must sh -c 'curl -sS -m 60 --cacert cert https://localhost:8443/ | grep -q TLSv1.3'
must sh -c 'openssl s_client -CAfile cert -verify_return_error -connect 127.0.0.1:8443 </dev/null | grep -q "Verification: OK"'
kill $tls
echo openssl
echo fine
