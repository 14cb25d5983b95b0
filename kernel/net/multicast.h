// SPDX-License-Identifier: BSD-3-Clause
// Multicast groups: which an interface has joined, on behalf of sockets. Reports go out by IGMPv3
// and MLDv2 (any source). [RFC 3376, RFC 3810]
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
// Tells about all groups of i: answers to queries, and when its link comes up.
void multicast_report(struct net_interface *i, bool v4);
void igmp_receive(void *object, struct packet *p); // element: data at the IGMP message
