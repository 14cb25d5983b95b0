# SPDX-License-Identifier: BSD-3-Clause
# IPv6: headers, extension headers, fragments. [RFC 8200, RFC 5095, RFC 5722, RFC 6946, RFC 7112]
from expect import echo6, error6, silent, that
from wire import TM, UDP, Ether, ICMPv6EchoRequest, IPv6, Raw

HOP, ROUTING, FRAGMENT, ICMP6, NONE, OPTIONS = 0, 43, 44, 58, 59, 60
GROUP = {"dst": "ff02::1", "mac": "33:33:00:00:00:01"}


def chain(w, *headers, body=None, **fields):
    """An echo request behind extension headers, each (protocol, bytes from the third on)."""
    source, to = fields.get("src", "fd77::66"), fields.get("dst", w.s6)
    upper = body if body is not None else bytes(
        (IPv6(src=source, dst=to) / ICMPv6EchoRequest(id=4, seq=1, data=b"12345678")))[40:]
    protocols = [p for p, _ in headers] + [ICMP6]
    data = b""
    for n, (_, rest) in enumerate(headers):
        rest = rest + bytes(-(len(rest) + 2) % 8)
        data += bytes([protocols[n + 1], (len(rest) + 2) // 8 - 1]) + rest
    return w.e6(nh=protocols[0], **fields) / Raw(data + upper)


def pad(n):
    return b"\0" if n == 1 else bytes([1, n - 2]) + bytes(n - 2)


def option(kind, size=4):
    return bytes([kind, size]) + bytes(size)


def fragment(w, offset, more, data, ident, protocol=ICMP6, **fields):
    return w.e6(nh=FRAGMENT, **fields) / Raw(bytes([protocol, 0]) + (offset | more).to_bytes(2, "big") + ident.to_bytes(
        4, "big") + data)


def request(w, size=56):
    return bytes(IPv6(src="fd77::66", dst=w.s6) / ICMPv6EchoRequest(id=9, seq=2, data=bytes(size)))[40:]


def cut(w, ends, order=None, size=56, ident=1):
    whole, start, out = request(w, size), 0, []
    for end in list(ends) + [len(whole)]:
        out.append(fragment(w, start, end < len(whole), whole[start:end], ident))
        start = end
    return [out[n] for n in order] if order else out


def overlapping(ident, *parts):
    def frames(w):
        whole = request(w)
        return [fragment(w, start, more, whole[start:end], ident) for start, end, more in parts]
    return frames


def large(w, size=20000):
    whole = request(w, size)
    return [fragment(w, n, n + 1400 < len(whole), whole[n:n + 1400], size) for n in range(0, len(whole), 1400)]


def comes_back(size):
    return that("%d bytes come back in fragments" % size, lambda frames: sum(
        p[IPv6].plen - 8 for p in frames if IPv6 in p and p[IPv6].nh == FRAGMENT) == size + 8)


def sends_header(w):
    w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.run("u.setsockopt(41, 16, 77), u.setsockopt(41, 67, 0x28)")
    w.drain()
    w.run("u.sendto(b'hello', ('fd77::66', 9))")
    p = [p for p in w.barrier() if UDP in p][0][IPv6]
    w.run("u.close()")
    return None if (p.version, p.hlim, p.tc, p.plen, p.nh, p.src) == (6, 77, 0x28, 13, 17, w.s6) else p.show2(dump=True)


def sends_fragments(w):
    w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.drain()
    w.run("u.sendto(bytes(4000), ('fd77::66', 9)), u.sendto(bytes(4000), ('fd77::66', 9))")
    ids = {}
    for p in w.barrier():
        if IPv6 in p and p[IPv6].nh == FRAGMENT:
            f = bytes(p[IPv6].payload)
            ids.setdefault(f[4:8], []).append((int.from_bytes(f[2:4], "big"), len(f) - 8))
    w.run("u.close()")
    good = [[(o & ~7, o & 1) for o, _ in sorted(parts)] for parts in ids.values()]
    return None if good == [[(0, 1), (1448, 1), (2896, 0)]] * 2 else str(good)


ROWS = [
    ("RFC 8200 3", "a good packet", lambda w: w.e6() / ICMPv6EchoRequest(data=b"1234"), echo6),
    ("RFC 8200 3", "version 4 in an IPv6 frame", lambda w: w.e6(version=4) / ICMPv6EchoRequest(), silent),
    ("RFC 8200 3", "version 7", lambda w: w.e6(version=7) / ICMPv6EchoRequest(), silent),
    ("RFC 8200 3", "half a header", lambda w: Ether(src=TM, dst=w.sm, type=0x86dd) / Raw(bytes(w.e6()[IPv6])[:30]), silent),
    ("RFC 8200 3", "length beyond the packet", lambda w: w.e6(plen=100) / ICMPv6EchoRequest(), silent),
    ("RFC 8200 3", "length 0", lambda w: w.e6(plen=0) / ICMPv6EchoRequest(), silent),
    ("RFC 8200 3", "padding behind it is not payload", lambda w: w.e6() / ICMPv6EchoRequest(data=b"ab") / Raw(b"") if
     False else Ether(bytes(w.e6() / ICMPv6EchoRequest(data=b"ab")) + bytes(9)), echo6),
    ("RFC 8200 3", "hop limit 0 is for us", lambda w: w.e6(hlim=0) / ICMPv6EchoRequest(), echo6),
    ("RFC 8200 7", "any traffic class", lambda w: w.e6(tc=0x48) / ICMPv6EchoRequest(), echo6),
    ("RFC 8200 6", "any flow label", lambda w: w.e6(fl=0x12345) / ICMPv6EchoRequest(), echo6),
    ("RFC 4291 2.7", "from a group", lambda w: w.e6(src="ff02::1") / ICMPv6EchoRequest(), silent),
    ("RFC 4291 2.5.3", "from loopback", lambda w: w.e6(src="::1") / ICMPv6EchoRequest(), silent),
    ("RFC 4291 2.5.3", "to loopback from the wire", lambda w: w.e6(dst="::1") / ICMPv6EchoRequest(), silent),
    ("RFC 4291 2.5.2", "to the unspecified address", lambda w: w.e6(dst="::") / ICMPv6EchoRequest(), silent,
     {"linux": "no route"}),
    ("RFC 4291 2.5.2", "from the unspecified address", lambda w: w.e6(src="::") / ICMPv6EchoRequest(), silent,
     {"linux": "answers with a default route"}),
    ("RFC 4291 2.5.5", "from a mapped address", lambda w: w.e6(src="::ffff:10.77.0.66") / ICMPv6EchoRequest(), silent,
     {"linux": "looks for a route"}),
    ("RFC 4291 2.7", "to a group of scope 0", lambda w: w.e6(dst="ff00::1", mac="33:33:00:00:00:01") / ICMPv6EchoRequest(),
     silent),
    ("RFC 4291 2.7", "to a group of interface scope", lambda w: w.e6(dst="ff01::1", mac="33:33:00:00:00:01") /
     ICMPv6EchoRequest(), silent),
    ("RFC 8200 3", "to another host", lambda w: w.e6(dst="fd77::3") / ICMPv6EchoRequest(), silent),
    ("RFC 8200 4", "an unknown next header", lambda w: w.e6(nh=253) / Raw(bytes(16)), error6(4, 1, 6)),
    ("RFC 8200 4", "an unknown one behind options", lambda w: chain(w, (OPTIONS, pad(6)), (253, b"")), error6(4, 1, 40)),
    ("RFC 8200 4", "an unknown one behind two headers", lambda w: chain(w, (HOP, pad(6)), (OPTIONS, pad(6)), (253, b"")),
     error6(4, 1, 48)),
    ("RFC 8200 4.7", "no next header", lambda w: w.e6(nh=NONE) / Raw(bytes(16)), silent),
    ("RFC 8200 4.7", "no next header behind options", lambda w: chain(w, (OPTIONS, pad(6)), (NONE, b"")), silent),
    ("RFC 8200 4.3", "hop-by-hop options", lambda w: chain(w, (HOP, pad(6))), echo6),
    ("RFC 8200 4.1", "hop-by-hop options not in front", lambda w: chain(w, (OPTIONS, pad(6)), (HOP, pad(6))),
     error6(4, 1, 40)),
    ("RFC 8200 4.6", "destination options", lambda w: chain(w, (OPTIONS, pad(6))), echo6),
    ("RFC 8200 4.1", "all of them in order", lambda w: chain(w, (HOP, pad(6)), (OPTIONS, pad(6)), (ROUTING, bytes(6)), (
        OPTIONS, pad(6))), echo6),
    ("RFC 8200 4.6", "destination options of 64 bytes", lambda w: chain(w, (OPTIONS, pad(62))), echo6,
     {"linux": "at most 7 bytes of padding in a row"}),
    ("RFC 8200 4.2", "Pad1", lambda w: chain(w, (OPTIONS, bytes(6))), echo6),
    ("RFC 8200 4.2", "an unknown option: skip", lambda w: chain(w, (OPTIONS, option(0x1e))), echo6),
    ("RFC 8200 4.2", "an unknown option: discard", lambda w: chain(w, (OPTIONS, option(0x5e))), silent),
    ("RFC 8200 4.2", "an unknown option: discard and say so", lambda w: chain(w, (OPTIONS, option(0x9e))),
     error6(4, 2, 42)),
    ("RFC 8200 4.2", "an unknown option: say so unless multicast", lambda w: chain(w, (OPTIONS, option(0xde))),
     error6(4, 2, 42)),
    ("RFC 8200 4.2", "the pointer is the option's", lambda w: chain(w, (OPTIONS, pad(2) + pad(2) + option(0x9e, 8))),
     error6(4, 2, 46)),
    ("RFC 8200 4.2", "an unknown hop-by-hop option", lambda w: chain(w, (HOP, option(0x9e))), error6(4, 2, 42)),
    ("RFC 8200 4.2", "to a group: say so", lambda w: chain(w, (OPTIONS, option(0x9e)), **GROUP), error6(4, 2, 42)),
    ("RFC 8200 4.2", "to a group: do not say so", lambda w: chain(w, (OPTIONS, option(0xde)), **GROUP), silent),
    ("RFC 8200 4.2", "to a group: discard", lambda w: chain(w, (OPTIONS, option(0x5e)), **GROUP), silent),
    ("RFC 8200 4.2", "to a group: skip", lambda w: chain(w, (OPTIONS, option(0x1e)), **GROUP), echo6),
    ("RFC 8200 4.2", "an option longer than its header", lambda w: chain(w, (OPTIONS, bytes([0x1e, 40, 0, 0, 0, 0]))),
     lambda f: silent([p for p in f if bytes(p[IPv6].payload)[0] != 4])),
    ("RFC 8200 4.6", "options longer than the packet", lambda w: w.e6(nh=OPTIONS) / Raw(bytes([58, 40, 1, 4, 0, 0, 0, 0])),
     lambda f: silent([p for p in f if bytes(p[IPv6].payload)[0] != 4])),
    ("RFC 2711", "router alert", lambda w: chain(w, (HOP, b"\x05\x02\0\0" + pad(2))), echo6),
    ("RFC 8200 4.4", "a routing header, nothing left", lambda w: chain(w, (ROUTING, bytes([0, 0]) + bytes(4))), echo6),
    ("RFC 8200 4.4", "an unknown routing header, nothing left", lambda w: chain(w, (ROUTING, bytes([99, 0]) + bytes(4))),
     echo6),
    ("RFC 8200 4.4", "an unknown routing header, segments left", lambda w: chain(w, (ROUTING, bytes([99, 1]) + bytes(4))),
     error6(4, 0, 42)),
    ("RFC 5095 3", "type 0, segments left", lambda w: chain(w, (ROUTING, bytes([0, 1]) + bytes(20))), error6(4, 0, 42)),
    ("RFC 8200 4.5", "fragments in order", lambda w: cut(w, (32,), ident=11), echo6),
    ("RFC 8200 4.5", "fragments backwards", lambda w: cut(w, (16, 40), order=(2, 1, 0), ident=12), echo6),
    ("RFC 8200 4.5", "many", lambda w: cut(w, range(8, 64, 8), ident=13), echo6),
    ("RFC 8200 4.5", "20000 bytes", large, comes_back(20000)),
    ("RFC 8200 4.5", "the last is missing", lambda w: cut(w, (32,), ident=15)[:1], silent),
    ("RFC 8200 4.5", "different ids", lambda w: cut(w, (32,), ident=16)[:1] + cut(w, (32,), ident=17)[1:], silent),
    ("RFC 6946", "an atomic fragment", lambda w: fragment(w, 0, 0, request(w), 18), echo6),
    ("RFC 6946 4", "an atomic fragment beside pieces of the same id", lambda w: [cut(w, (32,), ident=19)[0], fragment(
        w, 0, 0, request(w), 19)], echo6),
    ("RFC 8200 4.5", "a piece of no multiple of 8", lambda w: fragment(w, 0, 1, request(w)[:30], 20), error6(4, 0, 4)),
    ("RFC 8200 4.5", "beyond 65535 bytes", lambda w: fragment(w, 65528, 0, bytes(16), 21), error6(4, 0, 42)),
    ("RFC 7112", "a first fragment without the transport's header", lambda w: fragment(w, 0, 1, bytes(8), 22, protocol=6),
     error6(4, 3, 0)),
    ("RFC 5722 3", "overlap in the middle", overlapping(31, (0, 40, 1), (32, 56, 1), (56, 64, 0)), silent),
    ("RFC 5722 3", "overlap at the end", overlapping(32, (0, 40, 1), (32, 64, 0)), silent),
    ("RFC 5722 3", "a piece inside another", overlapping(33, (0, 40, 1), (8, 16, 1), (40, 64, 0), (48, 56, 1)), silent,
     {"linux": "ignores it"}),
    ("RFC 8200 4.5", "the same piece twice", overlapping(34, (0, 40, 1), (0, 40, 1), (40, 64, 0)), echo6),
    ("RFC 8200 4.5", "options in front of a fragment", lambda w: [w.e6(nh=OPTIONS) / Raw(
        bytes([FRAGMENT, 0]) + pad(6) + bytes(fragment(w, n, n == 0, request(w)[n:n + 32], 23))[54:]) for n in (0, 32)],
     echo6),
    ("RFC 8200 3", "what we send", sends_header, None),
    ("RFC 8200 4.5", "fragments that we send", sends_fragments, None),
]
