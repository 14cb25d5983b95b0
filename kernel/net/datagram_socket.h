// SPDX-License-Identifier: BSD-3-Clause
// Raw and ping sockets: a datagram queue and an entry in a list of receivers. raw.c and ping.c tell
// which packets they take and how they send.
//
// Locks: receivers' lock, then queue.lock.
#pragma once

#include "net/datagram.h"

struct datagram_socket {
    struct inet_socket inet;
    struct datagram_queue queue;
    struct list node;    // of the receivers
    u32 checksum_offset; // IPV6_CHECKSUM; ~0u: none
    u32 icmp_filter;     // ICMP_FILTER: types that are not wanted
    u32 icmp6_filter[8]; // ICMP6_FILTER
    u16 id;              // ping: the identifier, the "port"
};

struct receivers {
    struct lock lock;
    struct list sockets;
    u32 count; // atomic
};

static inline struct datagram_socket *datagram_of(struct socket *s)
{
    return container_of(inet_of(s), struct datagram_socket, inet);
}

// Makes a socket on the list.
must_check int datagram_create(struct receivers *r, const struct socket_ops *ops, int family,
                               int type, int protocol, struct socket **out);
void datagram_destroy(struct receivers *r, struct datagram_socket *s);
void receivers_lock(struct receivers *r);

// What they share of socket_ops.
int datagram_bind(struct socket *s, const struct socket_address *a);
int datagram_connect(struct socket *s, const struct socket_address *a, bool nonblock);
s64 datagram_receive_call(struct socket *s, struct message *m);
u32 datagram_poll_call(struct socket *s, struct poll_table *table);
int datagram_shutdown_call(struct socket *s, bool reads, bool writes);
s64 datagram_ioctl_call(struct socket *s, u32 command, u64 argument);
// The addresses of a received packet are those that the socket takes. [local, remote, interface]
bool datagram_matches(const struct datagram_socket *s, const struct ip_address *local,
                      const struct ip_address *remote, u32 interface);
// A packet with the message's bytes. -EMSGSIZE, -ENOBUFS, -EFAULT
must_check int datagram_packet(struct message *m, struct packet **out);
