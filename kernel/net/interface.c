// SPDX-License-Identifier: BSD-3-Clause
// The table of interfaces and their addresses. Interfaces stay for ever, so the table is read
// without its lock: `count` grows behind the entry.
#include "net/interface.h"

#include <linux/if_addr.h>

#include "base/printf.h"
#include "base/string.h"
#include "memory/heap.h"
#include "net/event.h"
#include "net/icmp6.h"
#include "net/if_abi.h"
#include "net/interface_internal.h"
#include "net/multicast.h"
#include "net/packet.h"
#include "net/route.h"
#include "net/wiring.h"
#include "thread/wait.h"

#define INTERFACES_MAX 32u

static struct {
    struct lock lock; // addresses, and adding an interface
    u32 count;        // atomic
    struct net_interface *table[INTERFACES_MAX];
} interfaces;

const struct event_ops *event_listener;

static struct slab_cache address_cache = SLAB_CACHE("ip_address", struct interface_address);

static u32 interface_count(void)
{
    return __atomic_load_n(&interfaces.count, __ATOMIC_ACQUIRE); // pairs with interface_register
}

// Replaces the pattern by the first name that is free.
static void name_choose(struct net_interface *i)
{
    char pattern[INTERFACE_NAME_SIZE - 4], *percent;

    percent = strchr(i->name, '%');
    if (!percent)
        return;
    *percent = 0;
    strlcpy(pattern, i->name, sizeof(pattern));
    for (u8 n = 0;; n++) {
        snprintf(i->name, sizeof(i->name), "%s%u", pattern, n);
        if (!interface_find_name(i->name))
            return;
    }
}

int interface_register(struct net_interface *i)
{
    int error = 0;

    list_init(&i->addresses);
    list_init(&i->joined);
    lock_acquire(&interfaces.lock);
    if (interfaces.count == INTERFACES_MAX) {
        error = -ENOMEM;
    } else {
        name_choose(i);
        i->index = interfaces.count + 1;
        wiring_interface(i);
        interfaces.table[interfaces.count] = i;
        // Pairs with interface_count.
        __atomic_store_n(&interfaces.count, interfaces.count + 1, __ATOMIC_RELEASE);
    }
    lock_release(&interfaces.lock);
    return error;
}

struct net_interface *interface_find(u32 index)
{
    return index && index <= interface_count() ? interfaces.table[index - 1] : NULL;
}

struct net_interface *interface_find_name(const char *name)
{
    for (u32 i = 0; i < interface_count(); i++)
        if (!strcmp(interfaces.table[i]->name, name))
            return interfaces.table[i];
    return NULL;
}

struct net_interface *interface_next(struct net_interface *i)
{
    return interface_find(i ? i->index + 1 : 1);
}

void interface_change(struct net_interface *i, u32 flags, u32 mtu)
{
    if (flags == i->flags && mtu == i->mtu)
        return;
    __atomic_store_n(&i->flags, flags, __ATOMIC_RELAXED); // pairs with all who read them
    __atomic_store_n(&i->mtu, mtu, __ATOMIC_RELAXED);
    route_changed();
    EVENT(link, i);
}

static struct interface_address *find_address(struct net_interface *i, const struct ip_address *a)
{
    struct interface_address *it;

    list_for_each(it, &i->addresses, node)
    {
        if (ip_equal(&it->address, a))
            return it;
    }
    return NULL;
}

// Who has an IPv6 address is in its solicited-node group. [RFC 4861 7.2.1]
static void group_change(struct net_interface *i, const struct ip_address *a, bool join)
{
    struct ip_address group = ndp_solicited_group(a);

    if (ip_is_v4(a) || (i->flags & IFF_LOOPBACK))
        return;
    if (!join)
        multicast_leave(i, &group);
    else if (multicast_join(i, &group))
        log_message("%s: no memory for a group", i->name);
}

int interface_add_address(struct net_interface *i, const struct interface_address *a)
{
    struct interface_address *mine, *new = slab_alloc(&address_cache);
    int error = 0;

    if (!new)
        return -ENOMEM;
    *new = *a;
    lock_acquire(&interfaces.lock);
    mine = find_address(i, &a->address);
    if (mine && mine->prefix != a->prefix) {
        error = -EEXIST;
    } else if (mine) {
        mine->flags = a->flags;
        mine->broadcast = a->broadcast;
        mine->valid_until = a->valid_until;
        mine->preferred_until = a->preferred_until;
    } else {
        list_push_back(&i->addresses, &new->node);
    }
    lock_release(&interfaces.lock);
    if (error || mine)
        slab_free(&address_cache, new);
    if (!error && !mine) {
        group_change(i, &a->address, /*join=*/true);
        error = interface_route_prefix(i, a, /*add=*/true);
    }
    if (!error)
        EVENT(address, i, a, false);
    route_changed();
    if (a->valid_until != DEADLINE_NONE || a->preferred_until != DEADLINE_NONE)
        interface_life_changed();
    return error;
}

int interface_remove_address(struct net_interface *i, const struct ip_address *address, u32 prefix)
{
    struct interface_address *a;
    int error;

    lock_acquire(&interfaces.lock);
    a = find_address(i, address);
    if (a && a->prefix != prefix)
        a = NULL;
    if (a)
        list_remove(&a->node);
    lock_release(&interfaces.lock);
    if (!a)
        return -EADDRNOTAVAIL;
    group_change(i, address, /*join=*/false);
    error = interface_route_prefix(i, a, /*add=*/false);
    EVENT(address, i, a, true);
    slab_free(&address_cache, a);
    route_changed();
    return error == -ESRCH ? 0 : error;
}

// The connected network's route of an address.
int interface_route_prefix(struct net_interface *i, const struct interface_address *a, bool add)
{
    struct route_entry e = {.prefix = a->address, .bits = a->prefix, .interface = i};
    int error;

    if (a->prefix == 128 || (a->flags & IFA_F_NOPREFIXROUTE) || ip_is_loopback(&a->address))
        return 0;
    for (u32 bit = a->prefix; bit < 128; bit++)
        e.prefix.bytes[bit / 8] &= (u8) ~(0x80 >> bit % 8);
    e.gateway = (struct ip_address){.words = {0}};
    e.protocol = 2; // RTPROT_KERNEL
    e.type = 1;     // RTN_UNICAST
    if (ip_is_v4(&a->address))
        e.source = a->address;
    else
        e.metric = 256;
    error = add ? route_add(&e) : route_remove(&e);
    return error == -EEXIST ? 0 : error;
}

bool interface_is_local(const struct net_interface *i, const struct ip_address *a)
{
    bool found = false;

    if (ip_is_loopback(a))
        return !i || (i->flags & IFF_LOOPBACK);
    if (ip_is_any(a))
        return false;
    lock_acquire_clean(&interfaces.lock);
    for (u32 n = 0; n < interfaces.count && !found; n++)
        if (!i || interfaces.table[n] == i)
            found = find_address(interfaces.table[n], a);
    lock_release(&interfaces.lock);
    return found;
}

bool interface_is_broadcast(const struct ip_address *a)
{
    struct interface_address *it;
    bool found = false;

    if (!ip_is_v4(a))
        return false;
    if (a->words[3] == ~0u)
        return true;
    lock_acquire_clean(&interfaces.lock);
    for (u32 n = 0; n < interfaces.count; n++)
        list_for_each(it, &interfaces.table[n]->addresses, node)
        {
            found |= ip_is_v4(&it->address) && it->prefix < 127 && ip_equal(&it->broadcast, a);
        }
    lock_release(&interfaces.lock);
    return found;
}

bool interface_unconfigured(const struct net_interface *i)
{
    struct interface_address *a;
    bool none = true;

    lock_acquire_clean(&interfaces.lock);
    list_for_each(a, &i->addresses, node)
    {
        none &= !ip_is_v4(&a->address);
    }
    lock_release(&interfaces.lock);
    return none;
}

bool interface_age(struct net_interface *i, u64 now, struct interface_address *out, u64 *next)
{
    struct interface_address *a;
    bool ended = false;

    lock_acquire(&interfaces.lock);
    list_for_each(a, &i->addresses, node)
    {
        ended = a->valid_until <= now;
        if (ended) {
            *out = *a;
            break;
        }
        *next = min(*next, a->valid_until);
        if (a->preferred_until <= now)
            a->flags |= IFA_F_DEPRECATED; // no new connections from it [RFC 4862 5.5.4]
        else
            *next = min(*next, a->preferred_until);
    }
    lock_release(&interfaces.lock);
    return ended;
}

void interface_visit_addresses(struct net_interface *i,
                               bool (*visit)(const struct interface_address *a, void *arg),
                               void *arg)
{
    struct interface_address *a;

    lock_acquire(&interfaces.lock);
    list_for_each(a, &i->addresses, node)
    {
        if (!visit(a, arg))
            break;
    }
    lock_release(&interfaces.lock);
}

// How well an address suits a destination. [RFC 6724 5, rules 1, 2, 3, 8]
static u32 source_score(const struct interface_address *a, const struct ip_address *to)
{
    u32 score = 1, bits = 0;

    if (ip_is_v4(&a->address) != ip_is_v4(to) || (a->flags & IFA_F_TENTATIVE))
        return 0;
    while (bits < 128 && ip_prefix_equal(&a->address, to, bits + 1))
        bits++;
    score += min(bits, a->prefix);
    if (!(a->flags & IFA_F_DEPRECATED))
        score += 256;
    if (!ip_is_v4(to) && ip_is_link_local(&a->address) == ip_is_link_local(to))
        score += 512;
    return ip_equal(&a->address, to) ? 4096 : score;
}

bool interface_source(struct net_interface *i, const struct ip_address *to, struct ip_address *out)
{
    struct interface_address *a;
    u32 best = 0;

    lock_acquire(&interfaces.lock);
    list_for_each(a, &i->addresses, node)
    {
        u32 score = source_score(a, to);
        if (score > best) {
            best = score;
            *out = a->address;
        }
    }
    lock_release(&interfaces.lock);
    return best != 0;
}
