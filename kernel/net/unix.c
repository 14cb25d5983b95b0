// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX sockets: how they begin and end, poll, shutdown. See unix.h.
#include "net/unix.h"

#include <asm/ioctls.h>
#include <linux/sockios.h>

#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

static struct slab_cache unix_cache = SLAB_CACHE("unix_socket", struct unix_socket);

static const struct socket_ops unix_stream_ops, unix_packet_ops;

int unix_new(int type, struct unix_socket **out)
{
    struct unix_socket *s = slab_alloc(&unix_cache);

    if (!s)
        return -ENOMEM;
    socket_init(&s->socket, type == SOCK_STREAM ? &unix_stream_ops : &unix_packet_ops, AF_UNIX,
                type);
    s->references = 1;
    list_init(&s->queue);
    list_init(&s->embryos);
    list_init(&s->embryo_node);
    wait_queue_init(&s->read_wait);
    wait_queue_init(&s->write_wait);
    *out = s;
    return 0;
}

static int unix_create(int type, int protocol, struct socket **out)
{
    struct unix_socket *s;
    int error;

    if (protocol && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (type == SOCK_RAW)
        type = SOCK_DGRAM;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    error = unix_new(type, &s);
    if (!error)
        *out = &s->socket;
    return error;
}

const struct socket_family unix_family = {.family = AF_UNIX, .create = unix_create};

struct unix_socket *unix_get(struct unix_socket *s)
{
    __atomic_add_fetch(&s->references, 1, __ATOMIC_RELAXED); // pairs with unix_put
    return s;
}

void unix_put(struct unix_socket *s)
{
    if (__atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL)) // pairs with unix_get and itself
        return;
    if (s->name)
        unix_name_put(s->name);
    slab_free(&unix_cache, s);
}

struct unix_socket *unix_peer(struct unix_socket *s)
{
    struct unix_socket *peer;

    lock_acquire(&s->lock);
    peer = s->peer ? unix_get(s->peer) : NULL;
    lock_release(&s->lock);
    return peer;
}

struct ucred unix_credentials(void)
{
    const struct credentials *c = credentials_now();
    return (struct ucred){thread_process()->pid, c->euid, c->egid};
}

static void shut(struct unix_socket *s, bool reads, bool writes, int error)
{
    lock_acquire(&s->lock);
    s->shut_read |= reads;
    s->shut_write |= writes;
    lock_release(&s->lock);
    if (error)
        __atomic_store_n(&s->socket.error, error, __ATOMIC_RELAXED); // pairs with socket_take_error
    wait_queue_wake(&s->read_wait, UNIX_READ_EVENTS | POLLRDHUP | (reads && writes ? POLLHUP : 0));
    wait_queue_wake(&s->write_wait, UNIX_WRITE_EVENTS | (error ? POLLERR : 0));
}

static void packets_free(struct list *queue)
{
    struct list *node;

    while ((node = list_pop_front(queue)))
        unix_packet_free(list_entry(node, struct unix_packet, node));
}

static void list_take(struct list *to, struct list *from)
{
    struct list *node;

    list_init(to);
    while ((node = list_pop_front(from)))
        list_push_back(to, node);
}

void unix_close(struct unix_socket *s)
{
    struct list queue, embryos, *node;
    struct unix_socket *peer;
    bool embryo, unread;

    unix_name_drop(s);
    lock_acquire(&s->lock);
    embryo = s->embryo;
    s->state = UNIX_CLOSED;
    s->shut_read = s->shut_write = true;
    peer = s->peer;
    s->peer = NULL;
    unread = !list_empty(&s->queue);
    list_take(&queue, &s->queue);
    s->queue_count = 0;
    list_take(&embryos, &s->embryos);
    lock_release(&s->lock);
    wait_queue_wake(&s->write_wait,
                    UNIX_WRITE_EVENTS | POLLERR); // who waits to send to it, or to connect
    wait_queue_wake(&s->read_wait, UNIX_READ_EVENTS | POLLHUP);
    if (peer && !unix_is_datagram(s))
        shut(peer, true, true, unread || embryo ? ECONNRESET : 0);
    if (peer)
        unix_put(peer);
    packets_free(&queue);
    while ((node = list_pop_front(&embryos)))
        unix_close(list_entry(node, struct unix_socket, embryo_node));
    unix_put(s);
}

static void unix_release(struct socket *s)
{
    unix_close(unix_of(s));
}

static int unix_shutdown(struct socket *socket, bool reads, bool writes)
{
    struct unix_socket *s = unix_of(socket);
    struct unix_socket *peer = unix_peer(s);

    shut(s, reads, writes, 0);
    if (!peer)
        return 0;
    if (!unix_is_datagram(s))
        shut(peer, writes, reads, 0);
    unix_put(peer);
    return 0;
}

// As Linux: room is announced when three quarters of the buffer are free.
bool unix_has_room(const struct unix_socket *s)
{
    u64 charge = __atomic_load_n(&s->charge, __ATOMIC_RELAXED); // pairs with unix_packet_free
    return charge * 4 <= s->socket.send_buffer;
}

static u32 unix_poll(struct socket *socket, struct poll_table *table)
{
    struct unix_socket *s = unix_of(socket);
    u32 events = 0;

    poll_wait(table, &s->read_wait);
    poll_wait(table, &s->write_wait);
    lock_acquire(&s->lock);
    if (__atomic_load_n(&socket->error, __ATOMIC_RELAXED)) // pairs with shut
        events |= POLLERR;
    if (s->shut_read)
        events |= POLLRDHUP | UNIX_READ_EVENTS;
    if (s->shut_read && s->shut_write)
        events |= POLLHUP;
    if (!list_empty(&s->queue) || !list_empty(&s->embryos))
        events |= UNIX_READ_EVENTS;
    if (!unix_is_datagram(s) && s->state == UNIX_IDLE)
        events |= POLLHUP;
    if (s->state != UNIX_LISTENING && unix_has_room(s))
        events |= UNIX_WRITE_EVENTS;
    lock_release(&s->lock);
    return events;
}

static s64 unix_ioctl(struct socket *socket, u32 command, u64 argument)
{
    struct unix_socket *s = unix_of(socket);
    const struct unix_packet *p;
    u32 size = 0;

    switch (command) {
    case FIONREAD: // SIOCINQ
        lock_acquire(&s->lock);
        list_for_each(p, &s->queue, node)
        {
            size += p->size - p->offset;
            if (socket->type != SOCK_STREAM)
                break;
        }
        lock_release(&s->lock);
        return socket->listening ? -EINVAL : user_write_u32(argument, size);
    case TIOCOUTQ: // SIOCOUTQ
        return user_write_u32(argument, s->charge);
    default:
        return -ENOTTY;
    }
}

static const struct socket_ops unix_stream_ops = {
    .pair = unix_pair,
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .send = unix_stream_send,
    .receive = unix_stream_receive,
    .poll = unix_poll,
    .shutdown = unix_shutdown,
    .name = unix_name_of,
    .ioctl = unix_ioctl,
    .release = unix_release,
};

static const struct socket_ops unix_packet_ops = {
    .pair = unix_pair,
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .send = unix_packet_send,
    .receive = unix_packet_receive,
    .poll = unix_poll,
    .shutdown = unix_shutdown,
    .name = unix_name_of,
    .ioctl = unix_ioctl,
    .release = unix_release,
};
