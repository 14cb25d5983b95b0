# SPDX-License-Identifier: BSD-3-Clause
# Help, versions, and every way to call clade wrongly.
for command in run build inspect cache version; do
    passes "help of $command" "$CLADE" "$command" --help
    same "help of $command names it" "Usage: clade $command" \
        "$("$CLADE" help "$command" | head -1 | cut -d' ' -f1-3)"
    fails "unknown option of $command" 125 "clade $command --help" "$CLADE" "$command" --nonsense
    fails "unknown letter of $command" 125 "unknown option -Z" "$CLADE" "$command" -Z
done
passes "overview" "$CLADE" --help
same "overview has no errors" "" "$("$CLADE" --help 2>&1 >/dev/null)"
same "no command" 125 "$("$CLADE" >/dev/null 2>&1; echo $?)"
same "long lines in the help" "" \
    "$(for c in run build inspect cache version; do "$CLADE" $c --help; done | grep -E '.{101}')"
passes "version" "$CLADE" version
same "--version" "$("$CLADE" version)" "$("$CLADE" --version)"
fails "version with an argument" 125 usage "$CLADE" version x
fails "unknown command" 125 "no command is called nonsense" "$CLADE" nonsense
fails "run without a program" 125 usage "$CLADE" run
fails "inspect without an image" 125 usage "$CLADE" inspect
fails "cache without a word" 125 usage "$CLADE" cache
fails "cache with a wrong word" 125 usage "$CLADE" cache burn
fails "cache prune with a wrong size" 125 "not a size" "$CLADE" cache prune many
for option in add deb root env workdir memory cpus hostname rights output; do
    fails "--$option without a value" 125 "--$option needs a value" "$CLADE" build --$option
done
fails "flag with a value" 125 "takes no value" "$CLADE" run --trace=1 true
fails "--env without a name" 125 "needs a name" "$CLADE" run --env =x true
fails "--workdir relative" 125 "not an absolute path" "$CLADE" run --workdir tmp true
fails "--hostname empty" 125 "--hostname" "$CLADE" run --hostname= true
for size in 0 12 x 1X 99999999999999999999 -5M 18446744073709551615G; do
    fails "--memory $size" 125 "--memory" "$CLADE" run --memory "$size" true
done
for cpus in 0 x 65 -1; do
    fails "--cpus $cpus" 125 "--cpus" "$CLADE" run --cpus "$cpus" true
done
for pids in 0 x -1 4194305; do
    fails "--pids $pids" 125 "--pids" "$CLADE" run --pids "$pids" true
done
fails "--rights unknown" 125 "no right is called fly" "$CLADE" run --rights memory,fly true
for size in 1M 512M 2G 1048576 64MiB 3gb; do
    passes "--memory $size" "$CLADE" build -o x.clade --memory $size true
done
fails "--add empty" 125 "--add" "$CLADE" build -o x.clade --add "" true
fails "--add to a relative path" 125 "--add" "$CLADE" build -o x.clade --add /etc/passwd:x true
fails "--add over clade's own files" 125 "clade's own" \
    "$CLADE" build -o x.clade --add /etc/passwd:/.clade/kernel true
for words in version --help "run --help" "cache ls"; do
    # shellcheck disable=SC2086
    same "clade $words to a full disk" "clade: cannot write standard output: No space left on device 125" \
        "$("$CLADE" $words 2>&1 >/dev/full) $("$CLADE" $words >/dev/full 2>&1; echo $?)"
    # shellcheck disable=SC2086
    same "clade $words to nowhere" 125 "$("$CLADE" $words >&- 2>/dev/null; echo $?)"
done
fails "help of an unknown command" 125 "no command is called nonsense" "$CLADE" help nonsense
for ports in 0:1 70000:1 x:1 8000 8000: :80 8002-8000:1-3 8000-8002:80-81 8000:80/sctp 1.2.3:80:80 +80:80 8000-:80; do
    fails "-p $ports" 125 "not [IP:]HOSTPORT:GUESTPORT" "$CLADE" run -p "$ports" true
done
fails "a port twice" 125 "has this port of the host already" "$CLADE" run -p 8000-8009:80-89 -p 127.0.0.1:8004:1 true
# shellcheck disable=SC2046
fails "too many ports" 125 "32 at most" "$CLADE" run $(for i in $(seq 33); do echo "-p $((9000 + i)):80"; done) true
