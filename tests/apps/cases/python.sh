# SPDX-License-Identifier: BSD-3-Clause
PY=/usr/bin/python3
need $PY || return 0
O="--deb python3 --deb libpython3.11-testsuite --deb coreutils --deb dash --deb bash --deb procps --add $P"
same print -o "$O" $PY -c 'print(sum(range(10**6)))'
same json -o "$O" $PY -c 'import json;print(json.dumps({"a":[1,2.5,None,"\u00e9"]},sort_keys=True))'
same modules -o "$O" $PY -c 'import ssl,hashlib,zlib,bz2,lzma,decimal,ctypes,uuid,asyncio,xml.etree.ElementTree as e;print(hashlib.sha256(b"x").hexdigest(), e.fromstring("<a b=\"1\"/>").get("b"))'
same sqlite -o "$O" $PY "$P/sqlite_job.py"
same threads -o "$O" $PY "$P/threads_job.py"
same asyncio -o "$O" $PY "$P/asyncio_pipe.py"
same multiprocessing -o "$O" $PY "$P/multiprocessing_job.py"
same kills -o "$O" $PY "$P/kills_job.py"
same exit-status -o "$O" $PY -c 'import sys;sys.exit(41)'
same exception -o "$O" $PY -c 'raise SystemExit("no")'
same signal -o "$O" $PY -c 'import os,signal;os.kill(os.getpid(),signal.SIGTERM)'
while read -r test exclusions; do
    [ -n "$test" ] && [ "${test#\#}" = "$test" ] || continue
    if [ "$test" = long ]; then
        [ -n "${CLADE_LONG-}" ] || continue
        read -r test exclusions <<<"$exclusions"
    fi
    words=()
    read -r -a patterns <<<"$exclusions" # the shell must not expand them
    for x in "${patterns[@]}"; do words+=(-i "$x"); done
    unikernel "$test" -o "$O --env PYTHONDONTWRITEBYTECODE=1" "Tests result: SUCCESS" $PY -m test "${words[@]}" "$test"
done <"$P/python_tests"
