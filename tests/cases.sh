# SPDX-License-Identifier: BSD-3-Clause
# What tests/apps/run and tests/net/apps share: the account, and cases that are scripts in a folder.
# CLADE_AGAIN=1: a case that fails is run once more, and then counts as it ends the second time. Meant for machines
# that others share, where a program's own time-outs can pass.
passed=0 failed=0 skipped=0
show=() # the files whose last lines explain a failure

pass() { passed=$((passed + 1)); echo "ok   $1"; }
fail() {
    local f
    failed=$((failed + 1))
    echo "FAIL $1: $2"
    for f in "${show[@]}"; do [ -s "$f" ] && tail -n 12 "$f" | cut -c 1-300 | sed 's/^/     | /'; done
}
skip() { skipped=$((skipped + 1)); echo "skip $1: $2"; }

# need COMMAND...: names the first that is missing, and fails
need() {
    local c
    for c in "$@"; do
        if ! type -P "$c" >/dev/null && [ ! -e "$c" ]; then
            skip "$case_name" "no $c (install what $packages lists)"
            return 1
        fi
    done
}

# run_cases FOLDER AFTER [CASE...]: all cases without names; AFTER is what ends a case.
run_cases() {
    local folder=$1 after=$2 before
    shift 2
    [ $# -gt 0 ] || set -- $(cd "$folder" && ls | sed 's/\.sh$//')
    for case_name in "$@"; do
        before=("$passed" "$failed" "$skipped")
        . "$folder/$case_name.sh"
        $after
        if [ "$failed" != "${before[1]}" ] && [ -n "${CLADE_AGAIN-}" ]; then
            echo "again $case_name"
            passed=${before[0]} failed=${before[1]} skipped=${before[2]}
            . "$folder/$case_name.sh"
            $after
        fi
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}
