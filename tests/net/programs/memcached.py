# SPDX-License-Identifier: BSD-3-Clause
"""Sets and gets values in several connections at once."""
import socket
import sys
import threading

faults = []


def client(number):
    try:
        s = socket.create_connection((sys.argv[1], 11211), 10)
        lines = s.makefile("rb")
        for i in range(300):
            value = b"%d-%d" % (number, i) * (i + 1)
            s.sendall(b"set k%d 0 0 %d\r\n%s\r\n" % (number, len(value), value))
            assert lines.readline() == b"STORED\r\n"
            s.sendall(b"get k%d\r\n" % number)
            head = lines.readline().split()
            assert head[0] == b"VALUE" and int(head[3]) == len(value)
            assert lines.read(len(value) + 2) == value + b"\r\n"
            assert lines.readline() == b"END\r\n"
    except Exception as e:
        faults.append(e)


threads = [threading.Thread(target=client, args=(i,)) for i in range(10)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(faults or "memcached: fine")
