// SPDX-License-Identifier: BSD-3-Clause
// Multicast groups: which an interface has joined, on behalf of sockets. Reports go out by IGMPv3
// and MLDv2 (any source), or as an old router wants them. [RFC 3376, RFC 3810]
#pragma once

#include "net/interface.h"

struct membership { // of a socket, in inet_socket.memberships
    struct list node;
    struct ip_address group;
    u32 interface;
};

// Leaves the group of a membership and frees it.
void membership_free(struct membership *m);
// A socket joins or leaves. interface: index, or 0 to choose. -ENODEV, -EADDRINUSE, -EADDRNOTAVAIL,
// -ENOMEM, -ENOBUFS
must_check int membership_change(struct list *memberships, const struct ip_address *group,
                                 u32 interface, bool join);
// One more member of the group on i. -ENOMEM
must_check int multicast_join(struct net_interface *i, const struct ip_address *group);
void multicast_leave(struct net_interface *i, const struct ip_address *group);
// Somebody here is a member; also true for the groups that every host is in.
bool multicast_joined(struct net_interface *i, const struct ip_address *group);
// Calls visit with each group of i until it says false; the lock is held.
void multicast_visit(struct net_interface *i,
                     bool (*visit)(const struct ip_address *group, u32 users, void *arg),
                     void *arg);
// A router asks (data at the IGMP or ICMPv6 header): the answers come after a random time. Does not
// consume p.
struct packet;
void multicast_query(struct packet *p);
void igmp_receive(void *object, struct packet *p); // element: data at the IGMP message
