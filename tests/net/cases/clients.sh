# SPDX-License-Identifier: BSD-3-Clause
# curl and wget in the guest, a web server outside; names by a name server there.
need ip curl wget /usr/bin/python3 || return 0
network || return 0
mkdir -p "$T/files"
head -c 3000000 /dev/urandom >"$T/files/file"
sum=$(sha256sum <"$T/files/file")
$within /usr/bin/python3 -m http.server --bind :: --directory "$T/files" 8080 >/dev/null 2>&1 &
pids+=($!)
until_ok "$LIMIT" $within curl -s http://10.77.0.1:8080/ || fail "$case_name" "no server"
fetch='f() { "$@" | sha256sum; }; f'
for url in http://10.77.0.1:8080/file 'http://[fd77::1]:8080/file'; do
    inside "curl $url" "$sum" $TAP -d bash -d coreutils -d curl -- /bin/bash -c "$fetch curl -sS $url"
    inside "wget $url" "$sum" $TAP -d bash -d coreutils -d wget -- /bin/bash -c "$fetch wget -qO- $url"
done
inside "curl, refused" "7" $TAP -d bash -d curl -- /bin/bash -c 'curl -sS http://10.77.0.1:81/; echo $?'
if need dnsmasq; then
    $within dnsmasq -k -C /dev/null -h -R --pid-file= --user=root --bind-interfaces --listen-address=10.77.0.1,fd77::1 \
        --address=/web.example/10.77.0.1 --host-record=six.example,fd77::1 2>/dev/null &
    pids+=($!)
    inside "curl by name" "$sum" $TAP --dns 10.77.0.1 -d bash -d coreutils -d curl -- \
        /bin/bash -c "$fetch curl -sS http://web.example:8080/file"
    inside "curl by name, IPv6" "$sum" $TAP --dns fd77::1 -d bash -d coreutils -d curl -- \
        /bin/bash -c "$fetch curl -sS -6 http://six.example:8080/file"
    inside "no such name" "6" $TAP --dns 10.77.0.1 -d bash -d curl -- /bin/bash -c 'curl -sS http://none.example/; echo $?'
fi
