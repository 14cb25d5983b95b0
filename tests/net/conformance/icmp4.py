# SPDX-License-Identifier: BSD-3-Clause
# ICMP for IPv4. [RFC 792, RFC 1122 3.2.2, RFC 1191, RFC 1812 4.3.2]
from expect import both, echo4, error4, silent, that
from wire import ALL, ICMP, IP, S4, T4, TCP, TM, UDP, Raw

CLOSED = 4001


def quoted(w, size):
    """An error quotes the header and at least 8 bytes of what it is about, and is at most 576 bytes long."""
    sent = w.e4(id=99, ttl=33) / UDP(sport=4444, dport=CLOSED) / Raw(bytes(range(200)) * 7)[0:]
    sent[Raw].load = (bytes(range(256)) * 6)[:size]
    frames = w.exchange(sent)
    if error4(3, 3)(frames):
        return error4(3, 3)(frames)
    p = frames[0][IP]
    quote = bytes(p)[28:p.len]
    whole = bytes(sent[IP])
    if p.len > 576 or len(quote) < min(28, len(whole)):
        return "quotes %d bytes" % len(quote)
    if quote != whole[:len(quote)]:
        return "quotes other bytes: %s" % quote.hex()
    return None if p.src == S4 and p.dst == T4 else "addresses"


def connected(w):
    w.run("c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
    w.run("c.setblocking(False), c.bind(('', 0)), c.connect(('%s', 9))" % T4)
    w.drain()
    w.run("c.send(b'hello')")
    return [p for p in w.barrier() if UDP in p][0][IP]


def tell(w, about, kind, code, second=0, cut=None, **fields):
    quote = bytes(about)[:cut]
    return w.e4(**fields) / ICMP(type=kind, code=code, unused=second) / Raw(quote)


def error_is(kind, code, name):
    """A connected UDP socket hears of it; None: it does not."""
    def case(w):
        about = connected(w)
        w.exchange(tell(w, about, kind, code))
        said = w.ask("c.recv(10)")[1]
        w.run("c.close()")
        return None if said == (name or "EAGAIN") else "says %s" % said
    return case


def error_is_not(change, **fields):
    """A report that does not fit is ignored."""
    def case(w):
        about = connected(w)
        change(about)
        w.exchange(tell(w, about, 3, 3, **fields))
        said = w.ask("c.recv(10)")[1]
        w.run("c.close()")
        return None if said == "EAGAIN" else "says %s" % said
    return case


def set_field(layer, **values):
    def change(p):
        for name, value in values.items():
            setattr(p[layer] if layer else p, name, value)
    return change


def error_queue(w):
    """IP_RECVERR tells who said it, and what. [ip(7)]"""
    about = connected(w)
    w.run("c.setsockopt(0, 11, 1)")
    w.exchange(tell(w, about, 11, 0, src="10.77.0.67"))
    name = w.ask("c.recv(10)")[1]
    said = w.value("[list(c.recvmsg(100, 200, 0x2000)[1][0][2][:24]), 0][0]")
    w.run("c.close()")
    if name != "EHOSTUNREACH" or said[4:7] != [2, 11, 0] or said[20:24] != [10, 77, 0, 67]:
        return "%s %s" % (name, said)


def path_mtu(w):
    """A router's MTU is used from then on. [RFC 1191 3]"""
    w.addresses["10.77.0.81"] = "02:00:00:00:00:66"
    w.run("m = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
    w.run("m.connect(('10.77.0.81', 9)), m.setsockopt(0, 10, 2), m.setsockopt(0, 11, 1)")  # IP_PMTUDISC_DO
    w.drain()
    w.run("m.send(bytes(1400))")
    about = w.wait(lambda p: UDP in p)[IP]
    if int(about.flags) != 2:
        return "DF is not set"
    w.exchange(w.e4() / ICMP(type=3, code=4, nexthopmtu=1000) / Raw(bytes(about)[:28]))
    said = w.ask("m.send(bytes(1400))")[1], w.ask("m.send(bytes(1400))")[1]
    mtu = w.value("m.getsockopt(0, 14)")
    w.run("m.close()")
    return None if said[1] == "EMSGSIZE" and mtu == 1000 else "%s, MTU %s" % (said, mtu)


def path_mtu_ignored(mtu, address, why):
    """Nonsense about the MTU changes nothing below what is sane."""
    def case(w):
        w.addresses[address] = "02:00:00:00:00:66"
        w.run("m = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
        w.run("m.connect(('%s', 9)), m.setsockopt(0, 10, 2), m.setsockopt(0, 11, 1)" % address)
        w.drain()
        w.run("m.send(bytes(1400))")
        about = w.wait(lambda p: UDP in p)[IP]
        why(about)
        w.exchange(w.e4() / ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(bytes(about)[:28]))
        got = w.value("m.getsockopt(0, 14)")
        w.run("m.close()")
        return None if got >= 552 and (mtu < 1500 or got == 1500) else "MTU %s" % got
    return case


def ping_of(size):
    body = (bytes(range(251)) * 300)[:size]

    def holds(frames):
        parts = sorted((p[IP].frag, bytes(p[IP].payload)[:p[IP].len - 20]) for p in frames if IP in p)
        return b"".join(b for _, b in parts)[8:] == body
    return body, that("%d bytes come back" % size, holds)


def large(size):
    body, check = ping_of(size)

    def frames(w):
        whole = bytes(ICMP(id=3, seq=size & 0xffff) / body)
        return [w.e4(id=size & 0xffff, proto=1, flags="MF" if n + 1480 < len(whole) else 0, frag=n // 8) /
                Raw(whole[n:n + 1480]) for n in range(0, len(whole), 1480)]
    return frames, check


def refused(kind):
    return lambda w: w.e4() / ICMP(type=kind) / Raw(bytes(IP(src=S4, dst=T4) / UDP(sport=1, dport=2) / bytes(8)))



def redirect(n, sender, accepted):
    """The gateway's word about another first hop is taken, nobody else's. [RFC 1122 3.2.2.2]"""
    def send(w, to):
        w.drain()
        w.run("u.sendto(b'x', ('%s', 9))" % to)
        return [p for p in w.barrier() if UDP in p and p[IP].dst == to][0]

    def case(w):
        to = "198.51.100.%d" % n
        w.run("u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
        about = send(w, to)
        w.exchange(w.e4(src=sender) / ICMP(type=5, code=1, gw=T4) / Raw(bytes(about[IP])[:28]))
        after = send(w, to).dst
        w.run("u.close()")
        return None if about.dst != TM and (after == TM) == accepted else "%s, then %s" % (about.dst, after)
    return case


ERRORS = [(0, "EAGAIN"), (1, "EAGAIN"), (2, "ENOPROTOOPT"), (3, "ECONNREFUSED"), (5, "EAGAIN"), (6, "ENETUNREACH"),
          (7, "EHOSTDOWN"), (8, "ENONET"), (9, "ENETUNREACH"), (10, "EHOSTUNREACH"), (11, "EAGAIN"), (12, "EAGAIN"),
          (13, "EHOSTUNREACH")]
ROWS = [
    ("RFC 792", "echo", lambda w: w.e4() / ICMP(id=1, seq=2) / b"payload", both(echo4, that(
        "the same id, number, data", lambda f: f[0][ICMP].id == 1 and f[0][ICMP].seq == 2 and bytes(
            f[0][ICMP].payload)[:7] == b"payload"))),
    ("RFC 792", "echo, checksum right", lambda w: w.e4() / ICMP(id=1) / b"odd", both(echo4, that(
        "checksum", lambda f: IP(bytes(f[0][IP])[:f[0][IP].len]).chksum is not None))),
    ("RFC 792", "echo with code 1", lambda w: w.e4() / ICMP(code=1), lambda f: None),
    ("RFC 1122 3.2.2", "a wrong checksum", lambda w: w.e4() / ICMP(chksum=1) / b"x", silent),
    ("RFC 792", "shorter than its header", lambda w: w.e4(proto=1) / Raw(b"\x08\x00\xf7\xff"), silent),
    ("RFC 1122 3.2.2", "an unknown type", lambda w: w.e4() / ICMP(type=99), silent),
    ("RFC 1122 3.2.2", "type 255", lambda w: w.e4() / ICMP(type=255), silent),
    ("RFC 1122 3.2.2.6", "echo to the subnet's broadcast", lambda w: w.e4(dst="10.77.0.255", mac=ALL) / ICMP(), silent),
    ("RFC 1122 3.2.2.6", "echo to 255.255.255.255", lambda w: w.e4(dst="255.255.255.255", mac=ALL) / ICMP(), silent),
    ("RFC 1122 3.2.2.6", "echo to all hosts", lambda w: w.e4(dst="224.0.0.1", mac="01:00:5e:00:00:01") / ICMP(), silent),
    ("RFC 1122 3.2.2.6", "an answer that nobody waits for", lambda w: w.e4() / ICMP(type=0, id=777), silent),
    ("RFC 792", "source quench is ignored", refused(4), silent),
    ("RFC 792", "redirect is not answered", refused(5), silent),
    ("RFC 1122 3.2.2.2", "a redirect", redirect(1, "10.77.0.1", True), None),
    ("RFC 1122 3.2.2.2", "a redirect of somebody else", redirect(2, "10.77.0.68", False), None),
    ("RFC 792", "time exceeded about nothing of ours", refused(11), silent),
    ("RFC 792", "parameter problem about nothing of ours", refused(12), silent),
    ("RFC 1122 3.2.2.7", "information request", lambda w: w.e4() / ICMP(type=15), silent),
    ("RFC 1122 3.2.2.9", "address mask request", lambda w: w.e4() / ICMP(type=17), silent),
    ("RFC 1122 3.2.2.8", "timestamps: none or right", lambda w: w.e4() / ICMP(type=13, id=5, seq=6), that(
        "a reply at most", lambda f: not f or (len(f) == 1 and f[0][ICMP].type == 14 and f[0][ICMP].id == 5))),
    ("RFC 1122 3.2.2.1", "port unreachable", lambda w: w.e4() / UDP(sport=5, dport=CLOSED) / b"x", error4(3, 3)),
    ("RFC 1122 3.2.2", "what an error quotes: little", lambda w: quoted(w, 4), None),
    ("RFC 1812 4.3.2.3", "what an error quotes: much", lambda w: quoted(w, 1400), None),
    ("RFC 1122 3.2.2", "no error about a broadcast", lambda w: w.e4(dst="10.77.0.255", mac=ALL) / UDP(
        sport=5, dport=CLOSED) / b"x", silent),
    ("RFC 1122 3.2.2", "no error about a group", lambda w: w.e4(dst="224.0.0.1", mac="01:00:5e:00:00:01") / UDP(
        sport=5, dport=CLOSED) / b"x", silent),
    ("RFC 1122 3.2.2", "no error about a broadcast frame", lambda w: w.e4(mac=ALL) / UDP(sport=5, dport=CLOSED) / b"x",
     silent),
    ("RFC 1122 3.2.2", "no error about a later fragment", lambda w: w.e4(frag=10, proto=17, id=5) / Raw(bytes(40)),
     silent),
    ("RFC 1122 3.2.2", "no error to source 0", lambda w: w.e4(src="0.0.0.0") / UDP(dport=CLOSED) / b"x", silent),
    ("RFC 1122 3.2.2", "no error to a group", lambda w: w.e4(src="224.1.2.3") / UDP(dport=CLOSED) / b"x", silent),
    ("RFC 1122 3.2.2", "no error to a broadcast", lambda w: w.e4(src="10.77.0.255") / UDP(dport=CLOSED) / b"x", silent,
     {"linux": "answers"}),
    ("RFC 1122 4.2.3.9", "an error quoting half a header", lambda w: w.e4() / ICMP(type=3, code=3) / Raw(b"\x45" * 10),
     silent),
    ("RFC 1122 4.2.3.9", "an error quoting nothing", lambda w: w.e4() / ICMP(type=3, code=3), silent),
    ("RFC 1122 4.2.3.9", "an error quoting a mad header", lambda w: w.e4() / ICMP(type=3, code=3) / Raw(b"\xff" * 60),
     silent),
    ("RFC 1122 3.2.2.1", "about another host's packet", error_is_not(set_field(IP, src="10.77.0.3")), None),
    ("RFC 1122 3.2.2.1", "about another port of ours", error_is_not(lambda p: setattr(p[UDP], "sport", 1)), None),
    ("RFC 1122 3.2.2.1", "about another peer's port", error_is_not(lambda p: setattr(p[UDP], "dport", 77)), None),
    ("RFC 1122 3.2.2.1", "about another peer", error_is_not(set_field(IP, dst="10.77.0.90")), None),
    ("RFC 1122 3.2.2.1", "quoting too little of UDP", error_is_not(lambda p: None, cut=24), None),
    ("RFC 1122 3.2.2.4", "time exceeded is soft", error_is(11, 0, None), None),
    ("RFC 1122 3.2.2.5", "parameter problem", error_is(12, 0, "EPROTO"), None),
    ("RFC 1122 4.1.3.3", "the error queue", error_queue, None),
    ("RFC 1191 3", "path MTU", path_mtu, None),
    ("RFC 1191 3", "path MTU below 68", path_mtu_ignored(40, "10.77.0.82", lambda p: None), None),
    ("RFC 1191 3", "path MTU above the link's", path_mtu_ignored(9000, "10.77.0.83", lambda p: None), None),
    ("RFC 5927 7", "path MTU for a packet that was not sent", path_mtu_ignored(1500, "10.77.0.84", set_field(
        IP, src="10.77.0.3")), None),
    ("RFC 792", "echo of 0 bytes", lambda w: w.e4() / ICMP(), echo4),
    ("RFC 792", "echo of 1472 bytes", *large(1472)),
    ("RFC 1122 3.2.2.6", "echo of 3000 bytes", *large(3000)),
    ("RFC 1122 3.2.2.6", "echo of 20000 bytes", *large(20000)),
    ("RFC 1122 3.2.2.6", "echo of 65507 bytes", *large(65507)),
] + [("RFC 1122 3.2.2.1", "unreachable, code %d: %s" % (code, name), error_is(3, code, name), None)
     for code, name in ERRORS]
