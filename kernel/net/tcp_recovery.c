// SPDX-License-Identifier: BSD-3-Clause
// Finding out what was lost, and what follows from it: round trips [RFC 6298], loss by SACK [RFC
// 6675], by time [RFC 8985: RACK; tcp_probe.c has its probes], by duplicate ACKs without SACK [RFC
// 6582], and by timeout. The way back: tcp_undo.c.
//
//     NONE --loss detected--> FAST ----everything up to recover_point acknowledged----> NONE
//       \------RTO------> TIMEOUT ---------------------------------------------------^
#include "linux/clock.h"
#include "net/tcp_connection.h"

#define WINDOW_OFFER 512u
#define DUPLICATES   3u // RFC 5681's, RFC 6675's DupThresh

void recovery_rtt(struct tcp_connection *c, u64 sample)
{
    u64 difference;

    sample = max(sample, 1000ull);
    if (!c->rtt) {
        c->rtt = sample;
        c->rtt_variance = sample / 2;
        c->rtt_min = sample;
    } else {
        difference = c->rtt > sample ? c->rtt - sample : sample - c->rtt;
        c->rtt_variance += difference / 4 - c->rtt_variance / 4;
        c->rtt += sample / 8 - c->rtt / 8;
        c->rtt_min = min(c->rtt_min, sample);
    }
    c->rto = max(c->rtt + 4 * c->rtt_variance, TCP_RTO_MIN);
    c->rto = min(c->rto, TCP_RTO_MAX);
}

u64 connection_rto(const struct tcp_connection *c)
{
    u32 shift = min(c->backoff, 10u);
    return min(c->rto << shift, TCP_RTO_MAX);
}

// Proportional rate reduction: in a recovery as much is sent as arrives, times the reduction, so that
// the window is the new threshold when it is over, without a silence or a burst. [RFC 6937]
static void reduction_begin(struct tcp_connection *c)
{
    c->reduction = (struct tcp_reduction){.flight = max(c->send.next - c->send.una, c->mss)};
}

static void reduction_acked(struct tcp_connection *c, u32 delivered, bool safe)
{
    struct tcp_reduction *r = &c->reduction;
    u32 flight = send_queue_in_flight(&c->send), threshold = c->congestion.threshold;
    u64 quota;

    r->delivered += delivered;
    if (flight > threshold) {
        quota = ((u64)r->delivered * threshold + r->flight - 1) / r->flight;
        quota = quota > r->sent ? quota - r->sent : 0;
    } else {
        quota = max(r->delivered > r->sent ? r->delivered - r->sent : 0, delivered);
        quota = min(quota + (safe ? c->mss : 0), (u64)(threshold - flight));
    }
    c->congestion.window = flight + (u32)quota;
}

static void recovery_begin(struct tcp_connection *c)
{
    if (c->recovery != RECOVERY_NONE)
        return;
    c->recovery = RECOVERY_FAST;
    c->recover_point = c->send.next;
    c->repeat_now = true;
    c->probe_end = 0; // what it would tell is known
    undo_begin(c);
    congestion_event(&c->congestion, c->mss, c->send.next - c->send.una);
    if (c->sack)
        reduction_begin(c);
    else
        c->congestion.window = c->congestion.threshold;
}

static void recovery_end_if_over(struct tcp_connection *c)
{
    if (c->recovery == RECOVERY_NONE || sequence_before(c->send.una, c->recover_point))
        return;
    if (c->recovery == RECOVERY_FAST && c->undo_window)
        c->congestion.window = max(c->congestion.threshold, c->mss);
    c->undo_window = 0;
    if (c->reorder_steps && !(c->recoveries++ % 16)) // what was learnt fades
        c->reorder_steps--;
    c->recovery = RECOVERY_NONE;
    c->duplicate_acks = 0;
}

// The time by which a segment may come later than one that was sent behind it.
static u64 reorder_window(const struct tcp_connection *c)
{
    if (!c->reordering && (c->recovery != RECOVERY_NONE || c->send.sacked >= DUPLICATES * c->mss))
        return 0;
    return min(c->rtt_min / 4 * (1 + c->reorder_steps), c->rtt);
}

// RACK: lost is what was sent well before something that has arrived. *wait: ns until the next one
// would be.
static bool rack_lost(const struct tcp_connection *c, const struct tcp_record *r, u64 now,
                      u64 *wait)
{
    u64 deadline = r->sent + c->rack_rtt + reorder_window(c);

    if (r->sent > c->rack_sent ||
        (r->sent == c->rack_sent && !sequence_before(r->end, c->rack_end)))
        return false;
    if (deadline <= now)
        return true;
    *wait = max(*wait, deadline - now);
    return false;
}

// RFC 6675 IsLost: more than (DupThresh - 1) segments above it were sacked.
static bool sack_lost(const struct tcp_connection *c, const struct tcp_record *r, u32 sacked_above)
{
    return !c->reordering && !(r->flags & RECORD_REPEATED) &&
           sacked_above > (DUPLICATES - 1) * c->mss;
}

static bool mark_by_sack(struct tcp_connection *c)
{
    u32 sacked_above = c->send.sacked;
    u64 now = connection_now(c), wait = 0;
    bool found = false;
    struct tcp_record *r;

    list_for_each(r, &c->send.records, node)
    {
        if (!sequence_before(r->start, sequence_max(c->send.highest_sacked, c->rack_end)))
            break;
        if (r->flags & RECORD_SACKED) {
            sacked_above -= r->end - r->start;
            continue;
        }
        if ((r->flags & (RECORD_LOST | RECORD_RETRANSMITTED)) == RECORD_LOST)
            continue;
        if (sack_lost(c, r, sacked_above) || rack_lost(c, r, now, &wait)) {
            record_mark_lost(&c->send, r);
            found = true;
        }
    }
    timer_set(c, TCP_TIMER_REORDER, wait ? now + wait : 0);
    return found;
}

// Without SACK: the first segment, at the third duplicate and at each partial ACK [RFC 6582].
static bool mark_first(struct tcp_connection *c)
{
    struct tcp_record *r;

    if (list_empty(&c->send.records))
        return false;
    r = list_first(&c->send.records, struct tcp_record, node);
    if (r->flags & RECORD_LOST)
        return false;
    if (r->end - r->start > c->mss && !records_split(&c->send, r, r->start + c->mss))
        return false;
    record_mark_lost(&c->send, r);
    return true;
}

bool recovery_detect(struct tcp_connection *c)
{
    bool found = false;

    if (c->sack)
        found = mark_by_sack(c);
    else if (c->recovery == RECOVERY_NONE && c->duplicate_acks >= DUPLICATES)
        found = mark_first(c);
    if (found)
        recovery_begin(c);
    return found;
}

static void rack_update(struct tcp_connection *c, const struct tcp_record_sample *s, u64 now)
{
    u64 rtt = now - s->rack_sent;

    if (!s->rack_sent || (s->rack_repeated && rtt < c->rtt_min))
        return; // perhaps the answer to an earlier transmission
    c->rack_rtt = rtt;
    if (s->rack_sent > c->rack_sent ||
        (s->rack_sent == c->rack_sent && sequence_after(s->rack_end, c->rack_end))) {
        c->rack_sent = s->rack_sent;
        c->rack_end = s->rack_end;
    }
}

// How the window answers to an ACK that brought something.
static void window_acked(struct tcp_connection *c, const struct tcp_record_sample *s,
                         bool duplicate, bool found)
{
    bool limited = c->window_limited;
    u32 delivered = s->acked + s->sacked;

    if (s->acked)
        c->window_limited = false;
    if (c->recovery == RECOVERY_FAST && c->sack)
        reduction_acked(c, delivered, s->acked && !found);
    else if (c->recovery == RECOVERY_FAST && duplicate)
        c->congestion.window += c->mss; // inflation [RFC 5681, 3.2]
    else if (c->recovery == RECOVERY_TIMEOUT || (s->acked && c->recovery == RECOVERY_NONE && limited))
        congestion_acked(&c->congestion, c->mss, delivered, c->rtt, connection_now(c));
}

void recovery_acked(struct tcp_connection *c, const struct tcp_record_sample *s, bool duplicate)
{
    u64 now = connection_now(c);
    bool found;

    c->reordering |= s->reordered;
    if (s->sent)
        recovery_rtt(c, now - s->sent);
    rack_update(c, s, now);
    c->duplicate_acks = duplicate ? c->duplicate_acks + 1 : s->acked ? 0 : c->duplicate_acks;
    if (s->acked || s->sacked)
        c->probes = 0;
    if (s->acked) {
        if (c->recovery == RECOVERY_FAST && !c->sack &&
            sequence_before(c->send.una, c->recover_point))
            (void)mark_first(c);
        recovery_end_if_over(c);
    }
    recovery_probe_acked(c);
    found = recovery_detect(c);
    window_acked(c, s, duplicate, found);
}

// passt 2023 acknowledges once. What it missed to tell it tells only with data of its own, for which
// our window must be open, or when it gets new data: an ACK for data that comes again it sends
// never. While both windows are closed both programs wait for each other. So who waits for an ACK
// opens his window by a bit.
void recovery_window_offer(struct tcp_connection *c)
{
    if (!receive_window_select(c))
        c->window_edge = c->receive.next + WINDOW_OFFER;
}

void recovery_timeout(struct tcp_connection *c)
{
    recovery_window_offer(c);
    if (c->recovery == RECOVERY_NONE)
        undo_begin(c);
    congestion_timeout(&c->congestion, c->mss, c->send.next - c->send.una,
                       c->recovery != RECOVERY_TIMEOUT);
    // The peer may have dropped what it had sacked [RFC 2018, 8]: seen when the first is sacked.
    records_mark_all_lost(&c->send, c->backoff > 1);
    c->recovery = RECOVERY_TIMEOUT;
    c->recover_point = c->send.next;
    c->duplicate_acks = 0;
    c->probe_end = 0;
    c->probes = 0;
    timer_set(c, TCP_TIMER_REORDER, 0);
}
