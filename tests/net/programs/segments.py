# SPDX-License-Identifier: BSD-3-Clause
# Many UDP datagrams in one call: UDP_SEGMENT, sendmmsg and UDP_GRO, in both directions.
#
#     segments.py serve PORT            answers; on the host, or as a guest
#     segments.py ask ADDRESS PORT      asks, and says "segments: fine"
import ctypes
import os
import socket
import struct
import sys

UDP_SEGMENT, UDP_GRO = 103, 104
SIZES = [200] * 5 + [50] + [200] * 4 + [300, 300, 1, 1400, 1400]  # of a sendmmsg: runs, and what breaks them
EACH, COUNT, REST = 300, 12, 7  # of UDP_SEGMENT: the last datagram is shorter


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint), ("vectors", ctypes.POINTER(Vector)),
                ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
                ("flags", ctypes.c_long), ("sent", ctypes.c_long)]


def send_many(s, to):
    name = ctypes.create_string_buffer(
        struct.pack("=H", socket.AF_INET) + struct.pack("!H", to[1]) + socket.inet_aton(to[0]) + bytes(8), 16)
    vectors = [Vector(bytes([i + 1]) * size, size) for i, size in enumerate(SIZES)]
    messages = (Message * len(SIZES))(*[
        Message(ctypes.addressof(name), 16, ctypes.pointer(v), 1, None, 0, 0, 0) for v in vectors])
    libc = ctypes.CDLL(None, use_errno=True)
    sent = libc.sendmmsg(s.fileno(), messages, len(SIZES), 0)
    assert sent == len(SIZES), (sent, os.strerror(ctypes.get_errno()))
    assert [m.sent for m in messages] == SIZES


def send_segments(s, to):
    whole = b"".join(bytes([i + 1]) * EACH for i in range(COUNT)) + bytes([COUNT + 1]) * REST
    sent = s.sendmsg([whole], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", EACH))], 0, to)
    assert sent == len(whole), sent


def receive(s, sizes):
    for i, size in enumerate(sizes):
        data = s.recv(65536)
        assert data == bytes([i + 1]) * size, (i, size, len(data), data[:1])


# With UDP_GRO a receive may bring several datagrams, and says of what size. The kernel need not join any.
def receive_joined(s, sizes):
    whole = b"".join(bytes([i + 1]) * size for i, size in enumerate(sizes))
    got = b""
    while len(got) < len(whole):
        data, control, _, _ = s.recvmsg(65536, 64)
        for level, kind, value in control:
            assert (level, kind) == (socket.IPPROTO_UDP, UDP_GRO), (level, kind)
            assert struct.unpack("=i", value)[0] == EACH, value
        assert control or len(data) in (EACH, REST), len(data)
        got += data
    assert got == whole


SEGMENTS = [EACH] * COUNT + [REST]


def serve(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", port))
    while True:
        s.settimeout(None)
        what, peer = s.recvfrom(100)
        s.settimeout(20)
        if what == b"hello":
            s.sendto(what, peer)
        elif what == b"send segments":
            send_segments(s, peer)
        elif what == b"send many":
            send_many(s, peer)
        elif what == b"receive segments":
            s.sendto(b"go", peer)
            receive(s, SEGMENTS)
            s.sendto(b"fine", peer)
        elif what == b"receive many":
            s.sendto(b"go", peer)
            receive(s, SIZES)
            s.sendto(b"fine", peer)
        elif what == b"receive joined":
            s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
            s.sendto(b"go", peer)
            receive_joined(s, SEGMENTS)
            s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 0)
            s.sendto(b"fine", peer)


def wait_for(to):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.5)
    for _ in range(120):
        try:
            s.sendto(b"hello", to)
            return s.recv(100)
        except OSError: # it does not run yet
            pass


def ask(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    to = (address, port)
    wait_for(to)
    s.sendto(b"send segments", to)
    receive(s, SEGMENTS)
    s.sendto(b"send many", to)
    receive(s, SIZES)
    for what, send in ((b"segments", send_segments), (b"many", send_many), (b"joined", send_segments)):
        s.sendto(b"receive " + what, to)
        assert s.recv(100) == b"go"
        send(s, to)
        assert s.recv(100) == b"fine"
    print("segments: fine")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]))
