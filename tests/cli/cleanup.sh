# SPDX-License-Identifier: BSD-3-Clause
# Nothing is left behind, however packing ends.
mkdir many slow && for i in $(seq 30); do head -c 300000 /dev/zero >"many/$i"; done
# An mkfs.erofs that never ends, so that a signal comes before the image is made.
printf '#!/bin/sh\nexec sleep 100\n' >slow/mkfs.erofs && chmod +x slow/mkfs.erofs
for signal in INT HUP TERM KILL; do
    # A script's background jobs, and whoever runs under nohup, ignore some of them.
    PATH=$T/slow:$PATH env --default-signal=INT,HUP "$CLADE" build -o x.clade --add many true 2>/dev/null &
    pid=$!
    for _ in $(seq 1000); do
        [ -n "$(pgrep -P $pid sleep)" ] && break
        sleep 0.01
    done
    same "staging folder while it works" 1 "$(ls "$T/cache/clade/staging" | wc -l)"
    kill -$signal $pid
    wait $pid 2>/dev/null
    for _ in $(seq 200); do
        [ -z "$(ls "$T/cache/clade/staging")" ] && break
        sleep 0.02
    done
    same "staging folder after SIG$signal" "" "$(ls "$T/cache/clade/staging")"
    same "image after SIG$signal" "" "$(ls x.clade* 2>/dev/null)"
    same "mkfs.erofs after SIG$signal" "" "$(pgrep -P $pid)"
done

# A folder whose maker and cleaner are both gone is removed by the next one.
mkdir -p "$T/cache/clade/staging/stale/x"
passes "next build" "$CLADE" build -o x.clade true
same "stale folder" "" "$(ls "$T/cache/clade/staging")"
