# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # of run
# Standard streams that are files of the host: the same natively and as a unikernel.

cat >stream.py <<'END'
import mmap, os, stat, sys
if sys.argv[1] == "in":
    status = os.fstat(0)
    print(stat.S_ISREG(status.st_mode), status.st_size, status.st_mode, status.st_nlink, status.st_mtime)
    print(os.lseek(0, 0, 2), os.lseek(0, 6, 0), os.read(0, 4), os.pread(0, 4, 1), os.lseek(0, 0, 1))
    print(mmap.mmap(0, 0, prot=mmap.PROT_READ)[10:20], open("/dev/stdin").read(5))
    if not os.fork():
        os.lseek(0, 100, 0)
        os._exit(0)
    os.wait()
    print(os.lseek(0, 0, 1))
else:
    print(stat.S_ISREG(os.fstat(1).st_mode), os.fstat(1).st_ino == os.fstat(2).st_ino, os.lseek(1, 0, 1), flush=True)
    os.write(2, b"error\n")
    os.lseek(1, 1, 0)
    os.write(1, b"X")
    os.pwrite(1, b"Y", 0)
    print(os.lseek(1, 0, 1), os.fstat(1).st_size, file=sys.stderr)
END
seq 1000 >data

# all COMMAND...: what a shell does with it
all() {
    "$@" tail -c 9 <data
    { "$@" head -n 1; head -n 1; } <data | md5sum
    { echo before; "$@" echo within; echo after; } >out
    cat out
    "$@" echo appended >>out
    cat out
    "$@" cat <out >>out
    echo $?
}

same "files as streams" "$(all env 2>&1)" "$(all "$CLADE" run --deb coreutils 2>&1)"
if command -v python3 >/dev/null && [ -x /usr/bin/python3 ] && dpkg-query -W python3-minimal >/dev/null 2>&1; then
    guest=("$CLADE" run --deb python3 --add stream.py)
    same "seeking input" "$(/usr/bin/python3 stream.py in <data)" "$("${guest[@]}" /usr/bin/python3 stream.py in <data)"
    /usr/bin/python3 stream.py out >native 2>&1
    "${guest[@]}" /usr/bin/python3 stream.py out >guest 2>&1
    same "seeking output" "$(cat native)" "$(cat guest)"
    /usr/bin/python3 stream.py out >>native 2>&1
    "${guest[@]}" /usr/bin/python3 stream.py out >>guest 2>&1
    same "appending" "$(cat native)" "$(cat guest)"
else
    skip "seeking" "there is no python3"
fi
