# SPDX-License-Identifier: BSD-3-Clause
"""Frames, right and wrong, for hostile.py: builders, a raw socket, and a TCP connection played by hand."""
import queue
import random
import socket
import struct
import threading
import time

GUEST, GUEST6 = "10.9.2.2", "fd09:2::2"
ME, ME6 = "10.9.2.66", "fd09:2::66"  # addresses that nobody has: this program answers for them
MY_MAC = bytes.fromhex("02000000aa66")
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def inet(data):
    """The internet checksum. [RFC 1071]"""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ip4(source, destination, protocol, payload, number=1, fragment=0, hops=64, size=None, options=b"", sum_=None):
    words = 5 + len(options) // 4
    size = words * 4 + len(payload) if size is None else size
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, size & 0xFFFF, number & 0xFFFF, fragment, hops, protocol, 0,
                       address(source), address(destination)) + options
    value = inet(head) if sum_ is None else sum_
    return b"\x08\0" + head[:10] + struct.pack("!H", value) + head[12:] + payload


def ip6(source, destination, following, payload, hops=64, size=None):
    return b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(payload) if size is None else size, following, hops) + \
        address(source) + address(destination) + payload


def with_sum(source, destination, protocol, payload, at):
    pseudo = address(source) + address(destination) + struct.pack("!II", len(payload), protocol)
    payload = payload[:at] + b"\0\0" + payload[at + 2:]
    return payload[:at] + struct.pack("!H", inet(pseudo + payload)) + payload[at + 2:]


def tcp(source, destination, sport, dport, seq, ack, flags, data=b"", window=65535, options=b"", urgent=0):
    options += b"\0" * (-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                       (5 + len(options) // 4) << 4, flags, window, 0, urgent)
    return with_sum(source, destination, 6, head + options + data, 16)


def udp(source, destination, sport, dport, data, size=None):
    head = struct.pack("!HHHH", sport, dport, 8 + len(data) if size is None else size, 0)
    return with_sum(source, destination, 17, head + data, 6)


def icmp(kind, code, rest):
    return struct.pack("!BBH", kind, code, inet(struct.pack("!BBH", kind, code, 0) + rest)) + rest


def icmp6(source, destination, kind, code, rest):
    return with_sum(source, destination, 58, struct.pack("!BBH", kind, code, 0) + rest, 2)


class Wire:
    def __init__(self, name):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((name, 0))
        self.guest = b"\xff" * 6
        self.segments = queue.Queue()
        self.count = 0  # TCP segments for ME
        threading.Thread(target=self.listen, daemon=True).start()
        end = time.time() + 20
        while self.guest == b"\xff" * 6 and time.time() < end:
            self.arp(1, MY_MAC, ME, b"\0" * 6, GUEST)
            time.sleep(0.1)

    def send(self, packet, to=None):
        frame = (to or self.guest) + MY_MAC + packet
        for _ in range(1000):
            try:
                self.socket.send(frame)
                return
            except OSError:  # the queue of the TAP is full
                time.sleep(0.001)

    def arp(self, what, mac, ip, to_mac, to_ip):
        self.send(b"\x08\x06" + struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, what, mac, address(ip), to_mac,
                                            address(to_ip)))

    def advertise(self, to):
        self.send(ip6(ME6, to, 58, icmp6(ME6, to, 136, 0, struct.pack("!I", 0x60000000) + address(ME6) + b"\2\1" +
                                         MY_MAC), hops=255))

    def listen(self):
        mine, mine6 = address(ME), address(ME6)
        while True:
            f, where = self.socket.recvfrom(70000)
            if where[2] == 4:  # PACKET_OUTGOING
                continue
            kind = f[12:14]
            if kind == b"\x08\x06" and f[38:42] == mine:
                if f[28:32] == address(GUEST):
                    self.guest = f[6:12]
                if f[20:22] == b"\0\1":
                    self.arp(2, MY_MAC, ME, f[22:28], GUEST)
            elif kind == b"\x86\xdd" and f[20] == 58 and f[54] == 135 and f[62:78] == mine6:
                self.advertise(socket.inet_ntop(socket.AF_INET6, f[22:38]))
            elif kind == b"\x08\0" and f[30:34] == mine and f[23] == 6:
                self.count += 1
                t = f[14 + (f[14] & 15) * 4:14 + struct.unpack("!H", f[16:18])[0]]
                sport, dport, seq, ack = struct.unpack("!HHII", t[:12])
                self.segments.put((dport, seq, ack, t[13], t[(t[12] >> 4) * 4:]))


class Peer:
    """A connection from ME to the guest, segment by segment."""

    def __init__(self, wire, port, options=b"\2\4\5\xb4"):
        self.wire, self.port, self.next = wire, random.randrange(1024, 60000), random.getrandbits(32)
        self.to, self.seen, self.window = port, 0, 60000
        for _ in range(20):
            self.send(SYN, options=options)
            answer = self.wait(lambda s: s[3] == SYN | ACK, 1)
            if answer:
                break
        else:
            raise SystemExit("FAILED: no answer to a SYN")
        self.next += 1
        self.seen = answer[1] + 1 & 0xFFFFFFFF
        self.una = answer[2]
        self.send(ACK)

    def send(self, flags, data=b"", seq=None, ack=None, window=None, **more):
        self.wire.send(ip4(ME, GUEST, 6, tcp(ME, GUEST, self.port, self.to, self.next if seq is None else seq,
                                             (self.seen if ack is None else ack) if flags & ACK else 0, flags, data,
                                             self.window if window is None else window, **more)))

    def wait(self, what, seconds):
        end = time.time() + seconds
        while time.time() < end:
            try:
                s = self.wire.segments.get(timeout=max(end - time.time(), 0.001))
            except queue.Empty:
                return None
            if s[0] == self.port and what(s):
                return s
        return None

    def drain(self):
        while not self.wire.segments.empty():
            self.wire.segments.get()

    def echo(self, data):
        """Sends data until it is acknowledged and has come back; False: it did not."""
        expected = self.next + len(data) & 0xFFFFFFFF
        back = b""
        for _ in range(20):
            self.send(ACK | PSH, data)
            end = time.time() + 1
            while time.time() < end:
                s = self.wait(lambda s: True, end - time.time())
                if not s:
                    break
                if s[3] & RST:
                    return False
                if s[4] and s[1] == self.seen:
                    back += s[4]
                    self.seen = self.seen + len(s[4]) & 0xFFFFFFFF
                    self.send(ACK, seq=expected)
                if s[2] == expected and back == data:
                    self.next = expected
                    return True
        return False

    def reset(self):
        self.send(RST)
