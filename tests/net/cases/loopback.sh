# SPDX-License-Identifier: BSD-3-Clause
# Servers and their clients within one unikernel.
need /usr/bin/python3 curl || return 0
for p in web streams datagrams ends urgent; do
    inside "python $p" "$p: fine" -d python3 -a "$P" -- /usr/bin/python3 "$P/$p.py"
done
inside "python forked" "forked: fine" -d python3 -d curl -a "$P" -- /usr/bin/python3 "$P/forked.py"
if need openssl; then
    inside tls "tls: fine" -d openssl -d coreutils -d bash -a "$P" -- /bin/bash "$P/tls.sh"
fi
if need node; then
    inside node "web: fine" -a "$P" -- "$(readlink -f "$(type -P node)")" "$P/web.js"
fi
if need go; then
    if go build -o "$T/web-go" "$P/web.go" >"$T/said" 2>&1; then
        inside go "web: fine" -- "$T/web-go"
    else
        fail "$case_name: go" "does not compile"
    fi
fi
if need java javac; then
    J=$(readlink -f "$(type -P java)")
    if javac -d "$T/classes" "$P/Web.java" >"$T/said" 2>&1; then
        inside java "web: fine" -d "$(dpkg -S "$J" | cut -d: -f1)" -a "$T/classes" -- "$J" -cp "$T/classes" Web
    else
        fail "$case_name: java" "does not compile"
    fi
fi
