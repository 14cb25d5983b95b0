# SPDX-License-Identifier: BSD-3-Clause
# Debuggers inside: strace, and gdb with CLADE_LONG=1.
need strace gcc || return 0
gcc -g -O0 -pthread "$P/debugged.c" -o "$T/debugged" || { fail "$case_name" "does not compile"; return 0; }
DEBUGGERS="--deb strace"
[ -z "${CLADE_LONG-}" ] || ! need gdb || DEBUGGERS="--deb strace --deb gdb --add /usr/share/gdb"
unikernel strace-and-gdb -o "$DEBUGGERS $(printf -- '--deb %s ' bash coreutils grep procps)
    --add $P --add $T/debugged" fine /bin/bash "$P/debuggers.sh" "$T/debugged"
