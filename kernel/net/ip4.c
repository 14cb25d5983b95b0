// SPDX-License-Identifier: BSD-3-Clause
// IPv4 headers, in and out. [RFC 791, RFC 1122 3.2.1]

#include <linux/if_packet.h>

#include "base/hash.h"
#include "base/string.h"
#include "driver/random.h"
#include "net/checksum.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/mib.h"
#include "net/settings.h"

#define OPTION_END     0
#define OPTION_NOP     1
#define OPTION_LSRR    131
#define OPTION_SSRR    137
#define FRAGMENT_UNITS 8u

u32 ip_fragment_id(const struct ip_send *s)
{
    static u32 counter; // atomic
    u32 n = __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);

    // Not to be guessed from ids that others see. [RFC 7739]
    return n + (u32)ip_hash(&s->source, s->protocol, &s->destination, 0);
}

void ip4_push_header(struct packet *p, const struct ip_send *s, const struct ip_piece *piece)
{
    u32 size = IP4_HEADER + s->option_size;
    struct ip4_header *h = (struct ip4_header *)(void *)packet_push(p, size);
    u16 fragment = piece ? (u16)(piece->offset / FRAGMENT_UNITS) : 0;

    if (piece && piece->more)
        fragment |= IP4_MORE_FRAGMENTS;
    if (s->dont_fragment || (s->discover && !piece))
        fragment |= IP4_DONT_FRAGMENT;
    h->version_size = (u8)(0x40 | size / 4);
    h->tos = s->traffic_class;
    h->total = swap16((u16)p->total);
    // An atomic packet's id means nothing [RFC 6864]; of gso the device counts up from it.
    h->id = piece                                          ? swap16((u16)piece->id)
            : (s->dont_fragment || s->discover) && !p->gso ? 0
                                                           : (u16)ip_fragment_id(s);
    h->fragment = swap16(fragment);
    h->ttl = s->hop_limit ? s->hop_limit : (u8)net_setting(SET_TTL);
    h->protocol = s->protocol;
    h->checksum = 0;
    h->source = s->source.words[3];
    h->destination = s->destination.words[3];
    if (s->option_size)
        memcpy(h + 1, s->options, s->option_size);
    h->checksum = (u16)~checksum_sum(h, size);
}

// Options must be well formed; source routes are refused. [RFC 7126 4.3, 4.4]
static bool options_fine(const u8 *option, u32 size)
{
    u32 at = 0;

    while (at < size && option[at] != OPTION_END) {
        if (option[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (size - at < 2 || option[at + 1] < 2 || option[at + 1] > size - at ||
            option[at] == OPTION_LSRR || option[at] == OPTION_SSRR)
            return false;
        at += option[at + 1];
    }
    return true;
}

// Sources that cannot be: groups, broadcasts, loopback from the wire, our own address; 0.0.0.0 only
// from those who still look for theirs. [RFC 1122 3.2.1.3]
static bool source_fine(const struct packet *p)
{
    const struct ip_address *from = &p->source;

    if (p->interface->flags & IFF_LOOPBACK)
        return true;
    if (ip_is_multicast(from) || ip_is_loopback(from))
        return false;
    if (!from->bytes[12])
        return !from->words[3] &&
               (p->destination.words[3] == ~0u || ip_is_multicast(&p->destination));
    if ((from->bytes[15] & 3) == 3 && interface_is_broadcast(from)) // a /30 is the least
        return false;
    // Or we would answer ourselves, for ever; but copies of our own multicasts come back, too.
    return p->link_type == PACKET_LOOPBACK || !interface_is_local(NULL, from);
}

// Checks the header and fills the packet's fields. The header's size; 0: not to be used.
static u32 header_check(struct packet *p)
{
    const struct ip4_header *h;
    u32 size, total;

    if (!packet_linear(p, IP4_HEADER))
        return 0;
    size = (p->data[0] & 15) * 4u;
    if (p->data[0] >> 4 != 4 || size < IP4_HEADER || !packet_linear(p, size))
        return 0;
    h = (const struct ip4_header *)(const void *)p->data;
    total = swap16(h->total);
    if (total < size || total > p->total)
        return 0;
    if (!(p->interface->flags & IFF_LOOPBACK) && checksum_sum(h, size) != 0xffff)
        return 0;
    if (size > IP4_HEADER && !options_fine((const u8 *)(h + 1), size - IP4_HEADER))
        return 0;
    packet_trim(p, total);
    p->network_header = (u16)packet_headroom(p);
    p->source = ip4_address(h->source);
    p->destination = ip4_address(h->destination);
    p->protocol = h->protocol;
    p->hop_limit = h->ttl;
    p->traffic_class = h->tos;
    return size;
}

void ip4_receive(void *object, struct packet *p)
{
    struct ip_piece piece;
    u16 fragment;
    u32 size;

    mib_count(MIB_IP_IN);
    mib_add(MIB_IP_IN_OCTETS, p->total);
    size = header_check(p);
    if (!size || !source_fine(p) || !ip_accepts(p)) {
        mib_count(size ? MIB_IP_IN_ADDRESS_ERRORS : MIB_IP_IN_HEADER_ERRORS);
        __atomic_add_fetch(&p->interface->counters.rx_dropped, 1, __ATOMIC_RELAXED);
        packet_free(p);
        return;
    }
    if (ip_is_multicast(&p->destination))
        mib_count(MIB_IP_IN_GROUPS);
    fragment = swap16(((const struct ip4_header *)(const void *)p->data)->fragment);
    piece.id = ((const struct ip4_header *)(const void *)p->data)->id;
    packet_pull(p, size);
    if (fragment & (IP4_MORE_FRAGMENTS | IP4_OFFSET_MASK)) {
        piece.offset = (fragment & IP4_OFFSET_MASK) * FRAGMENT_UNITS;
        piece.more = fragment & IP4_MORE_FRAGMENTS;
        p = ip_reassemble(p, &piece, size);
        if (!p)
            return;
    }
    p->transport_header = (u16)packet_headroom(p);
    ip_deliver(p);
}
