// SPDX-License-Identifier: BSD-3-Clause
// Groups that sockets have joined.
#include "memory/heap.h"
#include "net/loopback.h"
#include "net/multicast.h"
#include "net/route.h"
#include "net/settings.h"

#define MEMBERSHIPS6_MAX 365u // as many as Linux has memory for

static struct slab_cache membership_cache = SLAB_CACHE("membership", struct membership);

void membership_free(struct membership *m)
{
    struct net_interface *i = interface_find(m->interface);

    multicast_leave(i, &m->group);
    slab_free(&membership_cache, m);
}

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

static int join(struct list *memberships, const struct ip_address *group, struct net_interface *i,
                u32 count)
{
    struct membership *m;
    int error;

    if (count >= (ip_is_v4(group) ? net_setting(SET_MEMBERSHIPS) : MEMBERSHIPS6_MAX))
        return -ENOBUFS;
    m = slab_alloc(&membership_cache);
    if (!m)
        return -ENOMEM;
    m->group = *group;
    m->interface = i->index;
    error = multicast_join(i, group);
    if (error)
        slab_free(&membership_cache, m);
    else
        list_push_back(memberships, &m->node);
    return error;
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
    list_for_each(m, memberships, node)
    {
        count++;
        if (!ip_equal(&m->group, group) || m->interface != i->index)
            continue;
        if (add)
            return -EADDRINUSE;
        list_remove(&m->node);
        membership_free(m);
        return 0;
    }
    return add ? join(memberships, group, i, count) : -EADDRNOTAVAIL;
}
