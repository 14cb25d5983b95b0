// SPDX-License-Identifier: BSD-3-Clause
// AF_PACKET sockets, the parts of them: packet_socket.c (calls), packet_tap.c (what they are
// shown), packet_option.c, packet_ring.c.
#pragma once

#include "net/datagram.h"
#include "net/packet_ring.h"

#define AF_PACKET  17
#define SOL_PACKET 263

struct packet_socket {
    struct inet_socket inet; // for its queue; addresses are not used
    struct datagram_queue queue;
    struct list node;
    u16 protocol; // host order; ETH_P_ALL; 0: receives nothing
    u32 interface;
    u32 received; // PACKET_STATISTICS, guarded by taps.lock
    bool auxdata, ignore_outgoing;
    struct packet_ring ring; // guarded by taps.lock
    struct timer timer;      // of the ring
};

static inline struct packet_socket *packet_of(struct socket *s)
{
    return container_of(inet_of(s), struct packet_socket, inet);
}

// packet_tap.c
void tap_join(struct packet_socket *s);  // sees packets from now on
void tap_leave(struct packet_socket *s); // no more
void taps_lock(void);
void taps_unlock(void);
void packet_address(const struct packet *p, u8 kind, struct sockaddr_ll *out);
void packet_ring_timer(struct timer *t);
// Calls visit for each until it says false; taps.lock is held.
void packet_visit(bool (*visit)(const struct packet_socket *s, void *arg), void *arg);

// packet_option.c: socket_ops.set_option, get_option
int packet_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size);
int packet_get_option(struct socket *s, int level, int name, uaddr_t value, u32 *size);
