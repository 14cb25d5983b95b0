// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX: packets on their way. A stream is a queue of packets too, of which a receive may take a
// part or several. See unix.h for who holds what.
#include "net/unix.h"

#include "base/string.h"
#include "memory/heap.h"
#include "net/filter.h"

#define CHUNK_SIZE                                                                                 \
    (16384 - sizeof(struct unix_packet)) // of a stream: whole pages, small enough to be cached

void unix_packet_free(struct unix_packet *p)
{
    struct unix_socket *sender = p->sender;

    __atomic_sub_fetch(&sender->charge, p->charge,
                       __ATOMIC_SEQ_CST); // pairs with has_buffer, unix_poll
    if (unix_has_room(sender))
        wait_queue_wake(&sender->write_wait, UNIX_WRITE_EVENTS);
    unix_rights_free(p->rights);
    heap_free(p);
    unix_put(sender);
}

// A packet with the next `size` bytes of the message. rights and credentials go over to it.
static int packet_new(struct unix_socket *sender, struct message *m, size_t size,
                      struct unix_packet **out)
{
    struct unix_packet *p = heap_alloc(sizeof(*p) + size);
    s64 moved;

    if (!p)
        return -ENOBUFS;
    moved = size ? io_get(m->io, p->data, size) : 0;
    if (moved < 0 || (size_t)moved < size) {
        heap_free(p);
        return -EFAULT;
    }
    p->size = (u32)size;
    p->charge = (u32)(sizeof(*p) + size);
    p->sender = unix_get(sender);
    __atomic_add_fetch(&sender->charge, p->charge, __ATOMIC_RELAXED); // pairs with unix_packet_free
    *out = p;
    return 0;
}

static bool has_buffer(void *arg)
{
    const struct unix_socket *s = arg;
    return __atomic_load_n(&s->charge, __ATOMIC_SEQ_CST) < s->socket.send_buffer || s->shut_write;
}

static int wait_for_buffer(struct unix_socket *s, bool nonblock, u64 deadline)
{
    int error = 0;

    if (!has_buffer(s)) {
        if (nonblock)
            return -EAGAIN;
        error = wait_until(&s->write_wait, deadline, WAIT_INTERRUPTIBLE, has_buffer, s);
        error = socket_wait_error(error, s->socket.send_timeout);
    }
    if (!error)
        error = socket_take_error(&s->socket);
    return !error && s->shut_write ? -EPIPE : error;
}

// Puts the packet into the receiver's queue. -EPIPE, -ECONNREFUSED, -EPERM, or -EAGAIN: it is full.
static int packet_push(struct unix_socket *to, struct unix_packet *p)
{
    int error = 0;

    lock_acquire(&to->lock);
    if (to->state == UNIX_CLOSED)
        error = unix_is_datagram(to) ? -ECONNREFUSED : -EPIPE;
    else if (to->shut_read)
        error = -EPIPE;
    else if (unix_is_datagram(to) && to->peer && to->peer != p->sender)
        error = -EPERM; // it listens to somebody else
    else if (unix_is_datagram(to) && !to->peer && to->queue_count > UNIX_DATAGRAM_MAX)
        error = -EAGAIN;
    if (!error) {
        list_push_back(&to->queue, &p->node);
        to->queue_count++;
    }
    lock_release(&to->lock);
    if (!error)
        wait_queue_wake(&to->read_wait, UNIX_READ_EVENTS | POLLRDBAND);
    return error;
}

static s64 stream_send_all(struct unix_socket *s, struct unix_socket *peer, struct message *m,
                           const struct ucred *credentials, struct unix_rights **rights)
{
    u64 deadline = socket_deadline(s->socket.send_timeout);
    struct unix_packet *p;
    s64 done = 0;
    int error = 0;

    while (m->io->left && !error) {
        size_t size = min(m->io->left, CHUNK_SIZE);
        error = wait_for_buffer(s, m->nonblock, deadline);
        if (!error)
            error = packet_new(s, m, size, &p);
        if (error)
            break;
        p->credentials = *credentials;
        p->rights = *rights;
        *rights = NULL; // they travel with the first byte
        error = packet_push(peer, p);
        if (error)
            unix_packet_free(p);
        else
            done += (s64)size;
    }
    if (error == -EPIPE && !done)
        return socket_broken_pipe(m->flags);
    return done ? done : error;
}

s64 unix_stream_send(struct socket *socket, struct message *m)
{
    struct unix_socket *s = unix_of(socket), *peer;
    struct unix_rights *rights = NULL;
    struct ucred credentials;
    s64 result;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    peer = unix_peer(s);
    if (m->address && m->address->size)
        result = peer ? -EISCONN : -EOPNOTSUPP;
    else
        result = peer ? unix_control_send(m, &credentials, &rights) : -ENOTCONN;
    if (!result && s->shut_write)
        result = socket_broken_pipe(m->flags);
    else if (!result) {
        unix_control_sign(s, peer, &credentials);
        result = stream_send_all(s, peer, m, &credentials, &rights);
    }
    unix_rights_free(rights);
    if (peer)
        unix_put(peer);
    return result;
}

// Whom a datagram goes to: the address, or the peer.
static int packet_receiver(struct unix_socket *s, const struct message *m, struct unix_socket **out)
{
    if (unix_is_datagram(s) && m->address && m->address->size)
        return unix_find(m->address, SOCK_DGRAM, out);
    *out = unix_peer(s);
    return *out ? 0 : -ENOTCONN;
}

// A connected datagram socket whose peer has gone is connected no more.
static void peer_gone(struct unix_socket *s, struct unix_socket *peer)
{
    bool drop;

    lock_acquire(&s->lock);
    drop = s->peer == peer && unix_is_datagram(s);
    if (drop)
        s->peer = NULL;
    lock_release(&s->lock);
    if (drop)
        unix_put(peer);
}

static bool queue_has_room(void *arg)
{
    const struct unix_socket *to = arg;
    return __atomic_load_n(&to->queue_count, __ATOMIC_RELAXED) <= UNIX_DATAGRAM_MAX ||
           to->state == UNIX_CLOSED || to->shut_read;
}

static int packet_deliver(struct unix_socket *s, struct unix_socket *to, struct unix_packet *p,
                          bool nonblock, u64 deadline)
{
    int error;

    while ((error = packet_push(to, p)) == -EAGAIN && !nonblock) {
        error = wait_until(&to->write_wait, deadline, WAIT_INTERRUPTIBLE, queue_has_room, to);
        if (error)
            return socket_wait_error(error, s->socket.send_timeout);
    }
    if (error == -ECONNREFUSED)
        peer_gone(s, to);
    return error;
}

static s64 packet_send_to(struct unix_socket *s, struct unix_socket *to, struct message *m,
                          const struct ucred *credentials, struct unix_rights **rights)
{
    u64 deadline = socket_deadline(s->socket.send_timeout);
    size_t size = m->io->left;
    struct unix_packet *p;
    u32 wanted;
    int error;

    if (size > s->socket.send_buffer - 32)
        return -EMSGSIZE;
    error = wait_for_buffer(s, m->nonblock, deadline);
    if (!error)
        error = packet_new(s, m, size, &p);
    if (error)
        return error;
    p->credentials = *credentials;
    p->rights = *rights;
    *rights = NULL;
    wanted = filter_run_bytes(&to->socket, p->data, p->size);
    p->size = min(p->size, wanted);
    error = wanted ? packet_deliver(s, to, p, m->nonblock, deadline) : 0;
    if (!error && wanted)
        return (s64)size;
    unix_packet_free(p);
    return error ? error : (s64)size; // who refuses it says nothing
}

s64 unix_packet_send(struct socket *socket, struct message *m)
{
    struct unix_socket *s = unix_of(socket), *to = NULL;
    struct unix_rights *rights = NULL;
    struct ucred credentials;
    s64 result;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    result = packet_receiver(s, m, &to);
    if (!result)
        result = unix_control_send(m, &credentials, &rights);
    if (!result) {
        unix_control_sign(s, to, &credentials);
        result = packet_send_to(s, to, m, &credentials, &rights);
    }
    unix_rights_free(rights);
    if (to)
        unix_put(to);
    return result;
}
