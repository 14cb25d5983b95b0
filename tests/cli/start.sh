# SPDX-License-Identifier: BSD-3-Clause
# `clade run`: what reaches the program, and what comes back.
guest() {
    "$CLADE" run "$@" </dev/null 2>/dev/null
}
same "output" "hello world" "$(guest echo hello world)"
same "exit status" 41 "$(guest sh -c 'exit 41'; echo $?)"
same "death by a signal" 143 "$(guest sh -c 'kill -TERM $$'; echo $?)"
same "standard input" "from outside" "$(echo from outside | "$CLADE" run cat 2>/dev/null)"
same "standard error" "cat: /nothing: No such file or directory" \
    "$("$CLADE" run cat /nothing 2>&1 >/dev/null | grep nothing)"
printf 'echo "$0" ran\n' >plain && chmod +x plain
same "a script without #! is the shell's business" "$T/plain ran" \
    "$("$CLADE" run --add plain bash -c "$T/plain" 2>&1)"
same "options end at the program" "-t --help" "$(guest echo -t --help)"
same "-- ends options" "x" "$(guest -- echo x)"
same "environment" "HOME=/root|PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    "$(LEAK=1 guest env | sort | paste -sd'|')"
same "--env" "A=1|B=outside|HOME=/x" \
    "$(B=outside guest -e A=1 -e B -e NOT_SET -e HOME=/x env | sort | grep -v PATH | paste -sd'|')"
same "starts in /" / "$(guest pwd)"
same "--workdir" /usr/bin "$(guest -w /usr/bin pwd)"
same "--hostname" box "$(guest --hostname box uname -n)"
mkdir here && echo text >here/file
same "--add of the folder we are in" text "$(cd here && guest --add . cat file)"
same "--workdir goes before it" / "$(cd here && guest --add . -w / pwd)"
passes "build" "$CLADE" build -o x.clade -e A=1 -e B=2 -w /tmp --hostname box sh -c \
    'echo $(pwd) $(uname -n) $A $B "$@"' name first
cp x.clade "no-suffix"
passes "build" "$CLADE" build -o e.clade -e A=1 -e B=2 -w /usr env
same "image" "A=1|B=2" "$(guest e.clade | grep '^[AB]' | sort | paste -sd'|')"
same "--env over the image's" "A=1|B=3" "$(guest -e B=3 e.clade | grep '^[AB]' | sort | paste -sd'|')"
same "image without a suffix" A=1 "$(cp e.clade plain; guest ./plain | grep ^A)"
passes "build" "$CLADE" build -o echo.clade echo built "with two"
same "arguments follow the image's" "built with two run more" "$(guest echo.clade run more)"
passes "build" "$CLADE" build -o sleep.clade sleep
same "--trace" 1 "$("$CLADE" run --trace echo.clade 2>&1 >/dev/null | grep -c '^write(1, "built with two\\n", 15) = 15$')"
passes "--report" "$CLADE" run --report report echo.clade
same "report" "calls elapsed_us memory_peak pid start_us" "$(cut -d' ' -f1 report | sort | xargs)"
fails "--report to nowhere" 125 "cannot write" "$CLADE" run --report /no/such/file echo.clade

for signal in TERM HUP INT; do
    setsid env --default-signal=INT "$CLADE" run sleep.clade 100 >/dev/null 2>&1 & # a script's & ignores it
    pid=$!
    sleep 0.3
    kill -$signal $pid
    wait $pid
    status=$?
    same "SIG$signal reaches the program" $((128 + $(kill -l $signal))) $status
done
setsid "$CLADE" run sleep.clade 100 >/dev/null 2>&1 &
pid=$!
sleep 0.3
member=$(pgrep -P $pid)
kill -KILL $pid
wait $pid 2>/dev/null
sleep 0.2
same "kill -9 of the supervisor leaves no process" "" "$(ps -o pid=,stat= -p "${member:-0}" | grep -v Z)"
if command -v script >/dev/null; then
    same "a terminal" "yes $(printf '\r')" \
        "$(script -qec "'$CLADE' run test -t 0 && echo 'yes '" /dev/null </dev/null | grep yes)"
    same "TERM" "TERM=dumb" "$(TERM=dumb script -qec "'$CLADE' run env" /dev/null </dev/null | grep -o 'TERM=[a-z]*')"
else
    skip "terminal" "there is no script(1)"
fi

# What the caller ignores, the program ignores, as with nohup.
ignoring() {
    (trap '' HUP INT PIPE; "$@" sh -c 'kill -HUP $$; kill -INT $$; kill -PIPE $$; echo alive; kill -USR1 $$')
    echo $?
}
same "ignored signals" "$(ignoring env 2>/dev/null)" "$(ignoring "$CLADE" run 2>/dev/null)"

# Streams that are closed, or open the other way round, are so in the guest.
streams() {
    same "stdin closed, $1" "Bad file descriptor 1" "$($1 cat <&- 2>&1 | grep -o 'Bad .*' | head -1) $($1 cat <&- >/dev/null 2>&1; echo $?)"
    same "stdout closed, $1" 1 "$($1 /bin/echo x >&- 2>/dev/null; echo $?)"
    same "stdout for reading, $1" 1 "$($1 /bin/echo x 1</dev/null 2>/dev/null; echo $?)"
    same "stdin for writing, $1" 1 "$($1 cat 0>/dev/null 2>/dev/null; echo $?)"
    same "all closed, $1" 1 "$($1 /bin/echo x <&- >&- 2>&-; echo $?)"
    same "stdout full, $1" 1 "$($1 /bin/echo x >/dev/full 2>/dev/null; echo $?)"
}
streams env
streams "$CLADE run"
