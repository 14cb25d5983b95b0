// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX: how sockets find each other. connect makes the other end itself, an *embryo*, and leaves
// it with the listener: both can send at once, before accept has been called. [unix(7)]
#include "net/settings.h"
#include "net/unix.h"

#include "process/process.h"
#include "thread/thread.h"

int unix_pair(struct socket *a, struct socket *b)
{
    struct unix_socket *ends[2] = {unix_of(a), unix_of(b)};

    for (int i = 0; i < 2; i++) {
        ends[i]->peer = unix_get(ends[1 - i]);
        ends[i]->socket.peer = unix_credentials();
        ends[i]->state = unix_is_datagram(ends[i]) ? UNIX_IDLE : UNIX_CONNECTED;
    }
    return 0;
}

int unix_listen(struct socket *socket, int backlog)
{
    struct unix_socket *s = unix_of(socket);
    int error = 0;

    if (unix_is_datagram(s))
        return -EOPNOTSUPP;
    lock_acquire(&s->lock);
    if (!s->name || (s->state != UNIX_IDLE && s->state != UNIX_LISTENING)) {
        error = -EINVAL;
    } else {
        s->state = UNIX_LISTENING;
        s->backlog = min((u32)backlog, net_setting(SET_SOMAXCONN));
        s->socket.listening = true;
        s->socket.peer = unix_credentials();
    }
    lock_release(&s->lock);
    wait_queue_wake(&s->write_wait, UNIX_WRITE_EVENTS); // a larger backlog
    return error;
}

static bool backlog_has_room(void *arg)
{
    const struct unix_socket *listener = arg;
    return listener->state != UNIX_LISTENING || listener->embryo_count <= listener->backlog;
}

// The other end of s, as the listener will accept it.
static int embryo_new(struct unix_socket *s, struct unix_socket *listener, struct unix_socket **out)
{
    struct unix_socket *embryo;
    int error = unix_new(s->socket.type, &embryo);

    if (error)
        return error;
    embryo->state = UNIX_CONNECTED;
    embryo->embryo = true;
    embryo->peer = unix_get(s);
    embryo->socket.peer = unix_credentials();
    embryo->socket.flags = listener->socket.flags & SOCKET_PASS_CRED;
    embryo->name = listener->name;
    __atomic_add_fetch(&embryo->name->references, 1, __ATOMIC_RELAXED); // pairs with unix_name_put
    *out = embryo;
    return 0;
}

// Makes s the end of the embryo. Nobody else knows the embryo yet.
static int connect_own_end(struct unix_socket *s, struct unix_socket *embryo, struct ucred peer)
{
    int error = 0;

    lock_acquire(&s->lock);
    if (s->state == UNIX_CONNECTED)
        error = -EISCONN;
    else if (s->state != UNIX_IDLE)
        error = -EINVAL;
    if (!error) {
        s->state = UNIX_CONNECTED;
        s->peer = unix_get(embryo);
        s->socket.peer = peer;
    }
    lock_release(&s->lock);
    return error;
}

// Puts the embryo into the listener's queue, when that has room. The listener's lock is held.
static int embryo_leave(struct unix_socket *listener, struct unix_socket *s,
                        struct unix_socket *embryo, bool nonblock, u64 deadline)
{
    int error = 0;

    if (listener->state == UNIX_LISTENING && !backlog_has_room(listener))
        error = nonblock ? -EAGAIN
                         : wait_until_locked(&listener->write_wait, &listener->lock, deadline,
                                             WAIT_INTERRUPTIBLE, backlog_has_room, listener);
    if (error)
        return socket_wait_error(error, s->socket.send_timeout);
    if (listener->state != UNIX_LISTENING)
        return -ECONNREFUSED;
    list_push_back(&listener->embryos, &embryo->embryo_node);
    listener->embryo_count++;
    return 0;
}

// Undoes connect_own_end.
static void disconnect(struct unix_socket *s)
{
    struct unix_socket *peer;

    lock_acquire(&s->lock);
    peer = s->peer;
    s->peer = NULL;
    s->state = UNIX_IDLE;
    lock_release(&s->lock);
    if (peer)
        unix_put(peer);
}

static int stream_connect(struct unix_socket *s, struct unix_socket *listener, bool nonblock)
{
    u64 deadline = socket_deadline(s->socket.send_timeout);
    struct unix_socket *embryo;
    int error;

    if (listener->state != UNIX_LISTENING)
        return s->state == UNIX_CONNECTED ? -EISCONN : -ECONNREFUSED;
    error = embryo_new(s, listener, &embryo);
    if (error)
        return error;
    error = connect_own_end(s, embryo, listener->socket.peer);
    if (!error) {
        lock_acquire(&listener->lock);
        error = embryo_leave(listener, s, embryo, nonblock, deadline);
        lock_release(&listener->lock);
        if (error)
            disconnect(s);
    }
    if (!error) {
        wait_queue_wake_one(&listener->read_wait, UNIX_READ_EVENTS);
        return 0;
    }
    unix_put(embryo->peer);
    embryo->peer = NULL;
    unix_close(embryo);
    return error;
}

// A datagram socket's peer is only where it sends to, and whom it hears. NULL: none.
static int datagram_connect(struct unix_socket *s, struct unix_socket *to)
{
    struct unix_socket *old;

    if (to) {
        struct unix_socket *its = unix_peer(to);
        bool busy = its && its != s;
        if (its)
            unix_put(its);
        if (busy)
            return -EPERM;
        unix_get(to);
    }
    lock_acquire(&s->lock);
    old = s->peer;
    s->peer = to;
    lock_release(&s->lock);
    if (old)
        unix_put(old);
    return 0;
}

int unix_connect(struct socket *socket, const struct socket_address *a, bool nonblock)
{
    struct unix_socket *s = unix_of(socket), *to;
    int error;

    if (a->size < sizeof(a->family))
        return -EINVAL;
    if (unix_is_datagram(s) && a->family == AF_UNSPEC)
        return datagram_connect(s, NULL);
    error = unix_find(a, socket->type, &to);
    if (error)
        return error;
    error = unix_is_datagram(s) ? datagram_connect(s, to) : stream_connect(s, to, nonblock);
    unix_put(to);
    return error;
}

static bool has_embryo(void *arg)
{
    const struct unix_socket *s = arg;
    return !list_empty(&s->embryos) || s->shut_read;
}

int unix_accept(struct socket *socket, bool nonblock, struct socket **out)
{
    u64 deadline = socket_deadline(socket->receive_timeout);
    struct unix_socket *s = unix_of(socket), *embryo = NULL;
    int error = 0;

    if (unix_is_datagram(s))
        return -EOPNOTSUPP;
    lock_acquire(&s->lock);
    if (s->state != UNIX_LISTENING)
        error = -EINVAL;
    else if (!has_embryo(s))
        error = nonblock ? -EAGAIN
                         : wait_until_locked(&s->read_wait, &s->lock, deadline,
                                             WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, has_embryo, s);
    error = socket_wait_error(error, socket->receive_timeout);
    if (!error && list_empty(&s->embryos))
        error = -EINVAL; // shut down
    if (!error) {
        embryo = list_first(&s->embryos, struct unix_socket, embryo_node);
        list_remove(&embryo->embryo_node);
        s->embryo_count--;
    }
    lock_release(&s->lock);
    if (error)
        return error;
    lock_acquire(&embryo->lock);
    embryo->embryo = false;
    lock_release(&embryo->lock);
    wait_queue_wake_one(&s->write_wait, UNIX_WRITE_EVENTS); // room for another
    *out = &embryo->socket;
    return 0;
}
