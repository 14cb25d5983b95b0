# SPDX-License-Identifier: BSD-3-Clause
# A TCP peer that is played segment by segment. The subject listens at PORT; `l` is its listener and `c` the
# connection of the case.
import random

from wire import IP, T4, T6, TCP, Raw

PORT, CLOSED = 4010, 4011
ESTABLISHED, SYN_SENT, SYN_RECEIVED, FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT, CLOSED_STATE, CLOSE_WAIT, LAST_ACK = range(1, 10)
CLOSING = 11
MSS = ("MSS", 1460)
USUAL = [MSS, ("NOP", None), ("WScale", 7), ("SAckOK", b""), ("Timestamp", (1000, 0))]
used = random.sample(range(20000, 60000), 5000)


def listen(w):
    if w.ask("l.fileno()")[1] or w.value("l.fileno()") < 0:
        error = w.run("l = socket.create_server(('', %d), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100)" % PORT)
        assert not error, error
        w.run("l.setblocking(False)")
        w.run("def info(): return c.getsockopt(6, 11, 104)")
        w.run("def state(): return info()[0]")


def flags(p):
    return str(p[TCP].flags)


def options(p):
    return dict(o if isinstance(o, tuple) else (o, None) for o in p[TCP].options)


class Peer:
    def __init__(self, w, port=PORT, six=False, sport=None, iss=1000, window=65535):
        self.w, self.six, self.port = w, six, port
        self.sport = sport or used.pop()
        self.seq, self.ack, self.window = iss, 0, window
        self.options = []  # of each segment
        self.timestamps = False
        self.clock = 1000
        self.echo = 0

    def make(self, kind, data=b"", options=None, **fields):
        if options is None:
            options = [("NOP", None), ("NOP", None), ("Timestamp", (self.clock, self.echo))] if self.timestamps else []
        f = {"seq": self.seq, "ack": self.ack if "A" in kind else 0, "window": self.window, "flags": kind,
             "sport": self.sport, "dport": self.port, "options": options}
        f.update(fields)
        f["seq"], f["ack"] = f["seq"] & 0xffffffff, f["ack"] & 0xffffffff
        p = (self.w.e6() if self.six else self.w.e4()) / TCP(**f)
        return p / Raw(data) if data else p

    def mine(self, frames):
        return [p for p in frames if TCP in p and p[TCP].dport == self.sport]

    def exchange(self, *frames):
        return self.mine(self.w.exchange(*frames))

    def send(self, kind, data=b"", **fields):
        """A segment, and what comes back."""
        return self.exchange(self.make(kind, data, **fields))

    def acked(self, *frames, seq=None):
        """Sends; None when all of it is acknowledged, now or by a delayed ACK."""
        self.w.drain()
        self.w.send(*frames)
        self.wait(lambda q: q[TCP].ack == (self.seq if seq is None else seq) & 0xffffffff)

    def wait(self, fits=lambda p: True):
        """The next segment that fits, whenever it comes."""
        return self.w.wait(lambda p: TCP in p and p[TCP].dport == self.sport and fits(p))

    def synchronise(self, opts=(), **fields):
        """SYN; the SYN-ACK."""
        frames = self.send("S", options=list(opts), **fields)
        assert len(frames) == 1 and flags(frames[0]) == "SA", "no SYN-ACK: %s" % [p.summary() for p in frames]
        self.note(frames[0])
        self.seq += 1
        return frames[0]

    def note(self, p):
        """What the subject's SYN says."""
        self.iss = p[TCP].seq
        self.ack = (p[TCP].seq + 1) & 0xffffffff
        self.timestamps = "Timestamp" in options(p)
        if self.timestamps:
            self.echo = options(p)["Timestamp"][0]

    def connect(self, opts=(MSS,), **fields):
        listen(self.w)
        first = self.synchronise(opts, **fields)
        self.exchange(self.make("A"))
        assert not self.w.run("c = l.accept()[0]"), "nothing to accept"
        self.w.run("c.setblocking(False)")
        return first

    def end(self):
        self.w.send(self.make("RA"))
        self.w.exchange(self.make("R"))
        self.w.run("c.close()")
        self.w.exchange(self.make("R"), self.make("R", seq=self.ack))


def seen(frames):
    return "[" + "; ".join("%s seq %d ack %d win %d +%d" % (flags(p), p[TCP].seq, p[TCP].ack, p[TCP].window, size(p)) for
                           p in frames) + "]"


def size(p):
    if IP in p:
        return p[IP].len - p[IP].ihl * 4 - p[TCP].dataofs * 4
    return len(p[TCP].payload)


def data_of(p):
    return bytes(p[TCP].payload)[:size(p)]


def is_one(frames, kind, **fields):
    """Why it is not one segment with these flags and fields; None: it is."""
    if len(frames) != 1 or flags(frames[0]) != kind:
        return "should be one %s: %s" % (kind, seen(frames))
    for name, value in fields.items():
        if getattr(frames[0][TCP], name) != value & 0xffffffff:
            return "%s should be %d: %s" % (name, value, seen(frames))
    return None


def is_reset(frames, p, **fields):
    return is_one(frames, "R", **fields)


def is_ack(frames, p):
    return is_one(frames, "A", ack=p.seq)


def nothing(frames):
    return "should say nothing: " + seen(frames) if frames else None


def case(body, opts=(MSS,), six=False, **fields):
    """A case on an established connection."""
    def run(w):
        p = Peer(w, six=six, **fields)
        p.connect(opts)
        try:
            return body(w, p)
        finally:
            p.end()
    return run
