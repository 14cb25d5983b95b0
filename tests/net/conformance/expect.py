# SPDX-License-Identifier: BSD-3-Clause
# What a row of a table may expect of the frames that come back: each is a function that says why it is unhappy, or
# None.
from wire import ARP, ICMP, IP, TCP, UDP, ICMPv6EchoReply, IPv6, Raw


def summary(frames):
    return "[" + "; ".join(p.summary() for p in frames) + "]"


def silent(frames):
    return "should say nothing: " + summary(frames) if frames else None


def one(what, fits):
    def check(frames):
        if len(frames) == 1 and fits(frames[0]):
            return None
        return "should be %s: %s" % (what, summary(frames) + (frames[0].show2(dump=True) if len(frames) == 1 else ""))
    return check


echo4 = one("an echo reply", lambda p: ICMP in p and p[ICMP].type == 0)
echo6 = one("an echo reply", lambda p: ICMPv6EchoReply in p)


def error4(kind, code):
    return one("ICMP %d/%d" % (kind, code), lambda p: ICMP in p and (p[ICMP].type, p[ICMP].code) == (kind, code))


def error6(kind, code, pointer=None):
    def fits(p):
        if IPv6 not in p or p[IPv6].nh != 58:
            return False
        data = bytes(p[IPv6].payload)
        return data[0] == kind and data[1] == code and (
            pointer is None or int.from_bytes(data[4:8], "big") == pointer)
    return one("ICMPv6 %d/%d%s" % (kind, code, "" if pointer is None else " at %d" % pointer), fits)


def payload_of(p):
    layer = UDP if UDP in p else TCP
    return bytes(p[layer].payload)[:None if Raw in p else 0]


def udp(body):
    return one("UDP with %r" % body[:20], lambda p: UDP in p and bytes(p[UDP].payload)[:p[UDP].len - 8] == body)


arp_reply = one("an ARP reply", lambda p: ARP in p and p[ARP].op == 2)


def segment(flags, **fields):
    """One TCP segment with these flags (as Scapy writes them) and fields."""
    def fits(p):
        return TCP in p and str(p[TCP].flags) == flags and all(getattr(p[TCP], k) == v for k, v in fields.items())
    return one("TCP %s %s" % (flags, fields), fits)


def both(*checks):
    return lambda frames: next((why for why in (c(frames) for c in checks) if why), None)


def that(what, holds):
    return lambda frames: None if holds(frames) else "%s: %s" % (what, summary(frames))
