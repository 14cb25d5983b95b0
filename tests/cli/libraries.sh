# SPDX-License-Identifier: BSD-3-Clause
# Libraries are found as ld.so finds them.
echo 'int deep(void) { return 0; }' >deep.c
echo 'int deep(void); int lib(void) { return deep(); }' >lib.c
echo 'int lib(void); int main(void) { return lib(); }' >main.c
mkdir -p lib deep env && D=$T

gcc -shared -fPIC deep.c -o deep/libdeep.so
gcc -shared -fPIC lib.c -o lib/libtest.so -Ldeep -ldeep
link() {
    gcc main.c -o "$1" -Llib -ltest -Wl,--allow-shlib-undefined "${@:2}"
}

# shellcheck disable=SC2016
link origin '-Wl,-rpath,$ORIGIN/lib' -Wl,--enable-new-dtags
fails "RUNPATH does not reach the library's own needs" 127 "libdeep.so is missing; $D/lib/libtest.so" \
    "$CLADE" build -o x.clade ./origin
# shellcheck disable=SC2016
link rpath '-Wl,-rpath,$ORIGIN/lib:${ORIGIN}/deep' -Wl,--disable-new-dtags
passes "RPATH does" "$CLADE" build -o rpath.clade ./rpath
has "RPATH" rpath.clade "$D/lib/libtest.so"
has "RPATH of the loader" rpath.clade "$D/deep/libdeep.so"
link plain
fails "missing library" 127 "the library libtest.so is missing; $D/plain needs it" \
    "$CLADE" build -o x.clade ./plain
same "no image is left" "" "$(ls x.clade* 2>/dev/null)"
passes "LD_LIBRARY_PATH" env LD_LIBRARY_PATH=lib:deep "$CLADE" build -o env.clade ./plain
has "LD_LIBRARY_PATH" env.clade "$D/deep/libdeep.so"
same "the guest is told" "LD_LIBRARY_PATH=$D/lib:$D/deep" \
    "$("$CLADE" inspect env.clade | grep -o 'LD_LIBRARY_PATH.*')"

# A library of another machine: the same file with another e_machine (AArch64 is 183).
for file in lib/libtest.so plain; do
    cp $file "env/$(basename $file)" && printf '\267' | dd of="env/$(basename $file)" bs=1 seek=18 \
        conv=notrunc status=none
done
fails "library for another machine" 127 "only here for another machine" \
    env LD_LIBRARY_PATH=env "$CLADE" build -o x.clade ./plain
passes "the search goes on behind it" \
    env LD_LIBRARY_PATH=env:lib:deep "$CLADE" build -o env.clade ./plain
has "the right one" env.clade "$D/lib/libtest.so"
has_not "not the wrong one" env.clade "$D/env/libtest.so"
fails "program for another machine" 126 "another architecture" "$CLADE" build -o x.clade ./env/plain
cp plain plain32 && printf '\1' | dd of=plain32 bs=1 seek=4 conv=notrunc status=none
fails "32-bit program" 126 "64-bit x86" "$CLADE" build -o x.clade ./plain32
head -c 100 plain >short && chmod +x short
fails "truncated program" 126 short "$CLADE" build -o x.clade ./short

gcc main.c lib.c deep.c -o strange -Wl,--dynamic-linker=/no/such/ld.so
fails "missing interpreter" 127 "the interpreter /no/such/ld.so is missing" \
    "$CLADE" build -o x.clade ./strange
gcc -shared -fPIC main.c -o "slash.so" -Wl,-soname,./lib/slashed.so && cp slash.so lib/slashed.so

mkdir plugins && cp lib/libtest.so plugins
passes "a folder's library that lacks one" "$CLADE" build -o add.clade --add plugins true
same "is a warning" "clade: warning: the library libdeep.so is missing; $D/plugins/libtest.so needs it" \
    "$("$CLADE" build -o add.clade --add plugins true 2>&1)"

gcc -static main.c lib.c deep.c -o static
passes "static program" "$CLADE" build -o static.clade ./static
has_not "no library" static.clade /usr/lib/x86_64-linux-gnu/libc.so.6
passes "static program without rights" "$CLADE" build -o static.clade --rights none ./static
same "no rights" "none: seven host system calls" \
    "$("$CLADE" inspect static.clade | sed -n 's/^rights *//p')"
fails "dynamic program without rights" 125 "linked statically" \
    "$CLADE" build -o x.clade --rights none true
fails "none and others" 125 "no other right" "$CLADE" build -o x.clade --rights none,tick ./static

if command -v musl-gcc >/dev/null; then
    musl-gcc main.c lib.c deep.c -o musl
    passes "musl" "$CLADE" build -o musl.clade ./musl
    has "musl's interpreter" musl.clade "$(readlink -f /lib/ld-musl-x86_64.so.1)"
    has_not "not glibc" musl.clade /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
else
    skip "musl" "there is no musl-gcc (package musl-tools)"
fi
