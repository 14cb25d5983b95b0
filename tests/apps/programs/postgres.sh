# SPDX-License-Identifier: BSD-3-Clause
# Runs inside: a database cluster made, served to several clients, stopped, and recovered after a crash.
# Its argument is how many transactions each client of pgbench makes.
set -e
transactions=$1
mkdir -p /pg /run/postgresql
chown 5000:5000 /pg /run/postgresql
cd /pg
echo 'postgres:x:5000:5000::/pg:/bin/sh' >>/etc/passwd
export PATH=/usr/lib/postgresql/15/bin:$PATH HOME=/pg
user="setpriv --reuid=5000 --regid=5000 --clear-groups"
serve() {
    $user postgres -D /pg/data -c listen_addresses= -c fsync=off >>/pg/log 2>&1 &
    server=$!
    for _ in $(seq 100); do
        $user pg_isready -q -h /run/postgresql && return
        sleep 0.1
    done
    cat /pg/log
    exit 1
}
query() { $user psql -h /run/postgresql -qtA postgres -c "$1"; }
$user initdb -D /pg/data -A trust --no-sync >/pg/initdb.log 2>&1 || { cat /pg/initdb.log; exit 1; }
serve
query 'create table t as select g, g * g as s from generate_series(1, 10000) g'
query 'select count(*), sum(s) from t'
$user pgbench -h /run/postgresql -q -i -s 1 postgres >/dev/null 2>&1
for clients in 1 8; do
    for script in tpcb-like select-only; do
        echo "$script, $clients clients"
        $user pgbench -h /run/postgresql -n -b $script -c $clients -t "$transactions" postgres 2>/dev/null |
            grep -E '^number of (transactions actually|failed)'
    done
done
query 'select sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts'
query 'select pg_sleep(30)' >/dev/null 2>&1 &
sleep 0.3
kill -9 "$(query "select pid from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()")"
for _ in $(seq 100); do # the server ends all backends, recovers, and serves again
    [ "$(query 'select count(*) from t' 2>/dev/null)" = 10000 ] && break
    sleep 0.1
done
echo "after the crash of a backend: $(query 'select count(*) from t')"
kill -INT $server
wait $server || true
echo stopped
