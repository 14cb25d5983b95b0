# SPDX-License-Identifier: BSD-3-Clause
# Neighbour discovery and addresses by routers. [RFC 4861, RFC 4862, RFC 4291]
from expect import one, silent, that
from icmp6 import message
from wire import T6, TL, TM, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, IPv6, Ether

import socket

OTHER, OTHER_MAC = "fd77::68", "02:00:00:00:00:68"


def pack(a):
    return socket.inet_pton(socket.AF_INET6, a)


def group_of(a):
    return socket.inet_ntop(socket.AF_INET6, pack("ff02::1:ff00:0")[:13] + pack(a)[13:])


def mac_of(group):
    return "33:33:" + ":".join("%02x" % b for b in pack(group)[12:])


def lladdr(kind, mac=TM):
    return bytes([kind, 1]) + bytes.fromhex(mac.replace(":", ""))


def ns(w, target=None, options=lladdr(1), code=0, **fields):
    """A solicitation, from T6 to the solicited-node group."""
    target = target or w.s6
    group = group_of(target)
    return message(w, 135, code, bytes(4) + pack(target) + options, **dict(
        {"src": T6, "dst": group, "mac": mac_of(group), "hlim": 255}, **fields))


def na(w, target, flags, options=b"", code=0, **fields):
    return message(w, 136, code, bytes([flags, 0, 0, 0]) + pack(target) + options, **dict(
        {"src": target, "hlim": 255}, **fields))


def advert(solicited, to, override=(1,)):
    return one("an advertisement", lambda p: ICMPv6ND_NA in p and p[ICMPv6ND_NA].S == solicited and p[
        ICMPv6ND_NA].O in override and p[ICMPv6ND_NA].R == 0 and p[IPv6].dst == to and p[IPv6].hlim == 255)


def state_of(w, address):
    """The link address that the subject has for a neighbour; None: it has none."""
    w.run(NEIGHBOURS)
    return w.value("neighbour('%s')" % address)


# A dump by netlink: state and link address.
NEIGHBOURS = """def neighbour(address):
    s = socket.socket(16, 3, 0)
    s.send(struct.pack('=IHHII', 28, 30, 0x301, 1, 0) + bytes([10]) + bytes(11))
    while True:
        data, at = s.recv(65536), 0
        while at < len(data):
            size, kind = struct.unpack_from('=IH', data, at)
            if kind == 3: return None
            state, a, here, mac = struct.unpack_from('=H', data, at + 24)[0], at + 28, None, ''
            while a < at + size:
                n, t = struct.unpack_from('=HH', data, a)
                if t == 1: here = socket.inet_ntop(10, data[a + 4:a + n])
                if t == 2: mac = data[a + 4:a + n].hex(':')
                a += (n + 3) & ~3
            if here == address: return [state, mac]
            at += (size + 3) & ~3
"""
INCOMPLETE, REACHABLE, STALE, DELAY, PROBE = 1, 2, 4, 8, 16


def learn(w, address, solicited=True):
    """The subject has an entry for the address, STALE or REACHABLE."""
    w.exchange(ns(w, src=address, options=lladdr(1, OTHER_MAC)))
    if solicited:
        w.exchange(na(w, address, 0x60, lladdr(2, OTHER_MAC)))


def changes(n, before, flags, link, state, now, **fields):
    """An advertisement for a known neighbour. [RFC 4861 7.2.5]"""
    def case(w):
        address = "fd77::b%x" % n
        learn(w, address, solicited=before == REACHABLE)
        w.exchange(na(w, address, flags, lladdr(2, link) if link else b"", **fields))
        got = state_of(w, address)
        if got and STALE in state and got[0] in (DELAY, PROBE):  # it was used to answer the question
            got[0] = STALE
        return None if got and got[0] in state and got[1] == now else "is %s" % got
    return case


def unknown(w):
    w.exchange(na(w, "fd77::c1", 0x60, lladdr(2, OTHER_MAC)))
    got = state_of(w, "fd77::c1")
    return "an entry was made: %s" % got if got else None


def bad_ns(n, **change):
    """A solicitation that is to be ignored makes no entry and has no answer. [RFC 4861 7.1.1]"""
    def case(w):
        address = "fd77::d%x" % n
        frames = w.exchange(ns(w, **dict({"src": address, "options": lladdr(1, OTHER_MAC)}, **change)))
        got = state_of(w, address)
        return silent(frames) or ("an entry was made: %s" % got if got else None)
    return case


def resolution(w):
    """Unknown neighbours are asked by the group, and packets wait. [RFC 4861 7.2.2]"""
    w.drain()
    w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.run("u.sendto(b'first', ('fd77::69', 9)), u.sendto(b'last', ('fd77::69', 9))")
    p = w.wait(lambda p: ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == "fd77::69")
    good = p[IPv6].dst == group_of("fd77::69") and p.dst == mac_of(group_of("fd77::69")) and p[IPv6].hlim == 255 and bytes(
        p[ICMPv6ND_NS].payload)[:2] == b"\1\1"
    w.addresses["fd77::69"] = OTHER_MAC
    w.answer(p)
    w.wait(lambda p: IPv6 in p and p[IPv6].dst == "fd77::69" and b"last" in bytes(p[IPv6].payload))
    w.run("u.close()")
    return None if good else p.show2(dump=True)


def asks_three_times(w):
    """RETRANS_TIMER is a second, MAX_MULTICAST_SOLICIT three; then the sender hears of it. [RFC 4861 10, 7.2.2]"""
    w.drain()
    w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.run("u.setsockopt(41, 25, 1)")
    w.run("u.sendto(b'x', ('fd77::fa', 9))")
    for _ in range(2):
        w.wait(lambda p: ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == "fd77::fa")
    w.run("u.close()")


ADDRESSES = """def addresses():
    return [l.split()[:1] + l.split()[2:5] for l in open('/proc/net/if_inet6')]
"""


def has(w, address):
    w.run(ADDRESSES)
    for a, bits, scope, flags in w.value("addresses()"):
        if a == pack(address).hex():
            return int(flags, 16)
    return None


def own(w, prefix):
    return prefix + w.identifier()


def takes(n, bad=False, options=True, source=TL, hlim=255, code=0, **fields):
    """An advertised prefix is taken: DAD, then the address. Or not."""
    def case(w):
        prefix = "fd78:%x::" % n
        w.drain()
        p = w.router(w.prefix(prefix, **fields), code=code)
        p[IPv6].src, p[IPv6].hlim = source, hlim
        w.send(p)
        if bad:
            asked = [q for q in w.barrier() if ICMPv6ND_NS in q and q[ICMPv6ND_NS].tgt == own(w, prefix)]
            return "takes it" if asked else None
        probe = w.wait(lambda q: ICMPv6ND_NS in q and q[ICMPv6ND_NS].tgt == own(w, prefix))
        if probe[IPv6].src != "::" or probe[IPv6].dst != group_of(own(w, prefix)) or probe[IPv6].hlim != 255:
            return probe.show2(dump=True)
    return case


def duplicate(reply):
    """Somebody has the address: it is not taken. [RFC 4862 5.4.3, 5.4.4]"""
    def case(w):
        prefix = "fd79:%x::" % reply
        address = own(w, prefix)
        w.drain()
        w.send(w.router(w.prefix(prefix)))
        w.wait(lambda q: ICMPv6ND_NS in q and q[ICMPv6ND_NS].tgt == address)
        if reply == 1:
            w.send(na(w, address, 0x20, lladdr(2, OTHER_MAC), dst="ff02::1", mac="33:33:00:00:00:01"))
        else:
            w.send(ns(w, target=address, src="::", options=b""))
        w.exchange()
        # An address that is tried later is there when this one would be.
        later = "fd79:1%x::" % reply
        w.send(w.router(w.prefix(later)))
        w.wait(lambda q: ICMPv6ND_NS in q and q[ICMPv6ND_NS].tgt == own(w, later))
        for _ in range(200):
            w.exchange()
            if has(w, own(w, later)) in (0, 0x80):
                break
            w.value("select.select([], [], [], 0.05)[0]")
        state = has(w, address)
        return None if state is None or state & 8 else "took an address that another has"
    return case


def hop_limit(w):
    """CurHopLimit is what we send with. [RFC 4861 6.3.4]"""
    frames = w.exchange(w.router(chlim=77), w.e6() / ICMPv6EchoRequest())
    w.exchange(w.router(chlim=64))
    return None if frames[-1][IPv6].hlim == 77 else "hop limit %d" % frames[-1][IPv6].hlim


def default_router(w):
    """What is on no link goes to the router. [RFC 4861 5.2]"""
    w.exchange(w.router())
    w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    said = w.ask("u.sendto(b'x', ('2001:db8::1', 9))")[1]
    frames = [p for p in w.barrier() if IPv6 in p and p[IPv6].dst == "2001:db8::1"]
    w.exchange(w.router(routerlifetime=0))
    gone = w.ask("u.sendto(b'x', ('2001:db8::1', 9))")[1]
    w.run("u.close()")
    w.exchange(w.router())
    if said or not frames or frames[0].dst != TM:
        return "%s %s" % (said, frames)
    return None if gone == "ENETUNREACH" else "lifetime 0: %s" % gone


def on_link_only(w):
    """L without A: a route, no address. [RFC 4861 6.3.4]"""
    w.exchange(w.router(w.prefix("fd7a::", A=0)))
    w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.drain()
    w.run("u.sendto(b'x', ('fd7a::5', 9))")
    asked = [p for p in w.barrier() if ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == "fd7a::5"]
    w.run("u.close()")
    return None if asked else "fd7a::5 is not taken to be on the link"


def two_hours(w):
    """A short lifetime does not end an address. [RFC 4862 5.5.3 e]"""
    w.exchange(w.router(w.prefix(validlifetime=0, preferredlifetime=0)))
    frames = w.exchange(w.e6() / ICMPv6EchoRequest())
    w.exchange(w.router(w.prefix()))
    return None if frames else "the address has gone"


def mtu(w):
    """[RFC 4861 6.3.4]"""
    w.run("m = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    w.run("m.connect(('%s', 9))" % T6)
    got = []
    for size in (1000, 9000, 1400):
        option = bytes([5, 1, 0, 0]) + size.to_bytes(4, "big")
        w.exchange(message(w, 134, 0, bytes([64, 0, 7, 8]) + bytes(8) + option, src=TL, dst="ff02::1",
                           mac="33:33:00:00:00:01", hlim=255))
        w.run("m.connect(('%s', 9))" % T6)
        got.append(w.value("m.getsockopt(41, 24)"))
    w.run("m.close()")
    return None if got[:2] == [1500, 1500] and got[2] == 1400 else "MTUs %s" % got



def sent_to(w, address):
    """The datagram for the address that a socket u sends; None: none."""
    w.drain()
    w.run("u.sendto(b'x', ('%s', 9))" % address)
    frames = [p for p in w.barrier() if IPv6 in p and p[IPv6].dst == address]
    return frames[0] if frames else None


def redirect(n, accepted, source=TL, hlim=255, target="fe80::68"):
    """A router's word about another first hop is taken, nobody else's. [RFC 4861 8.1, 8.3]"""
    def case(w):
        address = "2001:db8::%x" % n
        w.exchange(w.router())
        w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
        about = sent_to(w, address)
        quote = bytes(about[IPv6])[:49]
        quote = bytes([4, 1 + (len(quote) + 7) // 8]) + bytes(6) + quote + bytes(-len(quote) % 8)
        w.exchange(message(w, 137, 0, bytes(4) + pack(target) + pack(address) + lladdr(2, OTHER_MAC) + quote,
                           src=source, dst=about[IPv6].src, hlim=hlim))
        after = sent_to(w, address)
        w.run("u.close()")
        good = about.dst == TM and after.dst == (OTHER_MAC if accepted else TM)
        return None if good else "%s, then %s" % (about.dst, after.dst)
    return case


def silent_router(w):
    """A router that does not answer is passed over, however much it is preferred. [RFC 4861 6.3.6, RFC 4191 3.2]"""
    w.exchange(w.router())
    p = w.router(prf=1)
    p[IPv6].src = "fe80::6a"
    w.exchange(p)
    w.run("u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")
    got = None
    for _ in range(200):
        p = sent_to(w, "2001:db8::2:1")
        got = p and p.dst
        if got == TM:
            break
        w.value("select.select([], [], [], 0.05)[0]")
    p = w.router(prf=1, routerlifetime=0)
    p[IPv6].src = "fe80::6a"
    w.exchange(p)
    w.run("u.close()")
    return None if got == TM else "goes to %s" % got


ROWS = [
    ("RFC 4861 7.2.4", "a solicitation is answered", lambda w: ns(w), advert(1, T6)),
    ("RFC 4861 7.2.4", "a solicitation to our address", lambda w: ns(w, dst=w.s6, mac=w.sm), advert(1, T6, (0, 1))),
    ("RFC 4861 7.2.4", "without a link address", lambda w: ns(w, dst=w.s6, mac=w.sm, options=b""), advert(
        1, T6, (0, 1))),
    ("RFC 4861 7.2.4", "for the link-local address", lambda w: ns(w, target=w.sl, src=TL), advert(1, TL)),
    ("RFC 4861 7.2.4", "the answer has our link address", lambda w: ns(w), that("has it", lambda f: bytes(f[0][
        ICMPv6ND_NA].payload)[:8] == bytes([2, 1]) + bytes.fromhex(f[0].src.replace(":", "")))),
    ("RFC 4861 7.2.3", "about somebody else", lambda w: ns(w, target="fd77::3"), silent),
    ("RFC 4862 5.4.3", "somebody tries our address", lambda w: ns(w, src="::", options=b""), advert(0, "ff02::1")),
    ("RFC 4861 7.1.1", "hop limit 254", bad_ns(1, hlim=254), None),
    ("RFC 4861 7.1.1", "code 1", bad_ns(2, code=1), None),
    ("RFC 4861 7.1.1", "a target that is a group", lambda w: ns(w, target="ff02::1", dst=w.s6, mac=w.sm), silent),
    ("RFC 4861 7.1.1", "an option of length 0", bad_ns(4, options=bytes(8)), None),
    ("RFC 4861 7.1.1", "an option of length 0 behind a good one", bad_ns(5, options=lladdr(1, OTHER_MAC) + bytes(8)), None),
    ("RFC 4861 7.1.1", "an option beyond the packet", bad_ns(6, options=bytes([1, 9]) + bytes(6)), None),
    ("RFC 4861 7.1.1", "from nobody, with a link address", lambda w: ns(w, src="::"), silent),
    ("RFC 4861 7.1.1", "from nobody, not to the group", lambda w: ns(w, src="::", options=b"", dst=w.s6, mac=w.sm), silent),
    ("RFC 4861 7.1.1", "too short", lambda w: message(w, 135, 0, bytes(4) + pack(T6)[:8], hlim=255), silent),
    ("RFC 4861 4.6", "unknown options are skipped", lambda w: ns(w, options=bytes([200, 2]) + bytes(14) + lladdr(1)),
     advert(1, T6)),
    ("RFC 4861 7.2.5", "an answer that nobody waits for makes no entry", unknown, None),
    ("RFC 4861 7.2.5", "solicited: reachable", changes(1, STALE, 0x60, OTHER_MAC, (REACHABLE,), OTHER_MAC), None),
    ("RFC 4861 7.2.5", "solicited, without a link address", changes(2, STALE, 0x40, None, (REACHABLE,), OTHER_MAC), None),
    ("RFC 4861 7.2.5", "not solicited: stays", changes(3, STALE, 0x20, OTHER_MAC, (STALE,), OTHER_MAC), None),
    ("RFC 4861 7.2.5", "another link address, override", changes(4, REACHABLE, 0x20, TM, (STALE,), TM), None),
    ("RFC 4861 7.2.5", "another link address, override, solicited", changes(5, STALE, 0x60, TM, (REACHABLE,), TM), None),
    ("RFC 4861 7.2.5", "another link address, no override: stale", changes(6, REACHABLE, 0x00, TM, (STALE,), OTHER_MAC),
     None),
    ("RFC 4861 7.2.5", "the same, when stale: nothing", changes(7, STALE, 0x40, TM, (STALE,), OTHER_MAC), None),
    ("RFC 4861 7.1.2", "solicited to a group: ignored", changes(8, STALE, 0x60, TM, (STALE,), OTHER_MAC, dst="ff02::1",
                                                                   mac="33:33:00:00:00:01"), None),
    ("RFC 4861 7.1.2", "hop limit 254", changes(9, STALE, 0x60, TM, (STALE,), OTHER_MAC, hlim=254), None),
    ("RFC 4861 7.1.2", "code 1", changes(10, STALE, 0x60, TM, (STALE,), OTHER_MAC, code=1), None),
    ("RFC 4861 7.2.2", "packets wait for an answer", resolution, None),
    ("RFC 4861 7.2.2", "silent neighbours are asked again", asks_three_times, None),
    ("RFC 4861 6.1.2", "no link-local source", takes(1, bad=True, source=T6), None),
    ("RFC 4861 6.1.2", "hop limit 254", takes(2, bad=True, hlim=254), None),
    ("RFC 4861 6.1.2", "code 1", takes(3, bad=True, code=1), None),
    ("RFC 4862 5.5.3", "a prefix, then DAD", takes(4), None),
    ("RFC 4862 5.5.3 a", "not autonomous", takes(5, bad=True, A=0), None),
    ("RFC 4862 5.5.3 c", "preferred longer than valid", takes(6, bad=True, preferredlifetime=99999), None),
    ("RFC 4862 5.5.3 d", "a prefix of 63 bits", takes(7, bad=True, prefixlen=63), None),
    ("RFC 4862 5.5.3 d", "valid for no time", takes(8, bad=True, validlifetime=0, preferredlifetime=0), None),
    ("RFC 4862 5.5.3 e", "a short lifetime for an address that is ours", two_hours, None),
    ("RFC 4862 5.4.4", "another has it: an advertisement", duplicate(1), None),
    ("RFC 4862 5.4.3", "another tries it, too", duplicate(2), None),
    ("RFC 4861 6.3.4", "hop limit of the router", hop_limit, None),
    ("RFC 4861 6.3.4", "the default router comes and goes", default_router, None),
    ("RFC 4861 6.3.4", "on-link prefixes", on_link_only, None),
    ("RFC 4861 6.3.4", "MTU of the router", mtu, None),
    ("RFC 4861 8.3", "a redirect", redirect(0x101, True), None, {"linux": "6.18 counts it, and goes on by the router"}),
    ("RFC 4861 8.1", "a redirect of somebody else", redirect(0x102, False, source="fe80::68"), None),
    ("RFC 4861 8.1", "a redirect from afar", redirect(0x103, False, hlim=254), None),
    ("RFC 4861 8.1", "a redirect to no router", redirect(0x104, False, target=OTHER), None),
    ("RFC 4861 6.3.6", "a silent router", silent_router, None),
]
