// SPDX-License-Identifier: BSD-3-Clause
// NETLINK_ROUTE, the orders: addresses, routes and links are changed. [rtnetlink(7)]
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/string.h"
#include "net/event.h"
#include "net/if_abi.h"
#include "net/inet.h"
#include "net/interface.h"
#include "net/neighbour.h"
#include "net/netlink.h"
#include "process/process.h"
#include "thread/thread.h"
#include "thread/wait.h"

static bool read_address(const struct nlmsghdr *m, size_t body, u16 type, u8 family,
                         struct ip_address *out)
{
    const u8 *data = netlink_find(m, body, type, family == AF_INET ? 4 : 16);

    *out = family == AF_INET ? ip4_address(0) : (struct ip_address){.words = {0}};
    if (!data)
        return false;
    memcpy(family == AF_INET ? out->bytes + 12 : out->bytes, data, family == AF_INET ? 4 : 16);
    return true;
}

static u32 bits_of(u8 family, u8 bits)
{
    return family == AF_INET ? 96u + bits : bits;
}

static bool family_fine(u8 family, u8 bits)
{
    return (family == AF_INET && bits <= 32) || (family == AF_INET6 && bits <= 128);
}

static int change_address(const struct nlmsghdr *m)
{
    const struct ifaddrmsg *q = netlink_payload(m);
    struct interface_address a = {.flags = IFA_F_PERMANENT};
    struct net_interface *i;

    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*q)) || !family_fine(q->ifa_family, q->ifa_prefixlen))
        return -EINVAL;
    i = interface_find(q->ifa_index);
    if (!i)
        return -ENODEV;
    if (!read_address(m, sizeof(*q), IFA_LOCAL, q->ifa_family, &a.address) &&
        !read_address(m, sizeof(*q), IFA_ADDRESS, q->ifa_family, &a.address))
        return -EINVAL;
    a.prefix = bits_of(q->ifa_family, q->ifa_prefixlen);
    if (m->nlmsg_type == RTM_DELADDR)
        return interface_remove_address(i, &a.address, a.prefix);
    (void)read_address(m, sizeof(*q), IFA_BROADCAST, q->ifa_family, &a.broadcast);
    a.valid_until = a.preferred_until = DEADLINE_NONE;
    if ((m->nlmsg_flags & NLM_F_EXCL) && interface_is_local(i, &a.address) &&
        !ip_is_loopback(&a.address))
        return -EEXIST;
    return interface_add_address(i, &a);
}

static int change_route(const struct nlmsghdr *m)
{
    const struct rtmsg *q = netlink_payload(m);
    struct route_entry e = {.interface = NULL};
    const u32 *number;
    struct route via;

    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*q)) || !family_fine(q->rtm_family, q->rtm_dst_len))
        return -EINVAL;
    (void)read_address(m, sizeof(*q), RTA_DST, q->rtm_family, &e.prefix);
    (void)read_address(m, sizeof(*q), RTA_PREFSRC, q->rtm_family, &e.source);
    e.bits = bits_of(q->rtm_family, q->rtm_dst_len);
    e.protocol = q->rtm_protocol;
    e.type = q->rtm_type;
    number = netlink_find(m, sizeof(*q), RTA_PRIORITY, sizeof(*number));
    e.metric = number ? *number : q->rtm_family == AF_INET6 ? 1024 : 0;
    number = netlink_find(m, sizeof(*q), RTA_OIF, sizeof(*number));
    e.interface = number ? interface_find(*number) : NULL;
    if (number && !e.interface)
        return -ENODEV;
    if (read_address(m, sizeof(*q), RTA_GATEWAY, q->rtm_family, &e.gateway) && !e.interface) {
        if (route_lookup(&e.gateway, NULL, 0, &via))
            return -ENETUNREACH;
        e.interface = via.interface;
    }
    if (m->nlmsg_type == RTM_DELROUTE)
        return route_remove(&e);
    if (!e.interface)
        return -ENODEV;
    if (m->nlmsg_flags & NLM_F_REPLACE)
        (void)!route_remove(&e);
    return route_add(&e);
}

// A neighbour that does not expire, or its end.
static int change_neighbour(const struct nlmsghdr *m)
{
    const struct ndmsg *q = netlink_payload(m);
    struct net_interface *i;
    struct ip_address to;
    const u8 *mac;

    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*q)) || !family_fine(q->ndm_family, 0))
        return -EINVAL;
    i = interface_find((u32)q->ndm_ifindex);
    if (!i)
        return -ENODEV;
    if (!read_address(m, sizeof(*q), NDA_DST, q->ndm_family, &to))
        return -EINVAL;
    if (m->nlmsg_type == RTM_DELNEIGH)
        return neighbour_remove(i, &to) ? -ENOENT : 0;
    mac = netlink_find(m, sizeof(*q), NDA_LLADDR, MAC_SIZE);
    return mac ? neighbour_set(i, &to, mac) : -EINVAL;
}

// A new name has to be one, and nobody else's.
static int link_rename(struct net_interface *i, const char *name)
{
    struct net_interface *other;
    size_t size = strnlen(name, INTERFACE_NAME_SIZE);

    if (!size || size == INTERFACE_NAME_SIZE || strchr(name, '/') || strchr(name, '%'))
        return -EINVAL;
    other = interface_find_name(name);
    if (other)
        return other == i ? 0 : -EEXIST;
    strlcpy(i->name, name, sizeof(i->name));
    EVENT(link, i);
    return 0;
}

static int change_link(const struct nlmsghdr *m)
{
    const u32 changeable = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP;
    const struct ifinfomsg *q = netlink_payload(m);
    struct net_interface *i;
    const u32 *mtu;
    const char *name;
    u32 mask;
    int error = 0;

    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*q)))
        return -EINVAL;
    name = netlink_find(m, sizeof(*q), IFLA_IFNAME, 2);
    i = q->ifi_index                                 ? interface_find((u32)q->ifi_index)
        : name && strnlen(name, IFNAMSIZ) < IFNAMSIZ ? interface_find_name(name)
                                                     : NULL;
    if (!i)
        return m->nlmsg_flags & NLM_F_CREATE ? -EOPNOTSUPP : -ENODEV;
    if (m->nlmsg_type == RTM_DELLINK)
        return -EOPNOTSUPP; // they are real
    mtu = netlink_find(m, sizeof(*q), IFLA_MTU, sizeof(*mtu));
    if (mtu && (*mtu < 68 || (*mtu > IP_MTU_MAX && !(i->flags & IFF_LOOPBACK))))
        return -EINVAL;
    mask = q->ifi_change ? q->ifi_change & changeable : 0;
    if (name && q->ifi_index)
        error = link_rename(i, name);
    if (!error)
        interface_change(i, (i->flags & ~mask) | (q->ifi_flags & mask), mtu ? *mtu : i->mtu);
    return error;
}

int netlink_change(const struct nlmsghdr *m)
{
    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    switch (m->nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return change_address(m);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return change_route(m);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        return change_neighbour(m);
    case RTM_NEWLINK:
    case RTM_SETLINK:
    case RTM_DELLINK:
        return change_link(m);
    default:
        return -EOPNOTSUPP;
    }
}
