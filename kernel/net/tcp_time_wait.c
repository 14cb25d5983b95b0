// SPDX-License-Identifier: BSD-3-Clause
// TIME_WAIT: what is left of a connection whose end we began, small, so that many may wait. It
// acknowledges what comes late, and makes place for a new connection when that is surely newer.
// [RFC 9293 3.10.7.4, RFC 6191, RFC 1337]
#include "linux/clock.h"
#include "memory/heap.h"
#include "net/tcp_connection.h"
#include "thread/rollback.h"

#define REMNANTS_MAX 32768u
#define REUSE_AGE    (100 * MILLISECOND) // timestamps tell old segments from new ones: RFC 6191, PAWS

static struct slab_cache remnant_cache = SLAB_CACHE("tcp_remnant", struct tcp_remnant);

static struct {
    struct lock lock;
    struct list waiting; // by deadline; each referenced
    u32 count;
    struct timer timer;
    bool ready;
} time_waits;

void remnant_free(struct tcp_remnant *r)
{
    slab_free(&remnant_cache, r); // its port was given back by discard
}

// Until the lock is released it can be taken back.
static void unlink_locked(struct tcp_remnant *r)
{
    rollback_begin(&time_waits.lock);
    rollback_remove(&r->node);
    rollback_word(&time_waits.count);
    list_remove(&r->node);
    time_waits.count--;
}

// Out of the table and the ports. r is off the list already; its reference from there is given up.
static void discard(struct tcp_remnant *r)
{
    port_release(&tcp_ports, &r->binding);
    if (tcp_table_remove(&r->entry))
        tcp_entry_put(&r->entry);
    tcp_entry_put(&r->entry);
}

// The first one, if it is due or there are too many; off the list.
static struct tcp_remnant *take_due(u64 now)
{
    struct tcp_remnant *r = NULL;

    lock_acquire_clean(&time_waits.lock);
    if (!list_empty(&time_waits.waiting)) {
        r = list_first(&time_waits.waiting, struct tcp_remnant, node);
        if (r->deadline <= now || time_waits.count > REMNANTS_MAX)
            unlink_locked(r);
        else {
            timer_arm(&time_waits.timer, r->deadline);
            r = NULL;
        }
    }
    lock_release(&time_waits.lock);
    return r;
}

static void expire(struct timer *t)
{
    struct tcp_remnant *r;
    u64 now = clock_monotonic();

    while ((r = take_due(now)) != NULL)
        discard(r);
}

static void wait_begin(struct tcp_remnant *r)
{
    bool first, many;

    lock_acquire_clean(&time_waits.lock);
    if (!time_waits.ready) {
        list_init(&time_waits.waiting);
        timer_init(&time_waits.timer, expire);
        __atomic_store_n(&time_waits.ready, true, __ATOMIC_RELEASE);
    }
    first = list_empty(&time_waits.waiting);
    rollback_begin(&time_waits.lock);
    rollback_word(&time_waits.count);
    rollback_insert_after(time_waits.waiting.previous);
    list_push_back(&time_waits.waiting, &r->node);
    many = ++time_waits.count > REMNANTS_MAX;
    if (first)
        timer_arm(&time_waits.timer, r->deadline);
    lock_release(&time_waits.lock);
    if (many) {
        r = take_due(0);
        if (r)
            discard(r);
    }
}

// Off the list, if nobody was faster; the reference of the list is the caller's then.
static bool claim(struct tcp_remnant *r)
{
    bool claimed;

    lock_acquire_clean(&time_waits.lock);
    claimed = !list_empty(&r->node);
    if (claimed)
        unlink_locked(r);
    lock_release(&time_waits.lock);
    return claimed;
}

// It waits before it is found: one whose maker the host kills in here still goes when its time has come.
bool remnant_make(struct tcp_connection *c)
{
    struct tcp_remnant *r = slab_alloc(&remnant_cache);

    if (!r)
        return false;
    r->entry = (struct tcp_entry){.key = c->entry.key, .kind = TCP_REMNANT, .references = 2};
    r->send_next = c->send.next;
    r->receive_next = c->receive.next;
    r->receive_window = c->window_edge - c->receive.next;
    r->timestamps = c->timestamps;
    r->timestamp_offset = c->timestamp_offset;
    r->timestamp_recent = c->timestamp_recent;
    r->timestamp_recent_time = c->timestamp_recent_time;
    r->deadline = clock_monotonic() + TCP_TIME_WAIT;
    wait_begin(r); // takes over the first reference
    port_move(&tcp_ports, &c->inet.binding, &r->binding);
    bool made = tcp_table_replace(&c->entry, &r->entry);
    if (!made && claim(r)) {
        port_move(&tcp_ports, &r->binding, &c->inet.binding);
        tcp_entry_put(&r->entry);
    }
    tcp_entry_put(&r->entry);
    return made;
}

bool remnant_reuse(struct tcp_remnant *r)
{
    u64 now = clock_monotonic();
    bool mine;

    lock_acquire_clean(&time_waits.lock);
    mine = r->timestamps && !list_empty(&r->node) && now + TCP_TIME_WAIT - r->deadline >= REUSE_AGE;
    if (mine) { // the timer does the rest: the port table's lock is held by the caller
        rollback_begin(&time_waits.lock);
        rollback_word(&r->deadline);
        rollback_remove(&r->node);
        rollback_insert_after(&time_waits.waiting);
        list_remove(&r->node);
        r->deadline = now;
        list_push_front(&time_waits.waiting, &r->node);
        rollback_end(&time_waits.lock);
        timer_arm(&time_waits.timer, now);
    }
    lock_release(&time_waits.lock);
    if (mine && tcp_table_remove(&r->entry))
        tcp_entry_put(&r->entry);
    return mine;
}

static void acknowledge(const struct tcp_remnant *r)
{
    struct tcp_reply reply = {.key = r->entry.key, .flags = TCP_FLAG_ACK};

    reply.sequence = r->send_next;
    reply.acknowledgment = r->receive_next;
    reply.window = (u16)min(r->receive_window, 0xffffu);
    reply.options = (struct tcp_options){.scale = TCP_SCALE_NONE, .has_timestamp = r->timestamps};
    reply.options.timestamp = tcp_timestamp(clock_monotonic()) + r->timestamp_offset;
    reply.options.echo = r->timestamp_recent;
    reply_send(&reply);
}

static bool newer(const struct tcp_remnant *r, const struct tcp_segment *s)
{
    if (r->timestamps && s->options.has_timestamp)
        return (s32)(s->options.timestamp - r->timestamp_recent) > 0;
    return sequence_after(s->sequence, r->receive_next);
}

// Another 2 MSL behind a repeated FIN. The list stays in order: it goes to the end.
static void wait_again(struct tcp_remnant *r)
{
    lock_acquire_clean(&time_waits.lock);
    if (!list_empty(&r->node)) {
        rollback_begin(&time_waits.lock);
        rollback_word(&r->deadline);
        rollback_remove(&r->node);
        rollback_insert_after(time_waits.waiting.previous);
        list_remove(&r->node);
        r->deadline = clock_monotonic() + TCP_TIME_WAIT;
        list_push_back(&time_waits.waiting, &r->node);
    }
    lock_release(&time_waits.lock);
}

bool remnant_input(struct tcp_remnant *r, struct tcp_segment *s)
{
    if (s->flags & TCP_FLAG_RST)
        return true; // no assassination [RFC 1337]
    if ((s->flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN && newer(r, s)) {
        if (!claim(r))
            return true;
        discard(r);
        return false;
    }
    if ((s->flags & TCP_FLAG_FIN) && s->end == r->receive_next)
        wait_again(r);
    if (s->end != s->sequence || s->sequence != r->receive_next)
        acknowledge(r);
    return true;
}
