// SPDX-License-Identifier: BSD-3-Clause
// send and receive on TCP sockets: one copy in, one copy out. [tcp(7), send(2), recv(2)]
#include <linux/tcp.h>

#include "base/string.h"
#include "linux/clock.h"
#include "net/tcp_connection.h"
#include "net/work.h"
#include "net/zero_copy.h"

// Sizes of the buffers, as set or as they have grown.
void connection_buffers(struct tcp_connection *c)
{
    const struct socket *s = &c->inet.socket;

    c->space_fixed = s->receive_buffer != c->receive_auto;
    c->send_fixed = s->send_buffer != c->send_auto;
    if (c->space_fixed)
        c->space = max(min(s->receive_buffer / 2, TCP_BUFFER_MAX), 1u);
}

// What stands in the queue is copied again, by the host, and that should find it in the caches.
#define SEND_AHEAD (128u << 10)
#define SEND_HOT   (64u << 10) // so much unacknowledged: look for ACKs at once, they give memory back

// Bytes that may stand in the send queue: what is needed to keep the window full, and something to follow it. Not
// more: what waits long is cold in the caches when it is sent.
static u32 send_limit(const struct tcp_connection *c)
{
    const struct socket *s = &c->inet.socket;
    u32 full;

    if (s->send_buffer != c->send_auto)
        return max(s->send_buffer / 2, 2048u);
    full = min(c->congestion.window, c->send_window);
    full += min(full, SEND_AHEAD);
    return max(min(full, net_setting(SET_TCP_WMEM_MAX)), TCP_SEND_INITIAL);
}

static u32 send_room(const struct tcp_connection *c)
{
    u32 used = send_queue_unacknowledged(&c->send), limit = send_limit(c);

    return used < limit ? limit - used : 0;
}

bool connection_writable(const struct tcp_connection *c)
{
    return c->state != TCP_SYN_SENT && send_room(c) >= min(send_limit(c) / 3, SEND_AHEAD / 2);
}

u32 connection_readable(const struct tcp_connection *c)
{
    u32 bytes = c->receive.bytes;
    u32 ahead = c->urgent_sequence - c->receive.copied;

    // The urgent byte is not of the stream unless SO_OOBINLINE.
    if (c->urgent != URGENT_NONE && ahead < bytes && !(c->inet.socket.flags & SOCKET_OOB_INLINE))
        return ahead ? ahead : bytes - 1;
    return bytes;
}

static bool may_send(const struct tcp_connection *c)
{
    return (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT) && !c->shut_write;
}

static bool connecting(const struct tcp_connection *c)
{
    return c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;
}

static bool send_ready(void *arg)
{
    const struct tcp_connection *c = arg;

    if (connecting(c))
        return false;
    return !may_send(c) || c->inet.socket.error || send_room(c);
}

// Waits for room. Lock held.
static int send_wait(struct tcp_connection *c, const struct message *m, u64 deadline)
{
    struct socket *s = &c->inet.socket;
    int error = 0;

    if (!send_ready(c)) {
        if (m->nonblock)
            return -EAGAIN;
        // What is written so far is on its way; loopback brings it over without the lock.
        connection_unlock(c);
        net_work_all();
        connection_lock(c);
        error = wait_until_locked(&c->write_wait, &c->lock, deadline, WAIT_INTERRUPTIBLE,
                                  send_ready, c);
        c->now = 0;
        error = socket_wait_error(error, s->send_timeout);
    }
    if (!error)
        error = socket_take_error(s);
    return !error && !may_send(c) ? -EPIPE : error;
}

static s64 send_some(struct tcp_connection *c, struct message *m, u64 deadline, bool *urgent)
{
    struct tcp_send_queue *q = &c->send;
    s64 moved;
    int error = send_wait(c, m, deadline);

    if (error)
        return error;
    moved = send_queue_write(q, m->io, min(m->io->left, (size_t)max(send_room(c), 1u)));
    c->now = 0; // that was long, perhaps
    if (moved > 0 && *urgent && !m->io->left) {
        c->urgent_end = q->end;
        c->urgent_sending = true;
    }
    if (moved > 0) {
        c->more = (m->flags & MSG_MORE) && !m->io->left;
        connection_output(c);
    }
    return moved;
}

s64 tcp_send(struct socket *s, struct message *m)
{
    struct tcp_connection *c = tcp_of(s);
    u64 deadline = socket_deadline(s->send_timeout);
    bool urgent = m->flags & MSG_OOB;
    s64 done = 0, moved = 0;
    bool hot;

    connection_lock(c);
    if (!c->remote_set || c->state == TCP_LISTENING) {
        moved = c->inet.socket.error ? socket_take_error(s) : -EPIPE;
    } else if (!m->io->left) {
        moved = may_send(c) || connecting(c) ? 0 : -EPIPE;
    } else {
        while (m->io->left && (moved = send_some(c, m, deadline, &urgent)) > 0)
            done += moved;
    }
    hot = send_queue_unacknowledged(&c->send) >= SEND_HOT;
    connection_unlock(c);
    (void)(hot ? net_work_all() : net_work());
    if (moved == -EPIPE && !done)
        return socket_broken_pipe(m->flags);
    if (done)
        zero_copy_sent(&c->inet, m, &c->read_wait);
    return done ? done : moved;
}

static bool receive_over(const struct tcp_connection *c)
{
    return c->fin_received || c->shut_read || c->state == TCP_CLOSED;
}

struct receive_wait {
    struct tcp_connection *c;
    u32 wanted;
};

static bool receive_ready(void *arg)
{
    const struct receive_wait *w = arg;
    const struct tcp_connection *c = w->c;

    return connection_readable(c) >= w->wanted || receive_over(c) || c->inet.socket.error ||
           (c->urgent == URGENT_HERE && c->urgent_sequence != c->receive.copied &&
            c->receive.bytes);
}

// Steps over the urgent byte when it is next, and says how far one may read.
static u32 readable_now(struct tcp_connection *c, u32 at)
{
    u32 bytes = c->receive.bytes - (at - c->receive.copied);
    u32 ahead = c->urgent_sequence - at;

    if (c->urgent == URGENT_NONE || ahead >= bytes)
        return bytes;
    return ahead ? ahead : bytes; // up to the mark, then behind it
}

// Copies out up to `size` bytes from `at` on. Returns the bytes, or -EFAULT.
static s64 copy_out(struct tcp_connection *c, struct io *io, u32 at, u32 size, bool discard)
{
    struct packet *p;
    s64 done = 0;

    list_for_each(p, &c->receive.packets, node)
    {
        u32 inside = at - (u32)p->control[0], part;
        s64 moved;

        if (inside >= p->total)
            continue;
        part = min(p->total - inside, size - (u32)done);
        moved = discard ? (s64)part : packet_read(p, inside, io, part);
        if (moved < 0)
            return done ? done : moved;
        done += moved;
        at += (u32)moved;
        if (moved < (s64)part || (u32)done == size)
            break;
    }
    return done;
}

struct reading {
    struct tcp_connection *c;
    struct message *m;
    u32 at; // sequence number: `copied`, or further with MSG_PEEK
    s64 done;
    bool skipped_mark;
};

// One piece. 0: nothing there; 1: go on; 2: stop at the urgent mark; negative: an error.
static int read_piece(struct reading *r)
{
    struct tcp_connection *c = r->c;
    bool is_inline = c->inet.socket.flags & SOCKET_OOB_INLINE;
    u32 size = readable_now(c, r->at);
    s64 moved;

    if (c->urgent != URGENT_NONE && c->urgent_sequence == r->at && c->receive.bytes) {
        if (r->done)
            return 2;
        if (!is_inline) {
            r->at++;
            size = c->receive.bytes - (r->at - c->receive.copied);
        }
    }
    if (!size)
        return 0;
    moved = copy_out(c, r->m->io, r->at, (u32)min((size_t)size, r->m->io->left),
                     /*discard=*/false);
    if (moved < 0)
        return (int)moved;
    r->at += (u32)moved;
    r->done += moved;
    return 1;
}

static void consume(struct tcp_connection *c, u32 at)
{
    if (at == c->receive.copied)
        return;
    c->receive.copied = at;
    receive_queue_consume(&c->receive);
    if ((c->urgent == URGENT_READ || c->urgent == URGENT_HERE) &&
        sequence_before(c->urgent_sequence, at))
        c->urgent = URGENT_NONE;
    receive_tune(c);
    // An ACK if the window has opened by much: doubled, or something is to be acknowledged anyway.
    // [RFC 9293, 3.8.6.2.2; Linux's tcp_cleanup_rbuf]
    if (c->state != TCP_CLOSED && !c->fin_received) {
        u32 left = c->window_edge - c->receive.next;
        u32 opened = c->receive.next + receive_window_select(c) - c->window_edge;

        if ((s32)opened > 0 && opened >= min(c->space / 2, max(2 * c->receive_mss, 2048u)) &&
            ((left <= c->space / 2 && opened >= left) || c->ack_pending))
            connection_ack(c);
    }
}

static int receive_wait(struct reading *r, u32 wanted, u64 deadline)
{
    struct receive_wait w = {r->c, wanted};
    struct socket *s = &r->c->inet.socket;
    int error;

    if (r->m->nonblock)
        return -EAGAIN;
    if (!(r->m->flags & MSG_PEEK))
        consume(r->c, r->at);
    connection_unlock(r->c);
    net_work_all(); // saves the way through the idle loop
    connection_lock(r->c);
    error = wait_until_locked(&r->c->read_wait, &r->c->lock, deadline, WAIT_INTERRUPTIBLE,
                              receive_ready, &w);
    r->c->now = 0;
    return socket_wait_error(error, s->receive_timeout);
}

static s64 receive_run(struct reading *r, u32 target, u64 deadline)
{
    struct tcp_connection *c = r->c;
    int step = 0;

    for (;;) {
        while (r->m->io->left && (step = read_piece(r)) == 1)
            ;
        if (!r->m->io->left || step == 2 || r->done >= target)
            return r->done;
        if (step < 0)
            return r->done ? r->done : step;
        if (r->done && (c->inet.socket.error || receive_over(c)))
            return r->done;
        if (c->fin_received) // the end stays one, also when a reset follows [Linux: SOCK_DONE]
            return 0;
        if (c->inet.socket.error)
            return socket_take_error(&c->inet.socket);
        if (receive_over(c))
            return 0;
        step = receive_wait(r, r->m->flags & MSG_PEEK ? c->receive.bytes + 1 : 1, deadline);
        if (step)
            return r->done ? r->done : step;
    }
}

static s64 receive_urgent(struct tcp_connection *c, struct message *m)
{
    s64 moved;

    if (c->inet.socket.flags & SOCKET_OOB_INLINE || c->urgent == URGENT_NONE ||
        c->urgent == URGENT_READ)
        return -EINVAL;
    if (c->state == TCP_CLOSED && !c->receive.bytes)
        return -ENOTCONN;
    if (c->urgent == URGENT_AHEAD)
        return -EAGAIN;
    m->out_flags |= MSG_OOB;
    if (!m->io->left) {
        m->out_flags |= MSG_TRUNC;
        return 0;
    }
    moved = io_put(m->io, &c->urgent_byte, 1);
    if (moved == 1 && !(m->flags & MSG_PEEK))
        c->urgent = URGENT_READ;
    return moved;
}

// MSG_TRUNC: throws the bytes away [tcp(7)].
static s64 receive_discard(struct reading *r)
{
    u32 size = (u32)min((size_t)readable_now(r->c, r->at), r->m->io->left);

    r->at += size;
    return size;
}

s64 tcp_receive_message(struct socket *s, struct message *m)
{
    struct reading r = {.c = tcp_of(s), .m = m};
    struct tcp_connection *c = r.c;
    u64 deadline = socket_deadline(s->receive_timeout);
    u32 target = (u32)min((size_t)(m->flags & MSG_WAITALL ? INT32_MAX : max(s->receive_low, 1)),
                          m->io->left);
    u32 left;
    s64 result;

    if (m->flags & MSG_ERRQUEUE)
        return zero_copy_receive(&c->inet, m);
    connection_lock(c);
    r.at = c->receive.copied;
    if (c->state == TCP_LISTENING || !c->remote_set)
        result = c->inet.socket.error ? socket_take_error(s) : -ENOTCONN;
    else if (m->flags & MSG_OOB)
        result = receive_urgent(c, m);
    else if ((m->flags & MSG_TRUNC) && c->receive.bytes)
        result = receive_discard(&r);
    else
        result = receive_run(&r, target, deadline);
    if (!(m->flags & MSG_PEEK))
        consume(c, r.at);
    left = connection_readable(c);
    if (!left && c->fin_received)
        left = 1; // there is the end to be read
    connection_unlock(c);
    net_work();
    if (result >= 0 && c->tell_left &&
        message_put_control(m, TCP_PROTOCOL, TCP_CM_INQ, &left, sizeof(left)))
        return -EFAULT;
    return result;
}
