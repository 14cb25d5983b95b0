// SPDX-License-Identifier: BSD-3-Clause
// The routing table, and what a sender needs to know of a destination: interface, next hop, source
// address, MTU. A struct route is a value; keep it, and look it up again when route_current says
// that something has changed (addresses, routes, path MTUs).
#pragma once

#include "base/list.h"
#include "net/address.h"

struct net_interface;

struct route {
    struct net_interface *interface;
    struct ip_address source;   // to use if the socket is bound to none
    struct ip_address next_hop; // the destination itself, or a gateway
    u32 mtu;                    // of the path, as known: bytes of an IP packet
    bool local;                 // the destination is an own address (goes over loopback)
    bool broadcast, multicast;
    u32 generation;
};

// from: the address that the socket is bound to, or NULL. interface: index that it is bound to
// (SO_BINDTODEVICE, scope, IP_MULTICAST_IF), or 0. -ENETUNREACH, -EHOSTUNREACH, -EADDRNOTAVAIL
must_check int route_lookup(const struct ip_address *to, const struct ip_address *from,
                            u32 interface, struct route *out);
bool route_current(const struct route *r);
void route_changed(void); // something in the tables is another now

struct route_entry { // of the table
    struct list node;
    struct ip_address prefix;
    u32 bits;                  // of the 128
    struct ip_address gateway; // any: on link
    struct net_interface *interface;
    struct ip_address source; // preferred; any: none
    u32 metric;
    u8 protocol;     // RTPROT_*
    u8 type;         // RTN_UNICAST, RTN_UNREACHABLE, ...
    s8 preference;   // of a router, as it says [RFC 4191]: -1, 0, 1
    u64 valid_until; // CLOCK_MONOTONIC; DEADLINE_NONE: for ever (0 is taken as that)
    u64 silent;      // the gateway has not answered at this time; 0: it does
};

must_check int route_add(const struct route_entry *e); // copies; -EEXIST, -ENOMEM
must_check int
route_remove(const struct route_entry *e); // prefix, bits, gateway, interface; -ESRCH
// The same route is there: it gets the new lifetime. False: it is not.
must_check bool route_refresh(const struct route_entry *e);
// A gateway does not answer its neighbours, or does again. Of several routes that are equal but for the gateway one
// whose gateway answers is taken. [RFC 4861 6.3.6]
void route_gateway_silent(const struct net_interface *i, const struct ip_address *gateway, bool silent);
// Calls visit with each entry until it says false; the lock is held.
void route_visit(bool (*visit)(const struct route_entry *e, void *arg), void *arg);

// Path MTUs [RFC 1191, 8201, 8899]. Called by ICMP; lowers it and makes routes look again.
void route_set_mtu(const struct ip_address *to, u32 mtu);
