// SPDX-License-Identifier: BSD-3-Clause
#include "net/datagram_socket.h"

#include "base/string.h"
#include "memory/heap.h"
#include "net/multicast.h"

static struct slab_cache socket_cache = SLAB_CACHE("datagram_socket", struct datagram_socket);

void receivers_lock(struct receivers *r)
{
    lock_acquire(&r->lock);
    if (!r->sockets.next)
        list_init(&r->sockets);
}

int datagram_create(struct receivers *r, const struct socket_ops *ops, int family, int type,
                    int protocol, struct socket **out)
{
    struct datagram_socket *s = slab_alloc(&socket_cache);

    if (!s)
        return -ENOBUFS;
    inet_init(&s->inet, ops, family, type, protocol);
    datagram_init(&s->queue);
    s->checksum_offset = ~0u;
    receivers_lock(r);
    list_push_back(&r->sockets, &s->node);
    __atomic_add_fetch(&r->count, 1, __ATOMIC_RELAXED); // pairs with the look before receiving
    lock_release(&r->lock);
    *out = &s->inet.socket;
    return 0;
}

void datagram_destroy(struct receivers *r, struct datagram_socket *s)
{
    receivers_lock(r);
    list_remove(&s->node);
    __atomic_sub_fetch(&r->count, 1, __ATOMIC_RELAXED);
    lock_release(&r->lock);
    inet_leave_groups(&s->inet);
    datagram_clear(&s->queue);
    slab_free(&socket_cache, s);
}

int datagram_bind(struct socket *socket, const struct socket_address *a)
{
    struct inet_socket *s = inet_of(socket);
    struct endpoint e;
    int error = inet_address_read_own(s, a, &e);

    if (!error)
        error = inet_bind_check(s, &e);
    if (error)
        return error;
    s->binding.address = e.address;
    s->binding.user_address = !ip_is_any(&e.address);
    if (e.scope && !s->interface)
        s->interface = e.scope;
    return 0;
}

int datagram_connect(struct socket *socket, const struct socket_address *a, bool nonblock)
{
    struct inet_socket *s = inet_of(socket);
    struct endpoint e;
    struct route r;
    int error;

    if (socket->family == AF_INET6 && a->size >= sizeof(a->family) && a->family == AF_INET)
        return -EAFNOSUPPORT;
    if (a->size >= sizeof(a->family) && a->family == AF_UNSPEC) {
        s->remote.port = 0;
        memset(s->remote.address.bytes + 12, 0, 4);
        return 0;
    }
    error = inet_address_read(s, a, &e);
    if (error)
        return error;
    inet_destination(&e);
    error = inet_route(s, &e, &r);
    if (error)
        return error;
    if (ip_is_any(&s->binding.address))
        s->binding.address = r.source;
    s->peer_nameless = !e.port;
    e.port = e.port ? e.port : 1; // says that it is connected
    s->remote = e;
    return 0;
}

s64 datagram_receive_call(struct socket *s, struct message *m)
{
    return datagram_receive(&datagram_of(s)->queue, inet_of(s), m);
}

u32 datagram_poll_call(struct socket *s, struct poll_table *table)
{
    return datagram_poll(&datagram_of(s)->queue, inet_of(s), table);
}

int datagram_shutdown_call(struct socket *s, bool reads, bool writes)
{
    return datagram_shutdown(&datagram_of(s)->queue, inet_of(s), reads, writes);
}

s64 datagram_ioctl_call(struct socket *s, u32 command, u64 argument)
{
    return datagram_ioctl(&datagram_of(s)->queue, s, command, argument);
}

bool datagram_matches(const struct datagram_socket *s, const struct ip_address *local,
                      const struct ip_address *remote, u32 interface)
{
    const struct inet_socket *i = &s->inet;

    if (ip_is_v4(local) != (i->socket.family == AF_INET))
        return false;
    if (!ip_is_any(&i->binding.address) && !ip_equal(&i->binding.address, local) &&
        !ip_is_multicast(local))
        return false;
    if (i->remote.port && !ip_equal(&i->remote.address, remote))
        return false;
    if (ip_is_multicast(local) && !membership_allows(i, local, remote, interface))
        return false;
    return !i->interface || i->interface == interface;
}

int datagram_packet(struct message *m, struct packet **out)
{
    size_t size = m->io->left;
    struct packet *p;
    s64 moved;

    if (size > PACKET_SIZE_MAX)
        return -EMSGSIZE;
    p = packet_alloc((u32)size);
    if (!p)
        return -ENOBUFS;
    moved = size ? io_get(m->io, packet_append(p, (u32)size), size) : 0;
    if (moved < (s64)size) {
        packet_free(p);
        return -EFAULT;
    }
    *out = p;
    return 0;
}
