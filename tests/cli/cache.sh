# SPDX-License-Identifier: BSD-3-Clause
# Images of `run PROGRAM` are made once, and again when a file has changed. What the program does here
# does not matter: `--rights none` of a dynamic program would stop before, so a real start is made.
images() {
    ls "$T/cache/clade/images"
}
count() {
    images | wc -l
}
run() {
    "$CLADE" run "$@" >/dev/null 2>&1 </dev/null
}
cp /bin/true prog && mkdir data && echo 1 >data/file
run ./prog
same "an image is kept" 1 "$(count)"
first=$(images)
run ./prog some arguments
same "and used again, whatever the arguments" "$first" "$(images)"
strace -f -o trace -e trace=execve "$CLADE" run ./prog >/dev/null 2>&1 &&
    same "no mkfs.erofs in the second start" "" "$(grep mkfs trace)"
run --env A=1 --memory 1G --hostname x ./prog
same "options of the start need no other image" "$first" "$(images)"
touch prog && run ./prog
same "a changed program" 2 "$(count)"
run --add data ./prog
same "another option" 3 "$(count)"
run --add data ./prog
same "the same option" 3 "$(count)"
echo 2 >data/new && run --add data ./prog
same "a new file in a folder" 4 "$(count)"
rm data/new && echo 22 >data/file && run --add data ./prog
same "a changed file in a folder" 5 "$(count)"
(cd data && run "$T/./prog")
(cd / && run "$T/prog")
same "the same program by other names" 5 "$(count)"
same "ls" 5 "$("$CLADE" cache ls | grep -c images/)"
: >"$T/cache/clade/index/$(ls "$T/cache/clade/index" | head -1)"
passes "a torn index is made anew" "$CLADE" cache ls
run ./prog
same "and no image" 5 "$(count)"
passes "prune" "$CLADE" cache prune 7M
same "prune keeps what fits" 1 "$(($(count) >= 1 && $(count) < 5))"
passes "clear" "$CLADE" cache clear
same "clear" 0 "$(count)"
same "index" "" "$(ls "$T/cache/clade/index")"
for _ in 1 2 3 4; do
    run ./prog &
done
wait
same "four at once make one" 1 "$(count)"
passes "it is whole" "$CLADE" inspect --verify "$T/cache/clade/images/$(images)"
if is_root; then
    mkdir -m 700 foreign && mkdir -p foreign/clade/images && chmod -R 777 foreign
    chown -R 1:1 foreign
    fails "somebody else's cache" 125 "foreign" as_user env XDG_CACHE_HOME="$T/foreign" "$CLADE" run true
fi
fails "a cache that can't be made" 125 "cannot use" env XDG_CACHE_HOME=/proc/nothing "$CLADE" run true

# Somebody else holds the cache: it is said, and waited for.
mkdir -p "$T/held/clade/images" "$T/held/clade/index"
flock "$T/held/clade/images" sleep 5 &
sleep 0.3
same "a busy cache" "1 done" \
    "$(XDG_CACHE_HOME=$T/held "$CLADE" run echo done 2>busy | { read -r word; echo "$(grep -c 'another clade is making' busy) $word"; })"
wait $!
# What is known of the host's CPUID (tender/host_cpuid.h): made with an image, made anew when it is damaged, and not believed.
known=$T/cache/clade/cpuid
rm -f "$known"
passes "build remembers CPUID" "$CLADE" build -o known.clade ./prog
same "in a file of one's own" "600" "$(stat -c %a "$known")"
good=$(stat -c %s "$known")
head -c 100 "$known" >torn && cp torn "$known"
passes "a torn one is not believed" "$CLADE" run known.clade
passes "and made anew" "$CLADE" build -o known.clade ./prog
same "whole" "$good" "$(stat -c %s "$known")"
sed -i 's/^CladeCPU......../CladeCPU--------/' "$known"
passes "another boot's is not believed" "$CLADE" run known.clade
passes "and made anew" "$CLADE" build -o known.clade ./prog
same "of this boot" "$(cat /proc/sys/kernel/random/boot_id)" "$(head -c 44 "$known" | tail -c 36)"
