// SPDX-License-Identifier: BSD-3-Clause
// Cutting a large TCP or UDP packet into segments: every one gets a copy of all headers, in which
// lengths, ids, sequence numbers, flags and the checksum's start are made right.
#include "net/segment.h"

#include "base/string.h"
#include "net/checksum.h"
#include "net/ip_header.h"
#include "net/packet.h"

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

struct cut {
    const struct packet *whole;
    u32 network, transport; // offsets in the frame
    u32 headers;            // bytes in front of the payload
    bool v4, tcp;
};

static u32 load32(const u8 *p)
{
    u32 x;
    memcpy(&x, p, 4);
    return swap32(x);
}

static void store32(u8 *p, u32 x)
{
    x = swap32(x);
    memcpy(p, &x, 4);
}

static void store16(u8 *p, u16 x)
{
    x = swap16(x);
    memcpy(p, &x, 2);
}

static bool cut_init(struct cut *c, struct packet *p)
{
    u32 here = packet_headroom(p);

    c->whole = p;
    c->network = p->network_header - here;
    c->transport = p->checksum_start - here;
    c->tcp = p->gso != GSO_UDP;
    if (!packet_linear(p, c->transport + (c->tcp ? 20 : 8)))
        return false;
    c->v4 = p->data[c->network] >> 4 == 4;
    c->headers = c->transport + (c->tcp ? (p->data[c->transport + 12] >> 4) * 4u : 8u);
    return packet_linear(p, c->headers) && p->gso_size;
}

static void ip_fix(const struct cut *c, struct packet *s, u32 number)
{
    u8 *ip = s->data + c->network;
    u32 size = s->total - c->network;
    u16 sum;

    if (!c->v4) {
        store16(ip + 4, (u16)(size - (u32)sizeof(struct ip6_header)));
        return;
    }
    store16(ip + 2, (u16)size);
    store16(ip + 4, (u16)((ip[4] << 8 | ip[5]) + number));
    store16(ip + 10, 0);
    sum = (u16)~checksum_sum(ip, (ip[0] & 15) * 4u);
    memcpy(ip + 10, &sum, 2);
}

static void transport_fix(const struct cut *c, struct packet *s, u32 offset, bool last)
{
    u8 *h = s->data + c->transport;
    u32 old = c->whole->total - c->transport, new = s->total - c->transport;
    u16 sum;

    if (c->tcp) {
        store32(h + 4, load32(h + 4) + offset);
        if (!last)
            h[13] &= (u8) ~(TCP_FIN | TCP_PSH);
        if (offset)
            h[13] &= (u8)~TCP_CWR;
    } else {
        store16(h + 4, (u16) new);
    }
    // The field holds the pseudo header's sum, in which the length is another now.
    memcpy(&sum, h + s->checksum_offset, 2);
    sum = checksum_fold(checksum_add(checksum_add(sum, ~swap32(old)), swap32(new)));
    memcpy(h + s->checksum_offset, &sum, 2);
}

static struct packet *segment_make(const struct cut *c, u32 offset, u32 size)
{
    struct packet *s = packet_alloc(c->headers + size);
    const struct packet *p = c->whole;

    if (!s)
        return NULL;
    packet_copy_out(p, 0, packet_append(s, c->headers), c->headers);
    packet_copy_out(p, c->headers + offset, packet_append(s, size), size);
    s->interface = p->interface;
    s->link_protocol = p->link_protocol;
    s->source = p->source;
    s->destination = p->destination;
    s->link_header = (u16)packet_headroom(s);
    s->network_header = (u16)(packet_headroom(s) + c->network);
    s->transport_header = s->checksum_start = (u16)(packet_headroom(s) + c->transport);
    s->checksum_offset = p->checksum_offset;
    s->checksum = CHECKSUM_NEEDED;
    return s;
}

void segment_packet(struct packet *p, struct list *out)
{
    struct cut c;
    u32 number = 0, payload;

    list_init(out);
    if (p->checksum == CHECKSUM_NEEDED && cut_init(&c, p)) {
        payload = p->total - c.headers;
        for (u32 offset = 0; offset < payload; offset += p->gso_size) {
            u32 size = min((u32)p->gso_size, payload - offset);
            struct packet *s = segment_make(&c, offset, size);
            if (!s)
                break;
            ip_fix(&c, s, number++);
            transport_fix(&c, s, offset, offset + size == payload);
            list_push_back(out, &s->node);
        }
    }
    packet_free(p);
}
