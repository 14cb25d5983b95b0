// SPDX-License-Identifier: BSD-3-Clause
// What may be sent now, and sending it: first what was lost, then new data as the two windows,
// Nagle's rule and TCP_CORK allow. [RFC 9293 3.8.6, RFC 5681, RFC 6675 5 (C), RFC 1122 4.2.3.4]
#include "linux/clock.h"
#include "net/tcp_connection.h"

static bool may_send_data(const struct tcp_connection *c)
{
    return c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT ||
           c->state == TCP_FIN_WAIT_1 || c->state == TCP_CLOSING || c->state == TCP_LAST_ACK;
}

// Room in the congestion window; at least one segment when nothing is under way.
static u32 congestion_room(const struct tcp_connection *c)
{
    u32 flight = send_queue_in_flight(&c->send);

    if (!flight)
        return max(c->congestion.window, c->mss);
    return c->congestion.window > flight ? c->congestion.window - flight : 0;
}

bool connection_send_again(struct tcp_connection *c, struct tcp_record *r, u32 room)
{
    u32 data_end = sequence_min(r->end, c->send.end);
    u32 size = least(data_end - r->start, room, TCP_SEGMENT_MAX), reached;
    bool fin = sequence_after(r->end, c->send.end);

    if (size < data_end - r->start) {
        u32 whole = size / c->mss * c->mss;

        size = whole ? whole : size;
        if (!records_split(&c->send, r, r->start + size))
            return false;
        fin = false;
    }
    reached = segment_send(c, r->start, r->start + size,
                           (u8)(TCP_FLAG_ACK | TCP_FLAG_PSH | (fin ? TCP_FLAG_FIN : 0)));
    if (reached != r->start + size || (!size && !fin))
        return false;
    c->counters.retransmissions++;
    mib_count(MIB_TCP_AGAIN);
    if (c->recovery == RECOVERY_FAST)
        mib_count(MIB_FAST_AGAIN);
    c->counters.bytes_retransmitted += size;
    c->reduction.sent += size;
    undo_note_sent(c, connection_now(c));
    record_sent_again(&c->send, r, connection_now(c));
    return true;
}

static void output_lost(struct tcp_connection *c)
{
    struct tcp_record *r;

    while ((r = records_next_lost(&c->send)) != NULL) {
        u32 flight = send_queue_in_flight(&c->send);
        u32 room = c->congestion.window > flight ? c->congestion.window - flight : 0;

        // Whole segments, but one always if nothing else is under way.
        // The first of a recovery goes in any case [RFC 6675 5 (4.3), RFC 5681 3.2].
        if (room < c->mss && room < r->end - r->start && flight && !c->repeat_now)
            return;
        c->repeat_now = false;
        if (!connection_send_again(c, r, max(room, c->mss)))
            return;
        if (!c->deadlines[TCP_TIMER_RETRANSMIT])
            timer_restart_retransmit(c);
    }
}

// Nagle [RFC 1122 4.2.3.4], as Minshall and Linux have it: only small segments wait for each other.
static bool small_may_go(const struct tcp_connection *c, u32 size)
{
    if (c->fin_wanted)
        return true;
    if (c->cork || c->more)
        return false;
    if (c->no_delay || c->send.next == c->send.una)
        return true;
    // Half of the largest window the peer ever had is worth a segment [RFC 9293, 3.8.6.2.1].
    return c->send_window_max && size >= c->send_window_max / 2;
}

// How much new data the next segment may carry; 0: none.
static u32 next_size(struct tcp_connection *c, u32 mss)
{
    u32 waiting = send_queue_waiting(&c->send);
    u32 used = c->send.next - c->send.una;
    u32 window = c->send_window > used ? c->send_window - used : 0;
    u32 room = congestion_room(c);
    u32 allowed = min(window, room), size = least(waiting, allowed, TCP_SEGMENT_MAX);

    c->window_limited |= room < waiting && room <= window;
    if (size == waiting)
        return size - (size % mss && !small_may_go(c, size % mss) ? size % mss : 0);
    if (size >= mss)
        return size - size % mss;
    // Silly windows: less than a segment only if it is half of what the peer ever offered.
    return size == window && size >= c->send_window_max / 2 ? size : 0;
}

// Sends `size` new bytes, and FIN if it comes behind them.
static bool output_one(struct tcp_connection *c, u32 size)
{
    struct tcp_send_queue *q = &c->send;
    u32 start = q->next, end = start + size, reached;
    bool fin = c->fin_wanted && !c->fin_sent && end == q->end;
    u8 flags = (u8)(TCP_FLAG_ACK | (fin ? TCP_FLAG_FIN : 0));
    struct tcp_record *r;

    if (start == end && !fin)
        return false;
    r = record_new();
    if (!r)
        return false;
    if (end != start &&
        (end == q->end || sequence_after(end, q->pushed + c->send_window_max / 2))) {
        flags |= TCP_FLAG_PSH;
        q->pushed = end;
    }
    reached = segment_send(c, start, end, flags);
    fin = fin && reached == end;
    if (reached == start && !fin) {
        record_free(r);
        return false;
    }
    records_add(q, r, start, reached + fin, connection_now(c));
    c->counters.bytes_sent += reached - start;
    c->reduction.sent += reached - start;
    c->fin_sent |= fin;
    q->next = reached + fin;
    return true;
}

// Data waits, but nothing that is under way will ever bring an ACK: ask for the window now and
// then, or use a small one after a while.
static void persist_if_stuck(struct tcp_connection *c)
{
    u64 deadline = c->deadlines[TCP_TIMER_PERSIST], then;
    bool stuck = c->send.next == c->send.una &&
                 (send_queue_waiting(&c->send) || (c->fin_wanted && !c->fin_sent)) &&
                 c->send_window < max(send_queue_waiting(&c->send), 1u);

    if (!stuck || c->cork) {
        timer_set(c, TCP_TIMER_PERSIST, 0);
        return;
    }
    then = connection_now(c) + (c->send_window ? TCP_OVERRIDE : connection_rto(c));
    if (!deadline || then < deadline)
        timer_set(c, TCP_TIMER_PERSIST, then);
}

// A peer need not say when a small window grows, so that it must be used at last [RFC 9293
// 3.8.6.2.1 (4)]; and one that does not answer probes may answer to data [RFC 9293 3.8.6.1].
void connection_send_override(struct tcp_connection *c, u32 beyond)
{
    u32 used = c->send.next - c->send.una;
    u32 window = c->send_window > used ? c->send_window - used : beyond;
    u32 size = least(send_queue_waiting(&c->send), window, connection_segment_size(c));

    if (size && !connection_route(c) && output_one(c, size))
        timer_restart_retransmit(c);
    else
        persist_if_stuck(c);
}

void connection_output(struct tcp_connection *c)
{
    u32 before = c->send.next, repeated = c->counters.retransmissions, mss;
    u64 now;

    if (!may_send_data(c) || connection_route(c))
        return;
    if (c->send.lost)
        output_lost(c);
    if (send_queue_waiting(&c->send) || (c->fin_wanted && !c->fin_sent)) {
        now = connection_now(c);
        if (c->send.next == c->send.una && c->last_sent && now - c->last_sent > c->rto)
            congestion_idle(&c->congestion, c->mss);
        mss = connection_segment_size(c);
        while (output_one(c, next_size(c, mss)))
            ;
    }
    if (c->send.next != before && (c->send.una == before || !c->deadlines[TCP_TIMER_RETRANSMIT]))
        timer_restart_retransmit(c);
    else if (c->send.next != before || c->counters.retransmissions != repeated)
        recovery_probe_arm(c);
    persist_if_stuck(c);
}

void connection_ack(struct tcp_connection *c)
{
    u32 at = c->fin_sent ? c->send.end + 1 : c->send.next;

    (void)segment_send(c, at, at, TCP_FLAG_ACK);
    if (c->last_ack_sent != c->receive.next) // no memory, no route: soon again
        timer_set(c, TCP_TIMER_ACK, connection_now(c) + TCP_DELAYED_ACK);
    if (!c->receive_window && !c->deadlines[TCP_TIMER_PROBE])
        recovery_probe_arm(c);
}

// Delayed ACKs [RFC 5681, 4.2]: every second full segment at once, or when the window has opened
// by two segments, or half of the space.
void connection_ack_if_due(struct tcp_connection *c)
{
    bool due = c->ack_now || c->ack_pending >= 2 * max(c->receive_mss, 1u);

    if (!due && c->ack_pending && (c->quick_acks || c->quick_ack_mode))
        due = true;
    if (due)
        connection_ack(c);
    else if (c->ack_pending && !c->deadlines[TCP_TIMER_ACK])
        timer_set(c, TCP_TIMER_ACK, connection_now(c) + TCP_DELAYED_ACK);
}

void connection_send_probe(struct tcp_connection *c)
{
    u32 at = c->send.una - 1;

    (void)segment_send(c, at, at, TCP_FLAG_ACK);
}

void connection_send_reset(struct tcp_connection *c)
{
    u32 at = c->fin_sent ? c->send.end + 1 : c->send.next;

    (void)segment_send(c, at, at, TCP_FLAG_RST | TCP_FLAG_ACK);
}

void connection_send_syn(struct tcp_connection *c)
{
    u8 flags = c->state == TCP_SYN_RECEIVED ? TCP_FLAG_SYN | TCP_FLAG_ACK : TCP_FLAG_SYN;

    (void)segment_send(c, c->iss, c->iss, flags);
}
