// SPDX-License-Identifier: BSD-3-Clause
// Local ports: who is bound to which. One table per protocol; a socket (or a TIME_WAIT remnant, or
// a connection) has a struct port_binding in it. Who takes which packet is the protocol's matter.
//
// Lock order: a socket's lock may be held around these calls; port_table.lock is inside.
#pragma once

#include "base/list.h"
#include "net/address.h"
#include "thread/lock.h"

#define PORT_BUCKETS  1024u

struct port_binding {
    struct list node;
    struct ip_address address; // any: all
    u16 port;                  // 0: not bound
    u32 interface;             // 0: all
    u32 uid;
    bool v6; // socket of AF_INET6 ...
    bool v6_only;
    bool reuse_address, reuse_port; // as the socket had them when it was bound
    bool listening;                 // TCP: reuse_address does not help against it
    bool no_share;     // a UDP-like table: reuse_address of both is enough, listening or not
    bool user_address; // the address was named in bind
    bool user_port;    // the port was named in bind (IP_BIND_ADDRESS_NO_PORT, SOCK_BINDPORT_LOCK)
};

struct port_table {
    struct lock lock;
    bool ready;
    struct list buckets[PORT_BUCKETS];
};

extern struct port_table tcp_ports, udp_ports;

// For who walks a bucket, or changes an address of a binding: takes t->lock.
void port_lock(struct port_table *t);

// Binds b (all fields but node and port are filled in) to `port`, or to a random ephemeral one if
// 0. -EADDRINUSE
must_check int port_bind(struct port_table *t, struct port_binding *b, u16 port);
// For connect: any ephemeral port for which usable says yes, shared with other bindings (a TCP
// connection is told by all four numbers; usable reserves it). -EADDRNOTAVAIL
must_check int port_bind_connect(struct port_table *t, struct port_binding *b,
                                 bool (*usable)(void *arg, u16 port), void *arg);
// Before listen(2): true if b may become listening, which it then is.
bool port_listen(struct port_table *t, struct port_binding *b);
void port_release(struct port_table *t, struct port_binding *b); // harmless when not bound
// `to` takes the place of `from`, which is bound no more (a connection becomes its TIME_WAIT
// remnant).
void port_move(struct port_table *t, struct port_binding *from, struct port_binding *to);
// A child of a listening socket shares its port.
void port_share(struct port_table *t, const struct port_binding *parent,
                struct port_binding *child);
