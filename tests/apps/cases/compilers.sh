# SPDX-License-Identifier: BSD-3-Clause
# gcc's compiler proper on a real file, and programs compiled here, run unchanged.
CC1=$(gcc -print-prog-name=cc1)
if need gcc && [ -x "$CC1" ]; then
    gcc -E -Ikernel -I. -ffreestanding kernel/base/printf.c -o "$T/printf.i" &&
        same cc1 -o "--add $T/printf.i:/printf.i" -i "$T/printf.i" "$CC1" -fpreprocessed -quiet -O2 -o - -
fi
compiled() { # NAME COMPILER COMMAND...: makes $T/NAME, then compares a run
    local name=$1
    shift
    need "$1" || return 0
    if ! (cd "$T" && HOME=$T GOCACHE=$T/gocache GOFLAGS=-mod=mod GO111MODULE=off "$@") >"$T/out" 2>"$T/err"; then
        fail "$case_name: $name" "does not compile"
        return 0
    fi
    same "$name" "$T/$name"
    rm -rf "$T/gocache"
}
compiled c-static gcc -O2 -static -pthread "$P/threads.c" -o c-static
compiled c-musl musl-gcc -O2 -pthread "$P/threads.c" -o c-musl
compiled c-musl-static musl-gcc -O2 -static -pthread "$P/threads.c" -o c-musl-static
compiled openmp gcc -O2 -fopenmp "$P/openmp.c" -o openmp
compiled cpp g++ -O2 -pthread "$P/exceptions.cc" -o cpp
compiled go go build -o go "$P/goroutines.go"
compiled rust rustc -O "$P/channels.rs" -o rust
cp "$P/threads_ocaml.ml" "$P/sparks.hs" "$T/"
compiled ocaml ocamlopt -I +threads unix.cmxa threads.cmxa threads_ocaml.ml -o ocaml
compiled haskell ghc -O -threaded -rtsopts -with-rtsopts=-N2 sparks.hs -o haskell
