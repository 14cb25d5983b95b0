# SPDX-License-Identifier: BSD-3-Clause
# What goes into an image: programs, libraries, links, scripts, files and folders.
passes "build" "$CLADE" build -o true.clade true
has "program" true.clade /usr/bin/true
has "C library" true.clade /usr/lib/x86_64-linux-gnu/libc.so.6
has "interpreter" true.clade /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
has "link of the interpreter" true.clade \
    "/usr/lib64/ld-linux-x86-64.so.2 -> $(readlink /usr/lib64/ld-linux-x86-64.so.2)"
has "unwinder of glibc" true.clade /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
has "kernel" true.clade /.clade/kernel
has "manifest" true.clade /.clade/manifest
for path in /dev /proc /tmp /etc/passwd /etc/shadow /etc/hosts /etc/nsswitch.conf "/lib -> usr/lib"; do
    has "skeleton" true.clade "$path"
done
same "host's users stay out" "root daemon bin sys mail proxy www backup nobody" \
    "$(grep -o '^[a-z]*' <("$CLADE" inspect -l true.clade >/dev/null; fsck.erofs --extract=out true.clade >/dev/null 2>&1; cat out/etc/passwd) | xargs)"
cmp -s out/usr/bin/true /usr/bin/true && pass || fail "the program's bytes"
same "time of the program" "$(stat -Lc %y /usr/bin/true)" "$(stat -c %y out/usr/bin/true)"
passes "build again" "$CLADE" build -o true2.clade true
passes "the same image from the same files" cmp true.clade true2.clade
passes "build over an image" "$CLADE" build -o true.clade ls
has "build over an image" true.clade /usr/bin/ls

# links
cp /bin/true prog && mkdir one && ln -s ../prog one/link && ln -s one/link start
passes "program behind links" "$CLADE" build -o link.clade ./start
has "first link" link.clade "$T/start -> one/link"
has "second link" link.clade "$T/one/link -> ../prog"
has "the program" link.clade "$T/prog"
ln -s loop loop
fails "links in a loop" 125 "ymbolic link" "$CLADE" build -o x.clade ./loop

# scripts
printf '#!/bin/sh -e\ntrue\n' >script && chmod +x script
passes "script" "$CLADE" build -o script.clade ./script
has "script" script.clade "$T/script"
has "interpreter of a script" script.clade /usr/bin/dash
has "link of the interpreter" script.clade "/usr/bin/sh -> dash"
printf '#!/usr/bin/env -S gawk -f\n' >script2 && printf '#!%s/script2\n' "$T" >script3
printf '#!/usr/bin/env true\n' >script4 && chmod +x script?
passes "script of env" "$CLADE" build -o script.clade ./script4
has "what env looks for" script.clade /usr/bin/true
printf '#!%s/selfish\n' "$T" >selfish && chmod +x selfish
fails "script of itself" 126 "interpret each other" "$CLADE" build -o x.clade ./selfish
printf '#!/no/such/shell\n' >lost && chmod +x lost
fails "script without its interpreter" 127 "/no/such/shell" "$CLADE" build -o x.clade ./lost
printf '#!\n' >nameless && chmod +x nameless
fails "script that names none" 126 "no interpreter" "$CLADE" build -o x.clade ./nameless

# --add
mkdir -p tree/sub tree/empty && echo text >tree/sub/file && ln tree/sub/file tree/second
ln -s sub/file tree/link && ln -s /nowhere tree/dangling && mkfifo tree/fifo
touch -d '2001-02-03 04:05:06.789' tree/sub/file && chmod 2750 tree/empty
passes "--add folder:place" "$CLADE" build -o add.clade --add tree:/data/x true
has "file" add.clade /data/x/sub/file
has "link" add.clade "/data/x/link -> sub/file"
has "dangling link" add.clade "/data/x/dangling -> /nowhere"
has "fifo" add.clade /data/x/fifo
rm -rf out && fsck.erofs --extract=out add.clade >/dev/null 2>&1
same "hard links" "Links: 2" "$(dump.erofs --path=/data/x/second add.clade | grep -o 'Links: [0-9]*')"
same "modes" 2750 "$(stat -c %a out/data/x/empty)"
same "times" "$(stat -c %y tree/sub/file)" "$(stat -c %y out/data/x/sub/file)"
passes "--add folder" "$CLADE" build -o add.clade -a tree true
has "at its own place" add.clade "$T/tree/sub/file"
passes "--add file:place" "$CLADE" build -o add.clade --add tree/link:/etc/conf true
has "what the link leads to" add.clade /etc/conf
passes "--add through a link of the image" "$CLADE" build -o add.clade --add tree:/lib/extra true
has "through /lib" add.clade /usr/lib/extra/sub/file
passes "--add over a packed file" "$CLADE" build -o add.clade --add tree/second:/usr/bin/true true
rm -rf out && fsck.erofs --extract=out add.clade >/dev/null 2>&1
same "the last word wins" text "$(cat out/usr/bin/true)"
passes "--add of an ELF" "$CLADE" build -o add.clade --add /bin/ls:/opt/ls true
has "its libraries" add.clade /usr/lib/x86_64-linux-gnu/libselinux.so.1
cp "tree/sub/file" "with:colon"
passes "--add of a name with a colon" "$CLADE" build -o add.clade --add with:colon true
has "with a colon" add.clade "$T/with:colon"
fails "--add of nothing" 125 "/no/such: No such file" "$CLADE" build -o x.clade --add /no/such true
fails "--add below a file" 125 "stands in the way" \
    "$CLADE" build -o x.clade --add tree:/usr/bin/true/x true
fails "--add of a folder over a file" 125 "both as a folder" \
    "$CLADE" build -o x.clade --add tree:/usr/bin/true true

# --root
mkdir -p root/bin root/etc && cp /bin/true root/bin/prog && echo 'x:x:1:1::/:' >root/etc/passwd
cp -a /dev/null root/null 2>/dev/null
passes "--root" "$CLADE" build -o root.clade --root root prog
has "program in the tree" root.clade /bin/prog
has_not "nothing of the host" root.clade /usr/lib/x86_64-linux-gnu/libc.so.6
has "folders to mount on" root.clade /proc
rm -rf out && fsck.erofs --extract=out root.clade >/dev/null 2>&1
same "the tree's own users" 'x:x:1:1::/:' "$(cat out/etc/passwd)"
if is_root; then
    chown 12:34 root/bin/prog
    passes "--root with owners" "$CLADE" build -o root.clade --root root /bin/prog
    same "owners" "12 34" "$("$CLADE" inspect -l root.clade | awk '$5 == "/bin/prog" {print $2, $3}')"
    has "device" root.clade /null
else
    skip "--root with owners" "needs root"
fi
fails "--root without the program" 127 "no such program in" "$CLADE" build -o x.clade --root root ls
fails "--root with a relative program" 125 "absolute path" \
    "$CLADE" build -o x.clade --root root bin/prog
fails "--root of a file" 125 "not a folder" "$CLADE" build -o x.clade --root prog prog
fails "--root of nothing" 125 "/no/such" "$CLADE" build -o x.clade --root /no/such prog
fails "--root /" 125 "whole host" "$CLADE" build -o x.clade --root / prog

# --deb
passes "--deb" "$CLADE" build -o deb.clade --deb coreutils true
has "file of the package" deb.clade /usr/bin/cksum
has "file of a dependency" deb.clade /usr/lib/x86_64-linux-gnu/libgmp.so.10.4.1
has_not "documentation" deb.clade /usr/share/doc/coreutils/copyright
passes "--deb of packages that were set up" \
    "$CLADE" build -o setup.clade --deb libpam-runtime --deb apt --deb man-db true
has "what its script made in a shared folder" setup.clade /etc/pam.d/common-auth
has_not "what others have there" setup.clade /etc/default/locale
rm -rf out && fsck.erofs --extract=out setup.clade >/dev/null 2>&1
same "the packages' users" "_apt man" \
    "$(cut -d: -f1 out/etc/passwd | grep -x -e man -e _apt | LC_ALL=C sort | xargs)"
same "each has a line in shadow" "$(cut -d: -f1 out/etc/passwd | xargs)" \
    "$(sed -n 's/:[*]:.*//p' out/etc/shadow | xargs)"
same "and groups" "man:x:$(id -g man):" "$(grep ^man: out/etc/group)"
if is_root; then
    same "a folder of such a user" "$(stat -c '%u %g' /var/cache/man)" \
        "$("$CLADE" inspect -l setup.clade | awk '$5 == "/var/cache/man" {print $2, $3}')"
fi
same "the guest's own name has an address" "$(printf '127.0.1.1\tclade')" "$(tail -n 1 out/etc/hosts)"
has "a folder that every Debian has" setup.clade /var/log
same "and a link of that kind" "/var/run -> /run" "$("$CLADE" inspect -l setup.clade | sed -n 's|.* \(/var/run .*\)|\1|p')"
if [ -e /lib/systemd/system/redis-server.service ]; then
    passes "--deb of a server" "$CLADE" build -o server.clade --deb redis-server true
    has "the folder that its unit asks for" server.clade /run/redis
fi
fails "--deb of nothing" 125 "no such package" "$CLADE" build -o x.clade --deb no-such-package true

# A file with holes stays one: neither the copy nor the image takes its size of the disk.
truncate -s 64M tree/holes && echo end >>tree/holes
passes "a sparse file" "$CLADE" build -o sparse.clade --add tree/holes:/holes md5sum /holes
same "its contents" "$(md5sum <tree/holes | cut -d' ' -f1)" "$("$CLADE" run sparse.clade 2>/dev/null | cut -d' ' -f1)"
same "the image has holes" yes "$([ "$(stat -c %b sparse.clade)" -lt 65536 ] && echo yes)"
passes "and is whole" "$CLADE" inspect --verify sparse.clade
rm tree/holes

# With libtinfo come the usual terminals.
if [ -e /lib/terminfo/x/xterm ]; then
    passes "bash" "$CLADE" build -o bash.clade bash
    has "terminals" bash.clade /usr/lib/terminfo/x/xterm
    has_not "terminals where nothing asks for them" true.clade /usr/lib/terminfo/x/xterm
else
    skip "terminals" "there is no ncurses-base"
fi
