// SPDX-License-Identifier: BSD-3-Clause
// IPv6 headers, in and out. Extension headers are skipped when they ask nothing of us, and refused
// when they do. [RFC 8200]

#include "base/string.h"
#include "net/icmp6.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"

#define HOP_LIMIT_DEFAULT 64u
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
    h->hop_limit = s->hop_limit ? s->hop_limit : HOP_LIMIT_DEFAULT;
    memcpy(h->source, s->source.bytes, 16);
    memcpy(h->destination, s->destination.bytes, 16);
}

static bool source_fine(const struct packet *p)
{
    const struct ip_address *from = &p->source;

    if (ip_is_multicast(from) || ip_is_v4(from) || ip_is_v4(&p->destination))
        return false;
    return !ip_is_loopback(from) || (p->interface->flags & IFF_LOOPBACK);
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
    return source_fine(p) && ip_accepts(p);
}

// Options of a hop-by-hop or destination header: one we do not know must allow to be skipped. [4.2]
static bool options_fine(const u8 *option, u32 size)
{
    u32 at = 0;

    while (at < size) {
        if (option[at] == OPTION_PAD1) {
            at++;
            continue;
        }
        if (size - at < 2 || option[at + 1] > size - at - 2)
            return false;
        if (option[at] >> 6 && option[at] != 0xc2) // 0xc2: jumbo, which then has no valid length
            return false;
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
        if (p->data[3]) // segments left: we are no router
            return false;
    } else if (!options_fine(p->data + 2, size - 2)) {
        return false;
    }
    p->protocol = p->data[0];
    packet_pull(p, size);
    return true;
}

static struct packet *fragment_take(struct packet *p)
{
    const struct ip6_fragment_header *f;
    struct ip_piece piece;
    u16 offset_more;

    if (!packet_linear(p, sizeof(*f))) {
        packet_free(p);
        return NULL;
    }
    f = (const struct ip6_fragment_header *)(const void *)p->data;
    offset_more = swap16(f->offset_more);
    piece = (struct ip_piece){f->id, offset_more & 0xfff8u, offset_more & 1};
    p->protocol = f->next;
    packet_pull(p, sizeof(*f));
    if (!piece.offset && !piece.more) // atomic [RFC 6946]
        return p;
    return ip_reassemble(p, &piece, IP6_HEADER);
}

void ip6_receive(void *object, struct packet *p)
{
    bool fine = header_check(p);

    packet_skip(p, fine ? IP6_HEADER : 0);
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
