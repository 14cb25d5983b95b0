// SPDX-License-Identifier: BSD-3-Clause
// UDP. udp.c is the element (packets in, errors in); udp_socket.c the life of a socket; udp_send.c,
// udp_receive.c the calls. [RFC 768, udp(7)]
//
// Locks, outermost first: udp_socket.lock (names, connect, cork), udp_ports.lock, queue_lock, wait
// queues. The element takes udp_ports.lock and, within it, queue_lock; it holds a reference on the
// socket meanwhile.
#pragma once

#include "net/inet.h"
#include "net/datagram.h"

struct udp_socket {
    struct inet_socket inet;
    u32 references;     // atomic: the file's, and the element's while it delivers
    struct lock lock;   // bind, connect, cork
    struct route route; // to inet.remote, while that is set
    struct datagram_queue queue;
    struct packet *corked; // data of MSG_MORE or UDP_CORK that waits for the rest, or a batch
    u16 batch_size; // of each datagram in it: they go down as one packet; 0: it is no batch
    struct endpoint cork_to;
    u16 gso_size; // UDP_SEGMENT; 0: off
    bool cork, gro, no_check6_tx, no_check6_rx;
};

static inline struct udp_socket *udp_of(struct socket *s)
{
    return container_of(inet_of(s), struct udp_socket, inet);
}

void udp_get(struct udp_socket *s);
void udp_put(struct udp_socket *s);
must_check int udp_autobind(struct udp_socket *s); // an ephemeral port, if it has none. lock held
s64 udp_send(struct socket *s, struct message *m);
must_check int udp_cork_flush(struct udp_socket *s); // sends what is corked
void udp_batch_end(struct socket *s);

void udp_receive(void *object, struct packet *p); // element: data at the UDP header
void udp_error(const struct ip_error *e);

struct udp_view { // one socket, for those who list them
    struct endpoint local, remote;
    u32 receive_queue; // bytes of memory
    u32 uid, interface;
    u64 drops;
    bool v6;
};
// Calls visit with each bound socket until it says false; the table's lock is held.
void udp_visit(bool (*visit)(const struct udp_view *v, void *arg), void *arg);
