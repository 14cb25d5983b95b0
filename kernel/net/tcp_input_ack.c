// SPDX-License-Identifier: BSD-3-Clause
// The acknowledgment of a received segment: what it frees, what it tells of loss, and the window
// that comes with it. [RFC 9293 3.10.7.4 fifth, RFC 5961 5, RFC 2018, RFC 2883]
#include "linux/clock.h"
#include "net/tcp_connection.h"

#define CHALLENGES_A_SECOND 20u

void connection_challenge(struct tcp_connection *c)
{
    u64 second = clock_monotonic() / SECOND;

    if (c->challenge_second != second) {
        c->challenge_second = second;
        c->challenge_count = 0;
    }
    if (c->challenge_count++ >= CHALLENGES_A_SECOND)
        return;
    mib_count(MIB_CHALLENGES);
    connection_ack(c);
}

void connection_update_window(struct tcp_connection *c, const struct tcp_segment *s)
{
    u32 window = s->flags & TCP_FLAG_SYN || c->send_scale == TCP_SCALE_NONE
                     ? s->window
                     : s->window << c->send_scale;

    if (!sequence_before(s->sequence, c->send_wl1) &&
        (s->sequence != c->send_wl1 || !sequence_before(s->acknowledgment, c->send_wl2))) {
        c->send_window = window;
        c->send_wl1 = s->sequence;
        c->send_wl2 = s->acknowledgment;
        c->send_window_max = max(c->send_window_max, window);
    }
}

static void sacks_take(struct tcp_connection *c, const struct tcp_segment *s,
                       struct tcp_record_sample *sample)
{
    const struct tcp_options *o = &s->options;

    for (u32 i = 0; c->sack && i < o->sack_count; i++) {
        struct tcp_range r = o->sack[i];

        if (!sequence_before(r.start, r.end) || sequence_after(r.end, c->send.next))
            continue;
        if (!sequence_after(r.end, s->acknowledgment)) { // D-SACK: it arrived twice
            if (!i)
                recovery_duplicate(c);
            continue;
        }
        if (sequence_before(r.start, s->acknowledgment))
            continue;
        records_sacked(&c->send, &r, sample);
    }
}

static void rtt_by_timestamp(struct tcp_connection *c, const struct tcp_segment *s, u64 now)
{
    u32 ms = tcp_timestamp(now) + c->timestamp_offset - s->options.echo;

    if (s->options.has_timestamp && s->options.echo && ms < TCP_RTO_MAX / MILLISECOND)
        recovery_rtt(c, max(ms * MILLISECOND, MILLISECOND));
}

// The acknowledgment moves on.
static void una_advance(struct tcp_connection *c, const struct tcp_segment *s,
                        struct tcp_record_sample *sample)
{
    struct tcp_send_queue *q = &c->send;

    records_acked(q, s->acknowledgment, sample);
    c->counters.bytes_acked += s->acknowledgment - q->una;
    q->una = s->acknowledgment;
    q->highest_sacked = sequence_max(q->highest_sacked, q->una);
    send_queue_release(q);
    if (c->timestamps && !sample->sent)
        rtt_by_timestamp(c, s, connection_now(c));
    c->backoff = 0;
    c->retries = 0;
    c->stalled_since = 0;
    c->soft_error = 0;
    c->probes = 0;
    if (c->urgent_sending && !sequence_before(q->una, c->urgent_end))
        c->urgent_sending = false;
    if (connection_writable(c))
        c->wake |= POLLOUT | POLLWRNORM;
}

bool connection_input_ack(struct tcp_connection *c, const struct tcp_segment *s)
{
    struct tcp_record_sample sample = {0};
    struct tcp_send_queue *q = &c->send;
    u32 ack = s->acknowledgment, window = c->send_window;
    bool advanced, duplicate;

    if (sequence_after(ack, q->next) ||
        sequence_before(ack, q->una - max(c->send_window_max, 1u))) { // [RFC 5961, 5.2]
        connection_challenge(c);
        return false;
    }
    if (sequence_before(ack, q->una))
        return true; // old: its data may still be of use
    if (c->send.sacked && !list_empty(&q->records) && ack == q->una &&
        list_first(&q->records, struct tcp_record, node)->flags & RECORD_SACKED)
        records_mark_all_lost(q, /*forget_sacks=*/true); // the peer reneged [RFC 2018, 8]
    advanced = ack != q->una;
    sacks_take(c, s, &sample);
    if (advanced)
        una_advance(c, s, &sample);
    connection_update_window(c, s);
    if (q->una == q->next && c->stalled_since) { // the answer to a window probe
        c->retries = 0;
        c->stalled_since = 0;
    }
    if (!c->send_window && q->una != q->next) // closed, but alive: asked for ever [RFC 9293 3.8.6.1]
        c->backoff = min(c->backoff, net_setting(SET_RETRIES) / 2);
    if (c->send_window > window)
        c->backoff = q->una == q->next ? 0 : c->backoff;
    // What a duplicate ACK is: [RFC 5681, 2]; with SACK the blocks tell instead.
    duplicate = !advanced && q->una != q->next && !s->payload && window == c->send_window &&
                !(s->flags & (TCP_FLAG_FIN | TCP_FLAG_SYN)) && !c->sack;
    if (advanced && c->timestamps && s->options.has_timestamp)
        undo_by_echo(c, s->options.echo);
    if (advanced || duplicate || sample.sacked)
        recovery_acked(c, &sample, duplicate);
    if (advanced)
        timer_restart_retransmit(c);
    else if (sample.sacked)
        recovery_probe_arm(c);
    return true;
}
