// SPDX-License-Identifier: BSD-3-Clause
// TCP as sockets: create, bind, connect, poll, shutdown. Sending and receiving are tcp_socket_io.c,
// options tcp_socket_option.c. [tcp(7)]
#include <asm/ioctls.h>
#include <linux/sockios.h>

#include "driver/random.h"
#include "linux/clock.h"
#include "memory/user_copy.h"
#include "net/tcp_connection.h"
#include "net/work.h"
#include "net/zero_copy.h"

int tcp_create(int family, struct socket **out)
{
    struct tcp_connection *c = connection_new(family);

    if (!c)
        return -ENOMEM;
    *out = &c->inet.socket;
    return 0;
}

static void binding_fill(struct tcp_connection *c)
{
    struct port_binding *b = &c->inet.binding;

    b->v6 = c->inet.socket.family == AF_INET6;
    b->v6_only = c->inet.options.v6_only;
    b->interface = c->inet.interface;
    b->reuse_address = c->inet.socket.flags & SOCKET_REUSE_ADDRESS;
    b->reuse_port = c->inet.socket.flags & SOCKET_REUSE_PORT;
}

// listen without bind. Lock held.
int connection_bind_any(struct tcp_connection *c)
{
    binding_fill(c);
    if (c->inet.socket.family == AF_INET && !c->inet.binding.address.words[2])
        c->inet.binding.address = ip4_address(0);
    return port_bind(&tcp_ports, &c->inet.binding, 0);
}

static int tcp_bind(struct socket *s, const struct socket_address *a)
{
    struct tcp_connection *c = tcp_of(s);
    struct endpoint e;
    int error = inet_address_read_own(&c->inet, a, &e);

    if (!error && ip_is_multicast(&e.address))
        error = -EADDRNOTAVAIL;
    if (!error)
        error = inet_bind_check(&c->inet, &e);
    if (error)
        return error;
    connection_lock(c);
    if (c->state != TCP_CLOSED || c->inet.binding.port) {
        error = -EINVAL;
    } else {
        struct ip_address before = c->inet.binding.address;

        binding_fill(c);
        c->inet.binding.address = e.address;
        c->inet.binding.user_port = e.port != 0;
        if (e.scope)
            c->inet.interface = e.scope;
        error = port_bind(&tcp_ports, &c->inet.binding, e.port);
        if (error)
            c->inet.binding.address = before;
    }
    connection_unlock(c);
    return error;
}

struct connect_try {
    struct tcp_connection *c;
};

// The four numbers with this port: reserves them in the table if nobody has them. The port table's
// lock is held.
static bool port_usable(void *arg, u16 port)
{
    struct tcp_connection *c = ((struct connect_try *)arg)->c;
    struct tcp_remnant *r;
    bool reused;

    c->entry.key.local_port = port;
    if (tcp_table_insert(&c->entry))
        return true;
    r = tcp_table_find_remnant(&c->entry.key);
    if (!r)
        return false;
    reused = remnant_reuse(r);
    tcp_entry_put(&r->entry);
    return reused && tcp_table_insert(&c->entry);
}

// A local port for the connection, and its place in the table. Lock held.
static int connect_port(struct tcp_connection *c)
{
    struct connect_try try = {c};

    if (c->inet.binding.port)
        return port_usable(&try, c->inet.binding.port) ? 0 : -EADDRNOTAVAIL;
    binding_fill(c);
    return port_bind_connect(&tcp_ports, &c->inet.binding, port_usable, &try);
}

static int connect_begin(struct tcp_connection *c, const struct endpoint *to)
{
    u64 now = clock_monotonic();
    struct ip_address remote = to->address;
    bool any_source = ip_is_any(&c->inet.binding.address);
    int error;

    if (ip_is_any(&remote)) { // Linux: it means this host
        remote = ip_is_v4(&remote) || c->inet.socket.family == AF_INET
                     ? ip4_address(swap32(0x7f000001))
                     : (struct ip_address){.words = {0, 0, 0, swap32(1)}};
    }
    if (ip_is_multicast(&remote))
        return -ENETUNREACH;
    c->inet.remote = *to;
    c->inet.remote.address = remote;
    c->entry.key.remote = remote;
    c->entry.key.remote_port = to->port;
    error = inet_route(&c->inet, &c->inet.remote, &c->route);
    if (!error && (c->route.broadcast || c->route.multicast))
        error = -ENETUNREACH;
    if (error)
        return error;
    c->entry.key.local = any_source ? c->route.source : c->inet.binding.address;
    error = connect_port(c);
    if (error)
        return error;
    c->inet.binding.address = c->entry.key.local;
    c->route_valid = true;
    c->remote_set = true;
    c->iss = tcp_isn(&c->entry.key, now);
    c->timestamp_offset = tcp_timestamp_offset(&c->entry.key);
    send_queue_init(&c->send, c->iss + 1);
    c->sack = net_setting(SET_SACK);
    c->timestamps = net_setting(SET_TIMESTAMPS);
    c->receive_scale = net_setting(SET_WINDOW_SCALING) ? tcp_own_scale() : TCP_SCALE_NONE;
    connection_buffers(c);
    connection_set_mss(c);
    c->shut_write = c->shut_read = false;
    c->state = TCP_SYN_SENT;
    c->syn_sent_time = now;
    mib_count(MIB_TCP_ACTIVE);
    connection_send_syn(c);
    timer_set(c, TCP_TIMER_RETRANSMIT, now + c->rto);
    return 0;
}

static bool connect_over(void *arg)
{
    const struct tcp_connection *c = arg;
    return c->state != TCP_SYN_SENT && c->state != TCP_SYN_RECEIVED;
}

static int connect_wait(struct tcp_connection *c, bool nonblock)
{
    u64 timeout = c->inet.socket.send_timeout;
    int error;

    if (connect_over(c)) // over loopback that may be at once, but see below
        goto over;
    if (nonblock || !timeout)
        return -EINPROGRESS;
    error = wait_until_locked(&c->write_wait, &c->lock, socket_deadline(timeout),
                              WAIT_INTERRUPTIBLE, connect_over, c);
    if (error == -ETIMEDOUT)
        return -EINPROGRESS;
    if (error)
        return socket_wait_error(error, timeout);
over:
    error = socket_take_error(&c->inet.socket);
    if (!error && c->state == TCP_CLOSED && !c->established_once)
        error = -ECONNABORTED;
    c->connect_reported = true;
    return error;
}

static int disconnect(struct tcp_connection *c)
{
    if (c->state == TCP_LISTENING)
        listener_close(c);
    else if (connection_synchronised(c) && c->state != TCP_CLOSED)
        connection_abort(c, 0);
    else
        connection_finish(c, 0);
    c->inet.socket.error = 0;
    c->remote_set = c->established_once = c->connect_reported = false;
    c->inet.remote = (struct endpoint){.port = 0};
    if (!c->inet.binding.user_port)
        port_release(&tcp_ports, &c->inet.binding);
    return 0;
}

// A socket whose connection has ended or failed may connect anew.
static void reset_state(struct tcp_connection *c)
{
    receive_queue_free(&c->receive);
    receive_queue_init(&c->receive, 0);
    c->fin_wanted = c->fin_sent = c->fin_received = false;
    c->recovery = RECOVERY_NONE;
    c->retries = c->backoff = c->duplicate_acks = 0;
    c->stalled_since = c->rtt = c->rtt_variance = 0;
    c->rto = TCP_RTO_INITIAL;
    c->urgent = URGENT_NONE;
    c->route_valid = c->established_once = c->connect_reported = false;
    c->receive_window = c->window_edge = 0;
}

int tcp_connect(struct socket *s, const struct socket_address *a, bool nonblock)
{
    struct tcp_connection *c = tcp_of(s);
    struct endpoint to = {.port = 0};
    bool unspecified = a->size >= sizeof(a->family) && a->family == AF_UNSPEC;
    int error = unspecified ? 0 : inet_address_read_own(&c->inet, a, &to);

    if (error)
        return error;
    connection_lock(c);
    if (unspecified) {
        error = disconnect(c);
    } else if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
        error = nonblock ? -EALREADY : connect_wait(c, nonblock);
    } else if (c->state == TCP_CLOSED && c->remote_set && !c->connect_reported) {
        error = connect_wait(c, nonblock); // the result of an earlier call
    } else if (c->state != TCP_CLOSED) {
        error = c->connect_reported || c->state == TCP_LISTENING || !c->active ? -EISCONN : 0;
        c->connect_reported = true;
    } else {
        reset_state(c);
        c->active = true;
        error = connect_begin(c, &to);
        if (!error) {
            connection_unlock(c);
            net_work();
            connection_lock(c);
            // Linux looks at what came back only then, so it says this of loopback, too.
            error = nonblock ? -EINPROGRESS : connect_wait(c, nonblock);
        }
    }
    connection_unlock(c);
    return error;
}

static int tcp_listen(struct socket *s, int backlog)
{
    return connection_listen(tcp_of(s), backlog);
}

static int tcp_accept(struct socket *s, bool nonblock, struct socket **out)
{
    struct tcp_connection *c;
    int error = connection_accept(tcp_of(s), nonblock, &c);

    if (!error)
        *out = &c->inet.socket;
    return error;
}

u32 tcp_poll(struct socket *s, struct poll_table *table)
{
    struct tcp_connection *c = tcp_of(s);
    u32 events = 0;

    poll_wait(table, &c->read_wait);
    poll_wait(table, &c->write_wait);
    connection_lock(c);
    if (c->state == TCP_LISTENING) {
        events = c->accept_count ? POLLIN | POLLRDNORM : 0;
    } else {
        bool ended = c->fin_received || c->shut_read || c->state == TCP_CLOSED;

        if (c->state == TCP_CLOSED || (ended && c->shut_write))
            events |= POLLHUP;
        if (ended)
            events |= POLLIN | POLLRDNORM | POLLRDHUP;
        if (connection_readable(c) >= (u32)s->receive_low)
            events |= POLLIN | POLLRDNORM;
        if (c->urgent == URGENT_HERE)
            events |= POLLPRI;
        if (c->state != TCP_SYN_SENT && c->state != TCP_SYN_RECEIVED &&
            (c->shut_write || c->state == TCP_CLOSED || connection_writable(c)))
            events |= POLLOUT | POLLWRNORM;
    }
    if (__atomic_load_n(&s->error, __ATOMIC_RELAXED) || // pairs with connection_finish
        zero_copy_waits(&c->inet))
        events |= POLLERR;
    connection_unlock(c);
    return events;
}

static int tcp_shutdown(struct socket *s, bool reads, bool writes)
{
    struct tcp_connection *c = tcp_of(s);
    int error = 0;

    connection_lock(c);
    if (c->state == TCP_LISTENING) {
        if (reads)
            listener_close(c);
    } else if (c->state == TCP_CLOSED) {
        error = -ENOTCONN;
    } else if (c->state == TCP_SYN_SENT) {
        connection_finish(c, ECONNRESET); // a connect that waits hears of it
    } else {
        c->shut_read |= reads;
        if (writes)
            connection_shut_write(c);
        c->wake |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | (reads ? POLLRDHUP : 0) |
                   (c->shut_read && c->shut_write ? POLLHUP : 0);
    }
    connection_unlock(c);
    net_work();
    return error;
}

static int tcp_name(struct socket *s, bool peer, struct socket_address *out)
{
    const struct tcp_connection *c = tcp_of(s);

    if (peer && (!c->remote_set || c->state == TCP_CLOSED || c->state == TCP_SYN_SENT))
        return -ENOTCONN;
    return inet_name(s, peer, out);
}

s64 tcp_ioctl(struct socket *s, u32 command, u64 argument)
{
    struct tcp_connection *c = tcp_of(s);
    u32 answer;

    connection_lock(c);
    switch (command) {
    case FIONREAD: // SIOCINQ
        answer = connection_readable(c);
        break;
    case TIOCOUTQ: // SIOCOUTQ
        answer = send_queue_unacknowledged(&c->send);
        break;
    case SIOCOUTQNSD:
        answer = send_queue_waiting(&c->send);
        break;
    case SIOCATMARK:
        answer = c->urgent != URGENT_NONE && c->urgent_sequence == c->receive.copied;
        break;
    default:
        connection_unlock(c);
        return inet_ioctl(s, command, argument);
    }
    connection_unlock(c);
    if (c->state == TCP_LISTENING && command != SIOCATMARK)
        return -EINVAL;
    return user_write_u32(argument, answer);
}

static void tcp_release(struct socket *s)
{
    connection_close(tcp_of(s));
    net_work();
}

const struct socket_ops tcp_socket_ops = {
    .bind = tcp_bind,
    .connect = tcp_connect,
    .listen = tcp_listen,
    .accept = tcp_accept,
    .send = tcp_send,
    .receive = tcp_receive_message,
    .poll = tcp_poll,
    .shutdown = tcp_shutdown,
    .name = tcp_name,
    .set_option = tcp_set_option,
    .get_option = tcp_get_option,
    .ioctl = tcp_ioctl,
    .release = tcp_release,
};
