# SPDX-License-Identifier: BSD-3-Clause
# ICMPv6. [RFC 4443, RFC 8201]
from expect import both, echo6, error6, silent, that
from wire import T6, TL, UDP, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, Raw

CLOSED = 4001
ALL_NODES = {"dst": "ff02::1", "mac": "33:33:00:00:00:01"}


def message(w, kind, code, rest=bytes(4), **fields):
    """Any ICMPv6 message, its checksum right."""
    source, to = fields.get("src", T6), fields.get("dst", w.s6)
    data = bytes([kind, code, 0, 0]) + rest
    total = sum_of(IPv6(src=source, dst=to, nh=58, plen=len(data)), data)
    return w.e6(nh=58, **fields) / Raw(data[:2] + total.to_bytes(2, "big") + data[4:])


def sum_of(header, data):
    h = bytes(header)
    pseudo = h[8:40] + len(data).to_bytes(4, "big") + b"\0\0\0\x3a" + data
    pseudo += b"\0" * (len(pseudo) % 2)
    total = sum(pseudo[n] << 8 | pseudo[n + 1] for n in range(0, len(pseudo), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def connected(w, to=T6):
    w.run("c = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.run("c.setblocking(False), c.bind(('', 0)), c.connect(('%s', 9))" % to)
    w.drain()
    w.run("c.send(b'hello')")
    return [p for p in w.barrier() if UDP in p][0][IPv6]


def error_is(kind, code, name):
    def case(w):
        about = connected(w)
        w.exchange(message(w, kind, code, bytes(4) + bytes(about)))
        said = w.ask("c.recv(10)")[1]
        w.run("c.close()")
        return None if said == (name or "EAGAIN") else "says %s" % said
    return case


def error_is_not(change, cut=None):
    def case(w):
        about = connected(w)
        change(about)
        w.exchange(message(w, 1, 4, bytes(4) + bytes(about)[:cut]))
        said = w.ask("c.recv(10)")[1]
        w.run("c.close()")
        return None if said == "EAGAIN" else "says %s" % said
    return case


def quoted(size, least):
    """As much as fits into 1280 bytes. [RFC 4443 2.4 (c)]"""
    def case(w):
        sent = w.e6() / UDP(sport=4444, dport=CLOSED) / Raw((bytes(range(256)) * 6)[:size])
        frames = w.exchange(sent)
        why = error6(1, 4)(frames)
        if why:
            return why
        p = frames[0][IPv6]
        quote = bytes(p)[48:40 + p.plen]
        return None if quote == bytes(sent[IPv6])[:least] else "quotes %d bytes" % len(quote)
    return case


def path_mtu(mtu, expected, to, why=lambda p: None):
    """[RFC 8201 4]"""
    def case(w):
        w.addresses[to] = "02:00:00:00:00:66"
        w.run("m = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
        w.run("m.connect(('%s', 9))" % to)
        w.drain()
        w.run("m.send(bytes(1400))")
        about = w.wait(lambda p: UDP in p)[IPv6]
        why(about)
        w.exchange(message(w, 2, 0, mtu.to_bytes(4, "big") + bytes(about)[:1200]))
        got = w.value("m.getsockopt(41, 24)")
        w.run("m.close()")
        return None if got in expected else "MTU %s" % got
    return case


def fragments_then(w):
    """What is larger than the path's MTU then goes in fragments. [RFC 8201 4]"""
    w.addresses["fd77::a5"] = "02:00:00:00:00:66"
    w.run("m = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.run("m.connect(('fd77::a5', 9))")
    w.drain()
    w.run("m.send(bytes(1400))")
    about = w.wait(lambda p: UDP in p)[IPv6]
    w.exchange(message(w, 2, 0, (1300).to_bytes(4, "big") + bytes(about)[:1200]))
    said = w.ask("m.send(bytes(1400))")[1]  # it says so once
    w.run("m.send(bytes(1400))")
    sizes = [p[IPv6].plen + 40 for p in w.barrier() if IPv6 in p and p[IPv6].dst == "fd77::a5"]
    w.run("m.close()")
    return None if said == "EMSGSIZE" and len(sizes) == 2 and max(sizes) <= 1300 else "%s %s" % (said, sizes)


ERRORS = [(1, 0, "EAGAIN"), (1, 1, "EACCES"), (1, 2, "EAGAIN"), (1, 3, "EAGAIN"), (1, 4, "ECONNREFUSED"),
          (1, 5, "EACCES"), (1, 6, "EACCES"), (3, 0, "EAGAIN"), (4, 0, "EPROTO"), (4, 1, "EPROTO"), (4, 2, "EPROTO")]
ROWS = [
    ("RFC 4443 4.1", "echo", lambda w: w.e6() / ICMPv6EchoRequest(id=3, seq=4, data=b"payload"), both(echo6, that(
        "the same id, number, data", lambda f: (f[0][ICMPv6EchoReply].id, f[0][ICMPv6EchoReply].seq, f[0][
            ICMPv6EchoReply].data) == (3, 4, b"payload")))),
    ("RFC 4443 4.1", "echo of 0 bytes", lambda w: w.e6() / ICMPv6EchoRequest(), echo6),
    ("RFC 4443 4.1", "echo of 1452 bytes", lambda w: w.e6() / ICMPv6EchoRequest(data=bytes(1452)), echo6),
    ("RFC 4443 4.2", "echo to all nodes: from an own address", lambda w: w.e6(src=TL, **ALL_NODES) / ICMPv6EchoRequest(),
     both(echo6, that("source", lambda f: f[0][IPv6].src.startswith("fe80")))),
    ("RFC 4443 4.2", "echo to the link-local address", lambda w: w.e6(src=TL, dst=w.sl) / ICMPv6EchoRequest(), both(
        echo6, that("source", lambda f: f[0][IPv6].src == f[0][IPv6].src and f[0][IPv6].src.startswith("fe80")))),
    ("RFC 4443 2.3", "a wrong checksum", lambda w: w.e6() / ICMPv6EchoRequest(cksum=1), silent),
    ("RFC 4443 2.3", "checksum 0", lambda w: w.e6() / ICMPv6EchoRequest(cksum=0), silent),
    ("RFC 4443 2.1", "shorter than its header", lambda w: w.e6(nh=58) / Raw(b"\x80\0"), silent),
    ("RFC 4443 4.2", "an answer that nobody waits for", lambda w: w.e6() / ICMPv6EchoReply(id=777), silent),
    ("RFC 4443 2.4 (a)", "an unknown error", lambda w: message(w, 99, 0, bytes(60)), silent),
    ("RFC 4443 2.4 (b)", "an unknown message", lambda w: message(w, 200, 0, bytes(60)), silent),
    ("RFC 4443 2.4 (b)", "type 255", lambda w: message(w, 255, 0, bytes(60)), silent),
    ("RFC 4443 3.1", "port unreachable", lambda w: w.e6() / UDP(sport=5, dport=CLOSED) / b"x", error6(1, 4)),
    ("RFC 4443 2.4 (c)", "what an error quotes: little", quoted(4, 52), None),
    ("RFC 4443 2.4 (c)", "what an error quotes: much", quoted(1400, 1232), None),
    ("RFC 4443 2.4 (e.1)", "no error about an error", lambda w: message(w, 1, 4, bytes(4) + bytes(w.e6(src=w.s6, dst=T6)[
        IPv6] / UDP(sport=1) / b"x")), silent),
    ("RFC 4443 2.4 (e.3)", "no error about a group", lambda w: w.e6(**ALL_NODES) / UDP(sport=5, dport=CLOSED) / b"x",
     silent),
    ("RFC 4443 2.4 (e.4)", "no error about a multicast frame", lambda w: w.e6(mac="33:33:00:00:00:01") / UDP(
        sport=5, dport=CLOSED) / b"x", silent, {"linux": "looks at the address"}),
    ("RFC 4443 2.4 (e.6)", "no error to the unspecified address", lambda w: w.e6(src="::") / UDP(sport=5, dport=CLOSED) /
     b"x", silent),
    ("RFC 4443 2.4 (d)", "an error quoting nothing", lambda w: message(w, 1, 4), silent),
    ("RFC 4443 2.4 (d)", "an error quoting half a header", lambda w: message(w, 1, 4, bytes(4) + b"\x60" + bytes(20)),
     silent),
    ("RFC 4443 2.4 (d)", "an error quoting a mad header", lambda w: message(w, 1, 4, bytes(4) + b"\xff" * 80), silent),
    ("RFC 4443 5.2", "about another host's packet", error_is_not(lambda p: setattr(p, "src", "fd77::3")), None),
    ("RFC 4443 5.2", "about another port of ours", error_is_not(lambda p: setattr(p[UDP], "sport", 1)), None),
    ("RFC 4443 5.2", "about another peer's port", error_is_not(lambda p: setattr(p[UDP], "dport", 77)), None),
    ("RFC 4443 5.2", "about another peer", error_is_not(lambda p: setattr(p, "dst", "fd77::90")), None),
    ("RFC 4443 5.2", "quoting too little of UDP", error_is_not(lambda p: None, cut=44), None),
    ("RFC 8201 4", "path MTU 1400", path_mtu(1400, (1400,), "fd77::a1"), None),
    ("RFC 8201 4", "path MTU below 1280", path_mtu(800, (1280, 1500), "fd77::a2"), None),
    ("RFC 8201 4", "path MTU above the link's", path_mtu(9000, (1500,), "fd77::a3"), None),
    ("RFC 8201 4", "path MTU for a packet that was not ours", path_mtu(1300, (1500,), "fd77::a4", lambda p: setattr(
        p, "src", "fd77::3")), None),
    ("RFC 8201 4", "fragments then", fragments_then, None),
] + [("RFC 4443 2.4 (d)", "type %d, code %d: %s" % (kind, code, name), error_is(kind, code, name), None)
     for kind, code, name in ERRORS]
