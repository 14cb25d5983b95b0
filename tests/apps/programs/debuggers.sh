# SPDX-License-Identifier: BSD-3-Clause
# Runs inside, its argument is debugged.c as a program: strace, and gdb if it is there.
. "${0%/*}/servers/lib.sh"
program=$1
export HOME=/tmp
cd /tmp || exit
strace -f -o trace "$program" >out || { echo "strace: $?"; tail -n 5 trace; exit 1; }
is output "$(tr '\n' ' ' <out)" "start 10 end 8 3 "
is "ends that strace saw" "$(grep -c 'exited with' trace)" 5
is "calls that strace saw" "$(grep -cE 'write\(1, "(start|end)' trace)" 1
sleep 1000 &
pid=$!
strace -o attached -p $pid 2>news &
tracer=$!
await grep -q attached news
kill $tracer # lets it go
wait $tracer
must kill -0 $pid
kill $pid
echo strace
type -P gdb >/dev/null || { echo fine; exit 0; }
debug() { gdb -q -batch -nx -ex 'set debuginfod enabled off' -ex 'set can-use-hw-watchpoints 0' "$@" 2>&1; }
debug -ex 'break deep if n == 0' -ex run -ex bt -ex 'set var global = 7' -ex finish -ex stepi -ex next -ex delete \
    -ex 'break work' -ex continue -ex 'info threads' -ex delete -ex continue "$program" >gdb.out
must grep -q '#5 .*deep (n=5)' gdb.out
must grep -q 'Value returned is .* = 7' gdb.out
is "hits of the breakpoint in a thread" "$(grep -c 'hit Breakpoint 2' gdb.out)" 1
must grep -q 'end 10 3' gdb.out
must grep -q 'exited normally' gdb.out
debug -ex run -ex bt -ex 'print $_siginfo.si_signo' --args "$program" x >gdb.out
must grep -q 'received signal SIGSEGV' gdb.out
must grep -q '= 11' gdb.out
sleep 1000 &
pid=$!
debug -p $pid -ex bt -ex detach >gdb.out
must grep -q nanosleep gdb.out
must kill $pid
echo gdb
echo fine
