// SPDX-License-Identifier: BSD-3-Clause
// Neighbours: link addresses of IP addresses on an Ethernet, for ARP and NDP alike. Packets for an
// unknown one wait here, in a bounded queue. [RFC 826, RFC 1122 2.3.2, RFC 4861 7]
#pragma once

#include "net/interface.h"
#include "net/packet.h"
#include "net/route.h"

enum neighbour_state {
    NEIGHBOUR_INCOMPLETE,
    NEIGHBOUR_REACHABLE,
    NEIGHBOUR_STALE,
    NEIGHBOUR_PROBE,
    NEIGHBOUR_PERMANENT
};

struct neighbour { // as neighbour_visit shows it
    struct net_interface *interface;
    struct ip_address address;
    u8 mac[MAC_SIZE];
    u8 state;
    bool router;
};

// How a version of IP asks for a neighbour. mac: ask only it; NULL: ask all.
struct neighbour_ops {
    void (*solicit)(struct net_interface *i, const struct ip_address *target, const u8 *mac);
};
extern const struct neighbour_ops arp_neighbour_ops, ndp_neighbour_ops; // arp.c, ndp.c

// Sends an IP packet (data at its header) to r's next hop. Consumes p. 0, -ENOBUFS: too many wait.
int neighbour_send(struct packet *p, const struct route *r);

// Something was heard of a neighbour. mac NULL: only that it is there. solicited: it answers us, so
// it is reachable now. create: make an entry if there is none. override: a different mac replaces a
// known one.
void neighbour_heard(struct net_interface *i, const struct ip_address *address, const u8 *mac,
                     bool solicited, bool create, bool override);
// Returns what it was taken for before.
bool neighbour_set_router(struct net_interface *i, const struct ip_address *address, bool router);
// Asks a neighbour whether it is there, if it is not known.
void neighbour_ask(struct net_interface *i, const struct ip_address *address);
void neighbour_visit(bool (*visit)(const struct neighbour *n, void *arg), void *arg);
// A static entry (SIOCSARP, RTM_NEWNEIGH), and its removal. -ENOMEM, -ESRCH
must_check int neighbour_set(struct net_interface *i, const struct ip_address *address,
                             const u8 *mac);
must_check int neighbour_remove(struct net_interface *i, const struct ip_address *address);
