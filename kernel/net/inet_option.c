// SPDX-License-Identifier: BSD-3-Clause
// Options at IPPROTO_IP and IPPROTO_IPV6, and those of SOL_SOCKET that only these families know.
// [ip(7), ipv6(7)]
#include <linux/capability.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "base/string.h"
#include "memory/user_copy.h"
#include "net/inet.h"
#include "net/interface.h"
#include "net/ip.h"
#include "net/multicast.h"
#include "net/settings.h"
#include "net/zero_copy.h"
#include "thread/thread.h"
#include "process/process.h"

#define FIELD(f) offsetof(struct inet_options, f)
#define ENOTSUPP 524 // not for programs, but they get it

// Options that are one byte of inet_options. A bool takes any number; else low .. high, and -1
// means `reset`.
static const struct byte_option {
    u8 level, name;
    u8 field;
    bool flag;
    s16 low, high;
    u8 reset;
} byte_options[] = {
    {IPPROTO_IP, IP_TOS, FIELD(tos), false, 0, 255, 0},
    {IPPROTO_IP, IP_TTL, FIELD(ttl), false, 1, 255, 0},
    {IPPROTO_IP, IP_MULTICAST_TTL, FIELD(multicast_ttl), false, 0, 255, 1},
    {IPPROTO_IP, IP_MTU_DISCOVER, FIELD(mtu_discover), false, 0, 5, 0},
    {IPPROTO_IP, IP_MINTTL, FIELD(min_ttl), false, 0, 255, 0},
    {IPPROTO_IP, IP_HDRINCL, FIELD(header_included), true},
    {IPPROTO_IP, IP_MULTICAST_LOOP, FIELD(multicast_loop), true},
    {IPPROTO_IP, IP_MULTICAST_ALL, FIELD(multicast_all), true},
    {IPPROTO_IP, IP_RECVERR, FIELD(receive_error), true},
    {IPPROTO_IP, IP_PKTINFO, FIELD(packet_info), true},
    {IPPROTO_IP, IP_RECVTTL, FIELD(receive_ttl), true},
    {IPPROTO_IP, IP_RECVOPTS, FIELD(receive_options), true}, // none ever come
    {IPPROTO_IP, IP_RETOPTS, FIELD(return_options), true},
    {IPPROTO_IP, IP_RECVTOS, FIELD(receive_tos), true},
    {IPPROTO_IP, IP_FREEBIND, FIELD(free_bind), true},
    {IPPROTO_IP, IP_TRANSPARENT, FIELD(transparent), true},
    {IPPROTO_IP, IP_RECVORIGDSTADDR, FIELD(receive_original), true},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, FIELD(bind_no_port), true},
    {IPPROTO_IPV6, IPV6_TCLASS, FIELD(tos), false, 0, 255, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, FIELD(hops), false, 0, 255, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, FIELD(multicast_ttl), false, 0, 255, 1},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, FIELD(mtu_discover), false, 0, 5, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, FIELD(multicast_loop), true},
    {IPPROTO_IPV6, IPV6_MULTICAST_ALL, FIELD(multicast_all), true},
    {IPPROTO_IPV6, IPV6_RECVERR, FIELD(receive_error6), true},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, FIELD(packet_info6), true},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, FIELD(receive_ttl6), true},
    {IPPROTO_IPV6, IPV6_2292HOPLIMIT, FIELD(receive_ttl6_old), true},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, FIELD(receive_tos6), true},
    {IPPROTO_IPV6, IPV6_HDRINCL, FIELD(header_included), true},
    {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, FIELD(receive_original6), true},
    {IPPROTO_IPV6, IPV6_FREEBIND, FIELD(free_bind), true},
    {IPPROTO_IPV6, IPV6_TRANSPARENT, FIELD(transparent), true},
    {IPPROTO_IPV6, IPV6_V6ONLY, FIELD(v6_only), true},
};

static const struct byte_option *byte_option_find(int level, int name)
{
    for (size_t i = 0; i < array_count(byte_options); i++)
        if (byte_options[i].level == level && byte_options[i].name == name)
            return &byte_options[i];
    return NULL;
}

// IPPROTO_IP takes single bytes as well.
static int number_read(int level, uaddr_t value, u32 size, int *out)
{
    u8 byte;

    if (size >= sizeof(*out))
        return user_read(out, value, sizeof(*out));
    if (level != IPPROTO_IP)
        return -EINVAL;
    *out = 0;
    if (!size)
        return 0;
    if (user_read(&byte, value, 1))
        return -EFAULT;
    *out = byte;
    return 0;
}

static int byte_option_set(struct inet_socket *s, const struct byte_option *o, int value)
{
    u8 *field = (u8 *)&s->options + o->field;

    if (o->field == FIELD(v6_only) && s->binding.port)
        return -EINVAL;
    if (o->level == IPPROTO_IP && o->name == IP_TOS)
        value &= 0xff; // whatever it is, as Linux does
    if (o->flag)
        value = value != 0;
    else if (value == -1)
        value = o->reset;
    else if (value < o->low || value > o->high)
        return -EINVAL;
    *field = (u8)value;
    if (o->field == FIELD(v6_only))
        s->binding.v6_only = value;
    return 0;
}

// struct ip_mreq, ip_mreqn, or just an address of an own interface, by size.
static int interface_of_request(const struct ip_mreqn *r, u32 *out)
{
    struct net_interface *i = NULL;
    struct ip_address own = ip4_address(r->imr_address.s_addr);

    *out = (u32)r->imr_ifindex;
    if (r->imr_ifindex || !r->imr_address.s_addr)
        return 0;
    while ((i = interface_next(i)))
        if (interface_is_local(i, &own)) {
            *out = i->index;
            return 0;
        }
    return -ENODEV;
}

static int membership4(struct inet_socket *s, int name, uaddr_t value, u32 size)
{
    struct ip_mreqn r = {.imr_ifindex = 0};
    struct ip_address group;
    u32 interface;
    int error;

    if (size < sizeof(struct ip_mreq))
        return -EINVAL;
    if (user_read(&r, value, size >= sizeof(r) ? sizeof(r) : sizeof(struct ip_mreq)))
        return -EFAULT;
    error = interface_of_request(&r, &interface);
    group = ip4_address(r.imr_multiaddr.s_addr);
    if (!error)
        error = membership_change(&s->memberships, &group, interface, name == IP_ADD_MEMBERSHIP);
    return error;
}

static int membership6(struct inet_socket *s, int name, uaddr_t value, u32 size)
{
    struct ipv6_mreq r;
    struct ip_address group;

    if (size < sizeof(r))
        return -EINVAL;
    if (user_read(&r, value, sizeof(r)))
        return -EFAULT;
    memcpy(group.bytes, &r.ipv6mr_multiaddr, 16);
    return membership_change(&s->memberships, &group, (u32)r.ipv6mr_ifindex,
                             name == IPV6_ADD_MEMBERSHIP);
}

// MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP [RFC 3678]
static int membership_any(struct inet_socket *s, int name, uaddr_t value, u32 size)
{
    struct group_req r;
    struct socket_address a = {.size = sizeof(struct sockaddr_in6)};
    struct endpoint e;
    int error;

    if (size < sizeof(r))
        return -EINVAL;
    if (user_read(&r, value, sizeof(r)))
        return -EFAULT;
    memcpy(a.bytes, &r.gr_group, sizeof(struct sockaddr_in6));
    error = inet_address_read(s, &a, &e);
    if (!error)
        error = membership_change(&s->memberships, &e.address, r.gr_interface,
                                  name == MCAST_JOIN_GROUP);
    return error;
}

// IP_ADD_SOURCE_MEMBERSHIP and its kin: struct ip_mreq_source. [RFC 3678 4.1.3]
static int source4(struct inet_socket *s, int name, uaddr_t value, u32 size)
{
    struct ip_mreq_source r;
    struct ip_mreqn interface_request = {.imr_ifindex = 0};
    struct ip_address group, source;
    u32 interface;
    int error;

    if (size != sizeof(r))
        return -EINVAL;
    if (user_read(&r, value, sizeof(r)))
        return -EFAULT;
    group = ip4_address(r.imr_multiaddr);
    source = ip4_address(r.imr_sourceaddr);
    interface_request.imr_address.s_addr = r.imr_interface;
    error = interface_of_request(&interface_request, &interface);
    if (error)
        return error;
    return membership_source(&s->memberships, &group, interface, &source,
                             name == IP_ADD_SOURCE_MEMBERSHIP || name == IP_DROP_SOURCE_MEMBERSHIP,
                             name == IP_ADD_SOURCE_MEMBERSHIP || name == IP_BLOCK_SOURCE);
}

// MCAST_JOIN_SOURCE_GROUP and its kin [RFC 3678 5.1.3]
static int source_any(struct inet_socket *s, int name, uaddr_t value, u32 size)
{
    struct group_source_req r;
    struct socket_address a = {.size = sizeof(struct sockaddr_in6)};
    struct endpoint group, source;
    int error;

    if (size != sizeof(r))
        return -EINVAL;
    if (user_read(&r, value, sizeof(r)))
        return -EFAULT;
    memcpy(a.bytes, &r.gsr_group, sizeof(struct sockaddr_in6));
    error = inet_address_read(s, &a, &group);
    memcpy(a.bytes, &r.gsr_source, sizeof(struct sockaddr_in6));
    if (!error)
        error = inet_address_read(s, &a, &source);
    if (error)
        return error;
    return membership_source(&s->memberships, &group.address, r.gsr_interface, &source.address,
                             name == MCAST_JOIN_SOURCE_GROUP || name == MCAST_LEAVE_SOURCE_GROUP,
                             name == MCAST_JOIN_SOURCE_GROUP || name == MCAST_BLOCK_SOURCE);
}

static int multicast_interface_set(struct inet_socket *s, int level, uaddr_t value, u32 size)
{
    struct ip_mreqn r = {.imr_ifindex = 0};
    u32 interface;
    int error;

    if (level == IPPROTO_IPV6) {
        if (size < 4)
            return -EINVAL;
        error = user_read_u32(&interface, value);
    } else if (size < sizeof(r)) { // an address, or struct ip_mreq
        uaddr_t at = size >= sizeof(struct ip_mreq) ? value + 4 : value;
        if (size < 4)
            return -EINVAL;
        error = user_read_u32(&r.imr_address.s_addr, at);
        if (!error)
            error = interface_of_request(&r, &interface);
    } else {
        error = user_read(&r, value, sizeof(r));
        if (!error)
            error = interface_of_request(&r, &interface);
    }
    if (error)
        return error == -ENODEV ? -EADDRNOTAVAIL : error;
    if (interface && !interface_find(interface))
        return -ENODEV;
    s->options.multicast_interface = interface;
    s->options.multicast_source = ip4_address(r.imr_address.s_addr);
    return 0;
}

static int ip_set(struct inet_socket *s, int level, int name, uaddr_t value, u32 size)
{
    const struct byte_option *o = byte_option_find(level, name);
    int number, error;

    if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP)
        return membership_any(s, name, value, size);
    if (name >= MCAST_BLOCK_SOURCE && name <= MCAST_LEAVE_SOURCE_GROUP && name != MCAST_LEAVE_GROUP)
        return source_any(s, name, value, size);
    if (level == IPPROTO_IP && name >= IP_UNBLOCK_SOURCE && name <= IP_DROP_SOURCE_MEMBERSHIP)
        return source4(s, name, value, size);
    if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
        return membership4(s, name, value, size);
    if (level == IPPROTO_IPV6 && (name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP))
        return membership6(s, name, value, size);
    if (name == (level == IPPROTO_IP ? IP_MULTICAST_IF : IPV6_MULTICAST_IF))
        return multicast_interface_set(s, level, value, size);
    error = number_read(level, value, size, &number);
    if (error)
        return error;
    if (o)
        return byte_option_set(s, o, number);
    if (level == IPPROTO_IPV6 && name == IPV6_MTU) {
        if (number && number < (int)IP6_MTU_MIN)
            return -EINVAL;
        s->options.fragment_size = (u32)number;
        return 0;
    }
    if (level == IPPROTO_IPV6 ? name == IPV6_AUTOFLOWLABEL || name == IPV6_ADDR_PREFERENCES ||
                                    name == IPV6_DONTFRAG || name == IPV6_FLOWINFO_SEND
                              : name == IP_OPTIONS || name == IP_UNICAST_IF)
        return 0; // hints that change nothing here
    return -ENOPROTOOPT;
}

static int device_bind(struct inet_socket *s, uaddr_t value, u32 size)
{
    char name[INTERFACE_NAME_SIZE] = {0};
    struct net_interface *i = NULL;

    if (user_read(name, value, min(size, (u32)sizeof(name) - 1)))
        return -EFAULT;
    if (name[0]) {
        i = interface_find_name(name);
        if (!i)
            return -ENODEV;
    }
    s->interface = s->binding.interface = i ? i->index : 0;
    return 0;
}

static int socket_set(struct inet_socket *s, int name, uaddr_t value, u32 size)
{
    int number;

    if (name == SO_BINDTODEVICE)
        return device_bind(s, value, size);
    if (size < sizeof(number))
        return -EINVAL;
    if (user_read(&number, value, sizeof(number)))
        return -EFAULT;
    switch (name) {
    case SO_TIMESTAMPNS_OLD:
        s->options.timestamp_ns = number != 0;
        return 0;
    case SO_BINDTOIFINDEX:
        if (number < 0 || (number && !interface_find((u32)number)))
            return -ENODEV;
        s->interface = s->binding.interface = (u32)number;
        return 0;
    case SO_ZEROCOPY:
        if (s->socket.type == SOCK_RAW || s->socket.protocol == IPPROTO_ICMP ||
            s->socket.protocol == IPPROTO_ICMPV6)
            return -ENOTSUPP;
        if (number < 0 || number > 1)
            return -EINVAL;
        s->zero_copy = number;
        return 0;
    case SO_INCOMING_CPU:
    case SO_BUSY_POLL:
    case SO_RXQ_OVFL:
    case SO_MAX_PACING_RATE:
    case SO_TXREHASH:
        return 0; // accepted, and without effect
    default:
        return -ENOPROTOOPT;
    }
}

int inet_set_option(struct socket *socket, int level, int name, uaddr_t value, u32 size)
{
    struct inet_socket *s = inet_of(socket);

    if (level == SOL_SOCKET)
        return socket_set(s, name, value, size);
    if ((level == IPPROTO_IP && (socket->family == AF_INET || socket->type != SOCK_RAW)) ||
        (level == IPPROTO_IPV6 && socket->family == AF_INET6))
        return ip_set(s, level, name, value, size);
    return -ENOPROTOOPT;
}

static int value_write(uaddr_t to, u32 *size, const void *value, u32 value_size)
{
    *size = min(*size, value_size);
    return user_write(to, value, *size);
}

static int mtu_get(const struct inet_socket *s, int *out)
{
    struct route r;

    if (!s->remote.port)
        return -ENOTCONN;
    if (inet_route(s, &s->remote, &r))
        return -ENOTCONN;
    *out = (int)r.mtu;
    return 0;
}

static int ip_number_get(const struct inet_socket *s, int level, int name, int *out)
{
    const struct byte_option *o = byte_option_find(level, name);
    bool v4 = level == IPPROTO_IP;

    if (o) {
        *out = *((const u8 *)&s->options + o->field);
        if ((o->field == FIELD(ttl) || o->field == FIELD(hops)) && !*out)
            *out = (int)net_setting(v4 ? SET_TTL : SET_HOP_LIMIT);
        return 0;
    }
    if (name == (v4 ? IP_MTU : IPV6_MTU))
        return mtu_get(s, out);
    if (!v4 && name == IPV6_MULTICAST_IF) {
        *out = (int)s->options.multicast_interface;
        return 0;
    }
    return -ENOPROTOOPT;
}

static int socket_get(struct inet_socket *s, int name, uaddr_t value, u32 *size)
{
    struct net_interface *i = interface_find(s->interface);
    int number = 0;

    switch (name) {
    case SO_BINDTODEVICE:
        if (i && *size < INTERFACE_NAME_SIZE)
            return -EINVAL;
        return i ? value_write(value, size, i->name, (u32)strlen(i->name) + 1) : (*size = 0, 0);
    case SO_BINDTOIFINDEX:
        number = (int)s->interface;
        break;
    case SO_TIMESTAMPNS_OLD:
        number = s->options.timestamp_ns;
        break;
    case SO_ZEROCOPY:
        number = s->zero_copy;
        break;
    case SO_BUSY_POLL:
    case SO_INCOMING_CPU:
    case SO_INCOMING_NAPI_ID: // 0: no driver has queues with a number
    case SO_RXQ_OVFL:
        break;
    default:
        return -ENOPROTOOPT;
    }
    return value_write(value, size, &number, sizeof(number));
}

int inet_get_option(struct socket *socket, int level, int name, uaddr_t value, u32 *size)
{
    struct inet_socket *s = inet_of(socket);
    int number, error;
    u8 byte;

    if (level == SOL_SOCKET)
        return socket_get(s, name, value, size);
    if (level == IPPROTO_IP && socket->family == AF_INET6 && socket->type == SOCK_RAW)
        return -ENOPROTOOPT;
    if (level != IPPROTO_IP && (level != IPPROTO_IPV6 || socket->family != AF_INET6))
        return socket->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
    if (level == IPPROTO_IP && name == IP_OPTIONS)
        return (*size = 0, 0);
    if (level == IPPROTO_IP && name == IP_MULTICAST_IF)
        return value_write(value, size, &s->options.multicast_source.words[3], 4);
    error = ip_number_get(s, level, name, &number);
    if (error)
        return error;
    byte = (u8)number;
    if (level == IPPROTO_IP && *size && *size < sizeof(number) && number >= 0 && number <= 255)
        return value_write(value, size, &byte, 1);
    return value_write(value, size, &number, sizeof(number));
}
