// SPDX-License-Identifier: BSD-3-Clause
// IPv6 headers, in and out. Extension headers are skipped when they ask nothing of us, and refused
// when they do. [RFC 8200]

#include <linux/if_packet.h>

#include "base/string.h"
#include "net/icmp.h"
#include "net/icmp6.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/mib.h"
#include "net/settings.h"

#define EXTENSIONS_MAX    8u
#define OPTION_PAD1       0

void ip6_push_header(struct packet *p, const struct ip_send *s, const struct ip_piece *piece)
{
    u32 version = 6u << 28 | (u32)s->traffic_class << 20 | (s->flow_label & 0xfffff);
    struct ip6_fragment_header *f;
    struct ip6_header *h;
    u8 next = s->protocol;

    if (piece) {
        f = (struct ip6_fragment_header *)(void *)packet_push(p, sizeof(*f));
        f->next = next;
        f->reserved = 0;
        f->offset_more = swap16((u16)(piece->offset | piece->more));
        f->id = piece->id;
        next = PROTOCOL_FRAGMENT;
    }
    h = (struct ip6_header *)(void *)packet_push(p, sizeof(*h));
    h->version_class_flow = swap32(version);
    h->payload = swap16((u16)min(p->total - IP6_HEADER, PACKET_SIZE_MAX));
    h->next = next;
    h->hop_limit = s->hop_limit              ? s->hop_limit
                   : p->interface->hop_limit ? p->interface->hop_limit
                                             : (u8)net_setting(SET_HOP_LIMIT);
    memcpy(h->source, s->source.bytes, 16);
    memcpy(h->destination, s->destination.bytes, 16);
}

static bool addresses_fine(const struct packet *p)
{
    const struct ip_address *from = &p->source;

    if (ip_is_multicast(from) || ip_is_v4(from) || ip_is_v4(&p->destination))
        return false;
    if (p->interface->flags & IFF_LOOPBACK)
        return true;
    if (ip_is_multicast(&p->destination) && (p->destination.bytes[1] & 15) <= 1)
        return false; // groups of a scope that no wire has [RFC 4291 2.7]
    // Our own address only in what tells that somebody else has it, too, and none only from who looks
    // for one: an answer would be to ourselves.
    return !ip_is_loopback(from) &&
           (p->link_type == PACKET_LOOPBACK || p->protocol == PROTOCOL_ICMP6 ||
            !(ip_is_any(from) || interface_is_local(NULL, from)));
}

static bool header_check(struct packet *p)
{
    const struct ip6_header *h;
    u32 payload;

    if (!packet_linear(p, IP6_HEADER) || p->data[0] >> 4 != 6)
        return false;
    h = (const struct ip6_header *)(const void *)p->data;
    payload = swap16(h->payload);
    if (payload > p->total - IP6_HEADER)
        return false;
    packet_trim(p, payload + IP6_HEADER);
    p->network_header = (u16)packet_headroom(p);
    memcpy(p->source.bytes, h->source, 16);
    memcpy(p->destination.bytes, h->destination, 16);
    p->protocol = h->next;
    p->hop_limit = h->hop_limit;
    p->traffic_class = (u8)(swap32(h->version_class_flow) >> 20);
    if (ip_is_multicast(&p->destination))
        mib_count(MIB_IP_IN_GROUPS + MIB_IP_COUNT);
    if (addresses_fine(p) && ip_accepts(p))
        return true;
    mib_count(MIB_IP_IN_ADDRESS_ERRORS + MIB_IP_COUNT);
    return false;
}

// Offset of what p->data points to.
static u32 here(const struct packet *p)
{
    return (u32)(p->data - packet_network(p));
}

// An option that we do not know says itself what becomes of the packet. [4.2]
static void option_refuse(struct packet *p, u8 option, u32 at)
{
    if (option >> 6 == 2 || (option >> 6 == 3 && !ip_is_multicast(&p->destination)))
        icmp6_problem(p, PROBLEM_OPTION, at);
}

// Options of a hop-by-hop or destination header, of `size` bytes. False: the packet is to be
// dropped.
static bool options_fine(struct packet *p, u32 size)
{
    const u8 *option = p->data;
    u32 at = 2;

    while (at < size) {
        if (option[at] == OPTION_PAD1) {
            at++;
            continue;
        }
        if (size - at < 2 || option[at + 1] > size - at - 2)
            return false;
        if (option[at] >> 6) {
            option_refuse(p, option[at], here(p) + at);
            return false;
        }
        at += 2u + option[at + 1];
    }
    return true;
}

// Takes one extension header off; false: the packet cannot be used.
static bool extension_skip(struct packet *p)
{
    u32 size;

    if (!packet_linear(p, 8))
        return false;
    size = 8u + p->data[1] * 8u;
    if (!packet_linear(p, size))
        return false;
    if (p->protocol == PROTOCOL_ROUTING) {
        if (p->data[3]) { // segments left: we are no router [4.4, RFC 5095]
            icmp6_problem(p, PROBLEM_FIELD, here(p) + 2);
            return false;
        }
    } else if (!options_fine(p, size)) {
        return false;
    }
    p->control[0] = here(p);
    p->protocol = p->data[0];
    packet_pull(p, size);
    return true;
}

// What a first fragment must hold of the transport's header. [RFC 7112]
static u32 transport_least(u8 protocol)
{
    return protocol == PROTOCOL_TCP                                 ? 20
           : protocol == PROTOCOL_UDP || protocol == PROTOCOL_ICMP6 ? 8
                                                                    : 0;
}

// True: the packet has been refused.
static bool fragment_refuse(struct packet *p, const struct ip_piece *piece, u8 next, u32 header)
{
    if (piece->more && p->total % 8) {
        icmp6_problem(p, PROBLEM_FIELD, offsetof(struct ip6_header, payload));
        return true;
    }
    if (piece->offset + p->total > PACKET_SIZE_MAX) {
        icmp6_problem(p, PROBLEM_FIELD, header + offsetof(struct ip6_fragment_header, offset_more));
        return true;
    }
    if (!piece->offset && p->total < transport_least(next)) {
        icmp6_problem(p, PROBLEM_CHAIN, 0);
        return true;
    }
    return false;
}

static struct packet *fragment_take(struct packet *p)
{
    const struct ip6_fragment_header *f;
    struct ip_piece piece;
    u32 header = here(p);
    u16 offset_more;
    u8 next;

    if (!packet_linear(p, sizeof(*f))) {
        packet_free(p);
        return NULL;
    }
    f = (const struct ip6_fragment_header *)(const void *)p->data;
    offset_more = swap16(f->offset_more);
    piece = (struct ip_piece){f->id, offset_more & 0xfff8u, offset_more & 1};
    next = f->next;
    packet_pull(p, sizeof(*f));
    if ((piece.offset || piece.more) && fragment_refuse(p, &piece, next, header)) {
        packet_free(p);
        return NULL;
    }
    p->protocol = next;
    if (!piece.offset && !piece.more) { // atomic [RFC 6946]
        p->control[0] = header;
        return p;
    }
    p = ip_reassemble(p, &piece, IP6_HEADER);
    if (p)
        p->control[0] = offsetof(struct ip6_header, next);
    return p;
}

void ip6_receive(void *object, struct packet *p)
{
    bool fine;

    mib_count(MIB_IP_IN + MIB_IP_COUNT);
    mib_add_ip(false, MIB_IP_IN_OCTETS, p->total);
    fine = header_check(p);
    packet_skip(p, fine ? IP6_HEADER : 0);
    p->control[0] = offsetof(struct ip6_header, next); // where the protocol was named
    for (u32 n = 0; fine && n < EXTENSIONS_MAX; n++) {
        if (p->protocol == PROTOCOL_FRAGMENT) {
            p = fragment_take(p);
            if (!p)
                return;
        } else if (p->protocol == PROTOCOL_ROUTING || p->protocol == PROTOCOL_OPTIONS ||
                   (p->protocol == PROTOCOL_HOP && !n)) {
            fine = extension_skip(p);
        } else {
            p->transport_header = (u16)packet_headroom(p);
            ip_deliver(p);
            return;
        }
    }
    __atomic_add_fetch(&p->interface->counters.rx_dropped, 1, __ATOMIC_RELAXED);
    packet_free(p);
}
