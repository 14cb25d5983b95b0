# SPDX-License-Identifier: BSD-3-Clause
# 200 MB through xz and zstd and back, on standard input and output.
need xz zstd || return 0
head -c 150000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null | head -c 4000000 >"$T/noise"
{ for i in $(seq 24); do cat "$T/noise" /bin/bash /usr/bin/openssl; done | head -c 200000000; } >"$T/big"
sum=$(sha256sum <"$T/big" | cut -c 1-64)
round_trip() { # NAME PROGRAM LEVEL
    timeout "$LIMIT" "$CLADE" run "$2" "$3" -T1 -c <"$T/big" >"$T/packed" 2>"$T/err"
    if [ "$(timeout "$LIMIT" "$CLADE" run "$2" -dc <"$T/packed" 2>>"$T/err" | sha256sum | cut -c 1-64)" = "$sum" ]; then
        pass "$case_name: $1"
    else
        fail "$case_name: $1" "what came back differs"
    fi
    "$2" -dc <"$T/packed" 2>/dev/null | sha256sum | grep -q "^$sum" ||
        fail "$case_name: $1" "the native program cannot read it"
}
round_trip xz /usr/bin/xz -0
round_trip zstd /usr/bin/zstd -3
same zstd-threads -i "$T/noise" /usr/bin/zstd -T4 -c
rm -f "$T/big" "$T/packed"
