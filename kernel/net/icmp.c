// SPDX-License-Identifier: BSD-3-Clause
// ICMP of both versions: rates, quoting, and errors on their way to sockets.
#include "net/icmp.h"

#include <linux/if_packet.h>

#include "base/string.h"
#include "linux/clock.h"
#include "net/checksum.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/mib.h"

#define RATE_NS    1000000u // one message a millisecond: net.ipv4.icmp_msgs_per_sec
#define RATE_BURST 50u

bool icmp_rate_allows(void)
{
    static struct {
        struct lock lock;
        u64 used; // the time up to which messages have been given out
    } bucket;
    u64 now = clock_monotonic();
    bool allowed;

    lock_acquire(&bucket.lock);
    if (bucket.used + RATE_BURST * RATE_NS < now)
        bucket.used = now - RATE_BURST * RATE_NS;
    allowed = bucket.used < now;
    if (allowed)
        bucket.used += RATE_NS;
    lock_release(&bucket.lock);
    return allowed;
}

void icmp_send(struct packet *p, const struct ip_address *from, const struct ip_address *to,
               struct net_interface *i, u8 hop_limit, u8 traffic_class)
{
    bool v4 = ip_is_v4(to);
    struct ip_send s = {.destination = *to,
                        .protocol = v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6,
                        .hop_limit = hop_limit,
                        .traffic_class = traffic_class};
    u32 scope = !v4 && i && (ip_is_link_local(to) || ip_is_multicast(to)) ? i->index : 0;
    struct route r;
    u16 sum;

    if (route_lookup(to, from, scope, &r)) {
        packet_free(p);
        return;
    }
    s.source = from && !ip_is_any(from) ? *from : r.source;
    if (v4) {
        memset(p->data + 2, 0, 2);
        sum = (u16)~checksum_fold(packet_sum(p, 0, p->total));
        memcpy(p->data + 2, &sum, 2);
    } else {
        checksum_prepare(p, &s.source, to, PROTOCOL_ICMP6, 2);
    }
    mib_icmp(v4, /*out=*/true, p->data[0]);
    (void)!ip_send(p, &r, &s);
}

// When no error may be sent about a packet. [RFC 1122 3.2.2, RFC 4443 2.4 (e)]
static bool about_fine(const struct packet *p, bool multicast)
{
    const u8 *transport = p->head + p->transport_header;

    if (!multicast && (p->link_type != PACKET_HOST || ip_is_multicast(&p->destination) ||
                       interface_is_broadcast(&p->destination)))
        return false;
    if (ip_is_any(&p->source) || ip_is_multicast(&p->source) || interface_is_broadcast(&p->source))
        return false;
    if (p->data + p->size <= transport)
        return true;
    if (p->protocol == PROTOCOL_ICMP) // errors about errors
        return *transport == 0 || *transport == 8;
    return p->protocol != PROTOCOL_ICMP6 || *transport >= 128;
}

bool icmp_may_refuse(const struct packet *p, bool multicast)
{
    return about_fine(p, multicast) && ((p->interface->flags & IFF_LOOPBACK) || icmp_rate_allows());
}

void ip_refuse(struct packet *p, enum ip_unreachable why)
{
    if (!icmp_may_refuse(p, /*multicast=*/false))
        return;
    if (ip_is_v4(&p->destination))
        icmp4_refuse(p, why);
    else
        icmp6_refuse(p, why);
}

void icmp_quote(struct packet *to, const struct packet *about, u32 size)
{
    const u8 *from = packet_network(about);
    u32 linear = (u32)(about->data + about->size - from);

    size = min(size, linear);
    memcpy(packet_append(to, size), from, size);
}

static bool quoted_header(struct packet *p, struct ip_error *e, u8 *out_protocol, u32 *out_size)
{
    const struct ip6_header *h6;
    const struct ip4_header *h;

    if (!packet_linear(p, IP4_HEADER))
        return false;
    if (p->data[0] >> 4 == 4) {
        h = (const struct ip4_header *)(const void *)p->data;
        if (h->fragment & swap16(IP4_OFFSET_MASK))
            return false;
        e->source = ip4_address(h->source);
        e->destination = ip4_address(h->destination);
        *out_protocol = h->protocol;
        *out_size = (h->version_size & 15) * 4u;
        return *out_size >= IP4_HEADER;
    }
    if (!packet_linear(p, IP6_HEADER))
        return false;
    h6 = (const struct ip6_header *)(const void *)p->data;
    memcpy(e->source.bytes, h6->source, 16);
    memcpy(e->destination.bytes, h6->destination, 16);
    *out_protocol = h6->next;
    *out_size = IP6_HEADER;
    if (h6->next == PROTOCOL_FRAGMENT && packet_linear(p, IP6_HEADER + 8)) {
        *out_protocol = p->data[IP6_HEADER];
        *out_size += 8;
    }
    return true;
}

void icmp_report(struct packet *p, struct ip_error *e)
{
    u32 size;
    u8 protocol;

    if (!quoted_header(p, e, &protocol, &size) || p->total < size + 8 ||
        !packet_linear(p, size + 8) || !interface_is_local(NULL, &e->source))
        return;
    packet_pull(p, size);
    (void)!packet_linear(p, min(p->total, 128u)); // more of it is good, but not needed
    e->header = p->data;
    e->header_size = p->size;
    e->packet = p;
    if (e->info)
        route_set_mtu(&e->destination, e->info);
    if (ip_transports[protocol].error)
        ip_transports[protocol].error(e);
}

void ip_undeliverable(struct packet *p)
{
    bool v4 = p->data[0] >> 4 == 4;
    struct ip_error e = {.error = EHOSTUNREACH,
                         .hard = false,
                         .origin = v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
                         .type = v4 ? 3 : 1,
                         .code = v4 ? 1 : 3};

    e.offender = p->source;
    icmp_report(p, &e);
    packet_free(p);
}
