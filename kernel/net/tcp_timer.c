// SPDX-License-Identifier: BSD-3-Clause
// A connection's deadlines and the one kernel timer that serves them. Deadlines change with nearly
// every segment, the timer rarely: it is only moved to an earlier time, and when it fires too early
// it looks again.
#include "linux/clock.h"
#include "net/tcp_connection.h"
#include "net/work.h"

#define PROBES 2u // without an answer, then they carry data

void timer_set(struct tcp_connection *c, enum tcp_timer_kind kind, u64 deadline)
{
    c->deadlines[kind] = deadline;
    if (deadline && (!c->timer_at || deadline < c->timer_at)) {
        c->timer_at = deadline;
        timer_arm(&c->timer, deadline);
    }
}

void timer_restart_retransmit(struct tcp_connection *c)
{
    if (c->send.una == c->send.next) {
        timer_set(c, TCP_TIMER_RETRANSMIT, 0);
        timer_set(c, TCP_TIMER_PROBE, 0);
        timer_set(c, TCP_TIMER_REORDER, 0);
        return;
    }
    timer_set(c, TCP_TIMER_RETRANSMIT, connection_now(c) + connection_rto(c));
    recovery_probe_arm(c);
}

static void give_up(struct tcp_connection *c)
{
    connection_abort(c, c->soft_error ? c->soft_error : ETIMEDOUT);
}

// True: it has taken too long, the connection is gone.
static bool stalled_too_long(struct tcp_connection *c, u64 now, u32 tries)
{
    u32 most = c->orphan ? net_setting(SET_ORPHAN_RETRIES) : net_setting(SET_RETRIES);

    most = most ? most : TCP_ORPHAN_RETRIES;
    if (!c->stalled_since)
        c->stalled_since = now;
    if (c->user_timeout ? now - c->stalled_since < c->user_timeout : tries < most)
        return false;
    give_up(c);
    return true;
}

static void syn_timeout(struct tcp_connection *c, u64 now)
{
    u32 most = c->syn_retries ? c->syn_retries : net_setting(SET_SYN_RETRIES);

    if (!c->stalled_since)
        c->stalled_since = now - connection_rto(c);
    if (c->user_timeout ? now - c->stalled_since >= c->user_timeout : c->retries >= most) {
        give_up(c);
        return;
    }
    c->retries++;
    c->backoff++;
    c->counters.retransmissions++;
    mib_count(MIB_SYN_AGAIN);
    mib_count(MIB_TCP_AGAIN);
    connection_send_syn(c);
    timer_set(c, TCP_TIMER_RETRANSMIT, now + connection_rto(c));
}

static void retransmit_timeout(struct tcp_connection *c, u64 now)
{
    if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
        syn_timeout(c, now);
        return;
    }
    if (c->send.una == c->send.next || stalled_too_long(c, now, c->backoff))
        return;
    mib_count(MIB_TIMEOUTS);
    recovery_timeout(c);
    c->backoff++;
    connection_output(c);
    if (!c->sack && c->backoff > 1)
        connection_send_override(c, 0); // only the ACK may be lost: see recovery_window_offer
    timer_restart_retransmit(c);
    if (c->backoff == 3)
        c->route_valid = false; // another way may be there [RFC 1122 4.2.3.5]
}

static void persist_timeout(struct tcp_connection *c, u64 now)
{
    struct tcp_send_queue *q = &c->send;

    if (q->una != q->next || (!send_queue_waiting(q) && (!c->fin_wanted || c->fin_sent)))
        return;
    if (c->send_window) {
        connection_send_override(c, 0);
        return;
    }
    recovery_window_offer(c);
    if (c->retries && stalled_too_long(c, now, c->retries)) // answers reset it
        return;
    c->backoff++;
    if (++c->retries > PROBES) {
        connection_send_override(c, 1);
        return;
    }
    connection_send_probe(c);
    timer_set(c, TCP_TIMER_PERSIST, now + connection_rto(c));
}

static void keep_alive_timeout(struct tcp_connection *c, u64 now)
{
    u64 idle = now - max(c->last_received, c->last_sent);

    if (!(c->inet.socket.flags & SOCKET_KEEP_ALIVE) || !connection_synchronised(c))
        return;
    if (c->send.una != c->send.next || send_queue_waiting(&c->send)) {
        timer_set(c, TCP_TIMER_KEEP_ALIVE, now + c->keep_idle);
        return;
    }
    if (idle < c->keep_idle) {
        c->keep_probes = 0;
        timer_set(c, TCP_TIMER_KEEP_ALIVE, now + c->keep_idle - idle);
        return;
    }
    if (c->user_timeout ? c->keep_probes && idle >= c->user_timeout
                        : c->keep_probes >= c->keep_count) {
        give_up(c);
        return;
    }
    c->keep_probes++;
    mib_count(MIB_KEEP_ALIVES);
    connection_send_probe(c);
    timer_set(c, TCP_TIMER_KEEP_ALIVE, now + c->keep_interval);
}

static void ack_timeout(struct tcp_connection *c)
{
    if (c->ack_pending || c->ack_now || c->last_ack_sent != c->receive.next)
        connection_ack(c);
}

static void run(struct tcp_connection *c, enum tcp_timer_kind kind, u64 now)
{
    switch (kind) {
    case TCP_TIMER_RETRANSMIT:
        retransmit_timeout(c, now);
        break;
    case TCP_TIMER_PROBE:
        recovery_probe(c);
        break;
    case TCP_TIMER_REORDER:
        recovery_detect(c);
        connection_output(c);
        break;
    case TCP_TIMER_PERSIST:
        persist_timeout(c, now);
        break;
    case TCP_TIMER_ACK:
        ack_timeout(c);
        break;
    case TCP_TIMER_KEEP_ALIVE:
        keep_alive_timeout(c, now);
        break;
    case TCP_TIMER_FIN:
        connection_time_wait(c);
        break;
    case TCP_TIMER_REQUESTS:
        listener_timer(c, now);
        break;
    default:
        break;
    }
}

static void arm_next(struct tcp_connection *c)
{
    u64 first = 0;

    for (u32 i = 0; i < TCP_TIMER_COUNT; i++)
        if (c->deadlines[i] && (!first || c->deadlines[i] < first))
            first = c->deadlines[i];
    c->timer_at = first;
    if (first)
        timer_arm(&c->timer, first);
}

// No reference is held: who frees the connection first cancels the timer, which waits for this.
void timer_fire(struct timer *t)
{
    struct tcp_connection *c = container_of(t, struct tcp_connection, timer);
    u64 now = clock_monotonic();

    connection_lock(c);
    c->timer_at = 0;
    for (u32 i = 0; i < TCP_TIMER_COUNT; i++) {
        if (!c->deadlines[i] || c->deadlines[i] > now)
            continue;
        c->deadlines[i] = 0;
        run(c, i, now);
    }
    arm_next(c);
    bool assume = c->assume;
    connection_unlock(c);
    if (assume)
        listener_assume(c);
}
