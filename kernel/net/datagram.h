// SPDX-License-Identifier: BSD-3-Clause
// The receiving side of datagram sockets: UDP, ping, raw. A bounded queue of packets (data at what
// the user reads), an error queue, waiting, and the control data.
#pragma once

#include "net/inet.h"

#define DATAGRAM_STAMP_LATER 1u // inet_socket.stamp: it was not taken, so it is when somebody asks

struct datagram_queue {
    struct lock lock;    // innermost but for the wait queue's
    struct list packets; // control[0]: source port, control[1]: destination port
    u32 charge;          // memory that they hold
    struct list errors;  // struct datagram_error
    u32 error_count;
    u64 drops;
    bool shut_read, shut_write; // atomic
    u8 header;                  // bytes in front of the packets that a filter sees, but no reader
    struct wait_queue wait;
};

void datagram_init(struct datagram_queue *q);
void datagram_clear(struct datagram_queue *q); // frees all; the socket ends
// Takes p, or frees it when the queue is full.
// False: it was full.
bool datagram_put(struct datagram_queue *q, struct inet_socket *s, struct packet *p);
// The same, unless the socket's filter refuses it.
bool datagram_push(struct datagram_queue *q, struct inet_socket *s, struct packet *p);
// An ICMP error: to the error queue if the socket wants it so, else to SO_ERROR if it is hard and
// the socket connected. header_size: of the transport's, which the user does not see; port:
// destination.
void datagram_error(struct datagram_queue *q, struct inet_socket *s, const struct ip_error *e,
                    u32 header_size, u16 port);
// The next packet, or (MSG_PEEK) a copy of it, which the caller frees; waits as the message says.
// *out NULL: reading is shut down.
must_check int datagram_take(struct datagram_queue *q, struct inet_socket *s, struct message *m,
                             struct packet **out);
// socket_ops.receive
s64 datagram_receive(struct datagram_queue *q, struct inet_socket *s, struct message *m);
u32 datagram_poll(struct datagram_queue *q, struct inet_socket *s, struct poll_table *table);
int datagram_shutdown(struct datagram_queue *q, struct inet_socket *s, bool reads, bool writes);
s64 datagram_ioctl(struct datagram_queue *q, struct socket *s, u32 command, u64 argument);
// Waits for nothing, returns an error that is pending. Before each send.
int datagram_send_check(struct datagram_queue *q, struct inet_socket *s, struct message *m);

struct datagram_control {     // of a send: what control data changed
    struct ip_address source; // any: none named
    u32 interface;
    s32 ttl, tos; // -1: not named
    u16 gso_size; // 0xffff: not named
};
// -EINVAL
must_check int datagram_control_read(const struct message *m, struct datagram_control *out);
// Whom a send goes to: the address of the call, or the peer. -EDESTADDRREQ, -EINVAL, ...
must_check int datagram_destination(const struct inet_socket *s, const struct message *m,
                                    struct endpoint *out);
// Route and fields of a send, by socket, destination and control data. -EACCES: broadcast
must_check int datagram_route(const struct inet_socket *s, const struct endpoint *to,
                              const struct datagram_control *c, struct route *r,
                              struct ip_send *fields);
