# SPDX-License-Identifier: BSD-3-Clause
# redis under load while children save its memory: BGSAVE, a rewrite of the log, a start from it, and from the snapshot.
. "${0%/*}/lib.sh"
mkdir -p /srv/data && cd /srv || exit
serve() { # OPTION...
    redis-server --port 6379 --bind 127.0.0.1 --save "" --dir /srv/data "$@" >>log 2>&1 &
    server=$!
    await sh -c 'redis-cli ping | grep -q PONG'
    await sh -c 'redis-cli info persistence | grep -q loading:0'
}
stop() {
    redis-cli shutdown nosave
    wait "$server" || { echo "server: $?"; cat log; exit 1; }
}
state() { redis-cli info persistence | tr -d '\r' | sed -n "s/^$1://p"; }
finished() { [ "$(state "$1")" = 0 ]; }
serve --appendonly yes
redis-cli config set auto-aof-rewrite-percentage 0 >/dev/null
(while [ ! -e enough ]; do redis-benchmark -q -n 4000 -r 20000 -t set,lpush -P 8 >/dev/null || exit; done) &
load=$!
await sh -c '[ "$(redis-cli dbsize)" -gt 1000 ]'
for i in 1 2 3; do
    redis-cli bgsave >/dev/null
    await finished rdb_bgsave_in_progress
    is bgsave "$(state rdb_last_bgsave_status)" ok
    redis-cli bgrewriteaof >/dev/null
    await finished aof_rewrite_in_progress
    is "rewrite of the log" "$(state aof_last_bgrewrite_status)" ok
done
touch enough
must wait "$load"
redis-cli bgsave >/dev/null
await finished rdb_bgsave_in_progress
is forks "$(redis-cli info stats | tr -d '\r' | sed -n 's/^total_forks://p')" 7
digest=$(redis-cli debug digest 2>/dev/null) keys=$(redis-cli dbsize)
stop
serve --appendonly yes
is "keys from the log" "$(redis-cli dbsize)" "$keys"
stop
serve --appendonly no
is "keys from the snapshot" "$(redis-cli dbsize)" "$keys"
is digest "$(redis-cli debug digest 2>/dev/null)" "$digest"
stop
echo fine
