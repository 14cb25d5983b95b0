# SPDX-License-Identifier: BSD-3-Clause
# What the scripts of this folder use. They run inside, wait for events and never for a time, and end with "fine".
set -u
must() { "$@" || { echo "failed: $*"; exit 1; }; }
is() { [ "$2" = "$3" ] || { echo "$1: '$2' instead of '$3'"; exit 1; }; } # WHAT GOT EXPECTED
await() { # COMMAND...: until it succeeds
    local i
    for i in $(seq 1200); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "never: $*"
    ps axf
    exit 1
}
gone() { ! kill -0 "$1"; }
children() { pgrep -P "$1" | sort -n | tr '\n' ' '; }
has_children() { [ "$(pgrep -P "$1" | wc -l)" = "$2" ]; }
has_new_children() { has_children "$1" "$2" && [ "$(children "$1")" != "$3" ]; } # PID COUNT OLD-ONES
