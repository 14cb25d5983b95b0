// SPDX-License-Identifier: BSD-3-Clause
// Groups that sockets have joined, and the sources that they want of them, or do not want. The lock
// guards the lists of all sockets; who delivers a packet asks with others held.
#include "base/string.h"
#include "memory/heap.h"
#include "net/inet.h"
#include "net/loopback.h"
#include "net/multicast.h"
#include "net/route.h"
#include "net/settings.h"

#define MEMBERSHIPS6_MAX 365u // as many as Linux has memory for

static struct slab_cache membership_cache = SLAB_CACHE("membership", struct membership);
static struct lock memberships_lock;

static struct net_interface *choose(const struct ip_address *group, u32 interface)
{
    struct net_interface *i = NULL;
    struct route r;

    if (interface)
        return interface_find(interface);
    if (!route_lookup(group, NULL, 0, &r))
        return r.interface;
    i = interface_next(loopback_interface());
    return i ? i : ip_is_v4(group) ? NULL : loopback_interface();
}

// The lock is held.
static struct membership *find(const struct list *memberships, const struct ip_address *group,
                               u32 interface, u32 *out_count)
{
    struct membership *m, *found = NULL;

    *out_count = 0;
    list_for_each(m, memberships, node)
    {
        ++*out_count;
        if (ip_equal(&m->group, group) && m->interface == interface)
            found = m;
    }
    return found;
}

void membership_free(struct membership *m)
{
    multicast_leave(interface_find(m->interface), &m->group);
    slab_free(&membership_cache, m);
}

static int join(struct list *memberships, const struct ip_address *group, struct net_interface *i,
                const struct ip_address *source)
{
    struct membership *m = slab_alloc(&membership_cache);
    int error;

    if (!m)
        return -ENOMEM;
    m->group = *group;
    m->interface = i->index;
    if (source) {
        m->include = true;
        m->count = 1;
        m->sources[0] = *source;
    }
    error = multicast_join(i, group);
    if (error) {
        slab_free(&membership_cache, m);
        return error;
    }
    lock_acquire(&memberships_lock);
    list_push_back(memberships, &m->node);
    lock_release(&memberships_lock);
    return 0;
}

static bool too_many(const struct ip_address *group, u32 count)
{
    return count >= (ip_is_v4(group) ? net_setting(SET_MEMBERSHIPS) : MEMBERSHIPS6_MAX);
}

int membership_change(struct list *memberships, const struct ip_address *group, u32 interface,
                      bool add)
{
    struct net_interface *i = choose(group, interface);
    struct membership *m;
    u32 count = 0;

    if (!ip_is_multicast(group))
        return -EINVAL;
    if (!i)
        return -ENODEV;
    lock_acquire(&memberships_lock);
    m = find(memberships, group, i->index, &count);
    if (m && !add)
        list_remove(&m->node);
    lock_release(&memberships_lock);
    if (add)
        return m ? -EADDRINUSE : too_many(group, count) ? -ENOBUFS : join(memberships, group, i, NULL);
    if (!m)
        return -EADDRNOTAVAIL;
    membership_free(m);
    return 0;
}

// Changes the list of a membership. *leave: it is empty now, and that of one who wants only those. The lock is
// held.
static int source_change(struct membership *m, const struct ip_address *source, bool include, bool add,
                         bool *leave)
{
    u32 n = 0;

    if (m->count && m->include != include)
        return -EINVAL;
    while (n < m->count && !ip_equal(&m->sources[n], source))
        n++;
    if (add && n == m->count && m->count == MEMBERSHIP_SOURCES)
        return -ENOBUFS;
    if (add == (n < m->count))
        return -EADDRNOTAVAIL;
    if (add)
        m->sources[m->count++] = *source;
    else if (m->count == 1 && include)
        *leave = true;
    else
        m->sources[n] = m->sources[--m->count];
    return 0;
}

int membership_source(struct list *memberships, const struct ip_address *group, u32 interface,
                      const struct ip_address *source, bool include, bool add)
{
    struct net_interface *i = choose(group, interface);
    bool leave = false;
    struct membership *m;
    u32 count = 0;
    int error;

    if (!ip_is_multicast(group) || ip_is_v4(group) != ip_is_v4(source))
        return -EINVAL;
    if (!i)
        return -ENODEV;
    lock_acquire(&memberships_lock);
    m = find(memberships, group, i->index, &count);
    error = m ? source_change(m, source, include, add, &leave) : -EINVAL;
    if (!error)
        m->include = include; // an empty list may become one of the other kind
    if (leave)
        list_remove(&m->node);
    lock_release(&memberships_lock);
    if (!m && include && add)
        return too_many(group, count) ? -ENOBUFS : join(memberships, group, i, source);
    if (leave)
        membership_free(m);
    return error;
}

bool membership_allows(const struct inet_socket *s, const struct ip_address *group,
                       const struct ip_address *source, u32 interface)
{
    bool allowed = s->options.multicast_all, listed = false;
    struct membership *m;
    u32 count;

    if (likely(list_empty(&s->memberships) && allowed))
        return true;
    lock_acquire(&memberships_lock);
    m = find(&s->memberships, group, interface, &count);
    for (u32 n = 0; m && n < m->count; n++)
        listed |= ip_equal(&m->sources[n], source);
    if (m)
        allowed = listed == m->include;
    lock_release(&memberships_lock);
    return allowed;
}
