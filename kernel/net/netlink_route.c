// SPDX-License-Identifier: BSD-3-Clause
// NETLINK_ROUTE, the questions: links, addresses, routes, neighbours. [rtnetlink(7)]
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/string.h"
#include "linux/clock.h"
#include "net/event.h"
#include "net/if_abi.h"
#include "net/inet.h"
#include "net/interface.h"
#include "net/neighbour.h"
#include "net/netlink_internal.h"
#include "net/route.h"
#include "thread/wait.h"

#define LIFE_EVER    0xffffffffu
#define OPER_UP      6 // IF_OPER_UP
#define OPER_UNKNOWN 0

struct dump { // one walk over a table
    struct netlink_reply *r;
    struct net_interface *interface;
    u8 family; // AF_UNSPEC: both
    u16 flags;
    bool gone; // of an event: it is there no more
};

static u16 flags_of(const struct nlmsghdr *m)
{
    return m->nlmsg_flags & NLM_F_DUMP ? NLM_F_MULTI : 0;
}

static u8 family_of(const struct ip_address *a)
{
    return ip_is_v4(a) ? AF_INET : AF_INET6;
}

static void put_address(struct netlink_reply *r, u16 type, const struct ip_address *a)
{
    if (ip_is_v4(a))
        netlink_attribute(r, type, a->bytes + 12, 4);
    else
        netlink_attribute(r, type, a->bytes, 16);
}

// Bits of a prefix as the version counts them.
static u8 bits_of(const struct ip_address *a, u32 bits)
{
    return (u8)(ip_is_v4(a) ? bits - 96 : bits);
}

static void put_link(struct netlink_reply *r, const struct net_interface *i, u16 flags)
{
    const struct interface_counters *c = &i->counters;
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC,
                             .ifi_type = i->type,
                             .ifi_index = (int)i->index,
                             .ifi_flags = i->flags};
    struct rtnl_link_stats64 stats = {.rx_packets = c->rx_packets,
                                      .tx_packets = c->tx_packets,
                                      .rx_bytes = c->rx_bytes,
                                      .tx_bytes = c->tx_bytes,
                                      .rx_errors = c->rx_errors,
                                      .tx_errors = c->tx_errors,
                                      .rx_dropped = c->rx_dropped,
                                      .tx_dropped = c->tx_dropped,
                                      .multicast = c->multicast};
    struct rtnl_link_stats old = {.rx_packets = (u32)c->rx_packets,
                                  .tx_packets = (u32)c->tx_packets,
                                  .rx_bytes = (u32)c->rx_bytes,
                                  .tx_bytes = (u32)c->tx_bytes};
    static const u8 all[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[MAC_SIZE];
    bool loopback = i->flags & IFF_LOOPBACK;
    u8 state = loopback ? OPER_UNKNOWN : OPER_UP, mode = 0;

    netlink_begin(r, RTM_NEWLINK, flags, &body, sizeof(body));
    netlink_attribute_text(r, IFLA_IFNAME, i->name);
    netlink_attribute_u32(r, IFLA_TXQLEN, 1000);
    netlink_attribute(r, IFLA_OPERSTATE, &state, 1);
    netlink_attribute(r, IFLA_LINKMODE, &mode, 1);
    netlink_attribute_u32(r, IFLA_MTU, i->mtu);
    netlink_attribute_u32(r, IFLA_GROUP, 0);
    netlink_attribute(r, IFLA_ADDRESS, i->mac, MAC_SIZE);
    netlink_attribute(r, IFLA_BROADCAST, loopback ? none : all, MAC_SIZE);
    netlink_attribute(r, IFLA_STATS64, &stats, sizeof(stats));
    netlink_attribute(r, IFLA_STATS, &old, sizeof(old));
    netlink_attribute_text(r, IFLA_QDISC, loopback ? "noqueue" : "fq_codel");
    netlink_end(r);
}

static int get_link(struct netlink_reply *r, const struct nlmsghdr *m)
{
    const struct ifinfomsg *body = netlink_payload(m);
    struct net_interface *i = NULL;
    const char *name;

    if (flags_of(m)) {
        while ((i = interface_next(i)))
            put_link(r, i, NLM_F_MULTI);
        return 0;
    }
    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
        return -EINVAL;
    name = netlink_find(m, sizeof(*body), IFLA_IFNAME, 2);
    if (body->ifi_index)
        i = interface_find((u32)body->ifi_index);
    else if (name && strnlen(name, IFNAMSIZ) < IFNAMSIZ)
        i = interface_find_name(name);
    if (!i)
        return -ENODEV;
    put_link(r, i, 0);
    return 0;
}

static u32 seconds_left(u64 until)
{
    u64 now = clock_monotonic();

    if (until == DEADLINE_NONE)
        return LIFE_EVER;
    return until > now ? (u32)((until - now) / 1000000000) : 0;
}

static bool put_interface_address(const struct interface_address *a, void *arg)
{
    const struct dump *d = arg;
    struct ifaddrmsg body = {.ifa_family = family_of(&a->address),
                             .ifa_prefixlen = bits_of(&a->address, a->prefix),
                             .ifa_flags = (u8)a->flags,
                             .ifa_index = d->interface->index};
    struct ifa_cacheinfo cache = {.ifa_prefered = seconds_left(a->preferred_until),
                                  .ifa_valid = seconds_left(a->valid_until)};

    if (d->family && d->family != body.ifa_family)
        return true;
    if (ip_is_loopback(&a->address))
        body.ifa_scope = RT_SCOPE_HOST;
    else if (ip_is_link_local(&a->address))
        body.ifa_scope = RT_SCOPE_LINK;
    netlink_begin(d->r, RTM_NEWADDR + d->gone, d->flags, &body, sizeof(body));
    put_address(d->r, IFA_ADDRESS, &a->address);
    if (ip_is_v4(&a->address)) {
        put_address(d->r, IFA_LOCAL, &a->address);
        if (ip_is_v4(&a->broadcast) && a->broadcast.words[3])
            put_address(d->r, IFA_BROADCAST, &a->broadcast);
        netlink_attribute_text(d->r, IFA_LABEL, d->interface->name);
    }
    netlink_attribute_u32(d->r, IFA_FLAGS, a->flags);
    netlink_attribute(d->r, IFA_CACHEINFO, &cache, sizeof(cache));
    netlink_end(d->r);
    return true;
}

static int get_addresses(struct dump *d)
{
    while ((d->interface = interface_next(d->interface)))
        interface_visit_addresses(d->interface, put_interface_address, d);
    return 0;
}

static bool put_route(const struct route_entry *e, void *arg)
{
    const struct dump *d = arg;
    bool on_link = ip_is_any(&e->gateway);
    struct rtmsg body = {.rtm_family = family_of(&e->prefix),
                         .rtm_dst_len = bits_of(&e->prefix, e->bits),
                         .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = e->protocol,
                         .rtm_type = e->type};

    if (d->family && d->family != body.rtm_family)
        return true;
    body.rtm_scope = on_link && body.rtm_family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    netlink_begin(d->r, RTM_NEWROUTE + d->gone, d->flags, &body, sizeof(body));
    netlink_attribute_u32(d->r, RTA_TABLE, RT_TABLE_MAIN);
    if (body.rtm_dst_len)
        put_address(d->r, RTA_DST, &e->prefix);
    if (!on_link)
        put_address(d->r, RTA_GATEWAY, &e->gateway);
    if (!ip_is_any(&e->source))
        put_address(d->r, RTA_PREFSRC, &e->source);
    if (e->metric)
        netlink_attribute_u32(d->r, RTA_PRIORITY, e->metric);
    netlink_attribute_u32(d->r, RTA_OIF, e->interface->index);
    netlink_end(d->r);
    return true;
}

// An own address, as an entry of the table "local".
static bool put_local(const struct interface_address *a, void *arg)
{
    const struct dump *d = arg;
    bool whole = ip_is_v4(&a->address) && ip_is_loopback(&a->address); // 127.0.0.0/8
    struct ip_address to = a->address;
    struct rtmsg body = {.rtm_family = family_of(&to),
                         .rtm_dst_len = whole ? 8 : bits_of(&to, 128),
                         .rtm_table = RT_TABLE_LOCAL,
                         .rtm_protocol = RTPROT_KERNEL,
                         .rtm_scope = ip_is_v4(&to) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
                         .rtm_type = RTN_LOCAL};

    if (d->family && d->family != body.rtm_family)
        return true;
    if (whole)
        memset(to.bytes + 13, 0, 3);
    netlink_begin(d->r, RTM_NEWROUTE, d->flags, &body, sizeof(body));
    netlink_attribute_u32(d->r, RTA_TABLE, RT_TABLE_LOCAL);
    put_address(d->r, RTA_DST, &to);
    if (ip_is_v4(&to))
        put_address(d->r, RTA_PREFSRC, &a->address);
    netlink_attribute_u32(d->r, RTA_OIF, d->interface->index);
    netlink_end(d->r);
    return true;
}

static int get_routes(struct dump *d)
{
    route_visit(put_route, d);
    while ((d->interface = interface_next(d->interface)))
        interface_visit_addresses(d->interface, put_local, d);
    return 0;
}

// `ip route get`: what a packet to an address would do.
static int get_route(struct netlink_reply *r, const struct nlmsghdr *m)
{
    const struct rtmsg *q = netlink_payload(m);
    struct rtmsg body = {
        .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST, .rtm_flags = RTM_F_CLONED};
    struct ip_address to = ip4_address(0);
    struct route route;
    const u8 *data;
    int error;

    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*q)))
        return -EINVAL;
    data = netlink_find(m, sizeof(*q), RTA_DST, q->rtm_family == AF_INET ? 4 : 16);
    if (!data || (q->rtm_family != AF_INET && q->rtm_family != AF_INET6))
        return -EINVAL;
    memcpy(q->rtm_family == AF_INET ? to.bytes + 12 : to.bytes, data,
           q->rtm_family == AF_INET ? 4 : 16);
    error = route_lookup(&to, NULL, 0, &route);
    if (error)
        return error;
    body.rtm_family = q->rtm_family;
    body.rtm_dst_len = q->rtm_family == AF_INET ? 32 : 128;
    if (route.local) {
        body.rtm_type = RTN_LOCAL;
        body.rtm_table = RT_TABLE_LOCAL;
    }
    netlink_begin(r, RTM_NEWROUTE, 0, &body, sizeof(body));
    netlink_attribute_u32(r, RTA_TABLE, body.rtm_table);
    put_address(r, RTA_DST, &to);
    if (!ip_equal(&route.next_hop, &to))
        put_address(r, RTA_GATEWAY, &route.next_hop);
    netlink_attribute_u32(r, RTA_OIF, route.interface->index);
    put_address(r, RTA_PREFSRC, &route.source);
    netlink_end(r);
    return 0;
}

static bool put_neighbour(const struct neighbour *n, void *arg)
{
    static const u8 states[] = {[NEIGHBOUR_INCOMPLETE] = NUD_INCOMPLETE,
                                [NEIGHBOUR_REACHABLE] = NUD_REACHABLE,
                                [NEIGHBOUR_STALE] = NUD_STALE,
                                [NEIGHBOUR_PROBE] = NUD_PROBE,
                                [NEIGHBOUR_PERMANENT] = NUD_PERMANENT};
    const struct dump *d = arg;
    struct ndmsg body = {.ndm_family = family_of(&n->address),
                         .ndm_ifindex = (int)n->interface->index,
                         .ndm_state = states[n->state],
                         .ndm_flags = n->router ? NTF_ROUTER : 0,
                         .ndm_type = RTN_UNICAST};

    if (d->family && d->family != body.ndm_family)
        return true;
    netlink_begin(d->r, RTM_NEWNEIGH + d->gone, d->flags, &body, sizeof(body));
    put_address(d->r, NDA_DST, &n->address);
    if (n->state != NEIGHBOUR_INCOMPLETE)
        netlink_attribute(d->r, NDA_LLADDR, n->mac, MAC_SIZE);
    netlink_end(d->r);
    return true;
}

// The rules of a Linux that nobody has told of others.
static int get_rules(const struct dump *d)
{
    static const struct {
        u8 family, table;
        u32 priority;
    } rules[] = {{AF_INET, RT_TABLE_LOCAL, 0},
                 {AF_INET, RT_TABLE_MAIN, 32766},
                 {AF_INET, RT_TABLE_DEFAULT, 32767},
                 {AF_INET6, RT_TABLE_LOCAL, 0},
                 {AF_INET6, RT_TABLE_MAIN, 32766}};

    for (size_t n = 0; n < array_count(rules); n++) {
        struct fib_rule_hdr body = {
            .family = rules[n].family, .table = rules[n].table, .action = FR_ACT_TO_TBL};
        if (d->family && d->family != body.family)
            continue;
        netlink_begin(d->r, RTM_NEWRULE, d->flags, &body, sizeof(body));
        netlink_attribute_u32(d->r, FRA_TABLE, body.table);
        netlink_attribute_u32(d->r, FRA_SUPPRESS_PREFIXLEN, ~0u);
        if (rules[n].priority)
            netlink_attribute_u32(d->r, FRA_PRIORITY, rules[n].priority);
        netlink_end(d->r);
    }
    return 0;
}

// An event: one message for a group, which is written as an answer to nobody.
struct event {
    struct netlink_reply reply;
    struct dump dump;
};

static struct dump *event_begin(struct event *e, bool gone)
{
    static const struct nlmsghdr nobody;

    *e = (struct event){.reply.request = &nobody, .dump = {.r = &e->reply, .gone = gone}};
    return &e->dump;
}

static void event_end(struct event *e, u32 group)
{
    const struct netlink_sender kernel = {.group = group};

    if (!e->reply.text.failed)
        netlink_multicast(NETLINK_ROUTE, &kernel, e->reply.text.data, (u32)e->reply.text.size, NULL);
    text_free(&e->reply.text);
}

static void event_link(const struct net_interface *i)
{
    struct event e;

    put_link(event_begin(&e, false)->r, i, 0);
    event_end(&e, RTNLGRP_LINK);
}

static void event_address(struct net_interface *i, const struct interface_address *a, bool gone)
{
    struct event e;

    event_begin(&e, gone)->interface = i;
    (void)put_interface_address(a, &e.dump);
    event_end(&e, ip_is_v4(&a->address) ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR);
}

static void event_route(const struct route_entry *entry, bool gone)
{
    struct event e;

    (void)put_route(entry, event_begin(&e, gone));
    event_end(&e, ip_is_v4(&entry->prefix) ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE);
}

static void event_neighbour(const struct neighbour *n, bool gone)
{
    struct event e;

    (void)put_neighbour(n, event_begin(&e, gone));
    event_end(&e, RTNLGRP_NEIGH);
}

const struct event_ops netlink_events = {
    .link = event_link, .address = event_address, .route = event_route, .neighbour = event_neighbour};

int netlink_route(struct netlink_reply *r, const struct nlmsghdr *m)
{
    struct dump d = {.r = r, .flags = flags_of(m)};

    if (m->nlmsg_len > sizeof(*m)) // every body starts with the family
        d.family = *(const u8 *)netlink_payload(m);
    switch (m->nlmsg_type) {
    case RTM_GETLINK:
        return get_link(r, m);
    case RTM_GETADDR:
        return d.flags ? get_addresses(&d) : -EOPNOTSUPP;
    case RTM_GETROUTE:
        if (!d.flags)
            return get_route(r, m);
        return get_routes(&d);
    case RTM_GETNEIGH:
        if (!d.flags)
            return -EOPNOTSUPP;
        neighbour_visit(put_neighbour, &d);
        return 0;
    case RTM_GETRULE:
        return d.flags ? get_rules(&d) : -EOPNOTSUPP;
    case RTM_GETQDISC:
    case RTM_GETNEXTHOP:
        return d.flags ? 0 : -EOPNOTSUPP; // there are none
    default:
        return -EOPNOTSUPP;
    }
}
