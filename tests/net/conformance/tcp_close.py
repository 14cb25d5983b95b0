# SPDX-License-Identifier: BSD-3-Clause
# TCP: the ways to the end. [RFC 9293 3.6, 3.10.4, 3.10.7.4; RFC 1122 4.2.2.13; RFC 1337]
from peer import (CLOSE_WAIT, CLOSED_STATE, CLOSING, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, LAST_ACK, MSS, TIME_WAIT, Peer,
                  case, data_of, flags, is_one, nothing, seen, size)
from tcp_data import SACK, STAMPS, acked, reads
from wire import TCP


def state_is(w, *states):
    got = w.value("state()")
    return None if got in states else "state %d" % got


def shut(w, p):
    """shutdown(SHUT_WR): our FIN; FIN-WAIT-1."""
    w.drain()
    w.run("c.shutdown(1)")
    q = p.wait()
    assert "F" in flags(q) and q[TCP].seq == p.ack, seen([q])
    p.ack += 1


def fin(w, p):
    """Their FIN; CLOSE-WAIT."""
    p.seq += 1
    return p.acked(p.make("FA", seq=p.seq - 1))


def end_is_read(w, p):
    return fin(w, p) or state_is(w, CLOSE_WAIT) or (None if reads(w) == "" else "no end")


def fin_with_data(w, p):
    p.seq += 4
    return p.acked(p.make("FPA", b"bye", seq=p.seq - 4)) or (None if [reads(w), reads(w)] == ["bye", ""] else "reads")


def fin_out_of_order(w, p):
    frames = p.send("FA", b"end", seq=p.seq + 3)
    why = is_one(frames, "A", ack=p.seq) or state_is(w, ESTABLISHED)
    p.seq += 7
    return why or p.acked(p.make("PA", b"the", seq=p.seq - 7)) or (None if [reads(w), reads(w)] == ["theend", ""] else "reads")


def fin_again(w, p):
    """A FIN that comes again is acknowledged again."""
    return fin(w, p) or is_one(p.send("FA", seq=p.seq - 1), "A", ack=p.seq) or state_is(w, CLOSE_WAIT)


def data_after_fin(w, p):
    """Nothing can follow a FIN."""
    why = fin(w, p)
    p.send("PA", b"more")
    return why or (None if reads(w) == "" else "read")


def close_wait_sends(w, p):
    """After their FIN we may go on sending."""
    why = fin(w, p)
    w.drain()
    w.run("c.send(b'still')")
    q = p.wait(lambda q: size(q))
    p.ack += 5
    p.send("A")
    return why or (None if data_of(q) == b"still" else "data")


def close_wait_reset(w, p):
    why = fin(w, p) or nothing(p.send("R"))
    return why or (None if w.ask("c.send(b'x')")[1] in ("EPIPE", "ECONNRESET") else "no error")


def last_ack(w, p):
    """CLOSE-WAIT, close: LAST-ACK; its ACK ends all."""
    why = fin(w, p)
    w.drain()
    w.run("c.close()")
    q = p.wait()
    p.ack += 1
    why = why or ("no FIN" if "F" not in flags(q) else None) or nothing(p.send("A"))
    return why or is_one(p.send("A"), "R", seq=p.ack)


def last_ack_again(w, p):
    """LAST-ACK: the peer's FIN again."""
    why = fin(w, p)
    w.drain()
    w.run("c.close()")
    p.wait()
    frames = p.send("FA", seq=p.seq - 1)
    p.ack += 1
    p.send("A")
    return why or (None if frames and all(q[TCP].ack == p.seq for q in frames) else seen(frames))


def half_close_reads(w, p):
    """FIN-WAIT-1 and -2: data is still read."""
    shut(w, p)
    p.exchange(p.make("PA", b"one", ack=p.ack - 1))
    p.seq += 3
    why = state_is(w, FIN_WAIT_1)
    p.exchange(p.make("PA", b"two"))
    p.seq += 3
    got = reads(w)
    return why or state_is(w, FIN_WAIT_2) or (None if got == "onetwo" else "reads %r" % got)


def no_writes(w, p):
    shut(w, p)
    p.send("A")
    return None if w.ask("c.send(b'x', socket.MSG_NOSIGNAL)")[1] == "EPIPE" else "sends"


def fin_wait_1_both(w, p):
    """FIN and the ACK of ours: TIME-WAIT at once."""
    shut(w, p)
    p.seq += 1
    return p.acked(p.make("FA", seq=p.seq - 1)) or state_is(w, CLOSED_STATE, TIME_WAIT) or (
        None if reads(w) == "" else "no end") or is_one(p.send("FA", seq=p.seq - 1), "A", ack=p.seq)


def closing(w, p):
    """FIN without the ACK of ours: CLOSING."""
    shut(w, p)
    p.seq += 1
    why = p.acked(p.make("FA", seq=p.seq - 1, ack=p.ack - 1)) or state_is(w, CLOSING)
    return why or nothing(p.send("A")) or state_is(w, CLOSED_STATE, TIME_WAIT)


def closing_reset(w, p):
    shut(w, p)
    p.send("FA", ack=p.ack - 1)
    p.seq += 1
    return nothing(p.send("R")) or is_one(p.send("A"), "R")


def fin_wait_2_fin(w, p):
    shut(w, p)
    p.send("A")
    p.seq += 1
    return p.acked(p.make("FA", seq=p.seq - 1)) or state_is(w, CLOSED_STATE, TIME_WAIT)


def fin_wait_2_reset(w, p):
    shut(w, p)
    p.send("A")
    return nothing(p.send("R")) or (None if reads(w) == "ECONNRESET" else "no error")


def time_wait(w, p):
    """The subject closes first."""
    w.drain()
    w.run("c.close()")
    p.wait()
    p.ack += 1
    p.seq += 1
    return p.acked(p.make("FA", seq=p.seq - 1))


def time_wait_fin(w, p):
    """The FIN again: the ACK again. [3.10.7.4, MUST]"""
    return time_wait(w, p) or is_one(p.send("FA", seq=p.seq - 1), "A", ack=p.seq)


def time_wait_data(w, p):
    """Old data: an ACK at most, no RST."""
    why = time_wait(w, p)
    frames = p.send("PA", b"x", seq=p.seq - 2)
    return why or (None if all(flags(q) == "A" for q in frames) else seen(frames))


def time_wait_syn(w, p):
    """A new connection with a higher number. [RFC 1122 4.2.2.13, RFC 6191]"""
    why = time_wait(w, p)
    p.clock += 1000
    q = Peer(w, sport=p.sport, iss=p.seq + 5000)
    frames = q.send("S", options=[MSS, ("Timestamp", (p.clock, 0))])
    q.seq += 1
    if frames:
        q.note(frames[0])
        q.send("R")
    return why or is_one(frames, "SA", ack=p.seq + 5001)


def time_wait_old_syn(w, p):
    """An old SYN: an ACK. [RFC 1122 4.2.2.13]"""
    why = time_wait(w, p)
    frames = p.send("S", seq=p.seq - 5000, ack=0)
    return why or (None if not frames or flags(frames[0]) == "A" else seen(frames))


def close_with_unread(w, p):
    """Data that nobody read: RST instead of FIN. [RFC 9293 3.6.1, RFC 1122 4.2.2.13]"""
    p.send("PA", b"unread")
    p.seq += 6
    w.drain()
    w.run("c.close()")
    q = p.wait(lambda q: flags(q) != "A")
    return None if "R" in flags(q) else seen([q])


def data_after_close(w, p):
    """Data after close: RST."""
    w.drain()
    w.run("c.close()")
    p.wait()
    p.ack += 1
    frames = p.send("PA", b"more")
    return None if frames and "R" in flags(frames[-1]) else seen(frames)


def linger_zero(w, p):
    """SO_LINGER of 0 seconds: RST. [RFC 9293 3.10.5 ABORT]"""
    w.run("c.setsockopt(1, 13, struct.pack('ii', 1, 0))")
    w.drain()
    w.run("c.close()")
    q = p.wait()
    return None if "R" in flags(q) and q[TCP].seq == p.ack else seen([q])


def close_sends_all(w, p):
    """close: what was written goes first, then the FIN. [RFC 9293 3.10.4]"""
    w.drain()
    w.run("c.send(b'last words'), c.close()")
    got, end = b"", False
    while not end:
        q = p.wait()
        got += data_of(q)
        end = "F" in flags(q)
    p.ack += len(got) + 1
    p.send("A")
    return None if got == b"last words" else got


def fin_consumes(w, p):
    """A FIN takes one number, and is sent until it is acknowledged."""
    shut(w, p)
    again = p.wait()
    p.send("A")
    return None if "F" in flags(again) and again[TCP].seq == p.ack - 1 else seen([again])


def shutdown_reading(w, p):
    """SHUT_RD says nothing to the peer."""
    w.drain()
    w.run("c.shutdown(0)")
    return nothing(p.mine(w.barrier())) or (None if reads(w) == "" else "no end")


def listener_closed(w):
    """Who was not accepted yet is reset."""
    from peer import listen
    listen(w)
    p = Peer(w)
    p.synchronise([MSS])
    p.send("A")
    w.drain()
    w.run("l.close()")
    q = p.wait(lambda q: "R" in flags(q))
    listen(w)
    return None if q else "nothing"


ROWS = [
    ("RFC 9293 3.10.7.4", "FIN: the end is read", case(end_is_read), None),
    ("RFC 9293 3.10.7.4", "FIN: the end is read, IPv6", case(end_is_read, six=True), None),
    ("RFC 9293 3.10.7.4", "FIN with data", case(fin_with_data), None),
    ("RFC 9293 3.10.7.4", "FIN out of order", case(fin_out_of_order), None),
    ("RFC 9293 3.10.7.4", "CLOSE-WAIT: the FIN again", case(fin_again), None),
    ("RFC 9293 3.10.7.4", "CLOSE-WAIT: data", case(data_after_fin), None),
    ("RFC 9293 3.6", "CLOSE-WAIT: sending goes on", case(close_wait_sends), None),
    ("RFC 9293 3.10.7.4", "CLOSE-WAIT: RST", case(close_wait_reset), None),
    ("RFC 9293 3.10.7.4", "LAST-ACK: the ACK", case(last_ack), None),
    ("RFC 9293 3.10.7.4", "LAST-ACK: the FIN again", case(last_ack_again), None),
    ("RFC 9293 3.6", "FIN-WAIT-1 and -2: data", case(half_close_reads), None),
    ("RFC 9293 3.10.2", "FIN-WAIT: nothing is sent any more", case(no_writes), None),
    ("RFC 9293 3.10.7.4", "FIN-WAIT-1: FIN with the ACK", case(fin_wait_1_both), None),
    ("RFC 9293 3.10.7.4", "FIN-WAIT-1: FIN alone, CLOSING", case(closing), None),
    ("RFC 9293 3.10.7.4", "CLOSING: RST", case(closing_reset), None),
    ("RFC 9293 3.10.7.4", "FIN-WAIT-2: FIN", case(fin_wait_2_fin), None),
    ("RFC 9293 3.10.7.4", "FIN-WAIT-2: RST", case(fin_wait_2_reset), None),
    ("RFC 9293 3.10.7.4", "TIME-WAIT: the FIN again", case(time_wait_fin), None),
    ("RFC 9293 3.10.7.4", "TIME-WAIT: data", case(time_wait_data), None),
    ("RFC 1122 4.2.2.13", "TIME-WAIT: a new SYN", case(time_wait_syn), None),
    ("RFC 6191 2", "TIME-WAIT: a new SYN with timestamps", case(time_wait_syn, opts=STAMPS), None),
    ("RFC 1122 4.2.2.13", "TIME-WAIT: an old SYN", case(time_wait_old_syn), None),
    ("RFC 1122 4.2.2.13", "close with unread data", case(close_with_unread), None),
    ("RFC 1122 4.2.2.13", "data after close", case(data_after_close), None),
    ("RFC 9293 3.10.5", "SO_LINGER 0", case(linger_zero), None),
    ("RFC 9293 3.10.4", "close sends all, then FIN", case(close_sends_all), None),
    ("RFC 9293 3.4", "the FIN is sent again", case(fin_consumes), None),
    ("shutdown(2)", "SHUT_RD", case(shutdown_reading), None),
    ("RFC 9293 3.10.4", "a listener closes", listener_closed, None),
]
