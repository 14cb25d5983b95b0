# SPDX-License-Identifier: BSD-3-Clause
# UDP over both. [RFC 768, RFC 1122 4.1, RFC 8085, RFC 8200 8.1]
from expect import error4, error6, silent
from wire import ALL, IP, S4, T4, T6, TM, UDP, Ether, IPv6, Raw

PORT, CLOSED = 4002, 4003
GROUP, GROUP_MAC, GROUP6, GROUP6_MAC = "239.1.2.3", "01:00:5e:01:02:03", "ff15::123", "33:33:00:00:01:23"
READ = """def got(s):
    out = []
    while True:
        try: out.append(s.recv(70000, socket.MSG_DONTWAIT).decode('latin-1'))
        except BlockingIOError: return out
"""


def socket_of(w, six):
    w.run(READ)
    w.run("u = socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM)" % ("6" if six else ""))
    return w.run("u.bind(('', %d))" % PORT)


def gets(frames, bodies, six=False, setup="", check=silent):
    """What a socket reads."""
    def case(w):
        error = socket_of(w, six)
        if error:
            return error
        for line in setup.split(";") if "\n" not in setup else setup.split("\n"):
            if line and w.run(line.strip()):
                return "%s: %s" % (line, w.ask(line.strip()))
        made = frames(w)
        back = w.exchange(*(made if isinstance(made, list) else [made]))
        got = w.value("got(u)")
        w.run("u.close()")
        if got != [b.decode("latin-1") for b in bodies]:
            return "reads %r" % [g[:50] for g in got]
        return check(back)
    return case


def u4(w, body=b"hello", udp=None, **fields):
    return w.e4(**fields) / UDP(**dict({"sport": 5000, "dport": PORT}, **(udp or {}))) / Raw(body)


def u6(w, body=b"hello", udp=None, **fields):
    return w.e6(**fields) / UDP(**dict({"sport": 5000, "dport": PORT}, **(udp or {}))) / Raw(body)


def sends(expression, check, six=False, setup=""):
    """What goes out for a send."""
    def case(w):
        w.run("u = socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM)" % ("6" if six else ""))
        for line in setup.split(";") if "\n" not in setup else setup.split("\n"):
            if line and w.run(line.strip()):
                return line
        w.drain()
        said = w.ask(expression)[1]
        frames = [p for p in w.barrier() if UDP in p or (IP in p and p[IP].proto == 17)]
        w.run("u.close()")
        try:
            return check(said, frames)
        except (AttributeError, IndexError) as e:
            return "%s: %s %s" % (e, said, [p.summary() for p in frames])
    return case


def sum_zero(six):
    """Data for which the sum would be 0: it is sent as 0xffff. [RFC 768]"""
    def case(w):
        w.run("u = socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM)" % ("6" if six else ""))
        w.run("u.bind(('', 4009))")
        base = (IPv6(src=w.s6, dst=T6) if six else IP(src=S4, dst=T4)) / UDP(sport=4009, dport=9) / Raw(b"\0\0")
        total = (IPv6 if six else IP)(bytes(base))[UDP].chksum
        w.drain()
        w.run("u.sendto(bytes([%d, %d]), ('%s', 9))" % (total >> 8, total & 255, T6 if six else T4))
        p = w.wait(lambda p: UDP in p)
        w.run("u.close()")
        # The frame may leave its sum to the device; what came through a TAP or veth then is not complete.
        return None if p[UDP].chksum != 0 else "a sum of 0"
    return case


def connected_only(w):
    """A connected socket hears its peer alone."""
    socket_of(w, False)
    w.run("u.connect(('%s', 5000))" % T4)
    back = w.exchange(u4(w, b"yes"), u4(w, b"no", udp={"sport": 5001}), u4(w, b"no", src="10.77.0.67"))
    got = w.value("got(u)")
    w.run("u.close()")
    return None if got == ["yes"] else "reads %s" % got


def pktinfo(w):
    """The address that a datagram was sent to can be known. [RFC 1122 4.1.3.5]"""
    socket_of(w, False)
    w.run("u.setsockopt(0, 8, 1), u.setsockopt(0, 12, 1), u.setsockopt(0, 13, 1)")
    w.exchange(u4(w, ttl=44, tos=0x20))
    said = w.value("[[c[0], c[1], list(c[2])] for c in sorted(u.recvmsg(100, 500)[1])]")
    w.run("u.close()")
    said = {kind: data for _, kind, data in said}
    return None if said[8][8:12] == [10, 77, 0, 2] and said[2][:1] == [44] and said[1][:1] == [0x20] else str(said)


def refused(six):
    """An ICMP error reaches a connected socket. [RFC 1122 4.1.3.3]"""
    def case(w):
        w.run("a = socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM)" % ("6" if six else ""))
        w.run("a.setblocking(False), a.connect(('%s', %d))" % ("::1" if six else "127.0.0.1", CLOSED))
        said = [w.ask("a.send(b'x')")[1], w.ask("a.recv(10)")[1], w.ask("a.recv(10)")[1]]
        w.run("a.close()")
        return None if said == [None, "ECONNREFUSED", "EAGAIN"] else str(said)
    return case


def group(six, join=True, loop=True):
    address, mac = (GROUP6, GROUP6_MAC) if six else (GROUP, GROUP_MAC)

    def case(w):
        socket_of(w, six)
        if join:
            w.run("import socket as s; i = [n for n, name in s.if_nameindex() if name != 'lo'][0]")
            error = w.run("u.setsockopt(41, 20, socket.inet_pton(10, '%s') + struct.pack('I', i))" % address if six else
                          "u.setsockopt(0, 35, struct.pack('4s4si', socket.inet_aton('%s'), bytes(4), i))" % address)
            if error:
                return error
        make = u6 if six else u4
        back = w.exchange(make(w, dst=address, mac=mac))
        got = w.value("got(u)")
        w.run("u.close()")
        back = [p for p in back if UDP in p]
        return None if got == (["hello"] if join else []) and not back else "reads %s" % got
    return case


def fragments(w, six, size):
    body = (bytes(range(250)) * 300)[:size]
    layer = UDP(sport=5000, dport=PORT) / Raw(body)
    whole = bytes((IPv6(src=T6, dst=w.s6) if six else IP(src=T4, dst=S4)) / layer)[40 if six else 20:]
    out = []
    for n in range(0, len(whole), 1400):
        part, more = whole[n:n + 1400], n + 1400 < len(whole)
        if six:
            out.append(Ether(src=TM, dst=w.sm) / IPv6(src=T6, dst=w.s6, nh=44) / Raw(
                bytes([17, 0]) + (n | more).to_bytes(2, "big") + (size + 1).to_bytes(4, "big") + part))
        else:
            out.append(w.e4(proto=17, id=size & 0xffff, flags="MF" if more else 0, frag=n // 8) / Raw(part))
    return out


def big(six, size):
    return gets(lambda w: fragments(w, six, size), [(bytes(range(250)) * 300)[:size]], six=six)


def first_of(said, frames):
    assert not said, said
    return frames[0]


def checked(p):
    """Its checksum is right, or left to the device."""
    layer = IPv6 if IPv6 in p else IP
    again = layer(bytes(p[layer])[:(p.plen + 40) if IPv6 in p else p[IP].len])
    was = again[UDP].chksum
    del again[UDP].chksum
    return was == layer(bytes(again))[UDP].chksum


ROWS = [
    ("RFC 768", "a datagram", gets(lambda w: u4(w), [b"hello"]), None),
    ("RFC 768", "a datagram, IPv6", gets(lambda w: u6(w), [b"hello"], six=True), None),
    ("RFC 768", "an empty one", gets(lambda w: u4(w, b""), [b""]), None),
    ("RFC 768", "an empty one, IPv6", gets(lambda w: u6(w, b""), [b""], six=True), None),
    ("RFC 768", "source port 0", gets(lambda w: u4(w, udp={"sport": 0}), [b"hello"]), None),
    ("RFC 1122 4.1.3.4", "a wrong checksum", gets(lambda w: u4(w, udp={"chksum": 1}), []), None),
    ("RFC 1122 4.1.3.4", "a wrong checksum, IPv6", gets(lambda w: u6(w, udp={"chksum": 1}), [], six=True), None),
    ("RFC 1122 4.1.3.4", "none", gets(lambda w: u4(w, udp={"chksum": 0}), [b"hello"]), None),
    ("RFC 8200 8.1", "none, IPv6", gets(lambda w: u6(w, udp={"chksum": 0}), [], six=True), None),
    ("RFC 768", "a length beyond the packet", gets(lambda w: u4(w, udp={"len": 100}), []), None),
    ("RFC 768", "a length below the header's", gets(lambda w: u4(w, udp={"len": 7}), []), None),
    ("RFC 768", "length 0", gets(lambda w: u4(w, udp={"len": 0}), []), None),
    ("RFC 768", "a length below the packet's: the rest is not data", gets(lambda w: u4(
        w, b"hello", udp={"len": 11, "chksum": 0}), [b"hel"]), None),
    ("RFC 768", "half a header", lambda w: w.e4(proto=17) / Raw(b"\x13\x88\x0f\xa2"), silent),
    ("RFC 768", "half a header, IPv6", lambda w: w.e6(nh=17) / Raw(b"\x13\x88\x0f\xa2"), silent),
    ("RFC 1122 4.1.3.1", "a closed port", lambda w: u4(w, udp={"dport": CLOSED}), error4(3, 3)),
    ("RFC 4443 3.1", "a closed port, IPv6", lambda w: u6(w, udp={"dport": CLOSED}), error6(1, 4)),
    ("RFC 768", "port 0", lambda w: u4(w, udp={"dport": 0}), error4(3, 3)),
    ("RFC 1122 4.1.3.4", "a closed port and a wrong checksum", lambda w: u4(w, udp={"dport": CLOSED, "chksum": 9}),
     silent),
    ("RFC 1122 4.1.3.1", "a closed port, IPv6, to a group", lambda w: u6(w, dst="ff02::1", mac="33:33:00:00:00:01",
                                                                          udp={"dport": CLOSED}), silent),
    ("RFC 1122 3.2.1.3", "to the subnet's broadcast", gets(lambda w: u4(w, dst="10.77.0.255", mac=ALL), [b"hello"]),
     None),
    ("RFC 1122 3.2.1.3", "to 255.255.255.255", gets(lambda w: u4(w, dst="255.255.255.255", mac=ALL), [b"hello"]), None),
    ("RFC 1112 7.2", "to a group that is joined", group(False), None),
    ("RFC 1112 7.2", "to a group that nobody joined", group(False, join=False), None),
    ("RFC 4291 2.7", "to a group that is joined, IPv6", group(True), None),
    ("RFC 4291 2.7", "to a group that nobody joined, IPv6", group(True, join=False), None),
    ("RFC 1122 4.1.3.5", "a connected socket", connected_only, None),
    ("RFC 1122 4.1.3.5", "addresses, TTL and TOS as control data", pktinfo, None),
    ("RFC 1122 4.1.3.3", "refused", refused(False), None),
    ("RFC 1122 4.1.3.3", "refused, IPv6", refused(True), None),
    ("RFC 1122 4.1.3.4", "a sum of 0 is sent as 0xffff", sum_zero(False), None),
    ("RFC 768", "a sum of 0 is sent as 0xffff, IPv6", sum_zero(True), None),
    ("RFC 1122 3.3.2", "20000 bytes in fragments", big(False, 20000), None),
    ("RFC 8200 4.5", "20000 bytes in fragments, IPv6", big(True, 20000), None),
    ("RFC 768", "65507 bytes", big(False, 65507), None),
    ("RFC 768", "65527 bytes, IPv6", big(True, 65527), None),
    ("RFC 1122 4.1.3.2", "TTL of a send", sends("u.sendto(b'x', ('%s', 9))" % T4, lambda said, f: None if first_of(
        said, f)[IP].ttl == 9 else "TTL", setup="u.setsockopt(0, 2, 9)"), None),
    ("RFC 8200 3", "hop limit of a send", sends("u.sendto(b'x', ('%s', 9))" % T6, lambda said, f: None if first_of(
        said, f)[IPv6].hlim == 9 else "hop limit", six=True, setup="u.setsockopt(41, 16, 9)"), None),
    ("RFC 1112 6.1", "TTL 1 to a group", sends("u.sendto(b'x', ('%s', 9))" % GROUP, lambda said, f: None if first_of(
        said, f)[IP].ttl == 1 and f[0].dst == GROUP_MAC else "TTL"), None),
    ("RFC 2464 7", "link address of a group, IPv6", sends(
        "u.sendto(b'x', ('%s', 9))" % GROUP6, lambda said, f: None if first_of(said, f).dst == GROUP6_MAC and f[0][
            IPv6].hlim == 1 else "group", six=True, setup="import socket as s; u.setsockopt(41, 17, [n for n, name in "
        "s.if_nameindex() if name != 'lo'][0])".replace("; ", "\n")), None),
    ("RFC 919 7", "a broadcast needs SO_BROADCAST", sends("u.sendto(b'x', ('10.77.0.255', 9))", lambda said, f: None if
                                                        said == "EACCES" and not f else str(said)), None),
    ("RFC 919 7", "a broadcast", sends("u.sendto(b'x', ('10.77.0.255', 9))", lambda said, f: None if first_of(
        said, f).dst == ALL else "not to all", setup="u.setsockopt(1, 6, 1)"), None),
    ("RFC 768", "more than fits", sends("u.sendto(bytes(65508), ('%s', 9))" % T4, lambda said, f: None if
                                        said == "EMSGSIZE" and not f else str(said)), None),
    ("RFC 6056 3", "ports are not in a row", lambda w: None if w.run(
        "def ports():\n    l = []\n    for _ in range(8):\n        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "        s.connect(('10.77.0.66', 9)); l.append(s.getsockname()[1])\n    return l") is None and len(set(
            b - a for a, b in zip(*[iter(w.value("ports()"))] * 2))) > 1 else "in a row", None),
]
