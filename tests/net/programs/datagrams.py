# SPDX-License-Identifier: BSD-3-Clause
# Datagram sockets: groups, errors, options, SO_REUSEPORT. Also runs on Linux (with lo up).
import errno
import socket
import struct

IP_RECVERR = 11
UDP_SEGMENT = 103
LOCAL = "127.0.0.1"


def udp(family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(5)
    return s


def fails(code, call, *arguments):
    try:
        call(*arguments)
    except OSError as e:
        assert e.errno == code, (call, arguments, e)
        return
    raise AssertionError((call, arguments))


def groups():
    a, b = udp(), udp()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    a.bind(("", 5007))
    member = socket.inet_aton("224.1.2.3") + socket.inet_aton(LOCAL)
    a.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    fails(errno.EADDRINUSE, a.setsockopt, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    b.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOCAL))
    b.sendto(b"multi", ("224.1.2.3", 5007))
    assert a.recv(100) == b"multi"
    a.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, member)
    fails(errno.EADDRNOTAVAIL, a.setsockopt, socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, member)
    a.close()
    b.close()


def errors():
    a, b = udp(), udp()
    fails(errno.EDESTADDRREQ, a.send, b"x")
    fails(errno.EINVAL, a.sendto, b"x", (LOCAL, 0))
    fails(errno.EADDRNOTAVAIL, a.bind, ("1.2.3.4", 0))
    fails(errno.EMSGSIZE, a.sendto, bytes(65508), (LOCAL, 9))
    fails(errno.ENOTCONN, a.getpeername)
    fails(errno.EINVAL, a.bind, (LOCAL, 5008))  # the first send has bound it
    a.close()
    a = udp()
    a.bind((LOCAL, 5008))
    fails(errno.EADDRINUSE, b.bind, (LOCAL, 5008))
    b.connect((LOCAL, 5998))
    b.send(b"x")
    fails(errno.ECONNREFUSED, b.recv, 10)
    b.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    b.send(b"xyz")
    data, control, flags, address = b.recvmsg(100, 500, socket.MSG_ERRQUEUE)
    assert data == b"xyz" and address == (LOCAL, 5998), (data, address)
    assert struct.unpack("IBBB", control[0][2][:7]) == (errno.ECONNREFUSED, 2, 3, 3), control
    a.close()
    b.close()


def options():
    a, b = udp(), udp()
    a.bind((LOCAL, 5009))
    fails(errno.EINVAL, a.setsockopt, socket.IPPROTO_IP, socket.IP_TTL, 256)
    for name in (socket.IP_PKTINFO, 12, 13) if hasattr(socket, "IP_PKTINFO") else (8, 12, 13):
        a.setsockopt(socket.IPPROTO_IP, name, 1)
    b.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
    b.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33)
    b.sendto(b"q", (LOCAL, 5009))
    got = {kind: data for _, kind, data in a.recvmsg(10, 500)[1]}
    assert got[2] == struct.pack("i", 33) and got[1] == b"\x10" and got[8][8:] == socket.inet_aton(LOCAL), got
    b.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 100)
    b.sendto(bytes(350), (LOCAL, 5009))
    assert [len(a.recv(1000)) for _ in range(4)] == [100, 100, 100, 50]
    c = udp(socket.AF_INET6)
    c.sendto(b"six", ("::ffff:" + LOCAL, 5009))
    assert a.recv(10) == b"six"
    for s in (a, b, c):
        s.close()


def share():
    group = [udp() for _ in range(4)]
    for s in group:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((LOCAL, 5999))
        s.setblocking(False)
    for _ in range(200):
        c = udp()
        c.sendto(b"z", (LOCAL, 5999))
        c.close()
    counts = []
    for s in group:
        counts.append(0)
        try:
            while s.recv(10):
                counts[-1] += 1
        except BlockingIOError:
            s.close()
    assert sum(counts) == 200 and min(counts) > 10, counts


for test in (groups, errors, options, share):
    test()
print("datagrams: fine")
