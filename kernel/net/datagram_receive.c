// SPDX-License-Identifier: BSD-3-Clause
// Receiving from a datagram queue: waiting, copying, control data. [recv(2), ip(7), ipv6(7)]
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/time_types.h>
#include <linux/udp.h>

#include "base/string.h"
#include "linux/clock.h"
#include "net/datagram.h"
#include "net/datagram_error.h"
#include "net/interface.h"
#include "net/work.h"
#include "net/zero_copy.h"

struct wait_arg {
    struct datagram_queue *q;
    struct socket *socket;
};

static bool something(void *arg)
{
    const struct wait_arg *w = arg;

    return !list_empty(&w->q->packets) || w->q->shut_read ||
           __atomic_load_n(&w->socket->error, __ATOMIC_RELAXED); // pairs with datagram_error
}

// The first packet, taken off or (peek) as a copy. NULL: there is none.
static struct packet *packet_take(struct datagram_queue *q, bool peek)
{
    struct packet *p = NULL;

    lock_acquire(&q->lock);
    if (!list_empty(&q->packets)) {
        p = list_first(&q->packets, struct packet, node);
        if (peek) {
            p = packet_clone(p);
        } else {
            list_remove(&p->node);
            q->charge -= (u32)p->control[3];
        }
    }
    lock_release(&q->lock);
    return p;
}

int datagram_take(struct datagram_queue *q, struct inet_socket *s, struct message *m,
                  struct packet **out)
{
    struct wait_arg w = {q, &s->socket};
    u64 deadline = 0;
    int error;

    for (bool looked = false;;) {
        error = socket_take_error(&s->socket);
        *out = error ? NULL : packet_take(q, m->flags & MSG_PEEK);
        if (error || *out || (q->shut_read && !m->nonblock))
            return error;
        if (!looked) {
            (void)(m->nonblock ? net_work() : net_work_all());
            looked = true;
            continue;
        }
        if (m->nonblock)
            return -EAGAIN;
        if (!deadline)
            deadline = socket_deadline(s->socket.receive_timeout);
        error = wait_until(&q->wait, deadline, WAIT_INTERRUPTIBLE, something, &w);
        if (error)
            return socket_wait_error(error, s->socket.receive_timeout);
    }
}

static int put_time(const struct inet_socket *s, struct message *m, u64 time)
{
    struct __kernel_timespec ts = timespec_from_ns(time ? time : clock_realtime());
    struct __kernel_old_timeval tv = {ts.tv_sec, ts.tv_nsec / 1000};

    if (s->options.timestamp_ns)
        return message_put_control(m, SOL_SOCKET, SO_TIMESTAMPNS_OLD, &ts, sizeof(ts));
    return message_put_control(m, SOL_SOCKET, SO_TIMESTAMP_OLD, &tv, sizeof(tv));
}

static int put_info4(const struct packet *p, struct message *m)
{
    struct in_pktinfo info = {.ipi_ifindex = (int)p->interface->index};

    info.ipi_addr.s_addr = p->destination.words[3];
    if (interface_is_local(NULL, &p->destination))
        info.ipi_spec_dst.s_addr = p->destination.words[3];
    return message_put_control(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static int put_info6(const struct packet *p, struct message *m)
{
    struct in6_pktinfo info = {.ipi6_ifindex = (int)p->interface->index};

    memcpy(&info.ipi6_addr, p->destination.bytes, 16);
    return message_put_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static int put_number(struct message *m, int level, int type, int number)
{
    return message_put_control(m, level, type, &number, sizeof(number));
}

static int put_original(const struct packet *p, struct message *m)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = swap16((u16)p->control[1])};

    in.sin_addr.s_addr = p->destination.words[3];
    return message_put_control(m, IPPROTO_IP, IP_ORIGDSTADDR, &in, sizeof(in));
}

static int put_original6(const struct packet *p, struct message *m)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = swap16((u16)p->control[1])};

    memcpy(&in.sin6_addr, p->destination.bytes, 16);
    if (ip_is_link_local(&p->destination))
        in.sin6_scope_id = p->interface->index;
    return message_put_control(m, IPPROTO_IPV6, IPV6_ORIGDSTADDR, &in, sizeof(in));
}

// What the socket wants to know about the packet.
static int put_controls(const struct inet_socket *s, struct message *m, const struct packet *p)
{
    const struct inet_options *o = &s->options;
    bool v4 = ip_is_v4(&p->destination);
    u8 tos = p->traffic_class;
    int error = 0;

    if (o->timestamp_ns || (s->socket.flags & SOCKET_TIMESTAMP))
        error = put_time(s, m, p->time);
    if (!error && v4 && o->packet_info)
        error = put_info4(p, m);
    if (!error && v4 && o->receive_ttl)
        error = put_number(m, IPPROTO_IP, IP_TTL, p->hop_limit);
    if (!error && v4 && o->receive_tos)
        error = message_put_control(m, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    if (!error && v4 && o->receive_original)
        error = put_original(p, m);
    if (!error && p->gso == GSO_UDP) // several datagrams: this long is each
        error = put_number(m, IPPROTO_UDP, UDP_GRO, p->gso_size);
    if (s->socket.family == AF_INET)
        return error;
    if (!error && o->packet_info6)
        error = put_info6(p, m);
    if (!error && !v4 && o->receive_ttl6)
        error = put_number(m, IPPROTO_IPV6, IPV6_HOPLIMIT, p->hop_limit);
    if (!error && !v4 && o->receive_ttl6_old)
        error = put_number(m, IPPROTO_IPV6, IPV6_2292HOPLIMIT, p->hop_limit);
    if (!error && !v4 && o->receive_tos6)
        error = put_number(m, IPPROTO_IPV6, IPV6_TCLASS, p->traffic_class);
    if (!error && !v4 && o->receive_original6)
        error = put_original6(p, m);
    return error;
}

static s64 packet_give(struct inet_socket *s, struct message *m, const struct packet *p)
{
    struct endpoint from = {p->source, (u16)p->control[0], p->interface->index};
    s64 moved = packet_read(p, 0, m->io, p->total);
    int error;

    if (!s->options.timestamp_ns && !(s->socket.flags & SOCKET_TIMESTAMP) && (p->time || !s->stamp))
        s->stamp = p->time ? p->time : DATAGRAM_STAMP_LATER;
    if (moved < 0 || (moved < (s64)p->total && m->io->left))
        return -EFAULT;
    if (moved < (s64)p->total)
        m->out_flags |= MSG_TRUNC;
    if (m->address)
        inet_address_write(s, &from, m->address);
    error = put_controls(s, m, p);
    if (error)
        return error;
    return m->flags & MSG_TRUNC ? (s64)p->total : moved;
}

static int put_error(const struct inet_socket *s, struct message *m, const struct datagram_error *e)
{
    struct {
        struct sock_extended_err extended;
        u8 offender[sizeof(struct sockaddr_in6)];
    } data = {.extended = e->extended};
    struct endpoint offender = {e->offender, 0, 0};
    bool v4 = ip_is_v4(&e->destination.address);
    struct inet_socket as = {.socket.family = v4 ? AF_INET : AF_INET6};
    struct socket_address a;

    inet_address_write(&as, &offender, &a);
    memcpy(data.offender, a.bytes, a.size);
    inet_address_write(s, &e->destination, &a);
    if (m->address)
        *m->address = a;
    return message_put_control(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR,
                               &data, sizeof(data.extended) + (v4 ? 16 : 28));
}

static s64 error_receive(struct datagram_queue *q, struct inet_socket *s, struct message *m)
{
    struct datagram_error *e = NULL;
    s64 moved;
    int error;

    lock_acquire(&q->lock);
    if (!list_empty(&q->errors)) {
        e = list_entry(list_pop_front(&q->errors), struct datagram_error, node);
        q->error_count--;
    }
    if (e) { // SO_ERROR is the next one's; pairs with socket_take_error
        u32 next = list_empty(&q->errors)
                       ? 0
                       : list_first(&q->errors, struct datagram_error, node)->extended.ee_errno;
        __atomic_store_n(&s->socket.error, (int)next, __ATOMIC_RELAXED);
    }
    lock_release(&q->lock);
    if (!e)
        return zero_copy_receive(s, m);
    moved = packet_read(e->packet, 0, m->io, e->packet->total);
    if (moved >= 0 && moved < (s64)e->packet->total)
        m->out_flags |= MSG_TRUNC;
    m->out_flags |= MSG_ERRQUEUE;
    error = put_error(s, m, e);
    datagram_error_free(e);
    return error ? error : moved;
}

s64 datagram_receive(struct datagram_queue *q, struct inet_socket *s, struct message *m)
{
    struct packet *p;
    s64 result;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (m->flags & MSG_ERRQUEUE)
        return error_receive(q, s, m);
    result = datagram_take(q, s, m, &p);
    if (result || !p) // none: the socket is shut down
        return result;
    result = packet_give(s, m, p);
    packet_free(p);
    return result;
}
