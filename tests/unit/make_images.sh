#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes the EROFS images that test_erofs.c and the fuzzer read: make_images.sh FOLDER
set -e
out=$1
tree=$out/tree
rm -rf "$tree"
mkdir -p "$tree/etc" "$tree/dev" "$tree/many" "$tree/empty"

printf 'hello\n' >"$tree/etc/hello"
: >"$tree/etc/nothing"
seq 1 20000 >"$tree/etc/numbers"                      # 108894 bytes: many blocks and a tail
head -c 8192 /dev/zero | tr '\0' 'z' >"$tree/etc/two_blocks"
ln "$tree/etc/hello" "$tree/etc/hello_again"
ln -s ../etc/hello "$tree/etc/link"
i=0
while [ $i -lt 1000 ]; do                             # a directory of several blocks
    : >"$tree/many/$(printf 'file_with_a_longer_name_%04d' $i)"
    i=$((i + 1))
done
chmod 750 "$tree/empty"
mkfifo "$tree/dev/fifo"
setfattr -n user.colour -v green "$tree/etc/hello" 2>/dev/null || true
setfattr -n user.shared -v 'the same for all of them' "$tree/etc/hello" "$tree/etc/numbers" \
    "$tree/etc/nothing" "$tree/etc/two_blocks" 2>/dev/null || true
find "$tree" -exec touch -h -d @1700000000 {} +

mkfs.erofs --quiet -T1700000000 -E noinline_data "$out/plain.erofs" "$tree" >/dev/null
mkfs.erofs --quiet -T1700000000 "$out/inline.erofs" "$tree" >/dev/null
mkfs.erofs --quiet -T1700000000 -E force-inode-extended "$out/extended.erofs" "$tree" >/dev/null
mkfs.erofs --quiet -T1700000000 -E force-inode-compact -x -1 "$out/compact.erofs" "$tree" >/dev/null
mkfs.erofs --quiet -zlz4hc "$out/compressed.erofs" "$tree" >/dev/null

# Small ones to start the fuzzer from.
mkdir -p "$out/fuzz_erofs"
rm -rf "$tree/many" "$tree/etc/numbers"
mkfs.erofs --quiet "$out/fuzz_erofs/inline" "$tree" >/dev/null
mkfs.erofs --quiet -E noinline_data "$out/fuzz_erofs/plain" "$tree" >/dev/null
rm -rf "$tree"
touch "$out/done"
