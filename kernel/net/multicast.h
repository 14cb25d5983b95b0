// SPDX-License-Identifier: BSD-3-Clause
// Multicast groups: which an interface has joined, on behalf of sockets. Reports go out by IGMPv3
// and MLDv2, or as an old router wants them, and are always of any source: which sources a socket
// wants is looked at when packets are delivered. [RFC 3376, RFC 3810]
#pragma once

#include "net/interface.h"

#define MEMBERSHIP_SOURCES 10u // net.ipv4.igmp_max_msf

struct membership { // of a socket, in inet_socket.memberships
    struct list node;
    struct ip_address group;
    u32 interface;
    bool include; // only these sources; else all but these
    u32 count;
    struct ip_address sources[MEMBERSHIP_SOURCES];
};

// Leaves the group of a membership and frees it.
void membership_free(struct membership *m);
// A socket joins or leaves. interface: index, or 0 to choose. -ENODEV, -EADDRINUSE, -EADDRNOTAVAIL,
// -ENOMEM, -ENOBUFS
must_check int membership_change(struct list *memberships, const struct ip_address *group,
                                 u32 interface, bool join);
// A source is added to what a membership wants (include) or does not want, or taken off. -ENODEV, -EINVAL: of the
// other kind; -EADDRNOTAVAIL, -ENOBUFS, -ENOMEM [RFC 3678]
must_check int membership_source(struct list *memberships, const struct ip_address *group, u32 interface,
                                 const struct ip_address *source, bool include, bool add);
// A socket takes packets of this source to the group that came by the interface.
struct inet_socket;
bool membership_allows(const struct inet_socket *s, const struct ip_address *group,
                       const struct ip_address *source, u32 interface);
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
