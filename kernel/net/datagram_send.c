// SPDX-License-Identifier: BSD-3-Clause
// What sends of datagram sockets share: destination, control data, route.
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "base/string.h"
#include "net/datagram.h"
#include "net/interface.h"

#define SOL_UDP 17

int datagram_send_check(struct datagram_queue *q, struct inet_socket *s, struct message *m)
{
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (q->shut_write)
        return (int)socket_broken_pipe(m->flags);
    return socket_take_error(&s->socket);
}

int datagram_destination(const struct inet_socket *s, const struct message *m, struct endpoint *out)
{
    int error = 0;

    if (m->address && m->address->size) {
        error = inet_address_read(s, m->address, out);
        if (!error)
            inet_destination(out);
        return error;
    }
    *out = s->remote;
    return s->remote.port ? 0 : -EDESTADDRREQ;
}

static int number_of(const struct control_header *h, s32 *out)
{
    u32 size = (u32)(h->size - sizeof(*h));
    u8 byte;

    if (size >= sizeof(*out)) {
        memcpy(out, h + 1, sizeof(*out));
    } else {
        if (!size)
            return -EINVAL;
        memcpy(&byte, h + 1, 1);
        *out = byte;
    }
    return *out < -1 || *out > 255 ? -EINVAL : 0;
}

static int info4(const struct control_header *h, struct datagram_control *out)
{
    struct in_pktinfo info;

    if (h->size != sizeof(*h) + sizeof(info))
        return -EINVAL;
    memcpy(&info, h + 1, sizeof(info));
    out->interface = (u32)info.ipi_ifindex;
    out->source = ip4_address(info.ipi_spec_dst.s_addr);
    return 0;
}

static int info6(const struct control_header *h, struct datagram_control *out)
{
    struct in6_pktinfo info;

    if (h->size < sizeof(*h) + sizeof(info))
        return -EINVAL;
    memcpy(&info, h + 1, sizeof(info));
    out->interface = (u32)info.ipi6_ifindex;
    memcpy(out->source.bytes, &info.ipi6_addr, 16);
    return 0;
}

static int control_one(const struct control_header *h, struct datagram_control *out)
{
    switch (h->level) {
    case IPPROTO_IP:
        if (h->type == IP_PKTINFO)
            return info4(h, out);
        if (h->type == IP_TTL)
            return number_of(h, &out->ttl);
        return h->type == IP_TOS ? number_of(h, &out->tos) : -EINVAL;
    case IPPROTO_IPV6:
        if (h->type == IPV6_PKTINFO)
            return info6(h, out);
        if (h->type == IPV6_HOPLIMIT)
            return number_of(h, &out->ttl);
        return h->type == IPV6_TCLASS ? number_of(h, &out->tos) : -EINVAL;
    case SOL_UDP:
        if (h->type != UDP_SEGMENT || h->size != sizeof(*h) + sizeof(u16))
            return -EINVAL;
        memcpy(&out->gso_size, h + 1, sizeof(u16));
        return 0;
    case SOL_SOCKET:
        return h->type == SO_MARK ? 0 : -EINVAL;
    default:
        return 0; // not ours: ignored
    }
}

int datagram_control_read(const struct message *m, struct datagram_control *out)
{
    const struct control_header *h;
    size_t offset = 0;
    int error;

    *out = (struct datagram_control){.ttl = -1, .tos = -1, .gso_size = 0xffff};
    while ((h = message_next_control(m, &offset, &error))) {
        error = control_one(h, out);
        if (error)
            return error;
    }
    return error;
}

int datagram_route(const struct inet_socket *s, const struct endpoint *to,
                   const struct datagram_control *c, struct route *r, struct ip_send *fields)
{
    struct endpoint via = *to;
    int error;

    if (c->interface)
        via.scope = c->interface;
    error = inet_route(s, &via, r);
    if (error)
        return error;
    if (r->broadcast && !(s->socket.flags & SOCKET_BROADCAST))
        return -EACCES;
    inet_send_fields(s, to, r, fields);
    if (!ip_is_any(&c->source)) {
        if (!interface_is_local(NULL, &c->source) && !s->options.free_bind)
            return -EINVAL;
        fields->source = c->source;
    }
    if (c->ttl > 0)
        fields->hop_limit = (u8)c->ttl;
    if (c->tos >= 0)
        fields->traffic_class = (u8)c->tos;
    return 0;
}
