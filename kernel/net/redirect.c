// SPDX-License-Identifier: BSD-3-Clause
// See redirect.h. A small table, of which the oldest entry goes first. Lock: innermost.
#include "net/redirect.h"

#include "base/string.h"
#include "linux/clock.h"
#include "net/icmp6.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/neighbour.h"
#include "net/slaac.h"

#define REDIRECTS     32u
#define LIFETIME      300000000000ull // as Linux's net.ipv4.route.gc_timeout
#define REDIRECT_SIZE 40u             // of IPv6, without options
#define OPTION_TARGET 2

static struct {
    struct lock lock;
    bool any; // atomic: the table is worth a look
    struct redirect {
        struct ip_address to, from, gateway; // from: the first hop by the table
        const struct net_interface *interface;
        u64 until; // 0: free
    } table[REDIRECTS];
} redirects;

// The entry of `to`; else the one that goes first.
static struct redirect *place(const struct ip_address *to)
{
    struct redirect *r, *oldest = &redirects.table[0];

    for (u32 n = 0; n < REDIRECTS; n++) {
        r = &redirects.table[n];
        if (r->until && ip_equal(&r->to, to))
            return r;
        if (r->until < oldest->until)
            oldest = r;
    }
    return oldest;
}

static void take(const struct packet *p, const struct ip_address *to, const struct ip_address *gateway)
{
    struct redirect *r;
    struct route now, next;

    if (route_lookup(to, NULL, 0, &now) || now.local || now.multicast || now.broadcast ||
        now.interface != p->interface || !ip_equal(&now.next_hop, &p->source) ||
        ip_equal(gateway, &p->source))
        return;
    // The new hop has to be on that link.
    if (route_lookup(gateway, NULL, p->interface->index, &next) || next.local || next.multicast ||
        next.broadcast || (ip_is_v4(to) && !ip_equal(&next.next_hop, gateway)))
        return;
    lock_acquire(&redirects.lock);
    r = place(to);
    if (!r->until || !ip_equal(&r->to, to))
        r->from = p->source;
    r->to = *to;
    r->gateway = *gateway;
    r->interface = p->interface;
    r->until = clock_monotonic() + LIFETIME;
    __atomic_store_n(&redirects.any, true, __ATOMIC_RELEASE); // pairs with redirect_apply
    lock_release(&redirects.lock);
    route_changed();
}

void redirect_receive4(struct packet *p)
{
    const struct ip4_header *h; // of what we had sent
    struct ip_address source, to, gateway;

    if (!packet_linear(p, 8 + IP4_HEADER) || p->data[1] > 3)
        return;
    memcpy(&gateway.words[3], p->data + 4, 4);
    gateway = ip4_address(gateway.words[3]);
    h = (const struct ip4_header *)(const void *)(p->data + 8);
    source = ip4_address(h->source);
    to = ip4_address(h->destination);
    if (interface_is_local(p->interface, &source))
        take(p, &to, &gateway);
}

void redirect_receive6(struct packet *p)
{
    struct ip_address to, gateway;
    const u8 *mac;

    if (p->size < REDIRECT_SIZE || !ip_is_link_local(&p->source))
        return;
    memcpy(gateway.bytes, p->data + 8, 16);
    memcpy(to.bytes, p->data + 24, 16);
    if (ip_is_multicast(&to) || (!ip_is_link_local(&gateway) && !ip_equal(&gateway, &to)))
        return;
    mac = ndp_option(p, REDIRECT_SIZE, OPTION_TARGET, 8);
    if (mac)
        neighbour_heard(p->interface, &gateway, mac + 2, false, true, true);
    take(p, &to, &gateway);
}

void redirect_apply(const struct ip_address *to, struct route *r)
{
    struct redirect *it;

    if (likely(!__atomic_load_n(&redirects.any, __ATOMIC_ACQUIRE)))
        return;
    lock_acquire(&redirects.lock);
    it = place(to);
    if (it->until > clock_monotonic() && ip_equal(&it->to, to) && it->interface == r->interface &&
        ip_equal(&it->from, &r->next_hop))
        r->next_hop = it->gateway;
    lock_release(&redirects.lock);
}

void redirect_forget(const struct net_interface *i, const struct ip_address *gateway)
{
    lock_acquire(&redirects.lock);
    for (u32 n = 0; n < REDIRECTS; n++)
        if (redirects.table[n].interface == i && ip_equal(&redirects.table[n].gateway, gateway))
            redirects.table[n].until = 0;
    lock_release(&redirects.lock);
}
