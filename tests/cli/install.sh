# SPDX-License-Identifier: BSD-3-Clause
# make install; the man page; bash completion.
top=$(cd "$here/../.." && pwd)
passes "make install" make -s -C "$top" install DESTDIR="$T/dest" PREFIX=/usr
for file in bin/clade share/man/man1/clade.1 share/bash-completion/completions/clade; do
    passes "installed $file" test -s "dest/usr/$file"
done
passes "installed command" dest/usr/bin/clade version
passes "make uninstall" make -s -C "$top" uninstall DESTDIR="$T/dest" PREFIX=/usr
same "nothing is left" "" "$(find dest -type f)"

if command -v man >/dev/null; then
    same "warnings of the man page" "" \
        "$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$top/docs/clade.1" 2>&1 >/dev/null)"
else
    skip "man page" "there is no man"
fi
for option in $(for c in run build inspect; do "$CLADE" $c --help; done | grep -oE -- '  --[a-z-]+|, --[a-z-]+' |
    grep -oE -- '--[a-z-]+' | sort -u); do
    [ "$option" = --help ] && continue
    passes "$option in the man page" grep -qF -- "${option//-/\\-}" "$top/docs/clade.1"
done

complete_words() {
    bash -c ". '$top/docs/clade.bash'; COMP_WORDS=(\"\$@\"); COMP_CWORD=$(($# - 1)); _clade
        printf '%s\n' \"\${COMPREPLY[@]}\"" bash "$@" 2>/dev/null | sort | xargs
}
same "completes commands" build "$(complete_words "$CLADE" b)"
same "completes options" "--add" "$(complete_words "$CLADE" run --a)"
same "completes packages" coreutils "$(complete_words "$CLADE" run --deb coreuti)"
touch a.clade b.text
same "completes images" a.clade "$(complete_words "$CLADE" inspect "")"
same "completes words of cache" "clear ls prune" "$(complete_words "$CLADE" cache "")"
same "completes words of network" "create ls rm" "$(complete_words "$CLADE" network "")"
same "completes files behind a program" a.clade "$(complete_words "$CLADE" run --env A=1 cat a.c)"
