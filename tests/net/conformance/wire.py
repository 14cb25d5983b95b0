# SPDX-License-Identifier: BSD-3-Clause
# The tester's end of the wire: frames out and in, addresses that no kernel has, and an order of events without
# clocks: behind what a case sends goes an echo request, and when its answer is here, so is everything before it.
import json
import random
import select
import socket
import struct
import time

from scapy.config import conf

conf.verb = 0
conf.ipv6_enabled = True
from scapy.layers.inet import ICMP, IP, TCP, UDP, Ether  # noqa: E402
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,  # noqa: E402
                                ICMPv6ND_RA, ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo, IPv6)
from scapy.layers.l2 import ARP  # noqa: E402
from scapy.packet import Raw  # noqa: E402

S4 = "10.77.0.2"  # the subject
PREFIX = "fd77::"  # what the tester advertises, as a router
T4, T6, TL = "10.77.0.66", "fd77::66", "fe80::66"  # the tester
B4, B6 = "10.77.0.67", "fd77::67"  # who asks whether all has been handled
TM, BM = "02:00:00:00:00:66", "02:00:00:00:00:67"
ALL = "ff:ff:ff:ff:ff:ff"
PATIENCE = 20  # seconds: only a subject that is dead takes so long


class Silent(Exception):
    pass


class Wire:
    def __init__(self, interface, control):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
        self.socket.bind((interface, 3))
        self.socket.setblocking(False)
        self.addresses = {T4: TM, B4: BM, T6: TM, B6: BM, TL: TM}
        self.seen = []
        self.sm = None
        self.control = socket.create_connection((S4, control), PATIENCE)
        self.control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = self.control.makefile()
        self.sm = self.link_address()
        self.sl = "fe80::" + self.identifier()
        self.s6 = PREFIX + self.identifier()
        self.advertise()
        for _ in range(2):  # now each knows the other
            self.exchange(self.e4() / ICMP(), self.e6() / ICMPv6EchoRequest(),
                          self.e6(src=TL, dst=self.sl) / ICMPv6EchoRequest())

    def link_address(self):
        self.send(Ether(src=TM, dst=ALL) / ARP(hwsrc=TM, psrc=T4, pdst=S4))
        return self.wait(lambda p: ARP in p and p[ARP].op == 2 and p[ARP].psrc == S4)[ARP].hwsrc

    def identifier(self):
        m = [int(b, 16) for b in self.sm.split(":")]
        return "%x:%x:%x:%x" % ((m[0] ^ 2) << 8 | m[1], m[2] << 8 | 0xFF, 0xFE00 | m[3], m[4] << 8 | m[5])

    def router(self, *options, **fields):
        """A router advertisement."""
        p = Ether(src=TM, dst="33:33:00:00:00:01") / IPv6(src=TL, dst="ff02::1", hlim=255) / ICMPv6ND_RA(
            **dict({"routerlifetime": 1800}, **fields))
        for o in options:
            p = p / o
        return p

    def prefix(self, address=PREFIX, **fields):
        return ICMPv6NDOptPrefixInfo(**dict({"prefix": address, "prefixlen": 64, "L": 1, "A": 1, "validlifetime": 86400,
                                             "preferredlifetime": 14400}, **fields))

    def advertise(self):
        """The subject has the address that follows from our prefix."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.send(self.router(self.prefix()), self.e6() / ICMPv6EchoRequest(id=99))
            try:
                return self.wait(lambda p: ICMPv6EchoReply in p and p[ICMPv6EchoReply].id == 99, 0.3)
            except Silent:
                continue
        raise Silent("the subject takes no address from a router")

    # What the subject does: run() ends with the error's name or None, value() is the value of an expression.
    def ask(self, line):
        self.control.sendall(json.dumps(line).encode() + b"\n")
        answer = self.replies.readline()
        if not answer:
            raise Silent("the subject has gone")
        return json.loads(answer)

    def run(self, line):
        return self.ask(line)[1]

    def value(self, line):
        value, error = self.ask(line)
        if error:
            raise AssertionError("%s: %s" % (line, error))
        return value

    def e4(self, **fields):
        link = {"src": TM, "dst": fields.pop("mac", self.sm)}
        return Ether(**link) / IP(**dict({"src": T4, "dst": S4}, **fields))

    def e6(self, **fields):
        link = {"src": TM, "dst": fields.pop("mac", self.sm)}
        return Ether(**link) / IPv6(**dict({"src": T6, "dst": self.s6}, **fields))

    def send(self, *frames):
        for f in frames:
            self.socket.send(bytes(f))

    def answer(self, p):
        """Somebody is asked for his link address."""
        if ARP in p and p[ARP].op == 1 and p[ARP].pdst in self.addresses:
            mac = self.addresses[p[ARP].pdst]
            self.send(Ether(src=mac, dst=p.src) / ARP(op=2, hwsrc=mac, psrc=p[ARP].pdst, hwdst=p.src, pdst=p[ARP].psrc))
            return True
        if ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt in self.addresses and p[IPv6].src != "::":
            mac = self.addresses[p[ICMPv6ND_NS].tgt]
            self.send(Ether(src=mac, dst=p.src) / IPv6(src=p[ICMPv6ND_NS].tgt, dst=p[IPv6].src, hlim=255) /
                      ICMPv6ND_NA(tgt=p[ICMPv6ND_NS].tgt, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac))
            return True
        return False

    def receive(self, deadline):
        """The subject's next frame; None: the deadline is over."""
        while True:
            try:
                data, address = self.socket.recvfrom(70000)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                select.select([self.socket], [], [], left)
                continue
            if address[2] == socket.PACKET_OUTGOING:
                continue
            p = Ether(data)
            if self.sm and p.src != self.sm:
                continue
            control = TCP in p and IP in p and p[IP].dst not in self.addresses
            if not control:
                p.asked = self.answer(p)
                return p

    def wait(self, wanted, seconds=PATIENCE):
        """The first frame that is wanted; it and all before it are kept in `seen`."""
        deadline = time.monotonic() + seconds
        self.seen = []
        while True:
            p = self.receive(deadline)
            if p is None:
                raise Silent("what was waited for does not come; seen: %s" % [q.summary() for q in self.seen])
            if wanted(p):
                return p
            if not p.asked:
                self.seen.append(p)

    def barrier(self):
        number = random.randrange(65536)
        self.send(Ether(src=BM, dst=self.sm) / IP(src=B4, dst=S4) / ICMP(id=7, seq=number) / b"barrier")
        self.wait(lambda p: ICMP in p and p[ICMP].type == 0 and p[ICMP].id == 7 and p[ICMP].seq == number and
                  p[IP].dst == B4)
        return self.seen

    def exchange(self, *frames):
        """Sends the frames, and returns what the subject has sent when it has handled them all."""
        self.drain()
        self.send(*frames)
        seen = self.barrier()
        # What waited for a link address, or is said at the end of a batch of segments, comes before the second.
        return [p for p in seen + self.barrier() if not noise(p)]

    def drain(self):
        while self.receive(0):
            pass


def noise(p):
    """What a machine says by itself now and then."""
    if (IPv6 in p and p[IPv6].dst in ("ff02::2", "ff02::16")) or (IP in p and p[IP].dst == "224.0.0.22"):
        return True
    return (ARP in p and p[ARP].op == 1) or ICMPv6ND_NS in p  # neighbours of other cases
