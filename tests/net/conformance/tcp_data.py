# SPDX-License-Identifier: BSD-3-Clause
# TCP: an established connection. [RFC 9293 3.4, 3.8, 3.10.7.4; RFC 1122 4.2, 2018, 2883, 5681, 5927, 5961, 6093, 6691, 7323]
from peer import ESTABLISHED, MSS, USUAL, case, data_of, flags, is_ack, is_one, nothing, options, seen, size
from wire import TCP

SACK = (MSS, ("SAckOK", b""))
STAMPS = (MSS, ("NOP", None), ("NOP", None), ("Timestamp", (1000, 0)))


def reads(w, count=100000):
    value, error = w.ask("c.recv(%d).decode('latin-1')" % count)
    return error or value


def acked(p, seq):
    """An ACK of `seq` has come or comes. None: it has."""
    p.wait(lambda q: q[TCP].ack == seq & 0xffffffff)
    return None


def arrives(w, p):
    p.w.drain()
    p.w.send(p.make("PA", b"hello"))
    acked(p, p.seq + 5)
    p.seq += 5
    return None if reads(w) == "hello" else "not read"


def every_second(w, p):
    """At least every second full segment is acknowledged at once. [RFC 9293 3.8.6.3]"""
    last = p.seq
    for _ in range(3):
        frames = p.exchange(*(p.make("A", bytes(1460), seq=p.seq + n * 1460) for n in range(2)))
        p.seq += 2 * 1460
        last = frames[-1][TCP].ack if frames else last
        if p.seq - last >= 2 * 1460:
            return "acks: " + seen(frames)
    return None


def delayed(w, p):
    """A delayed ACK comes within half a second. [RFC 1122 4.2.3.2]"""
    import time
    for _ in range(20):
        w.drain()
        p.w.send(p.make("PA", b"x"))
        start = time.monotonic()
        acked(p, p.seq + 1)
        p.seq += 1
        if time.monotonic() - start < 0.5:
            return None
    return "never within half a second"


def unacceptable(kind, data=b"", offset=0, **fields):
    """Not in the window: an ACK, and nothing else happens. [3.10.7.4 first]"""
    def body(w, p):
        return is_one(p.send(kind, data, seq=p.seq + offset, **fields), "A", seq=p.ack, ack=p.seq) or (
            None if reads(w) == "EAGAIN" and w.value("state()") == ESTABLISHED else "it did something")
    return body


def ignored(kind, data=b"", offset=0, **fields):
    def body(w, p):
        return nothing(p.send(kind, data, seq=p.seq + offset, **fields)) or (
            None if reads(w) == "EAGAIN" and w.value("state()") == ESTABLISHED else "it did something")
    return body


def challenged(kind, offset=0):
    """[RFC 5961 3.2, 4.2]"""
    return unacceptable(kind, offset=offset)


def reset(w, p):
    why = nothing(p.send("R"))
    return why or (None if reads(w) == "ECONNRESET" and reads(w) == "" else "no error")


def reset_with_data(w, p):
    """An RST may carry text. [RFC 9293 3.5.3]"""
    why = nothing(p.send("RA", b"because"))
    return why or (None if reads(w) == "ECONNRESET" else "no error")


def ack_of(offset):
    """An ACK of what was not sent, or long ago: an ACK, no effect. [RFC 5961 5.2]"""
    def body(w, p):
        return is_one(p.send("A", b"evil", ack=p.ack + offset), "A", seq=p.ack, ack=p.seq) or (
            None if reads(w) == "EAGAIN" else "took the data")
    return body


def overlaps(*parts, whole=b"abcdefghij"):
    """Pieces that overlap: the stream is whole."""
    def body(w, p):
        end = max(b for _, b in parts)
        p.acked(*(p.make("PA", whole[a:b], seq=p.seq + a) for a, b in parts), seq=p.seq + end)
        p.seq += end
        got = reads(w)
        return None if got == whole[:end].decode() else "reads %r" % got
    return body


def before_and_in(w, p):
    """The part in front of the window is cut off."""
    p.send("PA", b"abc")
    p.send("PA", b"abcdef")
    p.seq += 6
    got = reads(w)
    return None if got == "abcdef" else got


def beyond_window(w, p):
    """What lies behind the window is not taken. [RFC 9293 3.10.7.4]"""
    edge = p.send("A", b"", seq=p.seq - 1)[0][TCP].window << p.scale
    frames = p.send("PA", b"x" * 100, seq=p.seq + edge)
    return is_one(frames, "A", ack=p.seq) or (None if reads(w) == "EAGAIN" else "taken")


def scaled(body):
    def run(w, p):
        p.scale = 0
        return body(w, p)
    return run


def out_of_order(w, p):
    """A gap: an ACK at once, and again for each. [RFC 5681 4.2]"""
    frames = p.send("PA", b"56789", seq=p.seq + 5) + p.send("PA", b"abcde", seq=p.seq + 10)
    if len(frames) != 2 or any(q[TCP].ack != p.seq for q in frames):
        return seen(frames)
    frames = p.send("PA", b"01234")
    p.seq += 15
    return is_one(frames, "A", ack=p.seq) or (None if reads(w) == "0123456789abcde" else "reads")


def sack_blocks(w, p):
    """The block that came last stands first. [RFC 2018 4]"""
    base = p.seq
    first = p.send("PA", b"x" * 10, seq=base + 20)
    second = p.send("PA", b"x" * 10, seq=base + 60)
    third = p.send("PA", b"x" * 10, seq=base + 40)
    blocks = [options(f[0]).get("SAck") for f in (first, second, third) if len(f) == 1]
    want = [(base + 20, base + 30), (base + 60, base + 70) + (base + 20, base + 30),
            (base + 40, base + 50) + (base + 60, base + 70) + (base + 20, base + 30)]
    if blocks[:2] != want[:2] or blocks[2][:2] != want[2][:2] or sorted(blocks[2]) != sorted(want[2]):
        return str(blocks)
    joined = options(p.send("PA", b"x" * 10, seq=base + 30)[0]).get("SAck")
    return None if joined[:2] == (base + 20, base + 50) else "joined: %s" % (joined,)


def sack_none(w, p):
    """Not agreed upon: no blocks. [RFC 2018 2]"""
    frames = p.send("PA", b"x" * 10, seq=p.seq + 20)
    return is_one(frames, "A", ack=p.seq) or ("blocks" if "SAck" in options(frames[0]) else None)


def duplicate_sack(w, p):
    """What came twice is told. [RFC 2883 4]"""
    p.w.drain()
    p.w.send(p.make("PA", b"hello"))
    acked(p, p.seq + 5)
    frames = p.exchange(p.make("PA", b"hello"))
    start, p.seq = p.seq, p.seq + 5
    return is_one(frames, "A", ack=p.seq) or (
        None if options(frames[0]).get("SAck", ())[:2] == (start, start + 5) else str(options(frames[0])))


def paws(w, p):
    """An old timestamp: an ACK, and the data is not taken. [RFC 7323 5.3 R1]"""
    p.clock = 2000
    p.w.drain()
    p.w.send(p.make("PA", b"a"))
    acked(p, p.seq + 1)
    p.seq += 1
    reads(w)
    p.clock = 1500
    frames = p.send("PA", b"old")
    p.clock = 2000
    return is_one(frames, "A", ack=p.seq) or (None if reads(w) == "EAGAIN" else "taken")


def paws_reset(w, p):
    """An RST is taken whatever its timestamp. [RFC 7323 5.2]"""
    p.send("R", options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 0))])
    return None if reads(w) == "ECONNRESET" else "not taken"


def echo(w, p):
    """What is echoed is the newest timestamp of what was in order. [RFC 7323 4.3]"""
    p.clock = 5000
    p.w.drain()
    p.w.send(p.make("PA", b"a"))
    p.wait(lambda q: q[TCP].ack == p.seq + 1 and options(q)["Timestamp"][1] == 5000)
    p.seq += 1
    p.clock = 6000
    frames = p.send("PA", b"c", seq=p.seq + 1)  # behind a gap
    return None if options(frames[0])["Timestamp"][1] == 5000 else str(options(frames[0]))


def always_stamped(w, p):
    w.drain()
    w.run("c.send(b'hello')")
    q = p.wait(lambda q: size(q))
    p.ack += 5
    return None if "Timestamp" in options(q) else str(options(q))


def sends(w, p):
    w.drain()
    w.run("c.send(b'hello')")
    q = p.wait(lambda q: size(q))
    p.ack += 5
    why = None if data_of(q) == b"hello" and q[TCP].ack == p.seq and "P" in flags(q) else q.show2(dump=True)
    p.send("A")
    return why or (None if w.value("struct.unpack('i', __import__('fcntl').ioctl(c, 0x5411, bytes(4)))[0]") == 0 else
                   "not acknowledged")


def respects_window(w, p):
    """Never more than the window, and with none only probes. [RFC 9293 3.8.6]"""
    w.drain()
    w.run("c.send(bytes(5000))")
    got = sum(size(q) for q in p.mine(w.barrier()))
    p.ack += got
    return None if got <= 1000 else "%d bytes for a window of 1000" % got


def window_closes(w, p):
    """A window of 0: probes, and then on when it opens. [RFC 9293 3.8.6.1]"""
    p.window = 0
    p.send("A")
    w.drain()
    w.run("c.send(b'hello')")
    early = [q for q in p.mine(w.barrier()) if size(q) > 1]
    if early:
        return "data for a window of 0"
    probe = p.wait()  # a byte of it, or one that is old
    if size(probe) > 1:
        return "probe: " + seen([probe])
    p.window = 1000
    p.w.send(p.make("A"))
    q = p.wait(lambda q: size(q) >= 4)
    p.ack += 5
    p.send("A")
    return None if b"hello".endswith(data_of(q)) else "data"


def own_window(w, p):
    """Our window closes when nobody reads, and a probe has an answer. [RFC 9293 3.8.6.1]"""
    sent, window = 0, 1
    while window and sent < 1 << 22:
        frames = p.exchange(*(p.make("A", b"w" * 1000, seq=p.seq + sent + n * 1000) for n in range(8)))
        last = frames[-1] if frames else p.wait()
        sent = (last[TCP].ack - p.seq) & 0xffffffff
        window = last[TCP].window
        if window < 1000:
            break
    # The edge never moves back. [RFC 9293 3.8.6: SHOULD NOT shrink]
    edge = last[TCP].ack + window
    frames = p.exchange(p.make("A", b"w", seq=p.seq + sent))
    p.seq += sent
    if not frames:
        frames = [p.wait()]
    now = frames[-1][TCP].ack + frames[-1][TCP].window
    return None if now >= edge else "the edge went from %d to %d" % (edge, now)


def urgent(w, p):
    """One byte out of band. [RFC 6093, recv(2)]"""
    p.send("PAU", b"abc", urgptr=3)
    p.seq += 3
    got = reads(w), w.value("c.recv(1, socket.MSG_OOB).decode()")
    return None if got == ("ab", "c") else str(got)


def urgent_inline(w, p):
    w.run("c.setsockopt(1, 10, 1)")  # SO_OOBINLINE
    p.send("PAU", b"abc", urgptr=3)
    p.seq += 3
    got = reads(w) + reads(w)
    return None if got.startswith("abc") else got


def sends_urgent(w, p):
    w.drain()
    w.run("c.send(b'abc', socket.MSG_OOB)")
    q = p.wait(lambda q: size(q) or "U" in flags(q))
    p.ack += 3
    p.send("A")
    return None if "U" in flags(q) and q[TCP].urgptr == 3 else q.show2(dump=True)


def retransmits(w, p):
    """Three duplicate ACKs: the first segment again, at once. [RFC 5681 3.2]"""
    w.drain()
    w.run("c.setsockopt(6, 1, 1)")
    for n in range(5):
        w.run("c.send(bytes([65 + %d]) * 100)" % n)
    sent = [q for q in p.mine(w.barrier()) if size(q)]
    if sum(size(q) for q in sent) != 500:
        return "sent " + seen(sent)
    blocks = [[("NOP", None), ("NOP", None), ("SAck", (p.ack + 100, p.ack + 200 + n * 100))] for n in range(3)]
    frames = p.exchange(*(p.make("A", options=o) for o in blocks))
    again = [q for q in frames if size(q) and q[TCP].seq == p.ack]
    p.ack += 500
    p.send("A")
    return None if again else "nothing again: " + seen(frames)


def quench(kind, code):
    """ICMP does not end a connection. [RFC 1122 4.2.3.9, RFC 5927 5.2]"""
    def body(w, p):
        from icmp4 import tell
        w.drain()
        w.run("c.send(b'hello')")
        q = p.wait(lambda q: size(q))
        p.ack += 5
        w.exchange(tell(w, q[0].payload, kind, code))
        p.send("A")
        return None if w.value("state()") == ESTABLISHED and reads(w) == "EAGAIN" else "ended"
    return body


def path_mtu(w, p):
    """Segments become smaller; what was lost goes again. [RFC 1191, RFC 5927 7]"""
    from icmp4 import tell
    w.drain()
    w.run("c.setsockopt(6, 1, 1), c.send(b'm' * 1460)")
    q = p.wait(lambda q: size(q))
    before = w.value("struct.unpack_from('=I', info(), 16)[0]")
    about = q[0].payload
    about[TCP].seq += 999999
    w.exchange(tell(w, about, 3, 4, cut=60))
    unchanged = w.value("struct.unpack_from('=I', info(), 16)[0]")
    p.ack += 1460
    p.send("A")
    return None if before == unchanged else "an MTU for a packet that was not sent: %d, %d" % (before, unchanged)


ROWS = [
    ("RFC 9293 3.10.7.4", "data arrives and is acknowledged", case(arrives), None),
    ("RFC 9293 3.10.7.4", "data arrives and is acknowledged, IPv6", case(arrives, six=True), None),
    ("RFC 9293 3.8.6.3", "every second segment is acknowledged", case(every_second), None),
    ("RFC 1122 4.2.3.2", "a delayed ACK comes in half a second", case(delayed), None),
    ("RFC 9293 3.10.7.4", "data in front of the window", case(unacceptable("PA", b"old", offset=-3)), None),
    ("RFC 9293 3.10.7.4", "data far behind the window", case(unacceptable("PA", b"new", offset=1 << 24)), None),
    ("RFC 9293 3.10.7.4", "an empty segment in front of the window", case(unacceptable("A", offset=-1)), None),
    ("RFC 9293 3.10.7.4", "an empty segment far behind it", case(unacceptable("A", offset=1 << 24)), None),
    ("RFC 9293 3.10.7.4", "a FIN in front of the window", case(unacceptable("FA", offset=-1)), None),
    ("RFC 9293 3.10.7.4", "a FIN far behind it", case(unacceptable("FA", offset=1 << 24)), None),
    ("RFC 9293 3.10.7.4", "no ACK", case(ignored("P", b"x")), None),
    ("RFC 9293 3.10.7.4", "no flags at all", case(ignored("", b"x")), None),
    ("RFC 9293 3.1", "a wrong checksum", case(ignored("PA", b"x", chksum=3)), None),
    ("RFC 9293 3.1", "a header of 12 bytes", case(ignored("PA", b"x", dataofs=3)), None),
    ("RFC 9293 3.10.7.4", "RST at the left edge", case(reset), None),
    ("RFC 9293 3.5.3", "RST with text", case(reset_with_data), None),
    ("RFC 5961 3.2", "RST elsewhere in the window", case(challenged("R", offset=10)), None),
    ("RFC 5961 3.2", "RST in front of the window", case(ignored("R", offset=-1)), None),
    ("RFC 5961 3.2", "RST behind the window", case(ignored("R", offset=1 << 24)), None),
    ("RFC 5961 4.2", "SYN in the window", case(challenged("S")), None),
    ("RFC 5961 4.2", "SYN in front of the window", case(challenged("S", offset=-1)), None),
    ("RFC 5961 4.2", "SYN-ACK in the window", case(challenged("SA")), None),
    ("RFC 5961 5.2", "an ACK of what was not sent", case(ack_of(1000)), None),
    ("RFC 5961 5.2", "an ACK from long ago", case(ack_of(-(1 << 28))), None),
    ("RFC 9293 3.4", "overlap: the same twice", case(overlaps((0, 5), (0, 5), (5, 10))), None),
    ("RFC 9293 3.4", "overlap: half old", case(overlaps((0, 5), (3, 10))), None),
    ("RFC 9293 3.4", "overlap: behind a gap", case(overlaps((3, 6), (5, 10), (0, 4))), None),
    ("RFC 9293 3.4", "overlap: one over two", case(overlaps((2, 4), (6, 8), (0, 10))), None),
    ("RFC 9293 3.4", "overlap: backwards", case(overlaps(*((n, n + 1) for n in range(9, -1, -1)))), None),
    ("RFC 9293 3.4", "what was there and more", case(before_and_in), None),
    ("RFC 9293 3.10.7.4", "beyond the window", case(scaled(beyond_window)), None),
    ("RFC 5681 4.2", "out of order: ACKs at once", case(out_of_order), None),
    ("RFC 2018 4", "SACK blocks, the last one first", case(sack_blocks, opts=SACK), None),
    ("RFC 2018 2", "no SACK without leave", case(sack_none), None),
    ("RFC 2883 4", "D-SACK", case(duplicate_sack, opts=SACK), None),
    ("RFC 7323 5.3", "PAWS: an old timestamp", case(paws, opts=STAMPS), None),
    ("RFC 7323 5.2", "PAWS: not for RST", case(paws_reset, opts=STAMPS), None),
    ("RFC 7323 4.3", "which timestamp is echoed", case(echo, opts=STAMPS), None),
    ("RFC 7323 3.2", "each segment has one", case(always_stamped, opts=STAMPS), None),
    ("RFC 9293 3.10.2", "what is sent", case(sends), None),
    ("RFC 9293 3.10.2", "what is sent, IPv6", case(sends, six=True), None),
    ("RFC 9293 3.8.6", "the peer's window", case(respects_window, window=1000), None),
    ("RFC 9293 3.8.6.1", "the peer's window closes and opens", case(window_closes), None),
    ("RFC 9293 3.8.6.1", "our window closes and does not move back", case(own_window), None),
    ("RFC 6093", "urgent data", case(urgent), None),
    ("RFC 6093", "urgent data in line", case(urgent_inline), None),
    ("RFC 6093", "urgent data is sent", case(sends_urgent), None),
    ("RFC 6675 5", "fast retransmission", case(retransmits, opts=SACK), None),
    ("RFC 1122 4.2.3.9", "host unreachable", case(quench(3, 1)), None),
    ("RFC 5927 5.2", "port unreachable", case(quench(3, 3)), None),
    ("RFC 5927 5.2", "protocol unreachable", case(quench(3, 2)), None),
    ("RFC 6633", "source quench", case(quench(4, 0)), None),
    ("RFC 1122 4.2.3.9", "time exceeded", case(quench(11, 0)), None),
    ("RFC 5927 7", "an MTU for another segment", case(path_mtu), None),
]
