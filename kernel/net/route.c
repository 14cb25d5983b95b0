// SPDX-License-Identifier: BSD-3-Clause
// The routing table: a list, longest prefixes first, and of the same prefix the lowest metric
// first. Own addresses are not in it: they are looked for first, and go over loopback.
#include "net/route.h"

#include <linux/rtnetlink.h>

#include "linux/clock.h"
#include "memory/heap.h"
#include "net/event.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip.h"
#include "net/loopback.h"
#include "net/mib.h"
#include "net/neighbour.h"
#include "net/path_mtu.h"
#include "net/redirect.h"
#include "thread/wait.h"

#define PROBE_EVERY 60000000000ull // a silent gateway [as Linux: router_probe_interval]

static struct {
    struct lock lock;
    struct list entries;
    bool ready;
    u32 generation; // atomic
} table;

static struct slab_cache route_cache = SLAB_CACHE("route", struct route_entry);

static void table_lock(void)
{
    lock_acquire(&table.lock);
    if (!table.ready)
        list_init(&table.entries);
    table.ready = true;
}

bool route_current(const struct route *r)
{
    return r->interface && // pairs with route_changed
           r->generation == __atomic_load_n(&table.generation, __ATOMIC_ACQUIRE);
}

void route_changed(void)
{
    __atomic_add_fetch(&table.generation, 1, __ATOMIC_ACQ_REL);
}

static bool same_prefix(const struct route_entry *a, const struct route_entry *b)
{
    return a->bits == b->bits && ip_equal(&a->prefix, &b->prefix) &&
           ip_is_v4(&a->prefix) == ip_is_v4(&b->prefix);
}

int route_add(const struct route_entry *e)
{
    struct route_entry *it, *new = slab_alloc(&route_cache);
    struct list *at;
    int error = 0;

    if (!new)
        return -ENOMEM;
    *new = *e;
    if (!new->valid_until)
        new->valid_until = DEADLINE_NONE;
    if (!new->type)
        new->type = RTN_UNICAST;
    table_lock();
    at = &table.entries;
    list_for_each(it, &table.entries, node)
    {
        if (same_prefix(it, e) && it->metric == e->metric && it->interface == e->interface &&
            ip_equal(&it->gateway, &e->gateway))
            error = -EEXIST;
        if (it->bits > e->bits ||
            (it->bits == e->bits &&
             (it->metric < e->metric ||
              (it->metric == e->metric && it->preference >= e->preference))))
            at = &it->node;
    }
    if (!error)
        list_insert_after(at, &new->node);
    lock_release(&table.lock);
    if (error) {
        slab_free(&route_cache, new);
        return error;
    }
    EVENT(route, e, false);
    route_changed();
    return 0;
}

int route_remove(const struct route_entry *e)
{
    struct route_entry *it, *found = NULL;

    table_lock();
    list_for_each(it, &table.entries, node)
    {
        if (same_prefix(it, e) && (!e->interface || it->interface == e->interface) &&
            (ip_is_any(&e->gateway) || ip_equal(&it->gateway, &e->gateway))) {
            found = it;
            break;
        }
    }
    if (found)
        list_remove(&found->node);
    lock_release(&table.lock);
    if (!found)
        return -ESRCH;
    EVENT(route, found, true);
    slab_free(&route_cache, found);
    route_changed();
    return 0;
}

bool route_refresh(const struct route_entry *e)
{
    struct route_entry *it;
    bool found = false;

    table_lock();
    list_for_each(it, &table.entries, node)
    {
        if (!same_prefix(it, e) || it->interface != e->interface || it->metric != e->metric ||
            it->preference != e->preference || !ip_equal(&it->gateway, &e->gateway))
            continue;
        it->valid_until = e->valid_until;
        found = true;
    }
    lock_release(&table.lock);
    return found;
}

void route_gateway_silent(const struct net_interface *i, const struct ip_address *gateway, bool silent)
{
    u64 now = silent ? clock_monotonic() : 0;
    struct route_entry *e;
    bool changed = false;

    table_lock();
    list_for_each(e, &table.entries, node)
    {
        if (e->interface != i || !ip_equal(&e->gateway, gateway) || !e->silent == !silent)
            continue;
        e->silent = now;
        changed = true;
    }
    lock_release(&table.lock);
    if (changed)
        route_changed();
}

void route_visit(bool (*visit)(const struct route_entry *e, void *arg), void *arg)
{
    struct route_entry *e;

    table_lock();
    list_for_each(e, &table.entries, node)
    {
        if (!visit(e, arg))
            break;
    }
    lock_release(&table.lock);
}

// The best entry, copied. -ENETUNREACH, or what an unreachable route says.
static int entry_find(const struct ip_address *to, u32 interface, struct route_entry *out)
{
    struct route_entry *e, *first = NULL, *probe = NULL, silent;
    u64 now = clock_monotonic();
    int error = -ENETUNREACH;

    table_lock();
    list_for_each(e, &table.entries, node)
    {
        if (ip_is_v4(to) != ip_is_v4(&e->prefix) || !ip_prefix_equal(to, &e->prefix, e->bits) ||
            e->valid_until <= now || (interface && e->interface->index != interface) ||
            !(e->interface->flags & IFF_UP))
            continue;
        if (first && (!same_prefix(e, first) || e->metric != first->metric))
            break;
        if (e->silent && now - e->silent > PROBE_EVERY)
            probe = e;
        if (e->silent && first)
            continue;
        *out = *e;
        error = e->type == RTN_UNICAST ? 0 : e->type == RTN_BLACKHOLE ? -EINVAL : -EHOSTUNREACH;
        if (!e->silent)
            break;
        first = e; // if no other answers, then it
    }
    if (probe) {
        e = probe;
        silent = *e;
        e->silent = now;
    }
    lock_release(&table.lock);
    if (probe)
        neighbour_ask(silent.interface, &silent.gateway);
    return error;
}

// The first interface that is up and no loopback; for broadcasts without any route.
static struct net_interface *first_real(void)
{
    struct net_interface *i = NULL;

    while ((i = interface_next(i)))
        if ((i->flags & IFF_UP) && !(i->flags & IFF_LOOPBACK))
            return i;
    return NULL;
}

// Destinations that need no table: whole networks, and what is on the link.
static int lookup_link(const struct ip_address *to, u32 interface, struct route_entry *e)
{
    struct net_interface *i = interface_find(interface);
    int error;

    *e = (struct route_entry){.interface = i};
    if (i)
        return (i->flags & IFF_UP) ? 0 : -ENETUNREACH;
    error = entry_find(to, 0, e);
    e->gateway = (struct ip_address){.words = {0}};
    if (!error || to->words[3] != ~0u)
        return error;
    e->interface = first_real();
    return e->interface ? 0 : -ENETUNREACH;
}

// The index of the interface with this address; 0: none.
static u32 interface_of(const struct ip_address *own)
{
    struct net_interface *i = NULL;

    while ((i = interface_next(i)))
        if (interface_is_local(i, own))
            return i->index;
    return 0;
}

static void route_local(const struct ip_address *to, const struct ip_address *from,
                        struct route *out)
{
    out->interface = loopback_interface();
    out->local = true;
    out->source = from && !ip_is_any(from) ? *from : *to;
    out->next_hop = *to;
    out->mtu = min(out->interface->mtu, IP_MTU_MAX);
}

int route_lookup(const struct ip_address *to, const struct ip_address *from, u32 interface,
                 struct route *out)
{
    struct route_entry e;
    int error;

    *out = (struct route){.generation = __atomic_load_n(&table.generation, __ATOMIC_ACQUIRE)};
    if (interface_is_local(NULL, to)) {
        route_local(to, from, out);
        return 0;
    }
    if (!interface && from && ip_is_v4(to) && (ip_is_multicast(to) || to->words[3] == ~0u))
        interface = interface_of(from); // the link is that of the source [as Linux: ip_route_output_key]
    out->multicast = ip_is_multicast(to);
    out->broadcast = interface_is_broadcast(to);
    if (out->multicast || to->words[3] == ~0u || (!ip_is_v4(to) && ip_is_link_local(to)))
        error = lookup_link(to, interface, &e);
    else
        error = entry_find(to, interface, &e);
    if (error) {
        mib_count_ip(to, MIB_IP_NO_ROUTE);
        return error;
    }
    out->interface = e.interface;
    out->next_hop = ip_is_any(&e.gateway) ? *to : e.gateway;
    redirect_apply(to, out);
    out->mtu = path_mtu(to, min(e.interface->mtu, IP_MTU_MAX));
    if (from && !ip_is_any(from))
        out->source = *from;
    else if (!ip_is_any(&e.source))
        out->source = e.source;
    else if (!interface_source(e.interface, to, &out->source))
        return ip_is_v4(to) ? (out->source = ip4_address(0), 0) : -EADDRNOTAVAIL;
    return 0;
}
