# SPDX-License-Identifier: BSD-3-Clause
# IPv4. [RFC 791, RFC 815, RFC 1122 3, RFC 6864, RFC 7126]
from expect import both, echo4, error4, one, silent, that
from wire import ICMP, IP, S4, T4, UDP, Raw

BODY = bytes(range(200)) * 20


def options(data):
    return Raw(data + bytes(-len(data) % 4))


def with_options(w, data):
    """An echo request with these options."""
    data = data + bytes(-len(data) % 4)
    return w.e4(ihl=5 + len(data) // 4, len=20 + len(data) + 16) / Raw(data) / ICMP(id=5, seq=1) / b"12345678"


def fixed(w, data):
    """The same, with the checksum over all of the header."""
    p = with_options(w, data)
    p[IP].proto = 1
    p[IP].chksum = None
    raw = bytearray(bytes(p))
    size = (raw[14] & 15) * 4
    raw[24:26] = b"\0\0"
    total = sum(raw[14 + n] << 8 | raw[15 + n] for n in range(0, size, 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    raw[24:26] = (~total & 0xffff).to_bytes(2, "big")
    return Raw(bytes(raw))


def pieces(w, cuts, body=BODY, order=None, ident=1, proto=1, **fields):
    """An echo request with `body`, in pieces that end at `cuts` (bytes of the IP payload)."""
    whole = bytes(ICMP(id=9, seq=1) / body)
    ends = list(cuts) + [len(whole)]
    out, start = [], 0
    for end in ends:
        out.append(w.e4(id=ident, proto=proto, flags="MF" if end < len(whole) else 0, frag=start // 8, **fields) /
                   Raw(whole[start:end]))
        start = end
    return [out[n] for n in order] if order else out


def joined(w):
    """The pieces of one answer together are BODY."""
    def holds(frames):
        parts = sorted((p[IP].frag, bytes(p[IP].payload)[:p[IP].len - 20]) for p in frames if IP in p)
        whole = b"".join(b for _, b in parts)
        return whole[:1] == b"\0" and whole[8:] == BODY
    return that("is answered with the same bytes", holds)


WHOLE = joined(None)


def overlap(w, first, second, third=None):
    parts = [w.e4(id=77, proto=1, flags=f, frag=o // 8) / Raw(b) for o, f, b in (first, second, third) if f is not None]
    return parts


def piece(w, offset, more, data, ident):
    return w.e4(id=ident, proto=1, flags="MF" if more else 0, frag=offset // 8) / Raw(data)


REQUEST = bytes(ICMP(id=9, seq=2) / bytes(56))  # 64 bytes


def sends_unique(w):
    """Fragments of two datagrams have different ids, all of one the same. [RFC 791, RFC 6864 4.1]"""
    w.run("u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
    w.drain()
    w.run("u.sendto(bytes(4000), ('%s', 9)), u.sendto(bytes(4000), ('%s', 9))" % (T4, T4))
    frames = [p for p in w.barrier() if IP in p and p[IP].dst == T4]
    w.run("u.close()")
    ids = {}
    for p in frames:
        ids.setdefault(p[IP].id, []).append((p[IP].frag * 8, p[IP].len - 20, int(p[IP].flags) & 1))
    if len(ids) != 2:
        return "ids: %s" % ids
    for parts in ids.values():
        parts.sort()
        if [o for o, _, _ in parts] != [0, 1480, 2960] or [m for _, _, m in parts] != [1, 1, 0]:
            return "pieces: %s" % parts


def sends_header(w):
    """What a plain datagram looks like."""
    w.run("u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
    w.run("u.setsockopt(0, socket.IP_TTL, 77), u.setsockopt(0, socket.IP_TOS, 0x28)")
    w.drain()
    w.run("u.sendto(b'hello', ('%s', 9))" % T4)
    p = [p for p in w.barrier() if UDP in p][0][IP]
    w.run("u.close()")
    if (p.version, p.ihl, p.ttl, p.tos, p.len, p.proto, p.src) != (4, 5, 77, 0x28, 33, 17, S4):
        return p.show2(dump=True)
    return None if int(p.flags) == 2 else "path MTU discovery is on, and DF is not set"  # as Linux's default


ECHO = ICMP(id=5, seq=1)
ROWS = [
    ("RFC 791 3.1", "a good packet", lambda w: w.e4() / ECHO / b"12345678", echo4),
    ("RFC 1122 3.2.1.1", "version 5", lambda w: w.e4(version=5) / ECHO, silent),
    ("RFC 791 3.1", "version 6 in an IPv4 frame", lambda w: w.e4(version=6) / ECHO, silent),
    ("RFC 791 3.1", "header of 16 bytes", lambda w: w.e4(ihl=4) / ECHO, silent),
    ("RFC 791 3.1", "header of 0 bytes", lambda w: w.e4(ihl=0) / ECHO, silent),
    ("RFC 791 3.1", "header longer than the packet", lambda w: w.e4(ihl=15, len=28) / ECHO, silent),
    ("RFC 791 3.1", "length below the header's", lambda w: w.e4(len=19) / ECHO, silent),
    ("RFC 791 3.1", "length 0", lambda w: w.e4(len=0) / ECHO, silent),
    ("RFC 791 3.1", "length above what came", lambda w: w.e4(len=200) / ECHO, silent),
    ("RFC 791 3.1", "length of the header only", lambda w: w.e4(len=20) / ECHO, silent),
    ("RFC 1122 3.2.1.2", "a wrong checksum", lambda w: w.e4(chksum=0x1234) / ECHO, silent),
    ("RFC 1122 3.2.1.2", "checksum 0", lambda w: w.e4(chksum=0) / ECHO, silent),
    ("RFC 1122 3.2.1.7", "TTL 1 is for us", lambda w: w.e4(ttl=1) / ECHO, echo4),
    ("RFC 1122 3.2.1.7", "TTL 0 is for us", lambda w: w.e4(ttl=0) / ECHO, echo4),
    ("RFC 1122 3.2.1.6", "any TOS; the answer has it", lambda w: w.e4(tos=0x48) / ECHO,
     both(echo4, that("TOS", lambda f: f[0][IP].tos == 0x48))),
    ("RFC 791 3.1", "the reserved flag is ignored", lambda w: w.e4(flags=4) / ECHO, echo4),
    ("RFC 791 3.1", "DF on what is for us", lambda w: w.e4(flags=2) / ECHO, echo4),
    ("RFC 1122 3.2.1.3", "to another host", lambda w: w.e4(dst="10.77.0.3") / ECHO, silent),
    ("RFC 1122 3.3.1", "to another network: we are no router", lambda w: w.e4(dst="192.0.2.1") / ECHO, silent),
    ("RFC 1122 3.2.1.3", "to loopback from the wire", lambda w: w.e4(dst="127.0.0.1") / ECHO, silent),
    ("RFC 1122 3.2.1.3", "from loopback", lambda w: w.e4(src="127.0.0.1") / ECHO, silent),
    ("RFC 1122 3.2.1.3", "from a group", lambda w: w.e4(src="224.0.0.1") / ECHO, silent),
    ("RFC 1122 3.2.1.3", "from 255.255.255.255", lambda w: w.e4(src="255.255.255.255") / ECHO, silent),
    ("RFC 1122 3.2.1.3", "from the subnet's broadcast", lambda w: w.e4(src="10.77.0.255") / ECHO, silent,
     {"linux": "answers"}),
    ("RFC 1122 3.2.1.3", "from 0.0.0.0", lambda w: w.e4(src="0.0.0.0") / ECHO, silent),
    ("RFC 1122 3.2.1.3", "from our own address (land)", lambda w: w.e4(src=S4) / ECHO, silent),
    ("RFC 1122 3.2.1.3", "to 0.0.0.0", lambda w: w.e4(dst="0.0.0.0") / ECHO, silent),
    ("RFC 1122 3.2.2.2", "an unknown protocol", lambda w: w.e4(proto=253) / Raw(bytes(20)), error4(3, 2)),
    ("RFC 1122 3.2.2", "an unknown protocol to a broadcast", lambda w: w.e4(dst="10.77.0.255", proto=253,
                                                                             mac="ff:ff:ff:ff:ff:ff") / Raw(bytes(20)),
     silent),
    ("RFC 791 3.1", "options: end and no operation", lambda w: fixed(w, b"\1\1\1\0"), echo4),
    ("RFC 791 3.1", "options: timestamp", lambda w: fixed(w, b"\x44\x0c\x05\x00" + bytes(8)), echo4),
    ("RFC 791 3.1", "options: record route", lambda w: fixed(w, b"\x07\x07\x04" + bytes(4)), echo4),
    ("RFC 2113", "options: router alert", lambda w: fixed(w, b"\x94\x04\x00\x00"), echo4),
    ("RFC 1122 3.2.1.8", "options: unknown ones are ignored", lambda w: fixed(w, b"\x9e\x04\xaa\xbb"), echo4),
    ("RFC 791 3.1", "options: length 0", lambda w: fixed(w, b"\x9e\x00\xaa\xbb"), lambda f: silent(
        [p for p in f if ICMP in p and p[ICMP].type != 12])),
    ("RFC 791 3.1", "options: length 1", lambda w: fixed(w, b"\x9e\x01\xaa\xbb"), lambda f: silent(
        [p for p in f if ICMP in p and p[ICMP].type != 12])),
    ("RFC 791 3.1", "options: longer than the header", lambda w: fixed(w, b"\x9e\x09\xaa\xbb"), lambda f: silent(
        [p for p in f if ICMP in p and p[ICMP].type != 12])),
    ("RFC 7126 4.3", "options: loose source route", lambda w: fixed(w, b"\x83\x07\x04\x0a\x4d\x00\x42"), lambda f: silent(
        [p for p in f if ICMP in p and p[ICMP].type == 0])),
    ("RFC 7126 4.4", "options: strict source route", lambda w: fixed(w, b"\x89\x07\x04\x0a\x4d\x00\x42"), lambda f:
        silent([p for p in f if ICMP in p and p[ICMP].type == 0])),
    ("RFC 791 3.2", "fragments in order", lambda w: pieces(w, (1480, 2960), ident=101), WHOLE),
    ("RFC 791 3.2", "fragments backwards", lambda w: pieces(w, (1480, 2960), order=(2, 1, 0), ident=102), WHOLE),
    ("RFC 791 3.2", "fragments mixed", lambda w: pieces(w, (1400, 2000, 2800), order=(1, 3, 0, 2), ident=103), WHOLE),
    ("RFC 791 3.2", "a fragment twice", lambda w: pieces(w, (1480, 2960), order=(0, 0, 1, 2), ident=104), WHOLE),
    ("RFC 791 3.2", "fragments of 8 bytes", lambda w: pieces(w, range(8, 64, 8), body=bytes(56), ident=105), echo4),
    ("RFC 791 3.2", "the last piece is missing", lambda w: pieces(w, (1480, 2960), ident=106)[:2], silent),
    ("RFC 791 3.2", "the first piece is missing", lambda w: pieces(w, (1480, 2960), ident=107)[1:], silent),
    ("RFC 791 3.2", "pieces of different ids", lambda w: pieces(w, (1480, 2960), ident=108)[:1] + pieces(
        w, (1480, 2960), ident=109)[1:], silent),
    ("RFC 791 3.2", "pieces of different protocols", lambda w: pieces(w, (1480, 2960), ident=110)[:1] + pieces(
        w, (1480, 2960), ident=110, proto=253)[1:], silent),
    ("RFC 791 3.2", "pieces from different hosts", lambda w: pieces(w, (1480, 2960), ident=111)[:1] + pieces(
        w, (1480, 2960), ident=111, src="10.77.0.67")[1:], silent),
    ("RFC 791 3.2", "a middle piece of no multiple of 8", lambda w: [piece(w, 0, True, REQUEST[:30], 112), piece(
        w, 32, False, REQUEST[32:], 112)], silent),
    ("RFC 5722 (for IPv4, too)", "a piece overlaps", lambda w: [piece(w, 0, True, REQUEST[:40], 113), piece(
        w, 32, True, REQUEST[32:56], 113), piece(w, 56, False, REQUEST[56:], 113)], silent),
    ("RFC 5722", "a piece inside another", lambda w: [piece(w, 0, True, REQUEST[:40], 114), piece(
        w, 8, True, REQUEST[8:16], 114), piece(w, 40, False, REQUEST[40:], 114)], silent, {"linux": "ignores it"}),
    ("RFC 791 3.2", "two different ends", lambda w: [piece(w, 40, False, REQUEST[40:], 115), piece(
        w, 56, False, REQUEST[56:], 115), piece(w, 0, True, REQUEST[:40], 115)], silent,
     {"linux": "takes the first one"}),
    ("RFC 1858 3", "beyond 65535 bytes (ping of death)", lambda w: [piece(w, 0, True, bytes(1480), 116), piece(
        w, 65528, False, bytes(100), 116)], silent),
    ("RFC 791 3.2", "an empty piece", lambda w: [piece(w, 0, True, b"", 117), piece(w, 0, True, REQUEST[:32], 117), piece(
        w, 32, False, REQUEST[32:], 117)], lambda f: None),
    ("RFC 1858 4.2", "a tiny first piece is joined, not trusted", lambda w: [piece(w, 0, True, REQUEST[:8], 118), piece(
        w, 8, False, REQUEST[8:], 118)], echo4),
    ("RFC 6864 4.1", "ids of fragments", sends_unique, None),
    ("RFC 791 3.1", "what we send", sends_header, None),
]
