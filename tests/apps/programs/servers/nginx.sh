# SPDX-License-Identifier: BSD-3-Clause
# nginx with a master and two workers: reload, upgrade of the binary, graceful stop; files over TLS.
. "${0%/*}/lib.sh"
mkdir -p /srv/www /var/log/nginx /var/lib/nginx && cd /srv || exit
echo hello >www/small
head -c 3000000 /dev/urandom >www/large
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=localhost -days 2 2>/dev/null
cat >nginx.conf <<'X'
worker_processes 2;
pid /srv/nginx.pid;
error_log /srv/error.log;
events { worker_connections 128; }
http {
    access_log off;
    server { listen 127.0.0.1:8080; root /srv/www; }
    server { listen 127.0.0.1:8443 ssl; ssl_certificate /srv/cert; ssl_certificate_key /srv/key; root /srv/www; }
}
X
must /usr/sbin/nginx -c /srv/nginx.conf
small() { is "small file" "$(curl -sS -m 60 http://127.0.0.1:8080/small)" hello; }
small
master=$(cat nginx.pid)
await has_children "$master" 2
workers=$(children "$master")
kill -HUP "$master"
await has_new_children "$master" 2 "$workers"
small
ab -q -n 400 -c 8 http://127.0.0.1:8080/small >ab.log || cat ab.log
is "failed requests" "$(awk '/^Failed/ { print $3 }' ab.log)" 0
kill -USR2 "$master"
await test -s nginx.pid.oldbin -a -s nginx.pid
upgraded=$(cat nginx.pid)
[ "$upgraded" != "$master" ] || { echo "no new master"; exit 1; }
await has_children "$upgraded" 2
kill -WINCH "$master"
await has_children "$master" 1 # the new master
small
kill -QUIT "$master"
await gone "$master"
curl -sSk -m 60 https://127.0.0.1:8443/large | must cmp - www/large
kill -QUIT "$upgraded"
await gone "$upgraded"
is "errors" "$(grep -cE 'crit|alert|emerg' error.log)" 0
echo fine
