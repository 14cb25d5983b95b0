# SPDX-License-Identifier: BSD-3-Clause
# Members of a family under load.
need gcc || return 0
gcc -O2 -pthread "$P/kill_storm.c" -o "$T/kill_storm" || { fail "$case_name" "does not compile"; return 0; }
same kill-storm "$T/kill_storm" 300
gcc -O2 "$P/ipc_storm.c" -lrt -o "$T/ipc_storm" || { fail "$case_name" "does not compile"; return 0; }
same ipc-storm "$T/ipc_storm" 300
