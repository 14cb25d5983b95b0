// SPDX-License-Identifier: BSD-3-Clause
// Ping sockets. The kernel sets the identifier, which is the socket's port, and the checksum.
// [Linux's net/ipv4/ping.c says what they may send: echo requests only]
#include "net/mib.h"
#include "net/ping.h"

#include "base/string.h"
#include "driver/random.h"
#include "net/checksum.h"
#include "net/datagram_socket.h"
#include "net/ip_header.h"
#include "net/interface.h"
#include "net/work.h"

#define ECHO4 8
#define ECHO6 128

static struct receivers pings;
static const struct socket_ops ping_ops;

static struct datagram_socket *find_id(u16 id, bool v4)
{
    struct datagram_socket *s;

    list_for_each(s, &pings.sockets, node)
    {
        if (s->id == id && (s->inet.socket.family == AF_INET) == v4)
            return s;
    }
    return NULL;
}

static int id_take(struct datagram_socket *s, u16 wanted)
{
    bool v4 = s->inet.socket.family == AF_INET;
    int error = -EADDRINUSE;

    receivers_lock(&pings);
    for (u32 n = 0; n < 65536 && error; n++) {
        u16 id = wanted ? wanted : (u16)random_u64();
        if (id && !find_id(id, v4)) {
            s->id = s->inet.binding.port = id;
            error = 0;
        }
        if (wanted)
            break;
    }
    lock_release(&pings.lock);
    return error;
}

int ping_create(int family, int protocol, struct socket **out)
{
    return datagram_create(&pings, &ping_ops, family, SOCK_DGRAM, protocol, out);
}

static void ping_release(struct socket *s)
{
    datagram_destroy(&pings, datagram_of(s));
}

static int ping_bind(struct socket *socket, const struct socket_address *a)
{
    struct endpoint e;
    int error = inet_address_read_own(inet_of(socket), a, &e);

    if (!error && datagram_of(socket)->id)
        return -EINVAL;
    if (!error) {
        u16 id = e.port;
        error = datagram_bind(socket, a);
        if (!error)
            error = id_take(datagram_of(socket), id);
    }
    return error;
}

void ping_receive(struct packet *p, u16 id)
{
    struct datagram_socket *s;

    receivers_lock(&pings);
    s = find_id(id, ip_is_v4(&p->destination));
    if (s && datagram_matches(s, &p->destination, &p->source, p->interface->index)) {
        p->control[0] = p->control[1] = 0;
        datagram_push(&s->queue, &s->inet, p);
        p = NULL;
    }
    lock_release(&pings.lock);
    packet_free(p);
}

void ping_error(const struct ip_error *e)
{
    struct datagram_socket *s;
    struct icmp_header h;

    memcpy(&h, e->header, sizeof(h));
    if (h.type != (ip_is_v4(&e->destination) ? ECHO4 : ECHO6))
        return;
    receivers_lock(&pings);
    s = find_id(swap16(h.id), ip_is_v4(&e->destination));
    if (s)
        datagram_error(&s->queue, &s->inet, e, 0, 0);
    lock_release(&pings.lock);
}

static int ping_out(struct datagram_socket *s, struct message *m, const struct endpoint *to,
                    const struct datagram_control *c)
{
    bool v4 = ip_is_v4(&to->address);
    struct ip_send fields;
    struct packet *p;
    struct route r;
    u16 sum, id = swap16(s->id);
    int error = datagram_route(&s->inet, to, c, &r, &fields);

    if (!error)
        error = datagram_packet(m, &p);
    if (error)
        return error;
    if (p->size < sizeof(struct icmp_header) || p->data[0] != (v4 ? ECHO4 : ECHO6) || p->data[1]) {
        packet_free(p);
        return -EINVAL;
    }
    mib_icmp(v4, /*out=*/true, p->data[0]);
    memcpy(p->data + 4, &id, 2);
    memset(p->data + 2, 0, 2);
    if (v4) {
        sum = (u16)~checksum_fold(packet_sum(p, 0, p->total));
        memcpy(p->data + 2, &sum, 2);
    } else {
        checksum_prepare(p, &fields.source, &fields.destination, PROTOCOL_ICMP6, 2);
    }
    return ip_send(p, &r, &fields);
}

static s64 ping_send(struct socket *socket, struct message *m)
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
        error = -EAFNOSUPPORT;
    if (!error && !s->id)
        error = id_take(s, 0);
    if (!error)
        error = ping_out(s, m, &to, &c);
    net_work();
    return error ? error : (s64)size;
}

static const struct socket_ops ping_ops = {
    .bind = ping_bind,
    .connect = datagram_connect,
    .send = ping_send,
    .receive = datagram_receive_call,
    .poll = datagram_poll_call,
    .shutdown = datagram_shutdown_call,
    .name = inet_name,
    .set_option = inet_set_option,
    .get_option = inet_get_option,
    .ioctl = datagram_ioctl_call,
    .release = ping_release,
};
