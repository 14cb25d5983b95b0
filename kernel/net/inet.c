// SPDX-License-Identifier: BSD-3-Clause
// AF_INET, AF_INET6: making sockets, and addresses of the calls. See inet.h.
#include "net/inet.h"

#include "driver/network.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/capability.h>

#include "base/string.h"
#include "net/dhcp.h"
#include "net/interface.h"
#include "net/multicast.h"
#include "net/settings.h"
#include "process/process.h"
#include "thread/thread.h"

#define ADDRESS6_SIZE_MIN 24u // struct sockaddr_in6 of RFC 2133, without scope

static int create_any(int family, int type, int protocol, struct socket **out)
{
    int icmp = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    int error = dhcp_wait(); // who opens a socket finds the network configured

    if (protocol < 0 || protocol > 255 + 7) // IPPROTO_MPTCP is 262
        return -EINVAL;
    if (error)
        return error;
    switch (type) {
    case SOCK_STREAM:
        return protocol && protocol != IPPROTO_TCP ? -EPROTONOSUPPORT : tcp_create(family, out);
    case SOCK_DGRAM:
        if (protocol == icmp)
            return ping_create(family, protocol, out);
        return protocol && protocol != IPPROTO_UDP ? -EPROTONOSUPPORT
                                                   : udp_create(family, IPPROTO_UDP, out);
    case SOCK_RAW:
        if (!protocol)
            return -EPROTONOSUPPORT;
        return capable(CAP_NET_RAW) ? raw_create(family, protocol, out) : -EPERM;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

static int inet_create(int type, int protocol, struct socket **out)
{
    return create_any(AF_INET, type, protocol, out);
}

static int inet6_create(int type, int protocol, struct socket **out)
{
    return create_any(AF_INET6, type, protocol, out);
}

const struct socket_family inet_family = {.family = AF_INET, .create = inet_create};
const struct socket_family inet6_family = {.family = AF_INET6, .create = inet6_create};

void inet_init(struct inet_socket *s, const struct socket_ops *ops, int family, int type,
               int protocol)
{
    network_want();
    socket_init(&s->socket, ops, family, type);
    s->socket.protocol = protocol;
    s->binding.v6 = family == AF_INET6;
    s->options.v6_only = s->binding.v6_only = s->binding.v6 && net_setting(SET_V6_ONLY);
    if (family == AF_INET) {
        s->binding.address = ip4_address(0);
        s->remote.address = ip4_address(0);
    }
    list_init(&s->binding.node);
    list_init(&s->memberships);
    s->options.multicast_ttl = 1;
    s->options.multicast_loop = true;
    s->options.multicast_all = true;
    s->options.mtu_discover = IP_PMTUDISC_WANT;
}

void inet_leave_groups(struct inet_socket *s)
{
    struct list *node;

    while ((node = list_pop_front(&s->memberships)))
        membership_free(list_entry(node, struct membership, node));
}

static int read4(const struct socket_address *a, struct endpoint *out)
{
    struct sockaddr_in in;

    if (a->size < sizeof(in))
        return -EINVAL;
    memcpy(&in, a->bytes, sizeof(in));
    if (in.sin_family != AF_INET && (in.sin_family != AF_UNSPEC || in.sin_addr.s_addr))
        return -EAFNOSUPPORT;
    *out = (struct endpoint){ip4_address(in.sin_addr.s_addr), swap16(in.sin_port), 0};
    return 0;
}

int inet_address_read(const struct inet_socket *s, const struct socket_address *a,
                      struct endpoint *out)
{
    struct sockaddr_in6 in = {.sin6_family = 0};
    int error = 0;

    if (a->size < sizeof(a->family))
        return -EINVAL;
    if (s->socket.family == AF_INET)
        return read4(a, out);
    if (a->family == AF_INET) {
        error = read4(a, out);
    } else {
        if (a->size < ADDRESS6_SIZE_MIN)
            return -EINVAL;
        if (a->family != AF_INET6)
            return -EAFNOSUPPORT;
        memcpy(&in, a->bytes, min(a->size, (u32)sizeof(in)));
        memcpy(out->address.bytes, &in.sin6_addr, 16);
        out->port = swap16(in.sin6_port);
        out->scope = ip_is_link_local(&out->address) || ip_is_multicast(&out->address)
                         ? in.sin6_scope_id
                         : 0;
    }
    if (!error && ip_is_v4(&out->address) && s->options.v6_only)
        return -ENETUNREACH;
    return error;
}

int inet_address_read_own(const struct inet_socket *s, const struct socket_address *a,
                          struct endpoint *out)
{
    if (s->socket.family == AF_INET6 && a->size >= sizeof(a->family) && a->family == AF_INET)
        return a->size < ADDRESS6_SIZE_MIN ? -EINVAL : -EAFNOSUPPORT;
    return inet_address_read(s, a, out);
}

void inet_destination(struct endpoint *e)
{
    if (!ip_is_any(&e->address))
        return;
    if (ip_is_v4(&e->address))
        e->address = ip4_address(swap32(0x7f000001));
    else
        e->address.longs[1] = 1ull << 56;
}

void inet_address_write(const struct inet_socket *s, const struct endpoint *e,
                        struct socket_address *out)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};

    if (s->socket.family == AF_INET) {
        in.sin_port = swap16(e->port);
        in.sin_addr.s_addr = e->address.words[3];
        out->size = sizeof(in);
        memcpy(out->bytes, &in, sizeof(in));
        return;
    }
    in6.sin6_port = swap16(e->port);
    memcpy(&in6.sin6_addr, e->address.bytes, 16);
    in6.sin6_scope_id = ip_is_link_local(&e->address) ? e->scope : 0;
    out->size = sizeof(in6);
    memcpy(out->bytes, &in6, sizeof(in6));
}

int inet_bind_check(const struct inet_socket *s, const struct endpoint *e)
{
    const struct ip_address *a = &e->address;

    if (e->port && e->port < net_setting(SET_PORT_UNPRIVILEGED) && s->socket.type != SOCK_RAW &&
        !capable(CAP_NET_BIND_SERVICE))
        return -EACCES;
    if (!ip_is_v4(a) && ip_is_link_local(a) && !e->scope && !s->interface)
        return -EINVAL;
    if (ip_is_any(a) || s->options.free_bind || s->options.transparent ||
        net_setting(ip_is_v4(a) ? SET_NONLOCAL_BIND : SET_NONLOCAL_BIND6))
        return 0;
    if (s->socket.type != SOCK_STREAM && (ip_is_multicast(a) || interface_is_broadcast(a)))
        return 0;
    return interface_is_local(interface_find(e->scope ? e->scope : s->interface), a)
               ? 0
               : -EADDRNOTAVAIL;
}

int inet_name(struct socket *socket, bool peer, struct socket_address *out)
{
    struct inet_socket *s = inet_of(socket);
    struct endpoint own = {s->binding.address, s->binding.port, s->interface};

    if (peer && (!s->remote.port || s->peer_nameless))
        return -ENOTCONN;
    inet_address_write(s, peer ? &s->remote : &own, out);
    return 0;
}

int inet_route(const struct inet_socket *s, const struct endpoint *to, struct route *out)
{
    u32 interface = s->interface;
    const struct ip_address *from = &s->binding.address;

    if (!interface)
        interface = to->scope;
    if (!interface && ip_is_multicast(&to->address))
        interface = s->options.multicast_interface;
    if ((s->binding.user_address || s->socket.type == SOCK_STREAM) && !ip_is_any(from) &&
        ip_is_v4(from) != ip_is_v4(&to->address))
        return ip_is_v4(from) ? -EAFNOSUPPORT : -ENETUNREACH; // of an IPv6 socket
    if (ip_is_multicast(from) || interface_is_broadcast(from) ||
        ip_is_v4(from) != ip_is_v4(&to->address))
        from = NULL;
    return route_lookup(&to->address, from, interface, out);
}

void inet_send_fields(const struct inet_socket *s, const struct endpoint *to, const struct route *r,
                      struct ip_send *out)
{
    const struct inet_options *o = &s->options;

    *out = (struct ip_send){
        .source = r->source,
        .destination = to->address,
        .protocol = (u8)s->socket.protocol,
        .hop_limit = ip_is_multicast(&to->address) ? o->multicast_ttl
                     : ip_is_v4(&to->address)      ? o->ttl
                                                   : o->hops,
        .traffic_class = o->tos,
        .dont_fragment = o->mtu_discover == IP_PMTUDISC_DO || o->mtu_discover == IP_PMTUDISC_PROBE,
        .discover = o->mtu_discover == IP_PMTUDISC_WANT,
        .loop = o->multicast_loop,
        .fragment_size = ip_is_v4(&to->address) ? 0 : o->fragment_size,
    };
    if (ip_is_multicast(&to->address) && !out->hop_limit)
        out->hop_limit = 1; // 0 would mean the default; such packets stay here
}
