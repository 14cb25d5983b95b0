# SPDX-License-Identifier: BSD-3-Clause
# redis-server behind a TAP, and its clients outside.
need ip redis-server redis-cli redis-benchmark || return 0
network || return 0
printf 'port 6379\nbind 0.0.0.0 ::\nprotected-mode no\ndaemonize no\nsave ""\n' >"$T/redis.conf"
start $TAP -d redis-server -a "$T/redis.conf" -- /usr/bin/redis-server "$T/redis.conf"
if until_ok "$LIMIT" $within redis-cli -h 10.77.0.2 ping; then
    says set OK $within redis-cli -h 10.77.0.2 set key value
    says "get, IPv6" value $within redis-cli -h fd77::2 get key
    says "a large value" OK sh -c "head -c 5000000 /dev/zero | tr '\\0' a | $within redis-cli -h 10.77.0.2 -x set large"
    says "its length" 5000000 $within redis-cli -h 10.77.0.2 strlen large
    says benchmark "requests per second" $within redis-benchmark -h 10.77.0.2 -n 20000 -q -t ping,set,get,incr,lpush,lrange_300
    says "benchmark, pipelined" "requests per second" $within redis-benchmark -h 10.77.0.2 -n 100000 -P 16 -q -t set,get
    says "many connections" "requests per second" $within redis-benchmark -h 10.77.0.2 -n 20000 -c 500 -q -t get
    says "a connection each" "requests per second" $within redis-benchmark -h 10.77.0.2 -n 3000 -k 0 -q -t get
else
    fail "$case_name" "no answer"
fi
