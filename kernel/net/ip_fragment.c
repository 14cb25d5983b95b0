// SPDX-License-Identifier: BSD-3-Clause
// Cutting a packet that is larger than the MTU. [RFC 791 3.2, RFC 8200 4.5]
#include "net/checksum.h"
#include "net/ip_internal.h"
#include "net/mib.h"

#define FRAGMENT_HEADER 8u // of IPv6

static void push_header(struct packet *p, const struct ip_send *s, const struct ip_piece *piece)
{
    if (ip_is_v4(&s->destination))
        ip4_push_header(p, s, piece);
    else
        ip6_push_header(p, s, piece);
    p->source = s->source;
    p->destination = s->destination;
}

int ip_fragment(struct packet *p, const struct route *r, const struct ip_send *s)
{
    u32 headers =
        ip_is_v4(&s->destination) ? IP4_HEADER + s->option_size : IP6_HEADER + FRAGMENT_HEADER;
    u32 most = s->fragment_size ? min(r->mtu, s->fragment_size) : r->mtu;
    u32 chunk = (most - headers) & ~7u;
    struct ip_piece piece = {.id = ip_fragment_id(s)};
    struct ip_send fields = *s;
    int error = 0;

    fields.dont_fragment = false;
    checksum_complete(p);
    mib_count_ip(&s->destination, MIB_IP_FRAGMENTED);
    for (; piece.offset < p->total && !error; piece.offset += chunk) {
        u32 size = min(chunk, p->total - piece.offset);
        struct packet *part = packet_alloc(size);
        if (!part) {
            error = -ENOBUFS;
            break;
        }
        packet_copy_out(p, piece.offset, packet_append(part, size), size);
        piece.more = piece.offset + size < p->total;
        part->interface = r->interface;
        push_header(part, &fields, &piece);
        mib_count_ip(&s->destination, MIB_IP_PIECES_OUT);
        error = ip_transmit(part, r, s->loop);
    }
    packet_free(p);
    return error;
}
