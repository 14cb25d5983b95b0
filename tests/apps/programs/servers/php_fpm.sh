# SPDX-License-Identifier: BSD-3-Clause
# PHP's process manager behind nginx, over a Unix socket, and asked directly; workers that end after some requests.
. "${0%/*}/lib.sh"
mkdir -p /srv /var/log/nginx /var/lib/nginx && cd /srv || exit
cat >fpm.conf <<'X'
[global]
pid = /srv/fpm.pid
error_log = /srv/fpm.log
[www]
user = www-data
listen = /srv/fpm.sock
listen.mode = 0666
pm = dynamic
pm.max_children = 4
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
pm.max_requests = 50
X
cat >nginx.conf <<'X'
pid /srv/nginx.pid;
error_log /srv/error.log;
events { }
http {
    access_log off;
    server {
        listen 127.0.0.1:8080;
        location / {
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param SCRIPT_FILENAME /srv$fastcgi_script_name;
            fastcgi_pass unix:/srv/fpm.sock;
        }
    }
}
X
echo '<?php echo "sum ", array_sum(range(1, 100)), " ", $_GET["q"];' >a.php
must php-fpm8.2 -y /srv/fpm.conf
must /usr/sbin/nginx -c /srv/nginx.conf
is page "$(curl -sS -m 60 'http://127.0.0.1:8080/a.php?q=1')" "sum 5050 1"
ab -q -n 300 -c 4 'http://127.0.0.1:8080/a.php?q=2' >ab.log || cat ab.log
is "failed requests" "$(awk '/^Failed/ { print $3 }' ab.log)" 0
is "other answers" "$(grep -c Non-2xx ab.log)" 0
master=$(cat fpm.pid)
workers=$(children "$master")
kill -USR2 "$master" # reload: execs itself
changed() { [ "$(children "$master")" != "$workers" ]; }
await changed
await sh -c 'curl -sS -m 60 "http://127.0.0.1:8080/a.php?q=3" | grep -q "sum 5050 3"'
direct=$(QUERY_STRING=q=4 REQUEST_METHOD=GET SCRIPT_FILENAME=/srv/a.php cgi-fcgi -bind -connect /srv/fpm.sock | tail -n 1)
is direct "$direct" "sum 5050 4"
kill -QUIT "$(cat nginx.pid)" "$master"
await gone "$master"
is crashes "$(grep -c 'exited on signal' fpm.log)" 0
echo fine
