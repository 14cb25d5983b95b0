// SPDX-License-Identifier: BSD-3-Clause
// /proc/net: interfaces, routes, neighbours, sockets, as Linux prints them. pnp is what the network
// told of name servers; /etc/resolv.conf may be a link to it. [proc(5),
// filesystems/nfs/nfsroot.rst]
#include "inspect/proc.h"
#include "net/interface.h"
#include "net/multicast.h"
#include "net/neighbour.h"
#include "net/packet_socket.h"
#include "net/raw.h"
#include "net/resolver.h"
#include "net/route.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "net/unix.h"
#include "net/wiring.h"

typedef unsigned long long ull; // for %llu

static int show_dev(struct text *t, const struct proc_node *node)
{
    struct net_interface *i = NULL;

    net_start();
    text_add(t, "Inter-|   Receive                                                |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multicast|"
                "bytes    packets errs drop fifo colls carrier compressed\n");
    while ((i = interface_next(i))) {
        const struct interface_counters *c = &i->counters;
        text_add(t, "%6s: %7llu %7llu %4llu %4llu    0     0          0 %9llu ", i->name,
                 (ull)c->rx_bytes, (ull)c->rx_packets, (ull)c->rx_errors, (ull)c->rx_dropped,
                 (ull)c->multicast);
        text_add(t, "%8llu %7llu %4llu %4llu    0     0       0          0\n", (ull)c->tx_bytes,
                 (ull)c->tx_packets, (ull)c->tx_errors, (ull)c->tx_dropped);
    }
    return 0;
}

static u32 mask_of(u32 bits)
{
    return bits > 96 ? swap32(~0u << (128 - bits)) : 0;
}

static bool add_route(const struct route_entry *e, void *arg)
{
    bool gateway = !ip_is_any(&e->gateway);

    if (ip_is_v4(&e->prefix))
        text_add(arg, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0\n", e->interface->name,
                 e->prefix.words[3], gateway ? e->gateway.words[3] : 0, gateway ? 3 : 1, e->metric,
                 mask_of(e->bits));
    return true;
}

static int show_route(struct text *t, const struct proc_node *node)
{
    net_start();
    text_add(t,
             "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
             "\n");
    route_visit(add_route, t);
    return 0;
}

static void add_hex(struct text *t, const struct ip_address *a)
{
    for (u32 n = 0; n < 16; n++)
        text_add(t, "%02x", a->bytes[n]);
}

struct if6 {
    struct text *t;
    const struct net_interface *i;
};

static bool add_if6(const struct interface_address *a, void *arg)
{
    const struct if6 *x = arg;
    u32 scope = ip_is_loopback(&a->address) ? 0x10 : ip_is_link_local(&a->address) ? 0x20 : 0;

    if (ip_is_v4(&a->address))
        return true;
    add_hex(x->t, &a->address);
    text_add(x->t, " %02x %02x %02x %02x %8s\n", x->i->index, a->prefix, scope, a->flags & 0xff,
             x->i->name);
    return true;
}

static int show_if_inet6(struct text *t, const struct proc_node *node)
{
    struct net_interface *i = NULL;

    net_start();
    while ((i = interface_next(i))) {
        struct if6 x = {t, i};
        interface_visit_addresses(i, add_if6, &x);
    }
    return 0;
}

static bool add_neighbour(const struct neighbour *n, void *arg)
{
    char address[IP_TEXT_SIZE];
    const u8 *m = n->mac;

    if (!ip_is_v4(&n->address))
        return true;
    text_add(arg, "%-16s 0x1         0x%x         %02x:%02x:%02x:%02x:%02x:%02x     *        %s\n",
             ip_format(&n->address, address),
             n->state == NEIGHBOUR_INCOMPLETE  ? 0
             : n->state == NEIGHBOUR_PERMANENT ? 6
                                               : 2,
             m[0], m[1], m[2], m[3], m[4], m[5], n->interface->name);
    return true;
}

static int show_arp(struct text *t, const struct proc_node *node)
{
    net_start();
    text_add(t, "IP address       HW type     Flags       HW address            Mask     Device\n");
    neighbour_visit(add_neighbour, t);
    return 0;
}

struct lines {
    struct text *t;
    u32 number;
    bool v6;
};

// Addresses as four-byte words in host order; IPv4 ones in IPv6 tables mapped.
static void add_endpoint(const struct lines *l, const struct endpoint *e)
{
    for (u32 n = l->v6 ? 0 : 3; n < 4; n++)
        text_add(l->t, "%08X", e->address.words[n]);
    text_add(l->t, ":%04X ", e->port);
}

static bool add_tcp(const struct tcp_view *v, void *arg)
{
    struct lines *l = arg;

    if (v->v6 != l->v6)
        return true;
    text_add(l->t, "%4u: ", l->number++);
    add_endpoint(l, &v->local);
    add_endpoint(l, &v->remote);
    text_add(l->t,
             "%02X %08X:%08X 00:00000000 %08X     0        0 0 1 0000000000000000 20 4 0 10 "
             "-1\n",
             v->state, v->send_queue, v->receive_queue, v->retries);
    return true;
}

static bool add_udp(const struct udp_view *v, void *arg)
{
    struct lines *l = arg;

    if (v->v6 != l->v6)
        return true;
    text_add(l->t, "%5u: ", l->number++);
    add_endpoint(l, &v->local);
    add_endpoint(l, &v->remote);
    text_add(l->t,
             "%02X 00000000:%08X 00:00000000 00000000 %5u        0 0 2 0000000000000000 %llu\n",
             v->remote.port ? 1 : 7, v->receive_queue, v->uid, (ull)v->drops);
    return true;
}

static int show_tcp(struct text *t, const struct proc_node *node)
{
    struct lines l = {t, 0, node->entry->value};

    net_start();
    text_add(t,
             "  sl  local_address %srem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
             "  timeout inode\n",
             l.v6 ? "                        " : "");
    tcp_visit(add_tcp, &l);
    return 0;
}

struct socket_counts {
    u32 tcp, waiting, udp, raw;
    bool v6;
};

static bool count_tcp(const struct tcp_view *v, void *arg)
{
    struct socket_counts *n = arg;

    if (v->state == TCP_TIME_WAITING)
        n->waiting++;
    else
        n->tcp += v->v6 == n->v6;
    return true;
}

static bool count_udp(const struct udp_view *v, void *arg)
{
    struct socket_counts *n = arg;

    n->udp += v->v6 == n->v6;
    return true;
}

static bool count_raw(const struct udp_view *v, void *arg)
{
    struct socket_counts *n = arg;

    n->raw += v->v6 == n->v6;
    return true;
}

static int show_sockstat(struct text *t, const struct proc_node *node)
{
    struct socket_counts n = {.v6 = node->entry->value};
    const char *v = n.v6 ? "6" : "";

    net_start();
    tcp_visit(count_tcp, &n);
    udp_visit(count_udp, &n);
    raw_visit(count_raw, &n);
    if (n.v6)
        text_add(t, "TCP6: inuse %u\n", n.tcp);
    else
        text_add(t, "sockets: used %u\nTCP: inuse %u orphan 0 tw %u alloc %u mem 0\n",
                 n.tcp + n.udp + n.raw, n.tcp, n.waiting, n.tcp);
    text_add(t, "UDP%s: inuse %u%s\nUDPLITE%s: inuse 0\nRAW%s: inuse %u\nFRAG%s: inuse 0 memory 0\n", v,
             n.udp, n.v6 ? "" : " mem 0", v, v, n.raw, v);
    return 0;
}

static struct lines datagram_lines(struct text *t, const struct proc_node *node)
{
    struct lines l = {t, 0, node->entry->value};

    net_start();
    text_add(t,
             "   sl  local_address %srem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
             "  timeout inode ref pointer drops\n",
             l.v6 ? "                        " : "");
    return l;
}

static int show_udp(struct text *t, const struct proc_node *node)
{
    struct lines l = datagram_lines(t, node);

    udp_visit(add_udp, &l);
    return 0;
}

static int show_raw(struct text *t, const struct proc_node *node)
{
    struct lines l = datagram_lines(t, node);

    raw_visit(add_udp, &l);
    return 0;
}

struct group_lines {
    struct text *t;
    const struct net_interface *i;
    u32 count;
    bool v4, print;
};

static bool add_group(const struct ip_address *group, u32 users, void *arg)
{
    struct group_lines *l = arg;

    if (ip_is_v4(group) != l->v4)
        return true;
    l->count++;
    if (!l->print)
        return true;
    if (l->v4) {
        text_add(l->t, "\t\t\t\t%08X %5u 0:00000000\t\t0\n", group->words[3], users);
        return true;
    }
    text_add(l->t, "%-4u %-15s ", l->i->index, l->i->name);
    add_hex(l->t, group);
    text_add(l->t, " %5u 00000004 0\n", users);
    return true;
}

static int show_igmp(struct text *t, const struct proc_node *node)
{
    static const struct ip_address all4 = {.words = {0, 0, 0xffff0000, 0x010000e0}};
    static const struct ip_address all6 = {.bytes = {0xff, 2, [15] = 1}};
    struct group_lines l = {.t = t, .v4 = !node->entry->value};
    struct net_interface *i = NULL;

    net_start();
    if (l.v4)
        text_add(t, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
    while ((i = interface_next(i))) {
        l.i = i;
        l.count = 1; // that of all hosts
        l.print = false;
        multicast_visit(i, add_group, &l);
        if (l.v4)
            text_add(t, "%u\t%-10s: %5u      V3\n", i->index, i->name, l.count);
        l.print = true;
        multicast_visit(i, add_group, &l);
        add_group(l.v4 ? &all4 : &all6, 1, &l);
    }
    return 0;
}

static bool add_packet(const struct packet_socket *s, void *arg)
{
    text_add(arg, "0000000000000000 %-6d %-4d %04x   %-5u %1d %-6u %-6u %-6u\n", 3,
             s->inet.socket.type, s->protocol, s->interface, 1, s->queue.charge, 0u, 0u);
    return true;
}

static int show_packet(struct text *t, const struct proc_node *node)
{
    net_start();
    text_add(t, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
    packet_visit(add_packet, t);
    return 0;
}

static void add_unix(const struct unix_name *n, void *arg)
{
    const u8 *from = n->address.bytes + sizeof(u16);
    bool listening = n->owner->socket.listening, connected = n->owner->state == UNIX_CONNECTED;
    char path[UNIX_PATH_MAX + 1] = "";
    u32 size = min(n->address.size - (u32)sizeof(u16), UNIX_PATH_MAX);

    for (u32 i = 0; i < size; i++)
        path[i] = from[i] || n->inode ? (char)from[i] : '@'; // abstract names begin with a zero
    text_add(arg, "0000000000000000: %08X 00000000 %08X %04X %02X %5u %s\n", n->owner->references,
             listening ? 0x10000 : 0, n->owner->socket.type, connected ? 3 : 1, 0u, path);
}

// Those with a name.
static int show_unix(struct text *t, const struct proc_node *node)
{
    text_add(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    unix_names_visit(add_unix, t);
    return 0;
}

static int show_pnp(struct text *t, const struct proc_node *node)
{
    net_start();
    return resolver_show(t);
}

const late_data struct proc_entry proc_net_children[] = {
    {"arp", S_IFREG | 0444, .show = show_arp},
    {"dev", S_IFREG | 0444, .show = show_dev},
    {"if_inet6", S_IFREG | 0444, .show = show_if_inet6},
    {"igmp", S_IFREG | 0444, .show = show_igmp},
    {"igmp6", S_IFREG | 0444, .show = show_igmp, .value = ""},
    {"netstat", S_IFREG | 0444, .show = proc_show_netstat},
    {"packet", S_IFREG | 0444, .show = show_packet},
    {"pnp", S_IFREG | 0444, .show = show_pnp},
    {"raw", S_IFREG | 0444, .show = show_raw},
    {"raw6", S_IFREG | 0444, .show = show_raw, .value = ""},
    {"route", S_IFREG | 0444, .show = show_route},
    {"snmp", S_IFREG | 0444, .show = proc_show_snmp},
    {"snmp6", S_IFREG | 0444, .show = proc_show_snmp6},
    {"sockstat", S_IFREG | 0444, .show = show_sockstat},
    {"sockstat6", S_IFREG | 0444, .show = show_sockstat, .value = ""},
    {"tcp", S_IFREG | 0444, .show = show_tcp},
    {"tcp6", S_IFREG | 0444, .show = show_tcp, .value = ""},
    {"udp", S_IFREG | 0444, .show = show_udp},
    {"udp6", S_IFREG | 0444, .show = show_udp, .value = ""},
    {"unix", S_IFREG | 0444, .show = show_unix},
    {NULL},
};
