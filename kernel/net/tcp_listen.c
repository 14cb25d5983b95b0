// SPDX-License-Identifier: BSD-3-Clause
// Listening sockets: listen, the children that requests become, accept, and the end of it all.
#include "linux/clock.h"
#include "net/filter.h"
#include "net/mib.h"
#include "net/settings.h"
#include "net/tcp_connection.h"

int connection_listen(struct tcp_connection *c, int backlog)
{
    struct inet_socket *i = &c->inet;
    int error = 0;

    connection_lock(c);
    c->backlog = min((u32)backlog, net_setting(SET_SOMAXCONN)); // negative: the most
    if (c->state == TCP_LISTENING)
        goto out;
    error = c->state == TCP_CLOSED && !c->remote_set ? 0 : -EINVAL;
    if (!error && !i->binding.port)
        error = connection_bind_any(c);
    if (!error && !port_listen(&tcp_ports, &i->binding))
        error = -EADDRINUSE;
    if (!error) {
        c->state = TCP_LISTENING;
        i->socket.listening = true;
        c->shut_write = false;
        tcp_listeners_add(c);
    }
out:
    connection_unlock(c);
    return error;
}

// Options that a child takes over from its listener.
static void inherit(struct tcp_connection *c, struct tcp_connection *l)
{
    struct socket *s = &c->inet.socket;
    const struct socket *from = &l->inet.socket;

    s->flags = from->flags;
    filter_inherit(s, &l->inet.socket);
    s->send_buffer = from->send_buffer;
    s->receive_buffer = from->receive_buffer;
    s->send_timeout = from->send_timeout;
    s->receive_timeout = from->receive_timeout;
    s->priority = from->priority;
    s->linger_on = from->linger_on;
    s->linger_seconds = from->linger_seconds;
    s->receive_low = from->receive_low;
    c->inet.options = l->inet.options;
    c->inet.interface = l->inet.interface;
    c->no_delay = l->no_delay;
    c->cork = l->cork;
    c->user_timeout = l->user_timeout;
    c->keep_idle = l->keep_idle;
    c->keep_interval = l->keep_interval;
    c->keep_count = l->keep_count;
    c->linger2 = l->linger2;
    c->user_mss = l->user_mss;
    c->window_clamp = l->window_clamp;
    connection_buffers(c);
}

static void child_address(struct tcp_connection *c, const struct tcp_request *r)
{
    const struct tcp_key *k = &r->entry.key;

    c->entry.key = *k;
    c->inet.binding.address = k->local;
    c->inet.remote =
        (struct endpoint){.address = k->remote, .port = k->remote_port, .scope = r->interface};
    c->remote_set = true;
}

struct tcp_connection *listener_child(struct tcp_connection *l, const struct tcp_request *r,
                                      const struct tcp_segment *s, struct tcp_entry *old)
{
    struct tcp_connection *c = connection_new(l->inet.socket.family);
    struct tcp_options o = {.mss = r->mss, .scale = r->scale, .sack_permitted = r->sack};

    if (!c)
        return NULL;
    inherit(c, l);
    port_share(&tcp_ports, &l->inet.binding, &c->inet.binding);
    child_address(c, r);
    c->iss = r->iss;
    c->irs = r->irs;
    send_queue_init(&c->send, r->iss + 1);
    receive_queue_init(&c->receive, r->irs + 1);
    c->last_ack_sent = c->receive.next;
    c->receive_window = min(l->inet.socket.receive_buffer / 2, 0xffffu);
    c->window_edge = c->receive.next + c->receive_window;
    c->sack = c->timestamps = true;
    c->receive_scale = tcp_own_scale();
    o.has_timestamp = r->timestamps;
    o.timestamp = r->timestamp_recent;
    connection_note_options(c, &o);
    c->timestamp_offset = r->timestamp_offset;
    c->send_wl1 = s->sequence - 1;
    connection_start(c);
    if (r->sent && !r->retries)
        recovery_rtt(c, c->last_received - r->sent);
    if (old ? !tcp_table_replace(old, &c->entry) : !tcp_table_insert(&c->entry)) {
        c->state = TCP_CLOSED;
        connection_put(c);
        return NULL;
    }
    if (old)
        __atomic_sub_fetch(&old->references, 1,
                           __ATOMIC_RELAXED); // the table's; the caller has one
    connection_get(c);                        // for the caller, beside the accept queue's
    mib_count(MIB_TCP_PASSIVE);
    list_push_back(&l->accept_queue, &c->accept_node);
    l->accept_count++;
    return c;
}

static bool acceptable(void *arg)
{
    const struct tcp_connection *l = arg;
    return l->accept_count || l->state != TCP_LISTENING;
}

int connection_accept(struct tcp_connection *l, bool nonblock, struct tcp_connection **out)
{
    u64 timeout = l->inet.socket.receive_timeout;
    int error = 0;

    connection_lock(l);
    if (l->state == TCP_LISTENING && !l->accept_count && nonblock)
        error = -EAGAIN;
    else if (l->state == TCP_LISTENING && !l->accept_count)
        error =
            socket_wait_error(wait_until_locked(&l->read_wait, &l->lock, socket_deadline(timeout),
                                                WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, acceptable, l),
                              timeout);
    if (!error && !l->accept_count)
        error = -EINVAL;
    if (!error) {
        *out = list_entry(list_pop_front(&l->accept_queue), struct tcp_connection, accept_node);
        l->accept_count--;
        if (l->accept_count) // a wake-up may stand for more than one
            l->wake |= POLLIN | POLLRDNORM;
    }
    connection_unlock(l);
    return error;
}

void listener_close(struct tcp_connection *c)
{
    struct list children, requests, *node;

    list_init(&children);
    list_init(&requests);
    c->state = TCP_CLOSED;
    c->inet.socket.listening = false;
    timer_set(c, TCP_TIMER_REQUESTS, 0);
    if (tcp_listeners_remove(c))
        c->puts++;
    listener_drop_requests(c, &requests);
    while ((node = list_pop_front(&c->accept_queue)))
        list_push_back(&children, node);
    c->accept_count = 0;
    c->wake |= POLLIN | POLLRDNORM | POLLHUP;
    lock_release(&c->lock);
    requests_put(&requests);
    while ((node = list_pop_front(&children))) {
        struct tcp_connection *child = list_entry(node, struct tcp_connection, accept_node);

        connection_lock(child);
        connection_abort(child, ECONNRESET);
        child->orphan = true;
        child->puts++;
        connection_unlock(child);
    }
    lock_acquire(&c->lock);
}
