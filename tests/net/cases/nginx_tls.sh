# SPDX-License-Identifier: BSD-3-Clause
# nginx with TLS and two workers behind a TAP: a large file (1 GiB with CLADE_LONG=1), a reload while it is fetched.
need ip nginx curl openssl || return 0
network || return 0
size=32M
[ -z "${CLADE_LONG-}" ] || size=1G
mkdir -p "$T/tls"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/tls/key" -out "$T/tls/cert" -subj /CN=guest.example \
    -addext subjectAltName=DNS:guest.example -days 2 2>/dev/null
head -c "$size" /dev/zero | openssl enc -aes-128-ctr -pass pass:clade -nosalt >"$T/tls/large" 2>/dev/null
cat >"$T/tls/nginx.conf" <<CONF
daemon off;
worker_processes 2;
error_log stderr;
pid /tmp/nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    server {
        listen 443 ssl;
        listen [::]:443 ssl;
        ssl_certificate $T/tls/cert;
        ssl_certificate_key $T/tls/key;
        root $T/tls;
    }
}
CONF
start $TAP -d nginx-light -a "$T/tls" -a /var/lib/nginx -a /var/log/nginx -- /usr/sbin/nginx -c "$T/tls/nginx.conf"
get="$within curl -sf -m 250 --cacert $T/tls/cert"
if until_ok 100 $get --resolve guest.example:443:10.77.0.2 -o "$T/got" https://guest.example/cert; then
    for host in 10.77.0.2 '[fd77::2]'; do
        says "large file from $host" same sh -c "$get --resolve 'guest.example:443:$host' https://guest.example/large | cmp - '$T/tls/large' && echo same"
    done
    says "sessions resumed" Reused sh -c "$within openssl s_client -connect 10.77.0.2:443 -reconnect -tls1_2 </dev/null"
else
    fail "$case_name" "no answer"
fi
rm -f "$T/tls/large"
