# SPDX-License-Identifier: BSD-3-Clause
# Group membership. [RFC 2236, RFC 3376, RFC 2710, RFC 3810]
from icmp6 import message
from ndp import group_of, mac_of, pack
from wire import IP, TL, ICMPv6EchoRequest, IPv6, Raw

import socket
import time

A4, B4, A6, B6 = "239.7.7.1", "239.7.7.2", "ff15::701", "ff15::702"
ALL4, ALL4_MAC = "224.0.0.1", "01:00:5e:00:00:01"
IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE = 2, 3, 4


def join(w, group, leave=False):
    """The subject's socket g joins."""
    if w.ask("g4.fileno()")[1] or w.value("g4.fileno()") < 0:
        w.run("g4, g6 = socket.socket(2, 2), socket.socket(10, 2)")
        w.run("i = [n for n, name in socket.if_nameindex() if name != 'lo'][0]")
    if ":" in group:
        return w.run("g6.setsockopt(41, %d, socket.inet_pton(10, '%s') + struct.pack('I', i))" % (21 if leave else 20, group))
    return w.run("g4.setsockopt(0, %d, struct.pack('4s4si', socket.inet_aton('%s'), bytes(4), i))" % (
        36 if leave else 35, group))


def checksum(data):
    total = sum(int.from_bytes(data[n:n + 2], "big") for n in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return data[:2] + (~total & 0xffff).to_bytes(2, "big") + data[4:]


def query4(w, group="0.0.0.0", code=1, tail=bytes(4), bad=False, **fields):
    to = group if group != "0.0.0.0" else ALL4
    data = checksum(bytes([0x11, code, 0, 0]) + socket.inet_aton(group) + tail)
    if bad:
        data = data[:2] + b"\x12\x34" + data[4:]
    mac = "01:00:5e:" + ":".join("%02x" % b for b in socket.inet_aton(to)[1:])
    return w.e4(proto=2, ttl=1, dst=to, mac=mac, **fields) / Raw(data)


def query6(w, group="::", delay=100, tail=bytes(4), alert=True, **fields):
    to = group if group != "::" else "ff02::1"
    f = {"src": TL, "dst": to, "mac": mac_of(to), "hlim": 1}
    f.update(fields)
    p = message(w, 130, 0, delay.to_bytes(2, "big") + bytes(2) + pack(group) + tail, **f)
    if alert:
        p[IPv6].nh, p[Raw].load = 0, b"\x3a\0\5\2\0\0\1\0" + p[Raw].load
    return p


def records(p):
    """(kind, group) of each record of a report; (0, group) of an old one, (9, group) of an old leave."""
    if IP in p and p[IP].proto == 2:
        d = bytes(p[IP].payload)[:p[IP].len - p[IP].ihl * 4]
        if d[0] in (0x16, 0x17):
            return [(0 if d[0] == 0x16 else 9, socket.inet_ntoa(d[4:8]))]
        return [(d[8 + n * 8], socket.inet_ntoa(d[12 + n * 8:16 + n * 8])) for n in range(d[7])] if d[0] == 0x22 else []
    if IPv6 in p and p[IPv6].nh == 0:
        d = bytes(p[IPv6].payload)[8:]
        if d[0] in (131, 132):
            return [(0 if d[0] == 131 else 9, socket.inet_ntop(10, d[8:24]))]
        return [(d[8 + n * 20], socket.inet_ntop(10, d[12 + n * 20:28 + n * 20])) for n in range(d[7])] if d[0] == 143 else []
    return []


def has(kind, *groups):
    return lambda p: all((kind, g) in records(p) for g in groups)


def shape(p, to):
    """Hop limit 1, router alert, where it goes."""
    if IP in p:
        good = p[IP].ttl == 1 and bytes(p[IP])[20:22] == b"\x94\x04" and p[IP].dst == to
    else:
        good = p[IPv6].hlim == 1 and b"\x05\x02\0\0" in bytes(p[IPv6].payload)[:8] and p[IPv6].dst == to and p[
            IPv6].src.startswith("fe80")
    return None if good else p.show2(dump=True)


def joins(group, to):
    """At once, and again within a second or so."""
    def case(w):
        join(w, group, leave=True)
        w.drain()
        error = join(w, group)
        if error:
            return error
        first = w.wait(has(TO_EXCLUDE, group))
        w.wait(has(TO_EXCLUDE, group))
        return shape(first, to)
    return case


def leaves(group, to):
    def case(w):
        join(w, group)
        w.drain()
        join(w, group, leave=True)
        first = w.wait(has(TO_INCLUDE, group))
        w.wait(has(TO_INCLUDE, group))
        join(w, group)
        return shape(first, to)
    return case


def answers(query, to, *groups):
    def case(w):
        for g in groups:
            join(w, g)
        w.drain()
        w.send(query(w))
        left = set(groups)
        while left:
            p = w.wait(lambda p: any(k == IS_EXCLUDE and g in left for k, g in records(p)))
            left -= {g for k, g in records(p) if k == IS_EXCLUDE}
        return shape(p, to)
    return case


def settle(w, *groups):
    """No answer to an earlier query is on its way any more: there is one a group at most."""
    for g in groups:
        join(w, g)
    w.drain()
    w.send(query6(w) if ":" in groups[0] else query4(w))
    left = set(groups)
    while left:
        left -= {g for k, g in records(w.wait(lambda p: records(p))) if k == IS_EXCLUDE}
    w.exchange()
    w.drain()


def answers_only(query, group, other):
    """Only what was asked for."""
    def case(w):
        settle(w, group, other)
        w.send(query(w))
        w.wait(has(IS_EXCLUDE, group))
        wrong = [p for p in w.seen if has(IS_EXCLUDE, other)(p)]
        return "answers for another group" if wrong else None
    return case


def ignores(query, group):
    """A bad query has no answer: within four times what one might take."""
    def case(w):
        settle(w, group)
        w.send(query(w))
        end = time.monotonic() + 0.4
        while True:
            p = w.receive(end)
            if p is None:
                return None
            if has(IS_EXCLUDE, group)(p) or (0, group) in records(p):
                return "has an answer"
    return case


def old(query, group):
    """An old router is answered in its own way: a report to the group itself."""
    def case(w):
        join(w, group)
        w.drain()
        w.send(query(w))
        p = w.wait(has(0, group))
        return shape(p, group)
    return case


def old_leave(group, to):
    def case(w):
        w.drain()
        join(w, group, leave=True)
        return shape(w.wait(has(9, group)), to)
    return case


ROWS = [
    ("RFC 3376 5.1", "a join is told of twice", joins(A4, "224.0.0.22"), None),
    ("RFC 3810 6.1", "a join is told of twice, IPv6", joins(A6, "ff02::16"), None),
    ("RFC 3376 5.1", "a leave is told of twice", leaves(A4, "224.0.0.22"), None),
    ("RFC 3810 6.1", "a leave is told of twice, IPv6", leaves(A6, "ff02::16"), None),
    ("RFC 3376 5.2", "a general query", answers(lambda w: query4(w), "224.0.0.22", A4, B4), None),
    ("RFC 3810 6.2", "a general query, IPv6", answers(lambda w: query6(w), "ff02::16", A6, B6), None),
    ("RFC 4861 7.2.1", "solicited-node groups are among them", lambda w: answers(
        lambda w: query6(w), "ff02::16", group_of(w.s6))(w) if not w.exchange(w.e6() / ICMPv6EchoRequest()) == [] else
     "no address", None),
    ("RFC 3376 5.2", "a query about one group", answers_only(lambda w: query4(w, A4), A4, B4), None),
    ("RFC 3810 6.2", "a query about one group, IPv6", answers_only(lambda w: query6(w, A6), A6, B6), None),
    ("RFC 3376 4.1.2", "a wrong checksum", ignores(lambda w: query4(w, bad=True), A4), None),
    ("RFC 3376 5.2", "a query about a group that is not ours", ignores(lambda w: query4(w, "239.7.7.9"), A4), None),
    ("RFC 3810 6.2", "a query with hop limit 2", ignores(lambda w: query6(w, hlim=2), A6), None),
    ("RFC 3810 6.2", "a query from no link-local address", ignores(lambda w: query6(w, src="fd77::66"), A6), None),
    ("RFC 3810 6.2", "a query without router alert", ignores(lambda w: query6(w, alert=False), A6), None),
    ("RFC 3810 6.2", "a query about a group that is not ours, IPv6", ignores(lambda w: query6(w, "ff15::709"), A6), None),
    ("RFC 3376 7.2", "a router with IGMPv2", old(lambda w: query4(w, tail=b""), A4), None),
    ("RFC 2236 3", "a leave for it", old_leave(A4, "224.0.0.2"), None),
    ("RFC 3810 8.2", "a router with MLDv1", old(lambda w: query6(w, tail=b""), A6), None),
    ("RFC 2710 4", "a leave for it, IPv6", old_leave(A6, "ff02::2"), None),
]
