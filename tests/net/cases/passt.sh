# SPDX-License-Identifier: BSD-3-Clause
# Without rights: servers in the guest on published ports of 127.0.0.1.
need passt /usr/bin/python3 curl redis-server redis-cli || return 0
if [ -z "$(ip route show default; ip -6 route show default)" ]; then
    skip "$case_name" "this host has no route to anywhere, and passt takes its addresses from it"
    return 0
fi
port=$((20000 + $$ % 12000)) # below those that connect() takes
outer=$within
within=
if [ "$(id -u)" = 0 ]; then
    mkdir -m 777 "$T/home"
    cp "$CLADE" "$T/clade"
    within="setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=$T/home"
    inner=$CLADE CLADE=$T/clade
fi
start -p "127.0.0.1:$port:8000" -d python3 -- /usr/bin/python3 -m http.server 8000
if until_ok "$LIMIT" curl -sf -m 5 "http://127.0.0.1:$port/usr/bin/"; then
    says "http.server" "python3.11" curl -s "http://127.0.0.1:$port/usr/bin/"
    says "a large file" same sh -c "curl -s http://127.0.0.1:$port/usr/bin/python3.11 | cmp - /usr/bin/python3.11 && echo same"
else
    fail "$case_name: http.server" "no answer"
fi
stop
port=$((port + 1))
start -p "127.0.0.1:$port-$((port + 2)):8000-8002" -d python3 -- /usr/bin/python3 -m http.server 8002
if until_ok "$LIMIT" curl -sf -m 5 "http://127.0.0.1:$((port + 2))/usr/"; then
    says "the last port of a range" "bin/" curl -s "http://127.0.0.1:$((port + 2))/usr/"
else
    fail "$case_name: a range of ports" "no answer"
fi
stop
port=$((port + 3))
start -p "127.0.0.1:$port:6379" -d redis-server -- /usr/bin/redis-server --save "" --protected-mode no
if until_ok "$LIMIT" redis-cli -p "$port" ping; then
    says "redis" "requests per second" redis-benchmark -p "$port" -n 5000 -q -t set,get
else
    fail "$case_name: redis" "no answer"
fi
stop
port=$((port + 1))
cat >"$T/greeter.py" <<'END'
import socket
s = socket.socket()
s.bind(("", 8000))
s.listen()
while True:
    c, _ = s.accept()
    c.sendall(b"hello, client\n")
    c.close()
END
start -p "127.0.0.1:$port:8000" -d python3 --add "$T/greeter.py:/greeter.py" -- /usr/bin/python3 /greeter.py
cat >"$T/greeted.py" <<'END'
import socket, sys
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
print(c.recv(99).decode())
END
if until_ok "$LIMIT" python3 "$T/greeted.py" "$port"; then
    for _ in 1 2 3; do
        says "a server that speaks first" "hello, client" python3 "$T/greeted.py" "$port"
    done
else
    fail "$case_name: a server that speaks first" "no answer"
fi
stop
port=$((port + 1))
cat >"$T/deaf.py" <<'END'
import time
while True:
    time.sleep(1000)
END
cat >"$T/refused.py" <<'END'
import socket, sys, time
begin = time.monotonic()
try:
    c = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
    print(c.recv(1) or "the end")
except ConnectionError as e:
    print("refused", e)
print("at once" if time.monotonic() - begin < 8 else "late") # passt gives up after ten seconds
END
start -p "127.0.0.1:$port:8000" -d python3 --add "$T/deaf.py:/deaf.py" -- /usr/bin/python3 /deaf.py
until_ok "$LIMIT" python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))"
says "nobody listens, and nobody ever did" "at once" python3 "$T/refused.py" "$port"
stop
within=$outer CLADE=${inner:-$CLADE}
