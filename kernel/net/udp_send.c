// SPDX-License-Identifier: BSD-3-Clause
// Sending UDP: one datagram, corked pieces of one, or many of one size in one packet (UDP_SEGMENT, and batches that
// sendmmsg makes), which the device or segment.c cuts. [udp(7)]
#include <linux/in.h>

#include "base/string.h"
#include "net/checksum.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_header.h"
#include "net/mib.h"
#include "net/udp.h"
#include "net/work.h"
#include "net/zero_copy.h"

#define PAYLOAD_MAX  (PACKET_SIZE_MAX - IP4_HEADER - (u32)sizeof(struct udp_header))
#define SEGMENTS_MAX 128u // UDP_MAX_SEGMENTS
#define BATCH_MAX    64u  // datagrams: more would not fit into receivers' queues

static bool has_checksum(const struct udp_socket *s, const struct endpoint *to)
{
    return ip_is_v4(&to->address) ? !(s->inet.socket.flags & SOCKET_NO_CHECK) : !s->no_check6_tx;
}

static int datagram_out(struct udp_socket *s, struct packet *p, const struct endpoint *to,
                        const struct route *r, const struct ip_send *fields)
{
    struct udp_header *h = (struct udp_header *)(void *)packet_push(p, sizeof(*h));

    h->source = swap16(s->inet.binding.port);
    h->destination = swap16(to->port);
    h->size = swap16((u16)p->total);
    h->checksum = 0;
    if (has_checksum(s, to))
        checksum_prepare(p, &fields->source, &fields->destination, IPPROTO_UDP,
                         offsetof(struct udp_header, checksum));
    mib_count_ip(&fields->destination, MIB_UDP_OUT);
    return ip_send(p, r, fields);
}

// Reads `size` bytes of the message to the end of p.
static int message_take(struct packet *p, struct message *m, u32 size)
{
    s64 moved = size ? io_get(m->io, packet_append(p, size), size) : 0;

    return moved == (s64)size ? 0 : -EFAULT;
}

// Only on the way to a device are many datagrams one packet: all receivers on this machine would cut it again.
static bool goes_whole(const struct udp_socket *s, const struct endpoint *to, const struct route *r)
{
    return has_checksum(s, to) && !r->local && !r->multicast && !r->broadcast &&
           !(r->interface->flags & IFF_LOOPBACK);
}

static int whole_out(struct udp_socket *s, struct message *m, const struct endpoint *to,
                     const struct route *r, const struct ip_send *fields, u16 size)
{
    struct packet *p = packet_alloc((u32)m->io->left);
    int error = p ? message_take(p, m, (u32)m->io->left) : -ENOBUFS;

    if (error) {
        packet_free(p);
        return error;
    }
    p->gso = GSO_UDP;
    p->gso_size = size;
    return datagram_out(s, p, to, r, fields);
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
    u32 size = (u32)m->io->left, before;
    int error;

    if (!s->corked) {
        s->corked = packet_alloc(PAYLOAD_MAX);
        s->cork_to = *to;
    }
    if (!s->corked)
        return -ENOBUFS;
    if (size > PAYLOAD_MAX - s->corked->total)
        return -EMSGSIZE;
    before = s->corked->total;
    error = message_take(s->corked, m, size);
    if (error)
        packet_trim(s->corked, before);
    return error;
}

static int cork_send(struct udp_socket *s)
{
    struct datagram_control c = {.ttl = -1, .tos = -1};
    struct packet *p = s->corked;
    u16 each = s->batch_size;
    struct ip_send fields;
    struct route r;
    int error;

    s->corked = NULL;
    s->batch_size = 0;
    if (!p || (each && !p->total)) {
        packet_free(p);
        return 0;
    }
    if (each && p->total > each) {
        p->gso = GSO_UDP;
        p->gso_size = each;
    }
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

// The datagram joins those of the same sendmmsg that are held back.
static bool batch_joins(const struct udp_socket *s, const struct message *m, const struct endpoint *to)
{
    return s->batch_size == m->io->left && to->port == s->cork_to.port && to->scope == s->cork_to.scope &&
           ip_equal(&to->address, &s->cork_to.address) &&
           s->corked->total + s->batch_size <= min(PAYLOAD_MAX, BATCH_MAX * s->batch_size);
}

static bool batch_may_begin(const struct udp_socket *s, const struct message *m, const struct endpoint *to,
                            const struct route *r)
{
    return m->io->left && (r->interface->features & INTERFACE_USO) && goes_whole(s, to, r) &&
           m->io->left + sizeof(struct udp_header) + IP6_HEADER <= r->mtu;
}

void udp_batch_end(struct socket *socket)
{
    struct udp_socket *s = udp_of(socket);

    lock_acquire(&s->lock);
    if (s->batch_size)
        (void)cork_send(s); // what fails here is lost as on the wire
    lock_release(&s->lock);
    net_work();
}

static int send_locked(struct udp_socket *s, struct message *m, const struct endpoint *to,
                       const struct datagram_control *c)
{
    bool more = s->cork || (m->flags & MSG_MORE);
    u16 gso = c->gso_size != 0xffff ? c->gso_size : s->gso_size;
    bool batch = (m->flags & MSG_BATCH) && !m->control_size && !more && !gso;
    struct ip_send fields;
    struct route r;
    int error;

    if (s->batch_size && batch && batch_joins(s, m, to))
        return cork_add(s, m, to);
    if (s->batch_size)
        (void)cork_send(s);
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
    if (gso && m->io->left > gso && goes_whole(s, to, &r))
        return whole_out(s, m, to, &r, &fields, gso);
    if (batch && batch_may_begin(s, m, to, &r)) {
        s->batch_size = (u16)m->io->left;
        return cork_add(s, m, to);
    }
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
    if (!error)
        zero_copy_sent(&s->inet, m, &s->queue.wait);
    return error ? error : (s64)size;
}
