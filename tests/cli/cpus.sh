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

# How many CPUs a process has: those that clade has, or --cpus, or what the image says.
same "CPUs" "$(/usr/bin/nproc)" "$("$CLADE" run nproc)"
same "CPUs, held on one" 1 "$(taskset -c 0 "$CLADE" run nproc)"
same "--cpus 3" 3 "$("$CLADE" run --cpus 3 nproc)"
"$CLADE" build -o one.clade --cpus 1 nproc
same "an image of one CPU" 1 "$("$CLADE" run one.clade)"
same "may ask the host for less" "0" "$("$CLADE" inspect one.clade | grep -c 'host calls.*sigaltstack')"
same "and be given more" 2 "$("$CLADE" run --cpus 2 one.clade)"
"$CLADE" build -o rights.clade --rights memory,tick,fork nproc
same "an image without the right to more" 1 "$("$CLADE" run rights.clade)"
