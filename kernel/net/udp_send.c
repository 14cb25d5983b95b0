// SPDX-License-Identifier: BSD-3-Clause
// Sending UDP: one datagram, corked pieces of one, or (UDP_SEGMENT) many of one size. [udp(7)]
#include <linux/in.h>

#include "base/string.h"
#include "net/checksum.h"
#include "net/interface.h"
#include "net/ip_header.h"
#include "net/udp.h"
#include "net/work.h"

#define PAYLOAD_MAX  (PACKET_SIZE_MAX - IP4_HEADER - (u32)sizeof(struct udp_header))
#define SEGMENTS_MAX 128u // UDP_MAX_SEGMENTS

static int datagram_out(struct udp_socket *s, struct packet *p, const struct endpoint *to,
                        const struct route *r, const struct ip_send *fields)
{
    struct udp_header *h = (struct udp_header *)(void *)packet_push(p, sizeof(*h));
    bool v4 = ip_is_v4(&to->address);

    h->source = swap16(s->inet.binding.port);
    h->destination = swap16(to->port);
    h->size = swap16((u16)p->total);
    h->checksum = 0;
    if (!(v4 ? (s->inet.socket.flags & SOCKET_NO_CHECK) != 0 : s->no_check6_tx))
        checksum_prepare(p, &fields->source, &fields->destination, IPPROTO_UDP,
                         offsetof(struct udp_header, checksum));
    return ip_send(p, r, fields);
}

// Reads `size` bytes of the message to the end of p.
static int message_take(struct packet *p, struct message *m, u32 size)
{
    s64 moved = size ? io_get(m->io, packet_append(p, size), size) : 0;

    return moved == (s64)size ? 0 : -EFAULT;
}

static int segments_out(struct udp_socket *s, struct message *m, const struct endpoint *to,
                        const struct route *r, const struct ip_send *fields, u32 size)
{
    u32 left = (u32)m->io->left;
    int error = 0;

    do {
        u32 part = size ? min(size, left) : left;
        struct packet *p = packet_alloc(part);
        if (!p)
            return -ENOBUFS;
        error = message_take(p, m, part);
        if (error)
            packet_free(p);
        else
            error = datagram_out(s, p, to, r, fields);
        left -= part;
    } while (left && !error);
    return error;
}

// The route of a connected socket is kept; all else is looked up.
static int route_of(struct udp_socket *s, const struct message *m, const struct endpoint *to,
                    const struct datagram_control *c, struct route *r, struct ip_send *fields)
{
    bool connected = !(m->address && m->address->size);
    int error;

    if (connected && !m->control_size && route_current(&s->route)) {
        *r = s->route;
        inet_send_fields(&s->inet, to, r, fields);
        return 0;
    }
    error = datagram_route(&s->inet, to, c, r, fields);
    if (!error && connected && !m->control_size)
        s->route = *r;
    return error;
}

// Adds the message to what is corked. lock held.
static int cork_add(struct udp_socket *s, struct message *m, const struct endpoint *to)
{
    u32 size = (u32)m->io->left;

    if (!s->corked) {
        s->corked = packet_alloc(PAYLOAD_MAX);
        s->cork_to = *to;
    }
    if (!s->corked)
        return -ENOBUFS;
    if (size > PAYLOAD_MAX - s->corked->total)
        return -EMSGSIZE;
    return message_take(s->corked, m, size);
}

static int cork_send(struct udp_socket *s)
{
    struct datagram_control c = {.ttl = -1, .tos = -1};
    struct packet *p = s->corked;
    struct ip_send fields;
    struct route r;
    int error;

    s->corked = NULL;
    if (!p)
        return 0;
    error = datagram_route(&s->inet, &s->cork_to, &c, &r, &fields);
    if (error)
        packet_free(p);
    else
        error = datagram_out(s, p, &s->cork_to, &r, &fields);
    return error;
}

int udp_cork_flush(struct udp_socket *s)
{
    int error;

    lock_acquire(&s->lock);
    error = cork_send(s);
    lock_release(&s->lock);
    net_work();
    return error;
}

static int send_locked(struct udp_socket *s, struct message *m, const struct endpoint *to,
                       const struct datagram_control *c)
{
    bool more = s->cork || (m->flags & MSG_MORE);
    u16 gso = c->gso_size != 0xffff ? c->gso_size : s->gso_size;
    struct ip_send fields;
    struct route r;
    int error;

    if (more || s->corked) {
        error = cork_add(s, m, to);
        return error || more ? error : cork_send(s);
    }
    error = route_of(s, m, to, c, &r, &fields);
    if (error)
        return error;
    if (gso && (m->io->left > (size_t)gso * SEGMENTS_MAX ||
                gso + sizeof(struct udp_header) + IP4_HEADER > r.mtu))
        return -EINVAL;
    return segments_out(s, m, to, &r, &fields, gso);
}

s64 udp_send(struct socket *socket, struct message *m)
{
    struct udp_socket *s = udp_of(socket);
    size_t size = m->io->left;
    struct datagram_control c;
    struct endpoint to;
    int error;

    lock_acquire(&s->lock);
    error = udp_autobind(s); // before any other error [Linux's inet_send_prepare]
    lock_release(&s->lock);
    if (error)
        return error;
    if (size > PACKET_SIZE_MAX)
        return -EMSGSIZE;
    error = datagram_send_check(&s->queue, &s->inet, m);
    if (!error)
        error = datagram_destination(&s->inet, m, &to);
    if (!error && !to.port)
        error = -EINVAL;
    if (!error)
        error = datagram_control_read(m, &c);
    if (!error && size > PAYLOAD_MAX && ip_is_v4(&to.address))
        error = -EMSGSIZE;
    if (error)
        return error;
    lock_acquire(&s->lock);
    error = send_locked(s, m, &to, &c);
    lock_release(&s->lock);
    net_work();
    return error ? error : (s64)size;
}
