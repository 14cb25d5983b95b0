# SPDX-License-Identifier: BSD-3-Clause
"""Attacks on a unikernel that runs `crowd serve 7` at 10.9.2.2 behind the TAP tap0 of this namespace.

Behind each attack the service must answer; in the end all kernel objects must have been given back, but for
those that wait for their time (bounded; with CLADE_LONG=1 that time is waited for).
usage: hostile.py [ATTACK...]
"""
import os
import random
import socket
import struct
import subprocess
import sys
import time

from wire import (ACK, FIN, GUEST, GUEST6, ME, ME6, MY_MAC, PSH, RST, SYN, URG, Peer, Wire, address, icmp, icmp6, ip4,
                  ip6, tcp, udp)

HOST, HOST6 = "10.9.2.1", "fd09:2::1"
random.seed(int(os.environ.get("SEED", "1")))
passed = failed = 0
LONG = os.environ.get("CLADE_LONG")


def check(good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAILED:", what, flush=True)


def once(family, where):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect((where, 7))
        s.sendall(b"alive")
        return s.recv(10) == b"alive"


def alive():
    """TCP and UDP answer, by IPv4 and IPv6, within a minute."""
    end = time.time() + 60
    todo = [(socket.AF_INET, GUEST), (socket.AF_INET6, GUEST6)]
    while todo and time.time() < end:
        try:
            if once(*todo[0]):
                todo.pop(0)
        except OSError as e:
            why = e
            time.sleep(0.1)
    if todo:
        print("no answer:", todo, why)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        for _ in range(60):
            s.sendto(b"alive", (GUEST, 7))
            try:
                return not todo and s.recv(10) == b"alive"
            except OSError:
                pass
    return False


def state():
    """The account: name -> live objects."""
    text = b""
    with socket.create_connection((GUEST, 8), 30) as s:
        while not text.endswith(b"\nend\n") and (part := s.recv(65536)):
            text += part
    rows = [line.rsplit(None, 15) for line in text.decode().splitlines() if ": tunables" in line and line[0] != "#"]
    counts = {row[0]: int(row[1]) for row in rows}
    counts["looped"] = sum(int(line.split()[2]) for line in text.decode().splitlines() if line.startswith("    lo:"))
    counts["arp"] = sum(1 for line in text.decode().splitlines() if " 0x1 " in line)
    return counts


# Attacks. Each gets the wire and returns nothing; check() tells.

def syn_flood(w):
    flood = [("198.18.%d.%d" % (i >> 8 & 255, i & 255), random.randrange(1024, 65536), random.getrandbits(32))
             for i in range(5000)]
    for i, (source, port, seq) in enumerate(flood):
        w.send(ip4(source, GUEST, 6, tcp(source, GUEST, port, 7, seq, 0, SYN, options=b"\2\4\5\xb4")))
        if i % 1000 == 999:
            check(alive(), "the service during a SYN flood")
    check(state().get("tcp_request", 0) <= 1100, "half-open connections are bounded")
    for source, port, seq in flood:  # and are taken back
        w.send(ip4(source, GUEST, 6, tcp(source, GUEST, port, 7, seq + 1, 0, RST)))
    check(state().get("tcp_request", 0) < 20, "half-open connections end with an RST")


def ack_storm(w):
    for _ in range(3000):
        w.send(ip4(ME, GUEST, 6, tcp(ME, GUEST, random.randrange(65536), random.choice((7, 7, 81)),
                                     random.getrandbits(32), random.getrandbits(32), ACK, b"x" * random.randrange(20))))
    p = Peer(w, 7)
    check(p.echo(b"before"), "a connection before its storm")
    time.sleep(0.2)
    p.drain()
    before, start = w.count, time.time()
    for _ in range(5000):
        p.send(ACK, seq=p.next + random.choice((-100000, 200000)), ack=p.seen + random.choice((-200000, 100000)))
    time.sleep(0.2)
    check(w.count - before <= 25 * (int(time.time() - start) + 2), "challenge ACKs are limited: %d" % (w.count - before))
    p.drain()
    check(p.echo(b"behind"), "a connection behind its storm")
    p.reset()


def land(w):
    for source in (GUEST, "127.0.0.1", "255.255.255.255", "224.0.0.1", "0.0.0.0", "10.9.2.255"):
        for flags in (SYN, SYN | ACK, ACK, RST, FIN):
            w.send(ip4(source, GUEST, 6, tcp(source, GUEST, 7, 7, 1, 1, flags)))
        w.send(ip4(source, GUEST, 17, udp(source, GUEST, 7, 7, b"land")))
        w.send(ip4(source, GUEST, 1, icmp(8, 0, b"land" * 4)))
        for target in ("10.9.2.255", "255.255.255.255", "224.0.0.1"):
            # An answer to 0.0.0.0 is one to oneself, on Linux too: not from port 7, or it goes on for ever.
            w.send(ip4(source, target, 17, udp(source, target, 9 if source == "0.0.0.0" else 7, 7, b"land")))
            w.send(ip4(source, target, 6, tcp(source, target, 7, 7, 1, 1, SYN)), b"\xff" * 6)
    for source in (GUEST6, "::1", "::", "ff02::1", "::ffff:10.9.2.2"):
        w.send(ip6(source, GUEST6, 6, tcp(source, GUEST6, 7, 7, 1, 1, SYN)))
        w.send(ip6(source, GUEST6, 17, udp(source, GUEST6, 7, 7, b"land")))
        w.send(ip6(source, GUEST6, 58, icmp6(source, GUEST6, 128, 0, b"land" * 4)))
    check(alive(), "the service behind land")
    before = state()["looped"]
    time.sleep(0.5)
    check(state()["looped"] - before < 100, "nothing talks to itself for ever")


def fragments(w):
    more = 0x2000
    whole = udp(ME, GUEST, 9, 7, b"y" * 4000)
    for number in range(200):  # overlapping in every way, in any order
        for _ in range(6):
            at = random.randrange(0, 500)
            part = whole[at * 8:at * 8 + random.randrange(1, 180) * 8]
            w.send(ip4(ME, GUEST, 17, part, number, at | random.choice((more, more, 0))))
    for number in range(300):  # tiny ones
        for at in random.sample(range(20), 20):
            w.send(ip4(ME, GUEST, 17, whole[at * 8:at * 8 + 8], 1000 + number, at | more))
    for number in range(100):  # behind the end of all
        w.send(ip4(ME, GUEST, 1, b"z" * 1400, 2000 + number, 8100 | random.choice((0, more))))
        w.send(ip4(ME, GUEST, 17, b"", 2100 + number, more))
        w.send(ip4(ME, GUEST, 6, b"1234567", 2200 + number, more | 1))
    for number in range(4000):  # never finished
        w.send(ip4("198.18.%d.%d" % (number >> 8, number & 255), GUEST, 17, b"u" * 1000, number, more))
    for number in range(1000):
        head = struct.pack("!BBHI", 17, 0, random.randrange(8000) << 3 | random.randrange(2), number % 300)
        w.send(ip6(ME6, GUEST6, 44, head + b"v" * random.choice((0, 1, 8, 800))))
    w.send(ip6(ME6, GUEST6, 44, struct.pack("!BBHI", 17, 0, 0, 77) + udp(ME6, GUEST6, 9, 7, b"atomic")))


def wrong_bytes(w):
    good = [ip4(ME, GUEST, 6, tcp(ME, GUEST, 99, 7, 1, 1, SYN, options=b"\2\4\5\xb4\3\3\7\4\2\1")),
            ip4(ME, GUEST, 17, udp(ME, GUEST, 99, 7, b"data")), ip4(ME, GUEST, 1, icmp(8, 0, b"12345678")),
            ip4(ME, GUEST, 17, udp(ME, GUEST, 67, 68, b"\2\1\6\0" + bytes(236) + b"\x63\x82\x53\x63\x35\1\2\xff")),
            ip4(ME, GUEST, 17, udp(ME, GUEST, 53, 33000, b"\0\1\x81\x80\0\1\0\1\0\0\0\0\xc0\x0c\0\1\0\1")),
            ip4(ME, "224.0.0.1", 2, struct.pack("!BBH4sBBH", 0x11, 10, 0, b"\0" * 4, 2, 125, 0)),
            ip6(ME6, GUEST6, 6, tcp(ME6, GUEST6, 99, 7, 1, 1, SYN)), ip6(ME6, GUEST6, 17, udp(ME6, GUEST6, 9, 7, b"d")),
            ip6(ME6, GUEST6, 58, icmp6(ME6, GUEST6, 128, 0, b"1234")),
            ip6("fe80::66", "ff02::1", 58, icmp6("fe80::66", "ff02::1", 130, 0, struct.pack("!HH", 100, 0) + bytes(20)))]
    for packet in good:
        for size in range(2, len(packet)):  # cut anywhere
            w.send(packet[:size])
        for _ in range(400):  # some bits turned
            bad = bytearray(packet)
            for _ in range(random.randrange(1, 4)):
                bad[random.randrange(2, len(bad))] ^= 1 << random.randrange(8)
            w.send(bytes(bad))
    segment = tcp(ME, GUEST, 99, 7, 1, 1, SYN)
    for size in (0, 1, 19, 20, 39, 41, 1500, 65535):
        w.send(ip4(ME, GUEST, 6, segment, size=size))
        w.send(ip4(ME, GUEST, 17, udp(ME, GUEST, 9, 7, b"data", size=size)))
        w.send(ip6(ME6, GUEST6, 17, udp(ME6, GUEST6, 9, 7, b"data", size=size), size=size))
    for options in (b"\x44\0\0\0", b"\x83\xff\4\0", b"\x07\3\4\0", b"\x44\4\5\0", b"\x82\x0b" + bytes(10), b"\1" * 40):
        w.send(ip4(ME, GUEST, 6, segment, options=options))
    for options in (b"\2\0", b"\2\1", b"\5\xff", b"\5\3\0", b"\x08\x0a\0", b"\1" * 40, b"\3\3\xff\2\4\0\0", b"\xfd" * 8):
        w.send(ip4(ME, GUEST, 6, tcp(ME, GUEST, 98, 7, 1, 0, SYN, options=options)))
        w.send(ip4(ME, GUEST, 6, tcp(ME, GUEST, 98, 7, 2, 0, RST)))
    for kinds in ([0] * 50, [60] * 100, [43, 60, 0, 44], [51] * 3, [135] * 9, [59]):  # chains of headers
        chain = b"".join(bytes([following, random.choice((0, 0, 1, 200))]) + bytes(6)
                         for following in kinds[1:] + [6])
        w.send(ip6(ME6, GUEST6, kinds[0], chain + tcp(ME6, GUEST6, 9, 7, 1, 0, SYN)))


def connection(w):
    p = Peer(w, 7)
    check(p.echo(b"hello"), "a connection played by hand")
    for window in (0, 1, 0, 10, 60000, 0):  # shrinks while data waits
        p.send(ACK | PSH, b"s" * 100, window=window)
        p.send(ACK, window=random.randrange(60000))
    p.next += 100
    p.reset()
    p = Peer(w, 7)
    for _ in range(300):  # outside the window: nothing of it is believed
        far = random.choice((-70000, -5000, 140000, 1 << 31))
        p.send(random.choice((RST, RST | ACK, SYN, FIN | ACK, ACK | PSH, ACK | URG)), b"injected", seq=p.next + far,
               urgent=random.randrange(100))
        p.send(ACK | PSH, b"injected", ack=p.seen + random.choice((-1 << 20, 1 << 20)))
    p.drain()
    challenged = False
    for _ in range(6):  # the limit of challenge ACKs may be used up for this second
        p.send(RST, seq=p.next + 5)  # inside, but not exact
        challenged = challenged or bool(p.wait(lambda s: s[3] == ACK and s[2] == p.next & 0xFFFFFFFF, 1))
    check(challenged, "a challenge ACK")
    p.drain()
    check(p.echo(b"still here"), "a connection behind injections")
    forged(w, p)
    p.drain()
    check(p.echo(b"and here"), "a connection behind forged ICMP")
    p.reset()
    time.sleep(0.1)
    p.drain()
    p.send(ACK, b"")
    check(p.wait(lambda s: s[3] & RST, 10) is not None, "an exact RST ends it")


def forged(w, p):
    """ICMP errors that quote the connection."""
    for seq in (p.seen, p.seen - 1, p.seen + 100000, 0):
        quote = ip4(GUEST, ME, 6, tcp(GUEST, ME, 7, p.port, seq, p.next, ACK))[2:30]
        for kind, code, rest in ((3, 0, 0), (3, 1, 0), (3, 2, 0), (3, 3, 0), (3, 4, 0), (3, 4, 68), (3, 4, 65535), (3, 13, 0),
                                 (4, 0, 0), (5, 1, 0x0A090242), (11, 0, 0), (11, 1, 0), (12, 0, 1 << 24), (99, 7, 0)):
            w.send(ip4(ME, GUEST, 1, icmp(kind, code, struct.pack("!I", rest) + quote)))
            w.send(ip4("198.18.0.1", GUEST, 1, icmp(kind, code, struct.pack("!I", rest) + quote[:random.randrange(28)])))


def neighbours(w):
    for i in range(5000):
        ip = "10.9.2.%d" % random.randrange(3, 60)
        w.arp(random.choice((1, 2)), random.randbytes(6), random.choice((ip, "10.9.2.2", "0.0.0.0", "1.2.3.4")),
              random.randbytes(6), random.choice((GUEST, ip, "10.9.2.255")))
    for i in range(3000):  # packets that ask it to look for strangers
        stranger = "10.9.2.%d" % random.randrange(100, 250)
        w.send(ip4(stranger, GUEST, 1, icmp(8, 0, b"ping")))
        stranger = "fd09:2::%x" % random.randrange(0x100, 0xFFFF)
        w.send(ip6(stranger, GUEST6, 58, icmp6(stranger, GUEST6, 128, 0, b"ping")))
    for i in range(3000):
        target = "fd09:2::%x" % random.randrange(0x10000)
        mac = b"\1\1" + random.randbytes(6)
        w.send(ip6(target, GUEST6, 58, icmp6(target, GUEST6, 136, 0, struct.pack("!I", 0x60000000) + address(target) +
                                             b"\2\1" + mac[2:]), hops=255))
        w.send(ip6(target, GUEST6, 58, icmp6(target, GUEST6, 135, 0, bytes(4) + address(GUEST6) + mac), hops=255))
    for i in range(500):  # routers and prefixes without end
        router = "fe80::%x" % random.randrange(1, 0x10000)
        prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 1, 1, 0) + random.randbytes(8) + bytes(8)
        w.send(ip6(router, "ff02::1", 58, icmp6(router, "ff02::1", 134, 0, struct.pack("!BBHII", 64, 0, 1, 0, 0) + prefix),
                   hops=255), b"\x33\x33\0\0\0\1")
    check(state().get("neighbour", 0) <= 1100, "neighbours are bounded: %s" % state().get("neighbour"))


def groups(w):
    for i in range(2000):
        query = struct.pack("!BB4sBBH", 0x11, random.randrange(256), random.choice((bytes(4), random.randbytes(4))), 2, 125,
                            random.randrange(3))
        query = query[:2] + b"\0\0" + query[2:]
        w.send(ip4(ME, "224.0.0.1", 2, icmp(query[0], query[1], query[4:]), hops=1), b"\1\0\x5e\0\0\1")
        rest = struct.pack("!HH", random.randrange(65536), 0) + random.choice((bytes(16), random.randbytes(16))) + \
            struct.pack("!BBH", 2, 125, random.randrange(3))
        w.send(ip6("fe80::66", "ff02::1", 58, icmp6("fe80::66", "ff02::1", 130, 0, rest), hops=1), b"\x33\x33\0\0\0\1")


def program(*arguments):
    """Our own side of a crowd, in this namespace."""
    return subprocess.Popen([os.environ["CROWD"], *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def idle(w):
    """Many connections at once."""
    count = 10000 if LONG else 500
    before = state()
    os.environ["CROWD_WAIT"] = "1"
    p = program("idle", GUEST, "7", str(count))
    check(p.stdout.readline() == "%d\n" % count, "%d idle connections" % count)
    now = state()
    check(now["tcp_connection"] - before.get("tcp_connection", 0) >= count, "they are all there")
    print("  %d idle connections: %.2f objects each; alive: %s" % (
        count, sum(max(n - before.get(k, 0), 0) for k, n in now.items()) / count, alive()), flush=True)
    p.communicate("\n")


def sequence(w):
    """Many connections one after another, as server and as client, each time the guest waits in TIME_WAIT."""
    count = 100000 if LONG else 2000
    start = time.time()
    p = program("sequence", GUEST, "7", str(count))
    check(p.communicate()[0] == "%d\n" % count, "%d connections in sequence" % count)
    check(state().get("tcp_remnant", 0) <= 33000, "TIME_WAIT is bounded")
    server = program("serve", "7")
    server.stdout.readline()
    with socket.create_connection((GUEST, 9), 30) as s:
        s.settimeout(300)
        s.sendall(b"%s 7 %d" % (HOST.encode(), count // 2))
        check(s.recv(10) == b"done\n", "%d connections in sequence from the guest" % (count // 2))
    server.kill()
    server.communicate()
    if os.environ.get("V"):
        print("  %.0f us a connection" % ((time.time() - start) * 1e6 / (count * 1.5)))


ATTACKS = [syn_flood, ack_storm, land, fragments, wrong_bytes, connection, neighbours, groups, idle, sequence]
# Not of the network, or of its first use: patched system call sites, what the heap keeps.
NOISE = {"syscall site": 50, "stub page": 5, "heap-pages": 4, "heap-16": 10, "heap-32": 10, "heap-64": 10, "heap-128": 10,
         "heap-2048": 4}
NOISE.update(neighbour=1100, arp=1100, looped=1 << 40)  # they are kept, and bounded
# What may be left for some time, and how many at most; with CLADE_LONG that time is waited for.
WAITING = {"tcp_remnant": 33000, "tcp_request": 200, "ip_partial": 300, "packet": 2600, "heap-2048": 2600,
           "heap-pages": 6000}


def settle(before, waiting, seconds):
    """What is more than before, when it no longer becomes less."""
    end = time.time() + seconds
    while True:
        now = state()
        more = {k: n - before.get(k, 0) for k, n in now.items() if n - before.get(k, 0) > waiting.get(k, 0)}
        if os.environ.get("V"):
            print("   ", more, flush=True)
        if not more or time.time() > end:
            return more
        time.sleep(4 if LONG else 0.5)  # packets that wait for use are given back when none was used for a second


def main():
    named = {a.__name__: a for a in ATTACKS}
    chosen = [named[name] for name in sys.argv[1:]] or ATTACKS
    w = Wire("tap0")
    check(alive(), "the service before all")
    time.sleep(1)
    before = state()
    if os.environ.get("V"):
        print("  before:", {k: n for k, n in before.items() if k in ("packet", "heap-pages", "heap-2048", "neighbour")})
    for attack in chosen:
        start = time.time()
        attack(w)
        check(alive(), "the service behind " + attack.__name__)
        if os.environ.get("V"):
            print("  %s: %.1f s" % (attack.__name__, time.time() - start), flush=True)
    more = settle(before, NOISE if LONG else NOISE | WAITING, int(os.environ.get("SETTLE", 150 if LONG else 30)))
    check(not more, "left behind: %s" % more)
    print("hostile: %d passed, %d failed" % (passed, failed))
    return failed != 0


sys.exit(main())
