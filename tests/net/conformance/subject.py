# SPDX-License-Identifier: BSD-3-Clause
# What is tested runs this: it does what the tester says, line by line, by a TCP connection. A line is a Python
# expression or statement as JSON; the answer is a JSON pair: the value (or its text), or the name of the error.
import errno
import json
import select
import socket
import struct
import sys

SPACE = {"socket": socket, "struct": struct, "select": select, "errno": errno}


def do(line):
    try:
        try:
            code = compile(line, "line", "eval")
        except SyntaxError:
            exec(line, SPACE)
            return [None, None]
        value = eval(code, SPACE)
        return [value if isinstance(value, (int, str, list, tuple, type(None))) else repr(value), None]
    except OSError as e:
        return [None, errno.errorcode.get(e.errno, type(e).__name__)]
    except Exception as e:  # the tester's own mistake
        return [None, repr(e)]


def main():
    listener = socket.create_server(("", int(sys.argv[1])))
    print("subject: ready", flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for line in connection.makefile():
            connection.sendall(json.dumps(do(json.loads(line))).encode() + b"\n")


main()
