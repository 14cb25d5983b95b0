# SPDX-License-Identifier: BSD-3-Clause
# Programs of many processes: prints lines `name seconds`, the median of three. It runs natively and inside; all files
# are on a tmpfs, the servers listen on loopback, and their clients run beside them.
#     bash programs.sh [NAME...]       bash make postgres redis nginx
d=$(mktemp -d /dev/shm/clade.XXXXXX) && cd "$d" || exit
trap 'rm -rf "$d"' EXIT
export PATH=/usr/lib/postgresql/15/bin:/usr/sbin:$PATH HOME=$d

run() { # NAME COMMAND...: three times
    local name=$1 start end i
    shift
    for i in 1 2 3; do
        start=${EPOCHREALTIME/./}
        "$@" >>log 2>&1 || { echo "$name failed" >&2; tail -n 5 log >&2; return; }
        end=${EPOCHREALTIME/./}
        echo $((end - start))
    done | sort -n | awk -v n="$name" 'NR == 2 { printf "%s %.3f\n", n, $1 / 1e6 }'
}
await() {
    local i
    for i in $(seq 600); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "never: $*" >&2
    exit 1
}

commands() { local i; for i in $(seq 1000); do /bin/true; done; }
pipelines() { local i; for i in $(seq 200); do /bin/echo "$i" | /bin/cat | /bin/cat >/dev/null; done; }
try_bash() {
    run bash-1000-commands commands
    run bash-200-pipelines-of-3 pipelines
}

try_make() {
    local i
    for i in $(seq 24); do
        printf '#include <stdio.h>\n#include <stdlib.h>\nint f%d(int x) { return printf("%%d", x) + %d; }\n' "$i" "$i" >"f$i.c"
    done
    echo 'int main(void) { return 0; }' >main.c
    printf 'objects = $(patsubst %%.c,%%.o,$(wildcard *.c))\nall: $(objects)\n\tgcc -o all $^\n%%.o: %%.c\n\tgcc -O2 -c -o $@ $<\nclean:\n\trm -f *.o all\n' >Makefile
    again() { make clean && make -j2; }
    run make-j2-25-files again
}

try_postgres() {
    local user="" server clients script transactions
    [ "$(id -u)" != 0 ] || user="setpriv --reuid=postgres --regid=postgres --clear-groups"
    mkdir pg && chmod 755 "$d" && { [ -z "$user" ] || chown postgres:postgres pg; }
    $user initdb -U bench -D pg/data -A trust --no-sync >log 2>&1 || { tail -n 3 log >&2; return; }
    $user postgres -D pg/data -k "$d/pg" -c listen_addresses= -c fsync=off -c max_connections=20 >>log 2>&1 &
    server=$!
    await pg_isready -q -h "$d/pg"
    $user pgbench -U bench -h "$d/pg" -q -i -s 2 postgres >>log 2>&1
    for clients in 1 8; do
        for script in tpcb-like select-only; do
            transactions=$(((clients == 1 ? 2000 : 500) * (${#script} == 11 ? 2 : 1))) # select-only: twice as many
            run "pgbench-$script-$clients-clients" $user pgbench -U bench -h "$d/pg" -n -b $script -c $clients \
                -t "$transactions" postgres
        done
    done
    kill -INT $server
    wait $server
}

try_redis() {
    local server saver
    redis-server --port 7379 --bind 127.0.0.1 --save "" --dir "$d" >/dev/null &
    server=$!
    await redis-cli -p 7379 ping
    redis-cli -p 7379 debug populate 300000 key 100 >/dev/null
    bench() { redis-benchmark -p 7379 -q -n 60000 -r 300000 -c 20 -t set,get; }
    run redis-set-get bench
    while redis-cli -p 7379 bgsave >/dev/null 2>&1; do
        while redis-cli -p 7379 info persistence | grep -q in_progress:1; do sleep 0.05; done
    done &
    saver=$!
    run redis-set-get-during-bgsave bench
    kill $saver
    redis-cli -p 7379 shutdown nosave
    wait $server
}

try_nginx() {
    mkdir -p www logs
    head -c 612 /dev/zero >www/small
    cat >nginx.conf <<X
worker_processes 2;
daemon off;
pid $d/pid;
error_log $d/logs/error;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $d/logs/1; proxy_temp_path $d/logs/2; fastcgi_temp_path $d/logs/3;
    uwsgi_temp_path $d/logs/4; scgi_temp_path $d/logs/5;
    server { listen 127.0.0.1:7380 reuseport; root $d/www; }
}
X
    chmod 755 "$d"
    nginx -c "$d/nginx.conf" 2>/dev/null &
    local server=$!
    await curl -sf http://127.0.0.1:7380/small
    run nginx-2-workers-keep-alive ab -q -k -n 30000 -c 20 http://127.0.0.1:7380/small
    run nginx-2-workers-a-connection-each ab -q -n 5000 -c 20 http://127.0.0.1:7380/small
    kill -QUIT $server
    wait $server
}

[ $# -gt 0 ] || set -- bash make postgres redis nginx
for part in "$@"; do
    "try_$part"
done
