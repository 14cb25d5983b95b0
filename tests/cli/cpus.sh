# SPDX-License-Identifier: BSD-3-Clause
# The processors that clade may run on are those that all members may.
members() { # the member of this supervisor, and those that it has forked
    local first
    first=$(pgrep -P "$1" | head -1)
    echo "$first" ${first:+$(pgrep -P "$first")}
}
taskset -c 0 "$CLADE" run /bin/busybox sh -c 'sleep 100 & wait' >/dev/null 2>&1 &
pid=$!
for _ in $(seq 500); do
    [ "$(members $pid | wc -w)" = 2 ] && break
    sleep 0.02
done
same "members" 2 "$(members $pid | wc -w)"
# The first is held on one processor only while it starts.
same "their processors" "0 0" \
    "$(for member in $(members $pid); do sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$member/status"; done | xargs)"
kill -TERM $pid
wait $pid 2>/dev/null
