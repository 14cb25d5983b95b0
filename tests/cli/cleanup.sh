# SPDX-License-Identifier: BSD-3-Clause
# Nothing is left behind, however packing ends.
mkdir many && for i in $(seq 300); do head -c 300000 /dev/zero >"many/$i"; done
for signal in INT TERM KILL; do
    "$CLADE" build -o x.clade --add many true 2>/dev/null &
    pid=$!
    for _ in $(seq 200); do
        [ -n "$(ls "$T/cache/clade/staging" 2>/dev/null)" ] && break
        sleep 0.01
    done
    # In the background of a script Ctrl-C's signal is ignored; a terminal's is not.
    [ $signal = INT ] && signal=HUP
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
