# SPDX-License-Identifier: BSD-3-Clause
"""Urgent data over TCP: SIGURG for a socket's owner, without O_ASYNC and with it, in the stream and beside it."""
import fcntl
import os
import select
import signal
import socket

came = []
signal.signal(signal.SIGURG, lambda number, frame: came.append("urgent"))
signal.signal(signal.SIGIO, lambda number, frame: came.append("io"))


def connect():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return client, listener.accept()[0]


def await_urgent(s):
    assert select.select([], [], [s], 10)[2], "no urgent data"


def beside():
    a, b = connect()
    a.send(b"!", socket.MSG_OOB)
    await_urgent(b)
    assert came == [], "a signal for nobody"
    assert b.recv(1, socket.MSG_OOB) == b"!"
    fcntl.fcntl(b, fcntl.F_SETOWN, os.getpid())
    a.send(b"ordinary")
    assert b.recv(8) == b"ordinary" and came == [], came
    a.send(b"ab?", socket.MSG_OOB)
    await_urgent(b)
    assert came == ["urgent"], came
    assert b.recv(8) == b"ab" and b.recv(1, socket.MSG_OOB) == b"?"
    a.close()
    b.close()


def within():
    a, b = connect()
    b.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    fcntl.fcntl(b, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(b, fcntl.F_SETFL, fcntl.fcntl(b, fcntl.F_GETFL) | os.O_ASYNC)
    came.clear()
    a.send(b"xy", socket.MSG_OOB)
    await_urgent(b)
    assert "urgent" in came and "io" in came, came
    assert b.recv(8) == b"x" and b.recv(8) == b"y"
    fcntl.fcntl(b, fcntl.F_SETFL, fcntl.fcntl(b, fcntl.F_GETFL) & ~os.O_ASYNC)
    came.clear()
    a.send(b"z", socket.MSG_OOB)
    await_urgent(b)
    assert came == ["urgent"], came


beside()
within()
print("urgent: fine")
