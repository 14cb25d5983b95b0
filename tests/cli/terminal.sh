# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # of run
# Job control, and terminals that are only a part of the streams: the same natively and as a unikernel.

if command -v python3 >/dev/null; then
    for program in cat stty sh; do
        "$CLADE" run --deb coreutils "$program" --help >/dev/null 2>&1 </dev/null # packs it
    done
    same "a user at a terminal" "$(timeout 300 python3 "$here/terminal.py" env 2>&1)" \
        "$(timeout 300 python3 "$here/terminal.py" "$CLADE" run --deb coreutils 2>&1)"
else
    skip "terminal" "there is no python3"
fi
