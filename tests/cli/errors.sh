# SPDX-License-Identifier: BSD-3-Clause
# Whenever clade can't go on one line says why, and the exit status is a shell's.
fails "no such program" 127 "no such program in the folders of PATH" "$CLADE" run no-such-program
fails "no such path" 127 "./nothing: no such program" "$CLADE" run ./nothing
fails "empty name" 127 "no such program" "$CLADE" run ""
echo text >text
fails "not executable" 126 "not an executable file" "$CLADE" run ./text
fails "a folder" 126 "not an executable file" "$CLADE" run /etc
chmod +x text
fails "neither ELF nor script" 126 "not an ELF file" "$CLADE" run ./text
: >empty && chmod +x empty
fails "empty file" 126 "empty" "$CLADE" run ./empty

fails "no -o" 125 "needs -o FILE" "$CLADE" build true 2>&1
fails "output in no folder" 125 "No such file" "$CLADE" build -o /no/such/x.clade true
fails "output is a folder" 125 "is no file" "$CLADE" build -o /tmp true
fails "no mkfs.erofs" 125 "erofs-utils" env PATH=/nowhere "$CLADE" build -o x.clade /bin/true

# a file that the host has, and the image has not
wanted() { "$CLADE" run --debug sh -c "$@" 2>&1 </dev/null | grep 'the program asked' | sed 's/.*asked for //'; }
same "a file of a package" \
    "/etc/debian_version, which this host has and the image has not: --deb base-files packs it" \
    "$(wanted 'read x </etc/debian_version')"
same "a program" "/usr/bin/sort, which this host has and the image has not: --deb coreutils packs it" \
    "$(wanted 'exec /usr/bin/sort')"
printf '#!/usr/bin/perl\n' >script.pl && chmod +x script.pl
same "the interpreter of a script" "/usr/bin/perl, which this host has and the image has not: --deb perl-base packs it" \
    "$("$CLADE" run --debug --add script.pl:/script.pl sh -c 'exec /script.pl' 2>&1 </dev/null |
        sed -n 's/.*the program asked for //p')"
same "of nobody" "$(wanted 'read x </etc/no-such-file')" ""
same "by a program that did not fail" "$(wanted 'test -e /etc/debian_version; true')" ""
passes "an image may be from elsewhere" "$CLADE" build -o missing.clade sh -c 'read x </etc/debian_version'
same "an image may be from elsewhere" 0 "$("$CLADE" run missing.clade 2>&1 | grep -c asked)"

# images
"$CLADE" build -o fine.clade true
fails "no such image" 127 "No such file" "$CLADE" run nothing.clade
fails "no such image to inspect" 127 "No such file" "$CLADE" inspect nothing.clade
fails "no image" 126 "not a Clade image" "$CLADE" inspect text
cp text text.clade
fails "no image to run" 126 "not a Clade image" "$CLADE" run text.clade
fails "a folder is no image" 126 "not a Clade image" "$CLADE" inspect /etc
head -c 100000 fine.clade >torn.clade
fails "torn image" 126 "torn" "$CLADE" inspect torn.clade
head -c 500 fine.clade >torn.clade
fails "image shorter than its header" 126 "not a Clade image" "$CLADE" inspect torn.clade
damage() {
    cp fine.clade damaged.clade
    printf 'XXXX' | dd of=damaged.clade bs=1 seek="$1" conv=notrunc status=none
}
damage 40
fails "damaged header" 126 "checksum" "$CLADE" inspect damaged.clade
damage 1024
fails "damaged superblock" 126 "torn" "$CLADE" inspect damaged.clade
damage 500000
passes "damaged contents show only when looked for" "$CLADE" inspect damaged.clade
fails "damaged contents" 126 "not those that were written" "$CLADE" inspect --verify damaged.clade
fails "packing options with an image" 125 "this one is made" "$CLADE" run --add text fine.clade

# rights of the host's files
if is_root; then
    cp /bin/true secret && chmod 711 secret && mkdir -m 755 open && echo x >open/secret
    chmod 600 open/secret
    fails "unreadable program" 126 "cannot read $T/secret: Permission denied" \
        as_user "$CLADE" build -o user/x.clade "$T/secret"
    fails "unreadable file" 125 "cannot read $T/open/secret: Permission denied" \
        as_user "$CLADE" build -o user/x.clade --add "$T/open" true
    fails "no permission to write" 125 "cannot write /x.clade: Permission denied" \
        as_user "$CLADE" build -o /x.clade true
    passes "an ordinary user builds" as_user "$CLADE" build -o user/x.clade --deb coreutils ls
    same "owners of an ordinary user's image" "0 0" \
        "$("$CLADE" inspect -l user/x.clade | awk '{print $2, $3}' | sort -u)"

    mkdir small && mount -t tmpfs -o size=1M none small
    fails "full disk" 125 "cannot write small/x.clade: the disk is full" \
        "$CLADE" build -o small/x.clade ls
    same "nothing is left on it" "" "$(ls small)"
    fails "full disk below the cache" 125 "No space left on device" \
        env XDG_CACHE_HOME="$T/small" "$CLADE" build -o x.clade ls
    same "nothing is left in it" "" "$(ls small/clade/staging)"
    umount small
else
    skip "rights, full disk" "needs root"
fi

# odd files
mkfifo pipe pipe.clade && mkdir odd && cp /bin/true odd/prog
fails "a FIFO is no image" 126 "not a Clade image" timeout 10 "$CLADE" run pipe.clade
fails "a FIFO to inspect" 126 "not a Clade image" timeout 10 "$CLADE" inspect pipe
fails "a FIFO is no program" 126 "not an executable file" timeout 10 "$CLADE" run ./pipe
passes "a FIFO to pack" timeout 20 "$CLADE" build -o x.clade --add "$T/pipe:/pipe" true
if command -v python3 >/dev/null; then
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("odd/socket")'
    fails "a socket" 125 "a socket is nothing without" "$CLADE" build -o x.clade --add odd/socket true
    passes "a socket in a folder" "$CLADE" build -o x.clade --add odd true
else
    skip "sockets" "there is no python3"
fi
touch "odd/$(printf 'x%.0s' $(seq 255))"
fails "a name that mkfs.erofs can't" 125 "names of 254 bytes at most" "$CLADE" build -o x.clade --add odd true
mkdir gone && fails "the folder we are in is gone" 125 "was called in can't be used" \
    sh -c "cd gone && rmdir ../gone && exec '$CLADE' run ./true"

# limits of the caller's
limited() {
    (ulimit "$1" "$2" && shift 2 && "$@")
}
fails "few descriptors" 126 "too many open files (ulimit -n)" limited -n 8 "$CLADE" run fine.clade
passes "descriptors enough" limited -n 20 "$CLADE" run fine.clade
fails "no files at all" 126 "larger than a file may be (ulimit -f)" limited -f 0 "$CLADE" run fine.clade
passes "no large files" limited -f 500000 "$CLADE" run fine.clade
fails "no image of that size" 125 "arge" limited -f 100 "$CLADE" build -o x.clade ls
fails "a TAP that is not there" 126 "there is no interface clade-none" "$CLADE" run --net tap=clade-none fine.clade
fails "a program of the host on a TAP that is not there" 126 "there is no interface clade-none" "$CLADE" run --net tap=clade-none true
