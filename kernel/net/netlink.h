// SPDX-License-Identifier: BSD-3-Clause
// AF_NETLINK sockets: NETLINK_ROUTE for `ip` and getifaddrs, NETLINK_SOCK_DIAG for `ss`. The
// answers are made at once, in the sender's call, and wait in the socket's queue. [netlink(7),
// rtnetlink(7)]
#pragma once

#include <linux/netlink.h>

#include "inspect/text.h"
#include "net/socket.h"

#define AF_NETLINK 16

extern const struct socket_family netlink_family;

// The kernel says something by itself: data waits in the socket's queue. -EINVAL: not a netlink
// socket
must_check int netlink_post(struct socket *socket, const void *data, u32 size);

struct netlink_reply { // answers to one request, one behind the other
    struct text text;
    const struct nlmsghdr *request;
    u32 port;     // of the socket
    size_t start; // of the message being written
};

// One message: a header, `size` bytes of body, attributes; netlink_end fixes the length.
void netlink_begin(struct netlink_reply *r, u16 type, u16 flags, const void *body, size_t size);
void netlink_attribute(struct netlink_reply *r, u16 type, const void *data, size_t size);
void netlink_attribute_u32(struct netlink_reply *r, u16 type, u32 value);
void netlink_attribute_text(struct netlink_reply *r, u16 type, const char *value);
void netlink_end(struct netlink_reply *r);

// The attribute's data behind a body of `body` bytes, at least `size`; NULL: there is none.
const void *netlink_find(const struct nlmsghdr *m, size_t body, u16 type, size_t size);

// Handle a request whose body is in place: 0 or an error for the answer. *dump: NLMSG_DONE has to
// follow.
int netlink_route(struct netlink_reply *r, const struct nlmsghdr *m); // netlink_route.c
int netlink_change(const struct nlmsghdr *m);                         // netlink_change.c: NEW, DEL
int netlink_diag(struct netlink_reply *r, const struct nlmsghdr *m);  // netlink_diag.c
extern const struct event_ops netlink_events; // netlink_route.c: what has changed, told to the groups

// NLMSG_DATA drops const.
static inline const void *netlink_payload(const struct nlmsghdr *m)
{
    return (const char *)m + NLMSG_HDRLEN;
}
