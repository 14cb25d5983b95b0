// SPDX-License-Identifier: BSD-3-Clause
// Raw sockets: IPv4 ones receive whole packets with their header, IPv6 ones what is behind it. Sent
// is what is behind the header, or (IP_HDRINCL, IPPROTO_RAW) all of it. [raw(7), ipv6(7)]
#include "net/raw.h"

#include <linux/in.h>
#include <linux/in6.h>

#include "base/string.h"
#include "memory/user_copy.h"
#include "net/checksum.h"
#include "net/datagram_socket.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/udp.h"
#include "net/work.h"

#define SOL_RAW      255
#define ICMP_FILTER  1
#define SOL_ICMPV6   58
#define ICMP6_FILTER 1

static struct receivers raws;
static const struct socket_ops raw_ops;

int raw_create(int family, int protocol, struct socket **out)
{
    int error;

    if (protocol > 255)
        return -EINVAL;
    error = datagram_create(&raws, &raw_ops, family, SOCK_RAW, protocol, out);
    if (error)
        return error;
    inet_of(*out)->options.header_included = protocol == IPPROTO_RAW;
    inet_of(*out)->binding.port = (u16)protocol; // getsockname shows it
    if (protocol == IPPROTO_ICMPV6 && family == AF_INET6)
        datagram_of(*out)->checksum_offset = 2;
    return 0;
}

static void raw_release(struct socket *s)
{
    datagram_destroy(&raws, datagram_of(s));
}

static bool filter_passes(const struct datagram_socket *s, const struct packet *p)
{
    u8 type = p->size ? p->data[0] : 0;

    if (p->protocol == PROTOCOL_ICMP)
        return type >= 32 || !(s->icmp_filter >> type & 1);
    if (p->protocol == PROTOCOL_ICMP6)
        return !(s->icmp6_filter[type / 32] >> type % 32 & 1);
    return true;
}

void raw_visit(bool (*visit)(const struct udp_view *v, void *arg), void *arg)
{
    const struct datagram_socket *s;

    receivers_lock(&raws);
    list_for_each(s, &raws.sockets, node)
    {
        const struct inet_socket *i = &s->inet;
        struct udp_view v = {.local = {i->binding.address, i->binding.port, i->interface},
                             .remote = i->remote,
                             .receive_queue = s->queue.charge,
                             .uid = i->binding.uid,
                             .interface = i->interface,
                             .drops = s->queue.drops,
                             .v6 = i->socket.family == AF_INET6};
        if (!visit(&v, arg))
            break;
    }
    lock_release(&raws.lock);
}

bool raw_receive(const struct packet *p)
{
    bool v4 = ip_is_v4(&p->destination), taken = false;
    struct datagram_socket *s;

    if (likely(!__atomic_load_n(&raws.count, __ATOMIC_RELAXED))) // pairs with datagram_create
        return false;
    receivers_lock(&raws);
    list_for_each(s, &raws.sockets, node)
    {
        struct packet *copy;
        if (s->inet.socket.protocol != p->protocol ||
            !datagram_matches(s, &p->destination, &p->source, p->interface->index) ||
            !filter_passes(s, p))
            continue;
        copy = packet_clone(p);
        if (copy && !v4 && s->checksum_offset != ~0u && !checksum_verify(copy)) {
            packet_free(copy);
            copy = NULL;
        }
        if (!copy)
            continue;
        if (v4)
            packet_push(copy, (u32)(p->data - packet_network(p)));
        copy->control[0] = copy->control[1] = 0; // no ports
        datagram_push(&s->queue, &s->inet, copy);
        taken = true;
    }
    lock_release(&raws.lock);
    return taken;
}

// A whole packet of the user's: source, id, length and checksum are filled in. [raw(7)]
static int header_fix(struct packet *p, const struct route *r, const struct ip_send *fields)
{
    struct ip4_header *h = (struct ip4_header *)(void *)p->data;
    u32 size;

    if (p->size < IP4_HEADER)
        return -EINVAL;
    size = (h->version_size & 15) * 4u;
    if (size < IP4_HEADER || size > p->size)
        return -EINVAL;
    if (p->total > r->mtu)
        return -EMSGSIZE;
    h->total = swap16((u16)p->total);
    if (!h->source)
        h->source = fields->source.words[3];
    if (!h->id)
        h->id = (u16)ip_fragment_id(fields);
    h->checksum = 0;
    h->checksum = (u16)~checksum_sum(h, size);
    p->source = ip4_address(h->source);
    p->destination = fields->destination;
    return 0;
}

static int raw_out(struct datagram_socket *s, struct message *m, const struct endpoint *to,
                   const struct datagram_control *c)
{
    struct ip_send fields;
    struct packet *p;
    struct route r;
    int error = datagram_route(&s->inet, to, c, &r, &fields);

    if (!error)
        error = datagram_packet(m, &p);
    if (error)
        return error;
    if (s->inet.options.header_included) {
        error = s->inet.socket.family == AF_INET ? header_fix(p, &r, &fields)
                : p->size < IP6_HEADER           ? -EINVAL
                : p->total > r.mtu               ? -EMSGSIZE
                                                 : 0;
        if (!error && s->inet.socket.family == AF_INET6)
            p->destination = fields.destination;
        p->routed = r.local;
        if (!error)
            return ip_transmit(p, &r, fields.loop);
        packet_free(p);
        return error;
    }
    if (s->checksum_offset != ~0u && s->checksum_offset + 2 > p->size) {
        packet_free(p);
        return -EINVAL;
    }
    if (s->checksum_offset != ~0u)
        checksum_prepare(p, &fields.source, &fields.destination, fields.protocol,
                         s->checksum_offset);
    return ip_send(p, &r, &fields);
}

static s64 raw_send(struct socket *socket, struct message *m)
{
    struct datagram_socket *s = datagram_of(socket);
    size_t size = m->io->left;
    struct datagram_control c;
    struct endpoint to;
    int error = datagram_send_check(&s->queue, &s->inet, m);

    if (!error)
        error = datagram_destination(&s->inet, m, &to);
    if (!error)
        error = datagram_control_read(m, &c);
    if (!error && ip_is_v4(&to.address) != (socket->family == AF_INET))
        error = -EINVAL;
    if (!error)
        error = raw_out(s, m, &to, &c);
    net_work();
    return error ? error : (s64)size;
}

static int raw_set_option(struct socket *socket, int level, int name, uaddr_t value, u32 size)
{
    struct datagram_socket *s = datagram_of(socket);
    int number;

    if (level == SOL_RAW && name == ICMP_FILTER && socket->protocol == IPPROTO_ICMP)
        return size < 4 ? -EINVAL : user_read(&s->icmp_filter, value, 4);
    if (level == SOL_ICMPV6 && name == ICMP6_FILTER && socket->protocol == IPPROTO_ICMPV6)
        return user_read(s->icmp6_filter, value, min(size, (u32)sizeof(s->icmp6_filter)));
    if ((level == SOL_RAW || level == IPPROTO_IPV6) && name == IPV6_CHECKSUM &&
        socket->family == AF_INET6) {
        if (size < sizeof(number))
            return -EINVAL;
        if (user_read(&number, value, sizeof(number)))
            return -EFAULT;
        if ((level == IPPROTO_IPV6 && socket->protocol == IPPROTO_ICMPV6) ||
            (number > 0 && number % 2))
            return -EINVAL;
        s->checksum_offset = number < 0 ? ~0u : (u32)number;
        return 0;
    }
    return inet_set_option(socket, level, name, value, size);
}

static int raw_get_option(struct socket *socket, int level, int name, uaddr_t value, u32 *size)
{
    const struct datagram_socket *s = datagram_of(socket);

    if (level == SOL_RAW && name == ICMP_FILTER && socket->protocol == IPPROTO_ICMP) {
        *size = min(*size, 4u);
        return user_write(value, &s->icmp_filter, *size);
    }
    if (level == SOL_ICMPV6 && name == ICMP6_FILTER && socket->protocol == IPPROTO_ICMPV6) {
        *size = min(*size, (u32)sizeof(s->icmp6_filter));
        return user_write(value, s->icmp6_filter, *size);
    }
    if ((level == SOL_RAW || level == IPPROTO_IPV6) && name == IPV6_CHECKSUM &&
        socket->family == AF_INET6) {
        *size = min(*size, (u32)sizeof(s->checksum_offset));
        return user_write(value, &s->checksum_offset, *size); // -1: none
    }
    return inet_get_option(socket, level, name, value, size);
}

// There is nothing to shut down, as in Linux.
static int raw_shutdown(struct socket *s, bool reads, bool writes)
{
    return inet_of(s)->remote.port ? 0 : -ENOTCONN;
}

static const struct socket_ops raw_ops = {
    .bind = datagram_bind,
    .connect = datagram_connect,
    .send = raw_send,
    .receive = datagram_receive_call,
    .poll = datagram_poll_call,
    .shutdown = raw_shutdown,
    .name = inet_name,
    .set_option = raw_set_option,
    .get_option = raw_get_option,
    .ioctl = datagram_ioctl_call,
    .release = raw_release,
};
