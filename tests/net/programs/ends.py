# SPDX-License-Identifier: BSD-3-Clause
"""How a TCP connection ends, as the reader and the writer see it."""
import errno
import select
import socket
import struct


def pair():
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listener.getsockname())
    far, _ = listener.accept()
    listener.close()
    near.settimeout(10)
    return near, far


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def error_of(call):
    try:
        call()
    except OSError as e:
        return errno.errorcode[e.errno]
    return "none"


def wait(s, what):
    p = select.poll()
    p.register(s, what)
    return p.poll(10000)[0][1]


def reset_behind_the_end():
    near, far = pair()
    far.sendall(b"last")
    far.shutdown(socket.SHUT_WR)
    assert near.recv(10) == b"last" and near.recv(10) == b""
    reset(far)
    assert wait(near, 0) & select.POLLERR
    assert near.recv(10) == b"" and near.recv(10) == b"" # the end stays one
    assert error_of(lambda: near.send(b"x")) == "EPIPE"
    assert near.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    near.close()


def reset_at_once():
    near, far = pair()
    reset(far)
    assert wait(near, select.POLLIN) & select.POLLERR
    assert error_of(lambda: near.recv(10)) == "ECONNRESET"
    assert near.recv(10) == b""
    assert error_of(lambda: near.send(b"x")) == "EPIPE"
    near.close()


def unread_data_resets():
    near, far = pair()
    near.sendall(b"nobody reads this")
    wait(far, select.POLLIN)
    far.close()
    wait(near, 0)
    assert error_of(lambda: near.recv(10)) == "ECONNRESET"
    near.close()


def connected_to_itself():
    s = socket.socket()
    s.settimeout(10)
    s.bind(("127.0.0.1", 0))
    s.connect(s.getsockname())
    s.sendall(b"hello")
    assert s.recv(10) == b"hello" and s.getpeername() == s.getsockname()
    s.shutdown(socket.SHUT_WR)
    assert s.recv(10) == b""
    s.close()


connected_to_itself()
reset_behind_the_end()
reset_at_once()
unread_data_resets()
print("ends: fine")
