# SPDX-License-Identifier: BSD-3-Clause
# Options of sockets, and answers over loopback that must not depend on how fast that is. Prints nothing that differs
# between two right systems.
import errno
import fcntl
import os
import select
import socket
import struct

FIOSETOWN, SIOCSPGRP, SIOCGPGRP = 0x8901, 0x8902, 0x8904


def error_of(call, *arguments):
    try:
        return call(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]


def numbers():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for value in (0x120, -1, b""):
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value)
        print("tos", value, s.getsockopt(socket.IPPROTO_IP, socket.IP_TOS))
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33)
    print("hops", s.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS))
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 44)
    print("hops", s.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
          "ttl", s.getsockopt(socket.IPPROTO_IP, socket.IP_TTL))


def marks():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 7)
    print("mark", s.getsockopt(socket.SOL_SOCKET, socket.SO_MARK))


def owners():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    fcntl.ioctl(s, FIOSETOWN, struct.pack("i", os.getpid()))
    got = struct.unpack("i", fcntl.ioctl(s, SIOCGPGRP, b"\0\0\0\0"))[0]
    print("owner", got == os.getpid(), fcntl.fcntl(s, fcntl.F_GETOWN) == os.getpid())
    print("owner", error_of(fcntl.ioctl, s, SIOCSPGRP, struct.pack("i", 12345678)))


def connections():
    listener = socket.create_server(("127.0.0.1", 0))
    for end in ("listens", "refuses"):
        s = socket.socket()
        s.setblocking(False)
        print(end, error_of(s.connect, listener.getsockname()))
        select.select([], [s], [], 10)
        print(end, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if end == "listens":
            print(end, error_of(s.connect, listener.getsockname()), error_of(s.connect, listener.getsockname()))
            address = listener.getsockname()
            listener.close()
            listener = type("gone", (), {"getsockname": lambda self: address})()


def multicasts():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    print("multicast from loopback", error_of(s.sendto, b"x", ("224.0.2.1", 9999)))


def accepted():
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    address = s.getsockname()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()  # with a reset
    select.select([listener], [], [], 10)
    a, peer = listener.accept()
    print("accepted", peer == address, error_of(a.recv, 1), error_of(a.getpeername))


def families():
    for own, other in (("::1", "::ffff:127.0.0.1"), ("::ffff:127.0.0.1", "::1")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            s = socket.socket(socket.AF_INET6, kind)
            s.bind((own, 0))
            print(own, kind, error_of(s.connect, (other, 9)))


# unbound does it, and does not start without.
def fragments():
    IPV6_MTU, FRAGMENT = 24, 44
    SIOCGIFMTU, SIOCSIFMTU = 0x8921, 0x8922
    to = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    to.bind(("::1", 0))
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    print("mtu", error_of(s.getsockopt, socket.IPPROTO_IPV6, IPV6_MTU))
    for value in (1279, -1, 100000, 0, 1280):
        print("mtu", value, error_of(s.setsockopt, socket.IPPROTO_IPV6, IPV6_MTU, value))
    s.connect(to.getsockname())
    print("mtu", s.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU))
    before = fcntl.ioctl(s, SIOCGIFMTU, struct.pack("16si", b"lo", 0) + bytes(20))
    fcntl.ioctl(s, SIOCSIFMTU, struct.pack("16si", b"lo", 1500) + bytes(20))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86dd))
    for size, mtu in ((3000, 1280), (1232, 1280), (1400, 1280), (3000, 1400), (3000, 0)):
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU, mtu)
        s.send(bytes(size))
        got, sizes = len(to.recv(10000)), []
        while sum(sizes) < size + 8:  # and UDP's header
            packet, address = wire.recvfrom(10000)
            if address[2] != socket.PACKET_OUTGOING:
                sizes.append(len(packet) - 40 - (8 if packet[6] == FRAGMENT else 0))
        print("mtu", mtu, got, sizes)
    fcntl.ioctl(s, SIOCSIFMTU, before)


def raw():
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    print("raw", error_of(s.shutdown, socket.SHUT_RDWR))
    s.connect(("127.0.0.1", 0))


for part in (numbers, marks, owners, connections, multicasts, accepted, families, fragments, raw):
    part()
print("options")
