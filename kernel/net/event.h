// SPDX-License-Identifier: BSD-3-Clause
// What changes in the tables of the stack is told to whoever listens (netlink's groups). No lock of
// the stack is held by who tells; nobody listens in most programs.
#pragma once

#include "base/types.h"

struct interface_address;
struct neighbour;
struct net_interface;
struct route_entry;

struct event_ops {
    void (*link)(const struct net_interface *i);
    void (*address)(struct net_interface *i, const struct interface_address *a, bool gone);
    void (*route)(const struct route_entry *e, bool gone);
    void (*neighbour)(const struct neighbour *n, bool gone);
};
extern const struct event_ops *event_listener; // atomic; NULL: nobody (interface.c)

#define EVENT(kind, ...)                                                                           \
    do {                                                                                           \
        const struct event_ops *listener_ = __atomic_load_n(&event_listener, __ATOMIC_ACQUIRE);    \
        if (unlikely(listener_)) /* pairs with netlink_group_set */                                \
            listener_->kind(__VA_ARGS__);                                                          \
    } while (0)
