# SPDX-License-Identifier: BSD-3-Clause
# Ethernet and ARP. [RFC 826, RFC 894, RFC 1122 2, RFC 5227]
from expect import arp_reply, both, echo4, silent, that
from wire import ALL, ARP, ICMP, IP, S4, T4, TM, Ether, Raw


def ask(w, mac=ALL, **fields):
    return Ether(src=TM, dst=mac) / ARP(**dict({"hwsrc": TM, "psrc": T4, "pdst": S4}, **fields))


OTHER, OTHER_MAC = "10.77.0.68", "02:00:00:00:00:68"


def is_arp(*pairs):
    return lambda frames: len(frames) == 1 and all(getattr(frames[0][ARP], k) == v for k, v in pairs)


def moves(w):
    """A neighbour with another link address: what is sent next goes there. [RFC 826: Merge_flag]"""
    w.exchange(ask(w))
    w.send(ask(w, hwsrc="02:00:00:00:00:99", op=2, mac=w.sm, hwdst=w.sm))
    w.addresses[T4] = "02:00:00:00:00:99"
    frames = w.exchange(Ether(src=TM, dst=w.sm) / IP(src=T4, dst=S4) / ICMP())
    w.addresses[T4] = TM
    w.exchange(ask(w, op=2, mac=w.sm, hwdst=w.sm), ask(w))
    return None if frames and frames[-1].dst == "02:00:00:00:00:99" else "the answer went to the old address"


def learns(w):
    """A question is enough to know who asked. [RFC 826]"""
    w.addresses[OTHER] = OTHER_MAC
    w.exchange(Ether(src=OTHER_MAC, dst=ALL) / ARP(hwsrc=OTHER_MAC, psrc=OTHER, pdst=S4))
    w.drain()
    w.send(Ether(src=OTHER_MAC, dst=w.sm) / IP(src=OTHER, dst=S4) / ICMP())
    asked = [p for p in w.barrier() if ARP in p]
    return "asked for a neighbour that had asked" if asked else None


def unknown_sender(w):
    """A question for somebody else makes no entry. [RFC 826]"""
    w.exchange(Ether(src=OTHER_MAC, dst=ALL) / ARP(hwsrc=OTHER_MAC, psrc="10.77.0.90", pdst="10.77.0.91"))
    known = w.value("open('/proc/net/arp').read()")
    return "10.77.0.90 is known" if "10.77.0.90" in known else None


def asks_three_times(w):
    """Who does not answer is asked again, and then the packets are lost. [RFC 1122 2.3.2.2]"""
    w.drain()
    w.run("u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
    w.run("u.sendto(b'x', ('10.77.0.250', 9))")
    for _ in range(2):
        p = w.wait(lambda p: ARP in p and p[ARP].pdst == "10.77.0.250")
        if p.dst != ALL or p[ARP].op != 1 or p[ARP].psrc != S4 or p[ARP].hwdst != "00:00:00:00:00:00":
            return "a strange question: " + p.show2(dump=True)
    w.run("u.close()")


def queue(w):
    """Packets wait for the answer, at least the last one. [RFC 1122 2.3.2.2]"""
    w.drain()
    w.run("u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
    w.run("u.sendto(b'first', ('10.77.0.69', 9)), u.sendto(b'last', ('10.77.0.69', 9))")
    w.addresses["10.77.0.69"] = OTHER_MAC
    w.wait(lambda p: IP in p and p[IP].dst == "10.77.0.69" and b"last" in bytes(p[IP].payload))
    w.run("u.close()")


ROWS = [
    ("RFC 826", "a question is answered", lambda w: ask(w), both(arp_reply, that("to the asker alone", lambda f: f[
        0].dst == TM and f[0][ARP].hwdst == TM and f[0][ARP].pdst == T4))),
    ("RFC 826", "a question to our link address", lambda w: ask(w, mac=w.sm), arp_reply),
    ("RFC 826", "a question about somebody else", lambda w: ask(w, pdst="10.77.0.3"), silent),
    ("RFC 826", "another hardware type", lambda w: ask(w, hwtype=6), silent, {"linux": "takes 802 on Ethernet"}),
    ("RFC 826", "hardware type of no Ethernet", lambda w: ask(w, hwtype=15), silent),
    ("RFC 826", "another protocol", lambda w: ask(w, ptype=0x0805), silent),
    ("RFC 826", "hardware address of another size",
     lambda w: Ether(src=TM, dst=ALL, type=0x806) / Raw(bytes(ARP(hwlen=6, psrc=T4, pdst=S4))[:4] + b"\x08\x04" + bytes(
         ARP(psrc=T4, pdst=S4))[6:] + bytes(20)), silent),
    ("RFC 826", "protocol address of another size",
     lambda w: Ether(src=TM, dst=ALL, type=0x806) / Raw(bytes(ARP(psrc=T4, pdst=S4))[:5] + b"\x06" + bytes(
         ARP(psrc=T4, pdst=S4))[6:] + bytes(20)), silent),
    ("RFC 826", "an unknown operation", lambda w: ask(w, op=9), silent),
    ("RFC 826", "an answer that nobody asked for", lambda w: ask(w, op=2, mac=w.sm, psrc="10.77.0.91"), silent),
    ("RFC 826", "cut short", lambda w: Ether(src=TM, dst=ALL, type=0x806) / Raw(bytes(ARP(psrc=T4, pdst=S4))[:20]),
     silent),
    ("RFC 826", "with padding behind", lambda w: ask(w) / Raw(bytes(18)), arp_reply),
    ("RFC 826", "a neighbour moves", moves, None, {"linux": "keeps an answer for a second (locktime)"}),
    ("RFC 826", "who asks is known", learns, None),
    ("RFC 826", "who asks somebody else is not", unknown_sender, None),
    ("RFC 1122 2.3.2.1", "silent neighbours are asked again", asks_three_times, None),
    ("RFC 1122 2.3.2.2", "packets wait for an answer", queue, None),
    ("RFC 5227 1.1", "a probe is answered", lambda w: ask(w, psrc="0.0.0.0"),
     both(arp_reply, that("defends", is_arp(("psrc", S4), ("pdst", "0.0.0.0"))))),
    ("RFC 5227 2.4", "somebody claims our address", lambda w: ask(w, psrc=S4), silent,
     {"linux": "answers the question in it"}),
    ("RFC 1122 3.2.1.3", "a question from a group", lambda w: ask(w, psrc="224.0.0.5"), silent, {
        "linux": "answers"}),
    ("RFC 1122 3.2.1.3", "a question about loopback", lambda w: ask(w, pdst="127.0.0.1"), silent),
    ("IEEE 802.3", "a frame to another station", lambda w: w.e4(mac="02:00:00:00:00:55") / ICMP(), silent),
    ("IEEE 802.3", "an unknown type", lambda w: Ether(src=TM, dst=w.sm, type=0x88b5) / Raw(bytes(46)), silent),
    ("IEEE 802.3", "a length instead of a type", lambda w: Ether(src=TM, dst=w.sm, type=46) / Raw(bytes(46)), silent),
    ("RFC 894", "padding behind a short packet is not payload", lambda w: w.e4() / ICMP(id=1) / Raw(b"") / b"",
     both(echo4, that("ICMP alone", lambda f: f[0][IP].len == 28))),
    ("RFC 894", "padding is not echoed", lambda w: w.e4(len=30) / ICMP(id=1) / Raw(b"abPADDING"),
     that("two bytes", lambda f: not f or f[0][IP].len == 30)),
    ("RFC 1122 3.3.6", "unicast IP in a broadcast frame", lambda w: w.e4(mac=ALL) / ICMP(), lambda frames: None),
]
