# SPDX-License-Identifier: BSD-3-Clause
# TCP: nobody there, listening, opening. [RFC 9293 3.5, 3.10.7.1 to 3.10.7.4; RFC 5961, 6056, 6528, 6691, 7323]
from peer import (CLOSED, CLOSED_STATE, ESTABLISHED, MSS, PORT, SYN_RECEIVED, SYN_SENT, USUAL, Peer, case, flags, is_one,
                  listen, nothing, options, seen, used)
from wire import S4, T4, T6, TCP, Raw


def closed(kind, expected, data=b"", **fields):
    """A segment for a port that nobody has."""
    def run(w):
        p = Peer(w, port=CLOSED)
        p.ack = 7777
        return expected(p, p.send(kind, data, **fields))
    return run


def reset_of_ack(p, frames):
    return is_one(frames, "R", seq=7777)


def reset_of_data(size):
    return lambda p, frames: is_one(frames, "RA", seq=0, ack=1000 + size)


def quiet(p, frames):
    return nothing(frames)


def listening(kind, expected, data=b"", **fields):
    def run(w):
        listen(w)
        p = Peer(w)
        p.ack = 7777
        why = expected(p, p.send(kind, data, **fields))
        p.end()
        return why
    return run


def is_syn_ack(p, frames):
    return is_one(frames, "SA", ack=1001)


def received(body, opts=(MSS,)):
    """The subject is in SYN-RECEIVED."""
    def run(w):
        listen(w)
        p = Peer(w)
        p.synchronise(opts)
        why = body(w, p)
        p.end()
        return why
    return run


def accepted(w):
    """A connection can be accepted; it is closed again."""
    error = w.run("c = l.accept()[0]")
    if not error:
        w.run("c.close()")
    return not error


def received_reset(w, p):
    why = nothing(p.send("R"))
    return why or ("the request is still there" if p.send("A") and accepted(w) else None)


def received_far_reset(w, p):
    """Outside of the window: ignored. [RFC 5961 3.2]"""
    p.send("R", seq=p.seq + 200000)
    p.send("A")
    return None if accepted(w) else "gone by an RST out of the window"


def received_bad_ack(w, p):
    return is_one(p.send("A", ack=p.ack + 5), "R", seq=p.ack + 5) or (
        "accepted" if accepted(w) else None)


def received_far(w, p):
    """Not acceptable: an ACK (or the SYN-ACK again)."""
    frames = p.send("A", seq=p.seq + 200000)
    return None if len(frames) == 1 and flags(frames[0]) in ("A", "SA") and not accepted(w) else seen(frames)


def received_again(w, p):
    return is_one(p.send("S", seq=1000, options=[MSS]), "SA", seq=p.iss, ack=1001)


def received_data(w, p):
    """Data with the third segment arrives."""
    p.exchange(p.make("PA", b"early"))
    w.run("c = l.accept()[0]")
    w.run("c.setblocking(False)")
    return None if w.value("c.recv(10).decode()") == "early" else "lost"


def received_fin(w, p):
    p.exchange(p.make("FA"))
    w.run("c = l.accept()[0]")
    return None if w.value("c.recv(10).decode()") == "" else "no end"


def opening(body, six=False, before="", errors=("EINPROGRESS",)):
    """The subject opens: SYN-SENT. body(w, p, syn)"""
    def run(w):
        port = used.pop()
        w.run("c = socket.socket(socket.AF_INET%s)" % ("6" if six else ""))
        w.run("c.setblocking(False)")
        if before:
            w.run(before)
        p = Peer(w, six=six, sport=port)
        w.drain()
        w.ask("c.connect(('%s', %d))" % (T6 if six else T4, port))
        w.run("def info(): return c.getsockopt(6, 11, 104)")
        w.run("def state(): return info()[0]")
        syn = p.wait()
        p.port = syn[TCP].sport
        p.note(syn)
        why = body(w, p, syn)
        p.end()
        return why
    return run


def error_of(w):
    return w.value("errno.errorcode.get(c.getsockopt(1, 4), '')")


def sent_good(w, p, syn):
    frames = p.send("SA", options=[MSS])
    p.seq += 1
    return is_one(frames, "A", seq=p.ack, ack=p.seq) or (
        None if w.value("state()") == ESTABLISHED else "not established")


def sent_bad_ack(w, p, syn):
    """An ACK of what was not sent. [3.10.7.3 first]"""
    return is_one(p.send("SA", ack=p.ack + 9, options=[MSS]), "R", seq=p.ack + 9) or (
        None if w.value("state()") == SYN_SENT else "state")


def sent_bad_ack_alone(w, p, syn):
    return is_one(p.send("A", ack=p.ack - 1), "R", seq=p.ack - 1)


def sent_bad_reset(w, p, syn):
    return nothing(p.send("RA", ack=p.ack + 9)) or (None if w.value("state()") == SYN_SENT else "reset")


def sent_reset(w, p, syn):
    why = nothing(p.send("RA"))
    return why or (None if error_of(w) == "ECONNREFUSED" else "no error")


def sent_reset_alone(w, p, syn):
    """Without ACK: ignored. [3.10.7.3 second]"""
    return nothing(p.send("R")) or (None if w.value("state()") == SYN_SENT else "reset")


def sent_nothing(kind):
    def body(w, p, syn):
        return nothing(p.send(kind)) or (None if w.value("state()") == SYN_SENT else "state")
    return body


def sent_crossing(w, p, syn):
    """Both open at once. [3.5, figure 8]"""
    frames = p.send("S", options=[MSS])
    why = is_one(frames, "SA", seq=p.iss, ack=p.seq + 1)
    if why:
        return why
    p.seq += 1
    p.send("A")
    return None if w.value("state()") == ESTABLISHED else "state %d" % w.value("state()")


def sent_data(w, p, syn):
    """Data in a SYN-ACK may be kept or sent again, but it arrives."""
    p.send("SA", b"early", options=[MSS])
    p.seq += 1
    p.send("PA", b"early")
    return None if w.value("c.recv(10).decode()") == "early" else "lost"


def unreachable(code, kind=3):
    """Soft errors while opening do not end it at once. [RFC 1122 4.2.3.9, RFC 5461]"""
    def body(w, p, syn):
        from icmp4 import tell
        w.exchange(tell(w, syn[0].payload, kind, code))
        return None if w.value("state()") == SYN_SENT else "state"
    return body


def hard(code, name):
    def body(w, p, syn):
        from icmp4 import tell
        w.exchange(tell(w, syn[0].payload, 3, code))
        got = error_of(w)
        return None if got == name else "error %s" % got
    return body


def spoofed(w, p, syn):
    """An ICMP error about another sequence number is not believed. [RFC 5927 4.1]"""
    from icmp4 import tell
    about = syn[0].payload
    about[TCP].seq += 9999
    w.exchange(tell(w, about, 3, 3))
    return None if w.value("state()") == SYN_SENT else "believed"


def offers(w, p, syn):
    """What our SYN offers."""
    o = options(syn)
    if o.get("MSS") != (1440 if p.six else 1460) or "SAckOK" not in o or "WScale" not in o or "Timestamp" not in o:
        return str(o)
    return None if syn[TCP].ack == 0 and flags(syn) == "S" and syn[TCP].urgptr == 0 else syn.show2(dump=True)


def no_mss(size, six=False):
    """Without the option the peer takes 536 (1220). [RFC 9293 3.7.1]"""
    def run(w):
        p = Peer(w, six=six)
        p.connect(opts=())
        got = w.value("struct.unpack_from('=I', info(), 16)[0]")  # tcpi_snd_mss
        p.end()
        return None if got == size else "MSS %d" % got
    return run


def mss_of(mss, most):
    """No segment is larger than the peer says."""
    def run(w):
        p = Peer(w)
        p.connect(opts=(("MSS", mss),))
        info = w.value("struct.unpack_from('=I', info(), 16)[0]")
        p.end()
        return None if info <= most else "MSS %d" % info
    return run


def option_rows():
    """Options of a SYN, good and bad: there is an answer to each. [RFC 9293 3.1, 3.2]"""
    good = [("none", b""), ("MSS 0", b"\2\4\0\0"), ("MSS 1", b"\2\4\0\1"), ("MSS 65535", b"\2\4\xff\xff"),
            ("an unknown one", b"\x63\4\1\2"), ("an experimental one", b"\xfd\6\1\2\3\4\1\1"), ("only NOPs", b"\1" * 40),
            ("end, then anything", b"\0\xff\xff\xff"), ("length 0", b"\x63\0\1\1"), ("length 1", b"\x63\1\1\1"),
            ("beyond the header", b"\x63\x28\1\1"), ("MSS of 3 bytes", b"\2\3\5\1"), ("MSS twice", b"\2\4\5\xb4\2\4\2\x18"),
            ("a window scale of 200", b"\3\3\xc8\1"), ("timestamps of 4 bytes", b"\x08\4\0\0"), ("SACK in a SYN",
                                                                                              b"\5\x0a" + bytes(8) + b"\1\1"),
            ("a lone kind at the end", b"\1\1\1\2")]

    def run(data):
        def frames(w):
            listen(w)
            p = Peer(w)
            raw = bytearray(bytes(p.make("S"))) + data
            q = p.make("S")
            q[TCP].dataofs = 5 + len(data) // 4
            q = q / Raw(data)
            why = is_one(p.exchange(q), "SA", ack=1001)
            p.end()
            return why
        return frames
    return [("RFC 9293 3.1", "SYN options: " + name, run(data), None) for name, data in good]


def echoes_options(opts, wanted, unwanted=()):
    """A SYN-ACK has the options that the SYN had, not others. [RFC 7323 2.2, 3.2, RFC 2018 2]"""
    def body(w):
        listen(w)
        p = Peer(w)
        o = options(p.synchronise(opts))
        p.end()
        bad = [n for n in wanted if n not in o] + [n for n in unwanted if n in o]
        return "%s: %s" % (bad, o) if bad else None
    return body


def timestamp_echo(w):
    listen(w)
    p = Peer(w)
    o = options(p.synchronise([MSS, ("Timestamp", (123456, 0))]))
    p.end()
    return None if o["Timestamp"][1] == 123456 else str(o)


def isn_rises(w):
    """The same four numbers again: the next sequence number is above. [RFC 6528 3]"""
    listen(w)
    port, isns = used.pop(), []
    for _ in range(3):
        p = Peer(w, sport=port)
        isns.append(p.synchronise([MSS])[TCP].seq)
        p.end()
    steps = [(b - a) & 0xffffffff for a, b in zip(isns, isns[1:])]
    return None if all(0 <= s < 1 << 31 for s in steps) else "ISNs %s" % isns


def isn_differs(w):
    """Other ports: nothing is to be learnt from one for the next. [RFC 6528 3]"""
    listen(w)
    isns = []
    for _ in range(6):
        p = Peer(w)
        isns.append(p.synchronise([MSS])[TCP].seq)
        p.end()
    steps = {(b - a) & 0xffffffff for a, b in zip(isns, isns[1:])}
    return None if len(steps) == 5 and max(abs(((b - a + (1 << 31)) & 0xffffffff) - (1 << 31)) for a, b in zip(
        isns, isns[1:])) > 1 << 20 else "ISNs %s" % isns


def ports_random(w):
    """[RFC 6056 3]"""
    ports = []
    for _ in range(16):
        w.run("c = socket.socket()")
        w.run("c.setblocking(False)")
        w.drain()
        w.ask("c.connect(('%s', 9))" % T4)
        ports.append(w.wait(lambda q: TCP in q and q[TCP].dport == 9)[TCP].sport)
        w.run("c.close()")
    return None if len({b - a for a, b in zip(ports, ports[1:])}) > 2 else "ports %s" % ports


def land(six):
    """A SYN from ourselves to ourselves: no answer, and no answers to answers on lo."""
    def run(w):
        listen(w)
        p = (w.e6(src=w.s6) if six else w.e4(src=S4)) / TCP(sport=PORT, dport=PORT)
        frames = [q for q in w.exchange(p) if TCP in q]
        lo = "[l.split()[2] for l in open('/proc/net/dev') if 'lo:' in l][0]"
        before = int(w.value(lo))
        for _ in range(3):
            w.exchange()
        return nothing(frames) or (None if int(w.value(lo)) - before < 10 else "it goes on and on")
    return run


ROWS = [
    ("RFC 9293 3.10.7.1", "closed: SYN", closed("S", reset_of_data(1)), None),
    ("RFC 9293 3.10.7.1", "closed: ACK", closed("A", reset_of_ack), None),
    ("RFC 9293 3.10.7.1", "closed: SYN-ACK", closed("SA", reset_of_ack), None),
    ("RFC 9293 3.10.7.1", "closed: FIN", closed("F", reset_of_data(1)), None),
    ("RFC 9293 3.10.7.1", "closed: FIN-ACK", closed("FA", reset_of_ack), None),
    ("RFC 9293 3.10.7.1", "closed: data", closed("P", reset_of_data(5), b"hello"), None),
    ("RFC 9293 3.10.7.1", "closed: data with ACK", closed("PA", reset_of_ack, b"hello"), None),
    ("RFC 9293 3.10.7.1", "closed: SYN with data", closed("S", reset_of_data(6), b"hello"), None),
    ("RFC 9293 3.10.7.1", "closed: SYN, FIN and data", closed("SF", reset_of_data(7), b"hello"), None),
    ("RFC 9293 3.10.7.1", "closed: no flags", closed("", reset_of_data(0)), None),
    ("RFC 9293 3.10.7.1", "closed: RST", closed("R", quiet), None),
    ("RFC 9293 3.10.7.1", "closed: RST-ACK", closed("RA", quiet), None),
    ("RFC 9293 3.10.7.1", "closed: everything with RST", closed("FSRPAU", quiet), None),
    ("RFC 9293 3.1", "closed: a wrong checksum", closed("S", quiet, chksum=1), None),
    ("RFC 9293 3.1", "closed: a header of 16 bytes", closed("S", quiet, dataofs=4), None),
    ("RFC 9293 3.1", "closed: a header beyond the packet", closed("S", quiet, dataofs=15), None),
    ("RFC 9293 3.10.7.2", "listening: SYN", listening("S", is_syn_ack), None),
    ("RFC 9293 3.10.7.2", "listening: RST", listening("R", quiet), None),
    ("RFC 9293 3.10.7.2", "listening: ACK", listening("A", reset_of_ack), None),
    ("RFC 9293 3.10.7.2", "listening: SYN-ACK", listening("SA", reset_of_ack), None),
    ("RFC 9293 3.10.7.2", "listening: FIN-ACK", listening("FA", reset_of_ack), None),
    ("RFC 9293 3.10.7.2", "listening: FIN", listening("F", quiet), None),
    ("RFC 9293 3.10.7.2", "listening: no flags", listening("", quiet), None),
    ("RFC 9293 3.10.7.2", "listening: data", listening("P", quiet, b"hello"), None),
    ("RFC 9293 3.10.7.2", "listening: SYN-FIN", listening("SF", quiet), None),
    ("RFC 9293 3.10.7.2", "listening: SYN-RST", listening("SR", quiet), None),
    ("RFC 9293 3.10.7.2", "listening: SYN with data", listening("S", is_syn_ack, b"hello"), None),
    ("RFC 9293 3.10.7.2", "listening: SYN with URG and PSH", listening("SPU", is_syn_ack), None),
    ("RFC 9293 3.1", "listening: SYN with reserved bits", listening("S", is_syn_ack, reserved=5), None),
    ("RFC 3168 6.1.1", "listening: SYN that offers ECN", listening("SEC", lambda p, f: None if len(f) == 1 and flags(
        f[0]) in ("SA", "SAE") else seen(f)), None),
    ("RFC 9293 3.1", "listening: a wrong checksum", listening("S", quiet, chksum=5), None),
    ("RFC 1122 4.2.3.10", "listening: from a group", lambda w: nothing([p for p in w.exchange(w.e4(src="224.1.1.1") / TCP(
        sport=5, dport=PORT)) if TCP in p]), None),
    ("RFC 1122 4.2.3.10", "listening: to a broadcast", lambda w: nothing([p for p in w.exchange(w.e4(
        dst="10.77.0.255", mac="ff:ff:ff:ff:ff:ff") / TCP(sport=5, dport=PORT)) if TCP in p]), None),
    ("RFC 1122 4.2.3.10", "listening: a broadcast frame", lambda w: nothing([p for p in w.exchange(w.e4(
        mac="ff:ff:ff:ff:ff:ff") / TCP(sport=5, dport=PORT)) if TCP in p]), None),
    ("CERT CA-1997-28", "land: from ourselves", land(False), None),
    ("CERT CA-1997-28", "land: from ourselves, IPv6", land(True), None),
    ("RFC 9293 3.10.7.4", "SYN-RECEIVED: RST", received(received_reset), None),
    ("RFC 5961 3.2", "SYN-RECEIVED: RST out of the window", received(received_far_reset), None),
    ("RFC 9293 3.10.7.4", "SYN-RECEIVED: a wrong ACK", received(received_bad_ack), None),
    ("RFC 9293 3.10.7.4", "SYN-RECEIVED: out of the window", received(received_far), None),
    ("RFC 9293 3.10.7.4", "SYN-RECEIVED: the SYN again", received(received_again), None),
    ("RFC 9293 3.10.7.4", "SYN-RECEIVED: no ACK", received(lambda w, p: nothing(p.send("", b"x")) or (
        "accepted" if accepted(w) else None)), None),
    ("RFC 9293 3.10.7.4", "SYN-RECEIVED: data", received(received_data), None),
    ("RFC 9293 3.10.7.4", "SYN-RECEIVED: FIN", received(received_fin), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: what is offered", opening(offers), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: what is offered, IPv6", opening(offers, six=True), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: SYN-ACK", opening(sent_good), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: SYN-ACK, IPv6", opening(sent_good, six=True), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: SYN-ACK of something else", opening(sent_bad_ack), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: ACK of something else", opening(sent_bad_ack_alone), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: RST with a wrong ACK", opening(sent_bad_reset), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: RST", opening(sent_reset), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: RST without ACK", opening(sent_reset_alone), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: FIN", opening(sent_nothing("F")), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: no flags", opening(sent_nothing("")), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: the right ACK alone", opening(sent_nothing("A")), None),
    ("RFC 9293 3.5", "SYN-SENT: SYN (both open)", opening(sent_crossing), None),
    ("RFC 9293 3.10.7.3", "SYN-SENT: data in a SYN-ACK", opening(sent_data), None),
    ("RFC 1122 4.2.3.9", "SYN-SENT: network unreachable", opening(unreachable(0)), None, {"linux": "ends it, see RFC 5461"}),
    ("RFC 1122 4.2.3.9", "SYN-SENT: host unreachable", opening(unreachable(1)), None, {"linux": "ends it"}),
    ("RFC 1122 4.2.3.9", "SYN-SENT: time exceeded", opening(unreachable(0, 11)), None, {"linux": "ends it"}),
    ("RFC 1122 4.2.3.9", "SYN-SENT: port unreachable", opening(hard(3, "ECONNREFUSED")), None),
    ("RFC 1122 4.2.3.9", "SYN-SENT: protocol unreachable", opening(hard(2, "ENOPROTOOPT")), None),
    ("RFC 5927 4.1", "SYN-SENT: an error about another number", opening(spoofed), None),
    ("RFC 9293 3.7.1", "no MSS option", no_mss(536), None),
    ("RFC 9293 3.7.1", "no MSS option, IPv6", no_mss(1220, six=True), None),
    ("RFC 9293 3.7.1", "MSS 900", mss_of(900, 900), None),
    ("RFC 9293 3.7.1", "MSS 65535", mss_of(65535, 1460), None),
    ("RFC 7323 2.2", "options: none", echoes_options([], ["MSS"], ["WScale", "SAckOK", "Timestamp"]), None),
    ("RFC 7323 2.2", "options: window scale", echoes_options([MSS, ("WScale", 3)], ["WScale"], ["SAckOK", "Timestamp"]),
     None),
    ("RFC 2018 2", "options: SACK", echoes_options([MSS, ("SAckOK", b"")], ["SAckOK"], ["WScale", "Timestamp"]), None),
    ("RFC 7323 3.2", "options: timestamps", echoes_options([MSS, ("Timestamp", (5, 0))], ["Timestamp"], [
        "WScale", "SAckOK"]), None),
    ("RFC 7323 3.2", "options: all", echoes_options(USUAL, ["MSS", "WScale", "SAckOK", "Timestamp"]), None),
    ("RFC 7323 3.2", "the timestamp is echoed", timestamp_echo, None),
    ("RFC 6528 3", "sequence numbers rise for the same peer", isn_rises, None),
    ("RFC 6528 3", "sequence numbers of other peers differ", isn_differs, None),
    ("RFC 6056 3", "ports are not in a row", ports_random, None),
] + option_rows()
