// SPDX-License-Identifier: BSD-3-Clause
// Connections that a peer has asked for: SYN, SYN-ACK, and the ACK that makes the connection. A
// request is small; when a listener has too many of them it answers with cookies and keeps nothing.
// Requests are guarded by their listener's lock. [RFC 9293 3.10.7.2, RFC 4987]
#include "linux/clock.h"
#include "memory/heap.h"
#include "net/interface.h"
#include "net/tcp_connection.h"

#define REQUESTS_MIN  64u
#define COOKIE_PERIOD (120 * SECOND)
#define ASSUME_AFTER  (SECOND / 10)

static struct slab_cache request_cache = SLAB_CACHE("tcp_request", struct tcp_request);

void request_free(struct tcp_request *r)
{
    connection_put(r->listener);
    slab_free(&request_cache, r);
}

// What our SYN-ACKs offer: the listener's buffer decides, as the child will have the same.
static u32 offered_window(const struct tcp_connection *l)
{
    u32 window = l->inet.socket.receive_buffer / 2;
    return min(window, 0xffffu);
}

u8 tcp_own_scale(void)
{
    u8 scale = 0;

    while (scale < TCP_SCALE_MAX && TCP_BUFFER_MAX >> scale > 0xffff)
        scale++;
    return scale;
}

static void send_syn_ack(const struct tcp_connection *l, const struct tcp_request *r, u32 timestamp)
{
    struct tcp_reply reply = {.key = r->entry.key, .flags = TCP_FLAG_SYN | TCP_FLAG_ACK};
    struct route route;
    u32 header = (ip_is_v4(&r->entry.key.remote) ? IP4_HEADER : IP6_HEADER) + TCP_HEADER_SIZE, mss;

    if (route_lookup(&r->entry.key.remote, &r->entry.key.local, r->interface, &route))
        return;
    mss = route.mtu - header;
    reply.sequence = r->iss;
    reply.acknowledgment = r->irs + 1;
    reply.window = (u16)offered_window(l);
    reply.interface = r->interface;
    reply.tos = l->inet.options.tos;
    reply.options.mss = (u16)least(l->user_mss ? l->user_mss : mss, mss, 65535u);
    reply.options.sack_permitted = r->sack;
    reply.options.scale = r->scale == TCP_SCALE_NONE ? TCP_SCALE_NONE : tcp_own_scale();
    reply.options.has_timestamp = r->timestamps;
    reply.options.timestamp = timestamp;
    reply.options.echo = r->timestamp_recent;
    reply_send(&reply);
}

static void request_fill(struct tcp_request *r, const struct tcp_segment *s)
{
    const struct tcp_options *o = &s->options;

    r->entry = (struct tcp_entry){.key = s->key, .kind = TCP_REQUEST, .references = 1};
    r->irs = s->sequence;
    r->mss = o->mss ? o->mss : ip_is_v4(&s->key.remote) ? 536 : 1220;
    r->scale = net_setting(SET_WINDOW_SCALING) ? o->scale : TCP_SCALE_NONE;
    r->sack = o->sack_permitted && net_setting(SET_SACK);
    r->timestamps = o->has_timestamp && net_setting(SET_TIMESTAMPS);
    r->timestamp_recent = o->timestamp;
    r->timestamp_offset = tcp_timestamp_offset(&s->key);
    r->interface =
        ip_is_link_local(&s->key.remote) && s->packet->interface ? s->packet->interface->index : 0;
    r->one_peer = s->packet->interface && s->packet->interface->features & INTERFACE_ONE_PEER &&
                  !o->has_timestamp;
}

static void answer_with_cookie(struct tcp_connection *l, const struct tcp_segment *s)
{
    u64 now = clock_monotonic();
    struct tcp_request r = {.listener = l};
    u32 timestamp;

    request_fill(&r, s);
    r.iss = cookie_make(&s->key, s->sequence, r.mss, now);
    if (!r.timestamps) {
        r.sack = false;
        r.scale = TCP_SCALE_NONE;
    }
    l->cookies_until = now + COOKIE_PERIOD;
    mib_count(MIB_COOKIES_SENT);
    timestamp = cookie_timestamp(tcp_timestamp(now), &s->options) + r.timestamp_offset;
    send_syn_ack(l, &r, timestamp);
}

// SYN for a listener. Its lock is held.
static void take_syn(struct tcp_connection *l, const struct tcp_segment *s)
{
    struct tcp_request *r;
    u64 now = clock_monotonic();

    if (l->accept_count > l->backlog) { // they are not even being accepted
        mib_count(MIB_LISTEN_DROPS);
        return;
    }
    if (l->request_count >= max(l->backlog, REQUESTS_MIN)) {
        answer_with_cookie(l, s);
        return;
    }
    r = slab_alloc(&request_cache);
    if (!r)
        return;
    request_fill(r, s);
    r->iss = tcp_isn(&s->key, now);
    r->sent = now;
    r->deadline = now + (r->one_peer ? ASSUME_AFTER : TCP_RTO_INITIAL);
    connection_get(l);
    r->listener = l;
    if (!tcp_table_insert(&r->entry)) {
        tcp_entry_put(&r->entry);
        return;
    }
    list_push_back(&l->requests, &r->node); // the first reference is the list's
    l->request_count++;
    if (!l->deadlines[TCP_TIMER_REQUESTS] || r->deadline < l->deadlines[TCP_TIMER_REQUESTS])
        timer_set(l, TCP_TIMER_REQUESTS, r->deadline);
    send_syn_ack(l, r, tcp_timestamp(now) + r->timestamp_offset);
}

// Off the listener's list and out of the table. The caller puts the list's reference without the
// lock.
static void request_unlink(struct tcp_connection *l, struct tcp_request *r)
{
    list_remove(&r->node);
    l->request_count--;
    if (tcp_table_remove(&r->entry))
        __atomic_sub_fetch(&r->entry.references, 1,
                           __ATOMIC_RELAXED); // never the last: the list's is there
}

void listener_drop_requests(struct tcp_connection *l, struct list *out)
{
    while (!list_empty(&l->requests)) {
        struct tcp_request *r = list_first(&l->requests, struct tcp_request, node);

        request_unlink(l, r);
        list_push_back(out, &r->node);
    }
}

void requests_put(struct list *requests)
{
    struct list *node;

    while ((node = list_pop_front(requests)))
        tcp_entry_put(&list_entry(node, struct tcp_request, node)->entry);
}

// Repeats SYN-ACKs. The list is in order of age, not of deadline, so all are looked at.
void listener_timer(struct tcp_connection *l, u64 now)
{
    struct tcp_request *r, *next;
    u64 first = 0;

    list_for_each_safe(r, next, &l->requests, node)
    {
        if (r->deadline <= now && r->retries >= net_setting(SET_SYN_ACK_RETRIES)) {
            request_unlink(l, r);
            list_push_back(&l->expired, &r->node);
            continue;
        }
        if (r->deadline <= now) {
            r->retries++;
            r->deadline = now + (TCP_RTO_INITIAL << r->retries);
            r->due = r->one_peer;
            l->assume |= r->due;
            if (!r->due)
                send_syn_ack(l, r, tcp_timestamp(now) + r->timestamp_offset);
        }
        first = !first || r->deadline < first ? r->deadline : first;
    }
    timer_set(l, TCP_TIMER_REQUESTS, first);
}

// An ACK that no request knows: of a cookie?
static struct tcp_connection *take_cookie(struct tcp_connection *l, struct tcp_segment *s)
{
    struct tcp_request r = {.listener = l};
    u64 now = clock_monotonic();

    if (now >= l->cookies_until || l->accept_count > l->backlog)
        return NULL;
    request_fill(&r, s);
    r.irs = s->sequence - 1;
    r.iss = s->acknowledgment - 1;
    r.sack = false;
    r.scale = TCP_SCALE_NONE;
    r.mss = cookie_check(&s->key, r.irs, r.iss, now);
    mib_count(r.mss ? MIB_COOKIES_GOOD : MIB_COOKIES_BAD);
    if (!r.mss)
        return NULL;
    if (r.timestamps)
        cookie_timestamp_read(s->options.echo - r.timestamp_offset, &r.sack, &r.scale);
    return listener_child(l, &r, s, /*old=*/NULL);
}

// The child has its place in the accept queue: lets it see the segment that made it.
static void child_begin(struct tcp_connection *l, struct tcp_connection *child,
                        struct tcp_segment *s)
{
    connection_lock(child);
    connection_input(child, s);
    connection_unlock(child);
    connection_put(child);
    wait_queue_wake(&l->read_wait, POLLIN | POLLRDNORM);
}

void listener_input(struct tcp_connection *l, struct tcp_segment *s)
{
    struct tcp_connection *child = NULL;
    bool reset = false;

    connection_lock(l);
    if (s->flags & TCP_FLAG_RST || l->state != TCP_LISTENING)
        reset = !(s->flags & TCP_FLAG_RST);
    else if (s->flags & TCP_FLAG_ACK)
        reset = s->flags & TCP_FLAG_SYN || !(child = take_cookie(l, s));
    else if ((s->flags & (TCP_FLAG_SYN | TCP_FLAG_FIN)) == TCP_FLAG_SYN)
        take_syn(l, s);
    connection_unlock(l);
    if (reset)
        reply_reset(s);
    if (child)
        child_begin(l, child, s);
}

// With the listener's lock: what becomes of the request. *out_child: it was made, `r` is unlinked.
static void request_step(struct tcp_request *r, struct tcp_segment *s,
                         struct tcp_connection **out_child, bool *out_drop)
{
    struct tcp_connection *l = r->listener;
    u32 offset = s->sequence - (r->irs + 1);
    u64 now = clock_monotonic();

    if ((s->flags & TCP_FLAG_SYN) && !(s->flags & (TCP_FLAG_ACK | TCP_FLAG_RST)) &&
        s->sequence == r->irs) {
        send_syn_ack(l, r, tcp_timestamp(now) + r->timestamp_offset);
        return;
    }
    if ((s->flags & TCP_FLAG_SYN) && (s->flags & TCP_FLAG_ACK))
        return; // of ourselves, perhaps: no answer to an answer
    if (s->flags & TCP_FLAG_RST) {
        if (!offset) {
            request_unlink(l, r);
            *out_drop = true;
        }
        return;
    }
    if (s->flags & TCP_FLAG_SYN || offset > offered_window(l)) {
        send_syn_ack(l, r, tcp_timestamp(now) + r->timestamp_offset);
        return;
    }
    if (!(s->flags & TCP_FLAG_ACK))
        return;
    if (s->acknowledgment != r->iss + 1) {
        reply_reset(s);
        return;
    }
    if (l->accept_count > l->backlog) { // the peer's data or our SYN-ACK will ask again
        mib_count(MIB_LISTEN_DROPS);
        return;
    }
    if (l->defer_accept && !s->payload && r->retries < 1 + l->defer_accept / 2 &&
        !(s->flags & TCP_FLAG_FIN))
        return;
    *out_child = listener_child(l, r, s, &r->entry);
    if (*out_child) {
        list_remove(&r->node);
        l->request_count--;
        *out_drop = true;
    }
}

void request_input(struct tcp_request *r, struct tcp_segment *s)
{
    struct tcp_connection *l = r->listener, *child = NULL;
    bool drop = false;

    connection_lock(l);
    if (r->entry.hashed)
        request_step(r, s, &child, &drop);
    connection_unlock(l);
    if (child)
        child_begin(l, child, s);
    if (drop)
        tcp_entry_put(&r->entry); // the list's
}

static struct tcp_request *next_due(struct tcp_connection *l)
{
    struct tcp_request *r, *found = NULL;

    connection_lock(l);
    list_for_each(r, &l->requests, node)
    {
        if (r->due) {
            r->due = false;
            __atomic_add_fetch(&r->entry.references, 1,
                               __ATOMIC_RELAXED); // pairs with tcp_entry_put
            found = r;
            break;
        }
    }
    l->assume = found;
    connection_unlock(l);
    return found;
}

// passt 2023 acknowledges a SYN-ACK only when its client has sent something, so a server that
// speaks first would never see its clients. They are connected to passt already, and the line to it
// loses nothing: after a while the ACK is taken as said. Not at once, as passt turns round for ever
// when SYN-ACK, data and FIN reach it in one read.
void listener_assume(struct tcp_connection *l)
{
    struct tcp_request *r;

    while ((r = next_due(l))) {
        struct tcp_segment s = {.key = r->entry.key, .flags = TCP_FLAG_ACK};

        s.sequence = s.end = r->irs + 1;
        s.acknowledgment = r->iss + 1;
        s.window = r->scale == TCP_SCALE_NONE ? 0xffff : 0xffffu >> r->scale;
        request_input(r, &s);
        tcp_entry_put(&r->entry);
    }
}
