# SPDX-License-Identifier: BSD-3-Clause
# What an image says of itself, and that Linux mounts it.
"$CLADE" build -o x.clade --env A=1 --env "B=two words" -e PATH=/bin --workdir /tmp --memory 512M --cpus 2 \
    --hostname box --rights memory ls -l "an arg"
field() {
    "$CLADE" inspect x.clade | sed -n "/^$1 /,/^[^ ]/{/^$1 /s/^[^ ]* *//p;/^ /s/^ *//p}" | paste -sd'|'
}
same "program" /usr/bin/ls "$(field program)"
same "arguments" "ls|-l|an arg" "$(field arguments)"
same "environment" "HOME=/root|A=1|B=two words|PATH=/bin" "$(field environment)"
same "workdir" /tmp "$(field workdir)"
same "memory" "512.0 MiB" "$(field memory)"
same "vCPUs" 2 "$(field vCPUs)"
same "hostname" box "$(field hostname)"
same "rights" memory "$(field rights)"
same "--env of clade's own" "FROM=outside" \
    "$(FROM=outside "$CLADE" build -o y.clade --env FROM true; "$CLADE" inspect y.clade | grep -o 'FROM.*')"
passes "--verify" "$CLADE" inspect --verify x.clade
same "hash" "$(tail -c +1025 x.clade | b2sum -l 256 | cut -d' ' -f1)" \
    "$("$CLADE" inspect x.clade | grep -oE '[0-9a-f]{64}')"
same "fsck" 0 "$(fsck.erofs x.clade >/dev/null 2>&1; echo $?)"
same "all data is page-aligned" "" "$(for path in /usr/bin/ls /etc/hosts /.clade/kernel; do
    dump.erofs --path=$path x.clade | grep -o 'Layout: [1-9].*'; done)"
if is_root && mkdir mnt && mount -t erofs -o loop,ro x.clade mnt 2>/dev/null; then
    passes "mounted, the program is there" cmp mnt/usr/bin/ls /usr/bin/ls
    passes "and works" chroot mnt /usr/bin/ls /
    umount mnt
else
    skip "mount" "needs root, and a kernel with EROFS and loop devices"
fi
