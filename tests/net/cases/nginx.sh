# SPDX-License-Identifier: BSD-3-Clause
# nginx behind a TAP: small, middle and large files, whole and by ranges, over IPv4 and IPv6.
need ip nginx curl || return 0
network || return 0
mkdir -p "$T/www"
head -c 612 /dev/urandom >"$T/www/small"
head -c 1048576 /dev/urandom >"$T/www/middle"
head -c 104857600 /dev/zero | openssl enc -aes-128-ctr -pass pass:clade -nosalt >"$T/www/large" 2>/dev/null
cat >"$T/nginx.conf" <<CONF
daemon off;
master_process off;
error_log stderr;
pid /tmp/nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    server { listen 80; listen [::]:80; root $T/www; }
}
CONF
start $TAP -d nginx-light -a "$T/www" -a "$T/nginx.conf" -a /var/lib/nginx -a /var/log/nginx -- \
    /usr/sbin/nginx -c "$T/nginx.conf"
if until_ok "$LIMIT" $within curl -sf -m 3 -o "$T/got" http://10.77.0.2/small; then
    for host in 10.77.0.2 '[fd77::2]'; do
        for size in small middle large; do
            says "$size from $host" same sh -c "$within curl -sf -m 60 'http://$host/$size' | cmp - '$T/www/$size' && echo same"
        done
    done
    says "a range" 206 $within curl -s -o "$T/got" -w '%{http_code}' -r 1000-500000 http://10.77.0.2/middle
    says "not found" 404 $within curl -s -o "$T/got" -w '%{http_code}' http://10.77.0.2/none
    if need wrk; then
        says "wrk, no errors" "Requests/sec" sh -c "$within wrk -t1 -c50 -d3 http://10.77.0.2/small | tee '$T/wrk'; ! grep -E 'Socket errors|Non-2xx' '$T/wrk'"
    fi
else
    fail "$case_name" "no answer"
fi
