// SPDX-License-Identifier: BSD-3-Clause
// Groups of netlink sockets, and what is sent from one socket to others. [netlink(7)]
#include <linux/rtnetlink.h>

#include "net/event.h"
#include "net/netlink_internal.h"

#define GROUPS_LEAST 32u

static struct {
    struct lock lock;
    struct list sockets; // all
    bool ready;
} all;

static void all_lock(void)
{
    lock_acquire(&all.lock);
    if (!all.ready)
        list_init(&all.sockets);
    all.ready = true;
}

void netlink_group_add(struct netlink_socket *s)
{
    all_lock();
    list_push_back(&all.sockets, &s->node);
    lock_release(&all.lock);
}

void netlink_group_remove(struct netlink_socket *s)
{
    all_lock();
    list_remove(&s->node);
    lock_release(&all.lock);
}

u32 netlink_group_count(int protocol)
{
    return protocol == NETLINK_ROUTE ? RTNLGRP_MAX : GROUPS_LEAST;
}

void netlink_group_set(struct netlink_socket *s, u64 groups)
{
    all_lock();
    s->groups = groups;
    lock_release(&all.lock);
    if (groups && s->socket.protocol == NETLINK_ROUTE) // pairs with EVENT
        __atomic_store_n(&event_listener, &netlink_events, __ATOMIC_RELEASE);
}

void netlink_multicast(int protocol, const struct netlink_sender *from, const void *data, u32 size,
                       const struct netlink_socket *except)
{
    struct netlink_socket *s;

    all_lock();
    list_for_each(s, &all.sockets, node)
    {
        if (s == except || s->socket.protocol != protocol || !(s->groups >> (from->group - 1) & 1))
            continue;
        if (s->charge <= s->socket.receive_buffer)
            netlink_queue(s, from, data, size);
        else if (!(s->options >> NETLINK_NO_ENOBUFS & 1))
            __atomic_store_n(&s->socket.error, ENOBUFS, __ATOMIC_RELAXED); // pairs with socket_take_error
    }
    lock_release(&all.lock);
}

static struct netlink_socket *find(int protocol, u32 port)
{
    struct netlink_socket *s;

    list_for_each(s, &all.sockets, node)
    {
        if (s->socket.protocol == protocol && s->port == port)
            return s;
    }
    return NULL;
}

int netlink_unicast(int protocol, u32 port, const struct netlink_sender *from, const void *data,
                    u32 size)
{
    struct netlink_socket *s;

    all_lock();
    s = find(protocol, port);
    if (s)
        netlink_queue(s, from, data, size);
    lock_release(&all.lock);
    return s ? 0 : -ECONNREFUSED;
}

bool netlink_port_taken(int protocol, u32 port)
{
    bool taken;

    all_lock();
    taken = find(protocol, port);
    lock_release(&all.lock);
    return taken;
}
