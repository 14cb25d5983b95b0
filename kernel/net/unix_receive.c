// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX: receiving. Data is copied with the socket's lock held; packets that are used up are
// freed, and files handed over, behind it.
#include "net/unix.h"

struct stream_read { // one receive from a stream
    struct unix_socket *s;
    struct message *m;
    s64 done;
    int error;
    bool peek;
    bool begun; // the next two are those of the first packet
    struct ucred credentials;
    struct unix_rights *rights;
    struct list used; // packets to be freed
};

static bool is_readable(void *arg)
{
    const struct unix_socket *s = arg;
    return !list_empty(&s->queue) || s->shut_read ||
           __atomic_load_n(&s->socket.error, __ATOMIC_RELAXED); // pairs with shut in unix.c
}

static bool wants_credentials(const struct unix_socket *s)
{
    return __atomic_load_n(&s->socket.flags, __ATOMIC_RELAXED) & SOCKET_PASS_CRED;
}

static bool same_sender(const struct ucred *a, const struct ucred *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

// A sender without a name has no address at all here, not even a family.
static void sender_name(const struct unix_packet *p, struct message *m)
{
    if (m->address && p->sender->name)
        unix_name_copy(p->sender, m->address);
}

// Sleeps until there is something, or returns why not. Lock held.
static int wait_readable(struct unix_socket *s, bool nonblock, u64 deadline)
{
    int error;

    if (is_readable(s))
        return 0;
    if (nonblock)
        return -EAGAIN;
    error =
        wait_until_locked(&s->read_wait, &s->lock, deadline, WAIT_INTERRUPTIBLE, is_readable, s);
    return socket_wait_error(error, s->socket.receive_timeout);
}

// What comes with the first byte of a packet: address, credentials, rights.
static int packet_begin(struct stream_read *r, struct unix_packet *p)
{
    if (!r->begun) {
        r->begun = true;
        r->credentials = p->credentials;
        sender_name(p, r->m);
    }
    if (!p->rights)
        return 0;
    if (r->peek) {
        r->rights = unix_rights_copy(p->rights);
        return r->rights ? 0 : -ENOMEM;
    }
    r->rights = p->rights;
    p->rights = NULL;
    return 0;
}

// Takes what one packet gives. True: the next one may join. Lock held.
static bool packet_take(struct stream_read *r, struct unix_packet *p)
{
    u32 there = p->size - p->offset;
    s64 moved;

    if (r->begun && wants_credentials(r->s) && !same_sender(&r->credentials, &p->credentials))
        return false;
    r->error = packet_begin(r, p);
    if (r->error)
        return false;
    moved = io_put(r->m->io, p->data + p->offset, min((size_t)there, r->m->io->left));
    if (moved < 0) {
        r->error = (int)moved;
        return false;
    }
    r->done += moved;
    if (!r->peek)
        p->offset += (u32)moved;
    if (moved < there)
        return false;
    if (!r->peek) {
        list_remove(&p->node);
        r->s->queue_count--;
        list_push_back(&r->used, &p->node);
    }
    return !r->rights; // data of two messages with files is never glued together
}

// Takes what is in the queue. True: it is empty, and more may come. Lock held.
static bool queue_take(struct stream_read *r)
{
    struct unix_packet *p, *next;

    list_for_each_safe(p, next, &r->s->queue,
                       node) if (!r->m->io->left || !packet_take(r, p)) return false;
    return r->m->io->left > 0 || !r->done; // a receive of 0 bytes waits for data too, as on Linux
}

static void used_free(struct stream_read *r)
{
    struct list *node;

    while ((node = list_pop_front(&r->used)))
        unix_packet_free(list_entry(node, struct unix_packet, node));
}

// Runs the receive up to its end; the lock is held on entry and on return.
static int stream_read_run(struct stream_read *r, u64 deadline)
{
    bool wait_all = r->m->flags & MSG_WAITALL;
    struct unix_socket *s = r->s;
    int error;

    for (;;) {
        if (!queue_take(r) || (r->done && (!wait_all || r->peek)))
            return r->error;
        error = r->done ? 0 : socket_take_error(&s->socket);
        if (error || s->shut_read)
            return error;
        lock_release(&s->lock);
        used_free(r);
        lock_acquire(&s->lock);
        error = wait_readable(s, r->m->nonblock, deadline);
        if (error)
            return error;
    }
}

s64 unix_stream_receive(struct socket *socket, struct message *m)
{
    struct stream_read r = {.s = unix_of(socket), .m = m, .peek = m->flags & MSG_PEEK};
    u64 deadline = socket_deadline(socket->receive_timeout);
    int error;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    list_init(&r.used);
    lock_acquire(&r.s->lock);
    error = r.s->state == UNIX_CONNECTED ? stream_read_run(&r, deadline) : -EINVAL;
    lock_release(&r.s->lock);
    used_free(&r);
    if (r.begun) {
        int control_error = unix_control_receive(r.s, m, &r.credentials, r.rights);
        if (!r.done && !error)
            error = control_error;
    }
    return r.done ? r.done : error;
}

// Takes one packet's data; *out_size is that of the packet. Lock held.
static s64 packet_copy(struct unix_packet *p, struct message *m, struct unix_rights **out_rights)
{
    size_t size = min((size_t)p->size, m->io->left);
    s64 moved = size ? io_put(m->io, p->data, size) : 0;

    sender_name(p, m);
    *out_rights = p->rights;
    if (p->rights && (m->flags & MSG_PEEK)) {
        *out_rights = unix_rights_copy(p->rights);
        if (!*out_rights)
            return -ENOMEM;
    } else {
        p->rights = NULL;
    }
    return moved;
}

// Lock held; on return it is not. p: the packet, if it was taken off.
static s64 packet_receive_locked(struct unix_socket *s, struct message *m, struct unix_packet **out,
                                 struct unix_rights **out_rights, struct ucred *out_credentials)
{
    struct unix_packet *p = list_first(&s->queue, struct unix_packet, node);
    s64 moved = packet_copy(p, m, out_rights);
    u32 size = p->size;

    *out_credentials = p->credentials;
    if (!(m->flags & MSG_PEEK)) {
        list_remove(&p->node);
        s->queue_count--;
        *out = p;
    }
    lock_release(&s->lock);
    if (moved < 0)
        return moved;
    if ((u32)moved == size)
        return moved;
    moved = m->flags & MSG_TRUNC ? size : moved;
    m->out_flags |= MSG_TRUNC;
    return moved;
}

s64 unix_packet_receive(struct socket *socket, struct message *m)
{
    u64 deadline = socket_deadline(socket->receive_timeout);
    struct unix_socket *s = unix_of(socket);
    struct unix_packet *taken = NULL;
    struct unix_rights *rights = NULL;
    struct ucred credentials;
    s64 result;
    int error;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    lock_acquire(&s->lock);
    error = unix_is_datagram(s) || s->state == UNIX_CONNECTED ? 0 : -ENOTCONN;
    if (!error)
        error = wait_readable(s, m->nonblock, deadline);
    if (!error)
        error = socket_take_error(socket);
    if (error || list_empty(&s->queue)) { // empty: shut down
        lock_release(&s->lock);
        return error;
    }
    result = packet_receive_locked(s, m, &taken, &rights, &credentials);
    if (taken && unix_is_datagram(s))
        wait_queue_wake(&s->write_wait, UNIX_WRITE_EVENTS); // who waits to send to it
    error = unix_control_receive(s, m, &credentials, rights);
    if (taken)
        unix_packet_free(taken);
    return error && result >= 0 ? error : result;
}
