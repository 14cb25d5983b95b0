// SPDX-License-Identifier: BSD-3-Clause
// What netlink*.c share of a socket. Locks, outermost first: that of all netlink sockets
// (netlink_group.c), netlink_socket.lock, the wait queue's.
#pragma once

#include "net/netlink.h"

struct netlink_sender { // of a datagram; all zero: the kernel
    struct ucred credentials;
    u32 port;
    u32 group; // that it went to; 0: to one socket
};

struct netlink_datagram {
    struct list node;
    struct netlink_sender from;
    u32 size;
    u8 data[];
};

struct netlink_socket {
    struct socket socket;
    struct list node; // of all netlink sockets
    struct lock lock;
    struct list queue; // struct netlink_datagram
    u32 charge;
    u32 port;
    u64 groups;  // bit n - 1: member of group n
    u32 options; // bit n: NETLINK_* option n is on
    struct wait_queue wait;
};

static inline struct netlink_socket *netlink_of(struct socket *s)
{
    return container_of(s, struct netlink_socket, socket);
}

// Puts a datagram into s's queue and wakes who waits for it; without memory, ENOBUFS is left for the
// reader.
void netlink_queue(struct netlink_socket *s, const struct netlink_sender *from, const void *data,
                   u32 size);

// netlink_group.c: who is in which group
void netlink_group_add(struct netlink_socket *s); // s is a socket of its own from now on
void netlink_group_remove(struct netlink_socket *s);
void netlink_group_set(struct netlink_socket *s, u64 groups);
u32 netlink_group_count(int protocol);
// To every member of from->group but `except`. Who does not read what comes loses it, and is told.
void netlink_multicast(int protocol, const struct netlink_sender *from, const void *data, u32 size,
                       const struct netlink_socket *except);
// To the socket with this port. -ECONNREFUSED
must_check int netlink_unicast(int protocol, u32 port, const struct netlink_sender *from,
                               const void *data, u32 size);
bool netlink_port_taken(int protocol, u32 port);
