// SPDX-License-Identifier: BSD-3-Clause
// UDP sockets: life, names, options. See udp.h for the locks.
#include "net/udp.h"

#include <linux/udp.h>

#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/ip_header.h"
#include "process/process.h"
#include "thread/thread.h"

#define SOL_UDP 17

static struct slab_cache udp_cache = SLAB_CACHE("udp_socket", struct udp_socket);
static const struct socket_ops udp_ops;

int udp_create(int family, int protocol, struct socket **out)
{
    struct udp_socket *s = slab_alloc(&udp_cache);

    if (!s)
        return -ENOBUFS;
    inet_init(&s->inet, &udp_ops, family, SOCK_DGRAM, protocol);
    s->inet.binding.no_share = true;
    s->references = 1;
    datagram_init(&s->queue);
    s->queue.header = sizeof(struct udp_header);
    *out = &s->inet.socket;
    return 0;
}

void udp_get(struct udp_socket *s)
{
    __atomic_add_fetch(&s->references, 1, __ATOMIC_RELAXED); // pairs with udp_put
}

void udp_put(struct udp_socket *s)
{
    if (__atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL)) // pairs with udp_get and itself
        return;
    datagram_clear(&s->queue);
    slab_free(&udp_cache, s);
}

static void udp_release(struct socket *socket)
{
    struct udp_socket *s = udp_of(socket);

    port_release(&udp_ports, &s->inet.binding);
    inet_leave_groups(&s->inet);
    packet_free(s->corked);
    s->corked = NULL;
    udp_put(s);
}

static void binding_fill(struct udp_socket *s)
{
    struct port_binding *b = &s->inet.binding;
    u32 flags = s->inet.socket.flags;

    b->uid = credentials_now()->euid;
    b->interface = s->inet.interface;
    b->reuse_address = flags & SOCKET_REUSE_ADDRESS;
    b->reuse_port = flags & SOCKET_REUSE_PORT;
}

int udp_autobind(struct udp_socket *s)
{
    int error = 0;

    if (!s->inet.binding.port) {
        binding_fill(s);
        error = port_bind(&udp_ports, &s->inet.binding, 0);
    }
    return error == -EADDRINUSE ? -EAGAIN : error;
}

static int udp_bind(struct socket *socket, const struct socket_address *a)
{
    struct udp_socket *s = udp_of(socket);
    struct port_binding *b = &s->inet.binding;
    struct endpoint e;
    int error = inet_address_read_own(&s->inet, a, &e);

    if (!error)
        error = inet_bind_check(&s->inet, &e);
    if (error)
        return error;
    lock_acquire(&s->lock);
    if (b->port) {
        error = -EINVAL;
    } else {
        struct ip_address before = b->address;
        b->address = e.address;
        if (e.scope && !s->inet.interface)
            s->inet.interface = e.scope;
        binding_fill(s);
        error = port_bind(&udp_ports, b, e.port);
        if (error)
            b->address = before;
        b->user_address = !error && !ip_is_any(&e.address);
        b->user_port = !error && e.port;
    }
    lock_release(&s->lock);
    return error;
}

static struct ip_address any_of(const struct udp_socket *s)
{
    return s->inet.socket.family == AF_INET ? ip4_address(0) : (struct ip_address){.words = {0}};
}

static void disconnect(struct udp_socket *s)
{
    bool release = !s->inet.binding.user_port;

    port_lock(&udp_ports);
    s->inet.remote = (struct endpoint){any_of(s), 0, 0};
    if (!s->inet.binding.user_address)
        s->inet.binding.address = any_of(s);
    lock_release(&udp_ports.lock);
    s->route.interface = NULL;
    if (release)
        port_release(&udp_ports, &s->inet.binding);
}

static int udp_connect(struct socket *socket, const struct socket_address *a, bool nonblock)
{
    struct udp_socket *s = udp_of(socket);
    struct endpoint e;
    struct route r;
    int error;

    if (a->size < sizeof(a->family))
        return -EINVAL;
    lock_acquire(&s->lock);
    if (a->family == AF_UNSPEC) {
        disconnect(s);
        lock_release(&s->lock);
        return 0;
    }
    error = inet_address_read(&s->inet, a, &e);
    if (!error) {
        inet_destination(&e);
        error =
            ip_is_link_local(&e.address) && !e.scope && !s->inet.interface ? -EINVAL
                                                                           : inet_route(&s->inet,
                                                                                        &e, &r);
    }
    if (!error && r.broadcast && !(socket->flags & SOCKET_BROADCAST))
        error = -EACCES;
    if (!error)
        error = udp_autobind(s);
    if (!error) {
        port_lock(&udp_ports);
        if (!s->inet.binding.user_address)
            s->inet.binding.address = r.source;
        s->inet.remote = e;
        lock_release(&udp_ports.lock);
        s->route = r;
    }
    lock_release(&s->lock);
    return error;
}

static s64 udp_receive_call(struct socket *s, struct message *m)
{
    return datagram_receive(&udp_of(s)->queue, inet_of(s), m);
}

static u32 udp_poll(struct socket *s, struct poll_table *table)
{
    return datagram_poll(&udp_of(s)->queue, inet_of(s), table);
}

static int udp_shutdown(struct socket *s, bool reads, bool writes)
{
    return datagram_shutdown(&udp_of(s)->queue, inet_of(s), reads, writes);
}

static s64 udp_ioctl(struct socket *s, u32 command, u64 argument)
{
    return datagram_ioctl(&udp_of(s)->queue, s, command, argument);
}

static int udp_set_option(struct socket *socket, int level, int name, uaddr_t value, u32 size)
{
    struct udp_socket *s = udp_of(socket);
    int number;

    if (level != SOL_UDP)
        return inet_set_option(socket, level, name, value, size);
    if (size < sizeof(number))
        return -EINVAL;
    if (user_read(&number, value, sizeof(number)))
        return -EFAULT;
    switch (name) {
    case UDP_CORK:
        s->cork = number != 0;
        return s->cork ? 0 : udp_cork_flush(s);
    case UDP_SEGMENT:
        if (number < 0 || number > 0xffff)
            return -EINVAL;
        s->gso_size = (u16)number;
        return 0;
    case UDP_GRO:
        s->gro = number != 0;
        return 0;
    case UDP_NO_CHECK6_TX:
        s->no_check6_tx = number != 0;
        return 0;
    case UDP_NO_CHECK6_RX:
        s->no_check6_rx = number != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int udp_get_option(struct socket *socket, int level, int name, uaddr_t value, u32 *size)
{
    const struct udp_socket *s = udp_of(socket);
    int number;

    if (level != SOL_UDP)
        return inet_get_option(socket, level, name, value, size);
    switch (name) {
    case UDP_CORK:
        number = s->cork;
        break;
    case UDP_SEGMENT:
        number = s->gso_size;
        break;
    case UDP_GRO:
        number = s->gro;
        break;
    case UDP_NO_CHECK6_TX:
        number = s->no_check6_tx;
        break;
    case UDP_NO_CHECK6_RX:
        number = s->no_check6_rx;
        break;
    default:
        return -ENOPROTOOPT;
    }
    *size = min(*size, (u32)sizeof(number));
    return user_write(value, &number, *size);
}

static const struct socket_ops udp_ops = {
    .bind = udp_bind,
    .connect = udp_connect,
    .send = udp_send,
    .batch_end = udp_batch_end,
    .receive = udp_receive_call,
    .poll = udp_poll,
    .shutdown = udp_shutdown,
    .name = inet_name,
    .set_option = udp_set_option,
    .get_option = udp_get_option,
    .ioctl = udp_ioctl,
    .release = udp_release,
};
