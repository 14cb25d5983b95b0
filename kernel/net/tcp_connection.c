// SPDX-License-Identifier: BSD-3-Clause
// How connections begin and end. A connection is referenced by its file (until close), by the table
// while segments may find it, and by whoever has just found it. Its timer holds no reference: the
// last put waits for it.
#include "net/tcp_connection.h"

#include "base/string.h"
#include "linux/clock.h"
#include "memory/heap.h"

#define TORN              1u // tcp_connection.torn
#define TORN_SYNCHRONISED 2u

static struct slab_cache connection_cache = SLAB_CACHE("tcp_connection", struct tcp_connection);

struct tcp_connection *connection_new(int family)
{
    struct tcp_connection *c = slab_alloc(&connection_cache);

    if (!c)
        return NULL;
    inet_init(&c->inet, &tcp_socket_ops, family, SOCK_STREAM, /*protocol=*/6);
    c->entry = (struct tcp_entry){.kind = TCP_CONNECTION, .references = 1};
    c->state = TCP_CLOSED;
    c->send_scale = c->receive_scale = TCP_SCALE_NONE;
    c->receive_auto = net_setting(SET_TCP_RMEM_DEFAULT);
    c->inet.socket.receive_buffer = c->receive_auto;
    c->space = max(c->receive_auto / 2, 1u);
    c->inet.socket.send_buffer = c->send_auto = net_setting(SET_TCP_WMEM_DEFAULT);
    c->receive_mss = 536;
    c->rto = TCP_RTO_INITIAL;
    c->keep_idle = net_setting(SET_KEEP_TIME) * SECOND;
    c->keep_interval = net_setting(SET_KEEP_INTERVAL) * SECOND;
    c->keep_count = net_setting(SET_KEEP_PROBES);
    strlcpy(c->congestion_name, "cubic", sizeof(c->congestion_name));
    send_queue_init(&c->send, 0);
    receive_queue_init(&c->receive, 0);
    list_init(&c->requests);
    list_init(&c->expired);
    list_init(&c->accept_queue);
    list_init(&c->accept_node);
    list_init(&c->listen_node);
    wait_queue_init(&c->read_wait);
    wait_queue_init(&c->write_wait);
    timer_init(&c->timer, timer_fire);
    return c;
}

void connection_get(struct tcp_connection *c)
{
    __atomic_add_fetch(&c->entry.references, 1, __ATOMIC_RELAXED); // pairs with connection_put
}

void connection_put(struct tcp_connection *c)
{
    if (__atomic_sub_fetch(&c->entry.references, 1, __ATOMIC_ACQ_REL)) // pairs with itself, _get
        return;
    timer_cancel(&c->timer);
    port_release(&tcp_ports, &c->inet.binding);
    receive_queue_free(&c->receive);
    send_queue_free(&c->send);
    slab_free(&connection_cache, c);
}

void tcp_entry_put(struct tcp_entry *e)
{
    if (e->kind == TCP_CONNECTION)
        connection_put(tcp_of_entry(e));
    else if (!__atomic_sub_fetch(&e->references, 1, __ATOMIC_ACQ_REL)) { // pairs with itself
        if (e->kind == TCP_REQUEST)
            request_free(container_of(e, struct tcp_request, entry));
        else
            remnant_free(container_of(e, struct tcp_remnant, entry));
    }
}

static void timers_off(struct tcp_connection *c)
{
    memset(c->deadlines, 0, sizeof(c->deadlines));
}

// The host has killed a member in the middle of a change of the connection: it becomes one that was reset. What its
// queues had is lost with the memory. A listener is more than that. killed.c
static bool repair_possible(const struct lock *l)
{
    const struct tcp_connection *c = container_of((struct lock *)(uintptr_t)l, struct tcp_connection, lock);

    return c->state != TCP_LISTENING;
}

static void repair_now(const struct lock *l)
{
    struct tcp_connection *c = container_of((struct lock *)(uintptr_t)l, struct tcp_connection, lock);

    c->torn = connection_synchronised(c) ? TORN_SYNCHRONISED : TORN;
    c->state = TCP_CLOSED;
    c->shut_write = true;
    timers_off(c);
    send_queue_init(&c->send, c->fin_sent ? c->send.end + 1 : c->send.next);
    receive_queue_init(&c->receive, c->receive.next);
    list_init(&c->expired);
    c->puts = c->wake = 0;
    c->fin_sent = false;
    __atomic_store_n(&c->inet.socket.error, ECONNRESET, __ATOMIC_RELAXED); // pairs with socket_take_error
}

static void repair_later(const struct lock *l)
{
    struct tcp_connection *c = container_of((struct lock *)(uintptr_t)l, struct tcp_connection, lock);

    if (!c->torn)
        return;
    connection_get(c);
    connection_lock(c);
    if (c->torn == TORN_SYNCHRONISED)
        connection_send_reset(c);
    c->torn = 0;
    if (tcp_table_remove(&c->entry))
        c->puts++;
    c->wake |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLRDHUP | POLLERR;
    c->puts++;
    connection_unlock(c);
}

static const struct lock_repair repair = {repair_possible, repair_now, repair_later};

void connection_lock(struct tcp_connection *c)
{
    lock_acquire_repairable(&c->lock, &repair);
    c->now = 0;
}

u64 connection_now(struct tcp_connection *c)
{
    if (!c->now)
        c->now = clock_monotonic();
    return c->now;
}

static void list_take(struct list *to, struct list *from)
{
    struct list *node;

    while ((node = list_pop_front(from)))
        list_push_back(to, node);
}

void connection_unlock(struct tcp_connection *c)
{
    u32 wake = c->wake, puts = c->puts;
    struct list expired;

    list_init(&expired);
    list_take(&expired, &c->expired);
    c->wake = c->puts = 0;
    lock_release(&c->lock);
    if (wake & ~(POLLOUT | POLLWRNORM))
        wait_queue_wake(&c->read_wait, wake);
    if (wake & (POLLOUT | POLLWRNORM | POLLERR | POLLHUP))
        wait_queue_wake(&c->write_wait, wake);
    requests_put(&expired); // may give up references on c, but not the caller's
    while (puts--)
        connection_put(c);
}

u64 connection_fin_timeout(const struct tcp_connection *c)
{
    return (c->linger2 ? c->linger2 : net_setting(SET_FIN_TIMEOUT)) * SECOND;
}

bool connection_synchronised(const struct tcp_connection *c)
{
    return c->state != TCP_CLOSED && c->state != TCP_LISTENING && c->state != TCP_SYN_SENT;
}

void connection_set_mss(struct tcp_connection *c)
{
    bool v4 = ip_is_v4(&c->entry.key.remote);
    u32 header = (v4 ? IP4_HEADER : IP6_HEADER) + TCP_HEADER_SIZE;
    u32 mss = c->route.mtu > header ? c->route.mtu - header : 0;

    mss = min(mss, c->peer_mss ? c->peer_mss : v4 ? 536u : 1220u);
    if (c->user_mss)
        mss = min(mss, c->user_mss);
    mss = min(mss, TCP_SEGMENT_MAX);
    c->mss = max(mss, TCP_MSS_MIN) - (c->timestamps ? TCP_TIMESTAMP_SIZE : 0);
}

int connection_route(struct tcp_connection *c)
{
    struct endpoint to = {.address = c->entry.key.remote,
                          .port = c->entry.key.remote_port,
                          .scope = c->inet.remote.scope};
    int error;

    if (likely(c->route_valid && route_current(&c->route)))
        return 0;
    error = inet_route(&c->inet, &to, &c->route);
    if (error)
        return error;
    c->route_valid = true;
    connection_set_mss(c);
    return 0;
}

void connection_note_options(struct tcp_connection *c, const struct tcp_options *o)
{
    bool v4 = ip_is_v4(&c->entry.key.remote);

    c->peer_mss = o->mss ? (u16)max((u32)o->mss, TCP_MSS_MIN) : v4 ? 536 : 1220;
    c->sack = c->sack && o->sack_permitted;
    c->timestamps = c->timestamps && o->has_timestamp;
    if (c->timestamps) {
        c->timestamp_recent = o->timestamp;
        c->timestamp_recent_time = clock_monotonic();
    }
    c->send_scale = o->scale;
    if (o->scale == TCP_SCALE_NONE)
        c->receive_scale = TCP_SCALE_NONE;
    if (c->route_valid)
        connection_set_mss(c);
}

void connection_start(struct tcp_connection *c)
{
    u64 now = clock_monotonic();

    c->state = TCP_ESTABLISHED;
    c->established_once = true;
    c->retries = c->backoff = 0;
    c->stalled_since = 0;
    timer_set(c, TCP_TIMER_RETRANSMIT, 0);
    (void)!connection_route(c);
    congestion_init(&c->congestion, max(c->mss, TCP_MSS_MIN));
    c->last_received = now;
    c->quick_acks = 16;
    c->tune_time = now;
    c->tune_copied = c->receive.copied;
    c->tune_space = c->space / 2;
    if (c->inet.socket.flags & SOCKET_KEEP_ALIVE)
        timer_set(c, TCP_TIMER_KEEP_ALIVE, now + c->keep_idle);
    c->wake |= POLLOUT | POLLWRNORM;
}

void connection_finish(struct tcp_connection *c, int error)
{
    if (c->state == TCP_CLOSED)
        return;
    if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
        mib_count(MIB_TCP_FAILS);
    else if (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT)
        mib_count(MIB_TCP_RESETS);
    c->state = TCP_CLOSED;
    c->shut_write = true;
    timers_off(c);
    send_queue_free(&c->send);
    if (error)
        __atomic_store_n(&c->inet.socket.error, error,
                         __ATOMIC_RELAXED); // pairs with socket_take_error
    if (tcp_table_remove(&c->entry))
        c->puts++;
    if (c->orphan || !c->inet.binding.user_port)
        port_release(&tcp_ports, &c->inet.binding);
    c->wake |=
        POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLRDHUP | (error ? POLLERR : 0);
}

void connection_abort(struct tcp_connection *c, int error)
{
    if (connection_synchronised(c))
        connection_send_reset(c);
    connection_finish(c, error);
}

void connection_time_wait(struct tcp_connection *c)
{
    if (remnant_make(c))
        c->puts++; // the table's reference on c
    connection_finish(c, 0);
}

static bool closed(void *arg)
{
    struct tcp_connection *c = arg;
    return c->state == TCP_CLOSED || c->state == TCP_FIN_WAIT_2;
}

// SO_LINGER: waits until the peer has acknowledged all. Lock held.
static void linger(struct tcp_connection *c)
{
    u64 deadline;

    if (!c->inet.socket.linger_on || c->inet.socket.linger_seconds <= 0)
        return;
    deadline = clock_monotonic() + (u64)c->inet.socket.linger_seconds * SECOND;
    (void)!wait_until_locked(&c->write_wait, &c->lock, deadline, WAIT_INTERRUPTIBLE, closed, c);
    c->now = 0;
}

void connection_shut_write(struct tcp_connection *c)
{
    c->shut_write = true;
    if (c->state == TCP_ESTABLISHED || c->state == TCP_SYN_RECEIVED)
        c->state = TCP_FIN_WAIT_1;
    else if (c->state == TCP_CLOSE_WAIT)
        c->state = TCP_LAST_ACK;
    else
        return;
    c->fin_wanted = true;
    connection_output(c);
}

void connection_close(struct tcp_connection *c)
{
    const struct socket *s = &c->inet.socket;

    connection_lock(c);
    c->shut_read = true;
    if (c->state == TCP_LISTENING) {
        listener_close(c);
    } else if (c->state == TCP_SYN_SENT) {
        connection_finish(c, 0);
    } else if (connection_synchronised(c) &&
               (c->receive.bytes || (s->linger_on && !s->linger_seconds))) {
        connection_abort(c, 0); // [RFC 1122 4.2.2.13]
    } else {
        connection_shut_write(c);
        linger(c);
    }
    c->orphan = true;
    if (c->state == TCP_FIN_WAIT_2)
        timer_set(c, TCP_TIMER_FIN,
                  clock_monotonic() + connection_fin_timeout(c));
    if (c->state == TCP_CLOSED)
        port_release(&tcp_ports, &c->inet.binding);
    c->puts++; // the file's
    connection_unlock(c);
}
