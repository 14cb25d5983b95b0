# SPDX-License-Identifier: BSD-3-Clause
# Packet sockets on lo: addresses, auxiliary data, filters, and rings of all three versions. Prints what it saw,
# which must be the same on Linux and in a guest.
import ctypes
import errno
import mmap
import select
import socket
import struct
import time

SOL_PACKET = 263
RX_RING, STATISTICS, AUXDATA, VERSION, HDRLEN, RESERVE = 5, 6, 8, 10, 11, 12
ALL = 3
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 0))
PORT = receiver.getsockname()[1]


def filter_port(s, network, keep=65535):
    """UDP over IPv4 to our port: `keep` bytes; network: where the IP header is."""
    code = ((0x30, 0, 0, network + 9), (0x15, 0, 4, 17), (0xB1, 0, 0, network), (0x48, 0, 0, network + 2),
            (0x15, 0, 1, PORT), (6, 0, 0, keep), (6, 0, 0, 0))
    buffer = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *i) for i in code))
    s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("@HP", len(code), ctypes.addressof(buffer)))


def tap(kind=socket.SOCK_RAW, protocol=ALL, keep=65535):
    s = socket.socket(socket.AF_PACKET, kind, 0)
    filter_port(s, 14 if kind == socket.SOCK_RAW else 0, keep)
    s.bind(("lo", protocol))
    s.settimeout(10)
    return s


def send(*bodies):
    for body in bodies:
        sender.sendto(body, ("127.0.0.1", PORT))
        receiver.recv(10)  # then it has been shown, too


def error_of(function, *arguments):
    try:
        return function(*arguments) or "fine"
    except OSError as e:
        return errno.errorcode[e.errno]


def queues():
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        s = tap(kind)
        s.setsockopt(SOL_PACKET, AUXDATA, 1)
        send(b"hello")
        for _ in range(2):
            data, control, flags, address = s.recvmsg(100, 100)
            level, kind_of, aux = control[0]
            status, size, snap, mac, net, tci, tpid = struct.unpack("=IIIHHHH", aux)
            print(len(data), data[-5:], data[:14] if kind == socket.SOCK_RAW else "", address, flags, (level, kind_of),
                  status & 1, size, snap, net, tci, tpid)
        print("statistics", struct.unpack("II", s.getsockopt(SOL_PACKET, STATISTICS, 8)),
              struct.unpack("II", s.getsockopt(SOL_PACKET, STATISTICS, 8)))
    s = tap(socket.SOCK_DGRAM, keep=30)
    send(b"0123456789")
    print("cut by the filter", s.recv(100)[-2:], len(s.recv(10, socket.MSG_TRUNC)))
    s = tap(socket.SOCK_DGRAM, protocol=0x800)
    send(b"once")
    print("IPv4 only is not shown what goes out", s.recvfrom(100)[1][2], select.select([s], [], [], 0.05)[0])


def options():
    s = tap()
    for version in range(4):
        value, size = ctypes.c_uint32(version), ctypes.c_uint32(4)
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.getsockopt(s.fileno(), SOL_PACKET, HDRLEN, ctypes.byref(value), ctypes.byref(size))
        print("header of version", version, errno.errorcode[ctypes.get_errno()] if failed else value.value)
    bad = ((4096, 0, 2048, 2), (4096, 2, 2048, 0), (4095, 2, 2048, 4), (4096, 2, 2047, 4), (4096, 2, 32, 256),
           (4096, 2, 8192, 1), (4096, 2, 2048, 5), (0, 2, 2048, 4), (2048, 2, 2048, 2), (0, 0, 0, 0))
    for version in (0, 1):
        s.setsockopt(SOL_PACKET, VERSION, version)
        print([error_of(s.setsockopt, SOL_PACKET, RX_RING, struct.pack("4I", *q)) for q in bad])
    print("short", error_of(s.setsockopt, SOL_PACKET, RX_RING, b"12345678"))
    print("no such version", error_of(s.setsockopt, SOL_PACKET, VERSION, 3))
    s.setsockopt(SOL_PACKET, VERSION, 2)
    print("V3 wants more", error_of(s.setsockopt, SOL_PACKET, RX_RING, struct.pack("4I", 4096, 2, 2048, 4)))
    print("private area", error_of(s.setsockopt, SOL_PACKET, RX_RING, struct.pack("7I", 4096, 2, 2048, 4, 9, 4090, 0)))
    s.setsockopt(SOL_PACKET, RX_RING, struct.pack("7I", 4096, 2, 2048, 4, 9, 0, 0))
    print("busy", error_of(s.setsockopt, SOL_PACKET, VERSION, 1), error_of(s.setsockopt, SOL_PACKET, RESERVE, 4),
          error_of(s.setsockopt, SOL_PACKET, RX_RING, struct.pack("7I", 4096, 2, 2048, 4, 9, 0, 0)))
    s.setsockopt(SOL_PACKET, RX_RING, bytes(28))
    print("freed", error_of(s.setsockopt, SOL_PACKET, VERSION, 1))


def wait(s):
    p = select.poll()
    p.register(s, select.POLLIN)
    return p.poll(10000)


def frames(version, kind):
    s = tap(kind)
    s.setsockopt(SOL_PACKET, VERSION, version)
    s.setsockopt(SOL_PACKET, RESERVE, 20)
    s.setsockopt(SOL_PACKET, RX_RING, struct.pack("4I", 8192, 2, 2048, 8))
    ring = mmap.mmap(s.fileno(), 16384)
    print("version", version, "empty:", select.select([s], [], [], 0)[0])
    send(*(bytes([n]) * (10 + 400 * n) for n in range(6)))  # 12 frames for 8 places
    head = "=QIIHHII" if version == 0 else "=IIIHHIIHH"
    for n in range(8):
        wait(s)
        at = n * 2048
        fields = struct.unpack_from(head, ring, at)
        status, size, snap, mac, net = fields[:5]
        age = time.time() - fields[5]
        address = struct.unpack_from("=HHiHBB8s", ring, at + 32)
        print(status & 7, size, snap, mac, net, -1 < age < 60, fields[7:], address, ring[at + mac + snap - 1])
    print("dropped", struct.unpack("II", s.getsockopt(SOL_PACKET, STATISTICS, 8)))
    for n in range(8):
        struct.pack_into("=I", ring, n * 2048, 0)
    send(b"again")
    wait(s)
    print("again", struct.unpack_from("=I", ring, 0)[0] & 3, ring[0:2048].count(b"again"))


def block_show(ring, n):
    at = n * 4096
    version, private, status, count, first, size, number = struct.unpack_from("=IIIIIIQ", ring, at)
    print(version, private, status, count, first, size, number)
    at += first
    for _ in range(count):
        step, _, _, snap, size, status, mac, net, rxhash, tci, tpid = struct.unpack_from("=IIIIIIHHIIH", ring, at)
        print("  ", step, snap, size, status & 1, mac, net, tci, tpid, chr(ring[at + mac + snap - 1]),
              struct.unpack_from("=HHiHBB8s", ring, at + 48))
        at += step


def blocks(kind):
    s = tap(kind)
    s.setsockopt(SOL_PACKET, VERSION, 2)
    s.setsockopt(SOL_PACKET, RX_RING, struct.pack("7I", 4096, 3, 2048, 6, 60000, 16, 0))  # never by time
    ring = mmap.mmap(s.fileno(), 3 * 4096)
    send(*(bytes([65 + n]) * 700 for n in range(4)))  # 8 frames; a block takes 4
    wait(s)
    block_show(ring, 0)
    send(*(b"x" * 1200 for _ in range(6)))  # 12 frames; the one block that is left takes 2 or 3
    packets, drops, freezes = struct.unpack("III", s.getsockopt(SOL_PACKET, STATISTICS, 12))
    print("packets", packets, "drops", drops, "freezes", freezes)
    s = tap(kind)
    s.setsockopt(SOL_PACKET, VERSION, 2)
    s.setsockopt(SOL_PACKET, RX_RING, struct.pack("7I", 4096, 3, 2048, 6, 50, 0, 0))
    ring = mmap.mmap(s.fileno(), 3 * 4096)
    send(b"by time")
    wait(s)
    print("by time", struct.unpack_from("=I", ring, 8)[0])


queues()
options()
for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
    for version in (0, 1):
        frames(version, kind)
    blocks(kind)
print("packets: done")
