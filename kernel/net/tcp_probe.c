// SPDX-License-Identifier: BSD-3-Clause
// Tail loss probes: an ACK that tells of loss at the end of a flight, long before the RTO. [RFC 8985, 7]
//
// Beyond that RFC they are also sent within a recovery, and again at doubled intervals while the RTO
// is not yet due, as QUIC's are [RFC 9002, 6.2]: where the round trip is short beside the least RTO, a
// lost repetition would else cost two hundred milliseconds each time. A probe obeys no window, but
// what it tells of is loss like any other.
#include "linux/clock.h"
#include "net/tcp_connection.h"

#define PROBES_MAX 8u
#define PEER_DELAY (50 * MILLISECOND) // of a lone segment's ACK, within a recovery

// What the peer may wait before it answers. With a gap before it, it does not [RFC 5681, 4.2].
static u64 answer_delay(const struct tcp_connection *c)
{
    if (c->send.sacked || send_queue_in_flight(&c->send) > c->mss)
        return 2 * MILLISECOND;
    return c->recovery == RECOVERY_NONE ? TCP_RTO_MIN : PEER_DELAY;
}

void recovery_probe_arm(struct tcp_connection *c)
{
    bool use = c->sack || !c->receive_window; // without SACK: see recovery_window_offer
    u64 at;

    // Behind an RTO without an answer there is the RTO alone: it must double [RFC 6298, 5.5].
    if (!use || !c->rtt || c->backoff || c->probes >= PROBES_MAX ||
        !send_queue_in_flight(&c->send)) {
        timer_set(c, TCP_TIMER_PROBE, 0);
        return;
    }
    at = connection_now(c) + ((2 * c->rtt + answer_delay(c)) << c->probes);
    if (c->deadlines[TCP_TIMER_RETRANSMIT] && at >= c->deadlines[TCP_TIMER_RETRANSMIT])
        at = 0;
    timer_set(c, TCP_TIMER_PROBE, at);
}

// The last segment under way; the first, where it is known that some are missing.
static struct tcp_record *choose(const struct tcp_connection *c)
{
    bool first = c->probes || c->send.sacked || c->recovery != RECOVERY_NONE;
    struct tcp_record *it, *r = NULL;

    list_for_each(it, &c->send.records, node)
    {
        if (it->flags & RECORD_SACKED ||
            (it->flags & (RECORD_LOST | RECORD_RETRANSMITTED)) == RECORD_LOST)
            continue;
        r = it;
        if (first)
            break;
    }
    return r;
}

// One segment of r: its last, or its first. NULL: no memory.
static struct tcp_record *one_segment(struct tcp_connection *c, struct tcp_record *r)
{
    bool first = c->probes || c->send.sacked || c->recovery != RECOVERY_NONE;

    if (r->end - r->start <= c->mss)
        return r;
    if (!records_split(&c->send, r, first ? r->start + c->mss : r->end - c->mss))
        return NULL;
    return first ? r : list_entry(r->node.next, struct tcp_record, node);
}

void recovery_probe(struct tcp_connection *c)
{
    struct tcp_record *r = choose(c);

    if (r && !c->sack) { // it would tell nothing; once
        c->probes = PROBES_MAX;
        recovery_window_offer(c);
        connection_ack(c);
        return;
    }
    r = r ? one_segment(c, r) : NULL;
    if (!r || !connection_send_again(c, r, c->mss))
        return;
    mib_count(MIB_LOSS_PROBES);
    if (!c->probes++) {
        c->probe_end = c->recovery == RECOVERY_NONE ? c->send.next : 0;
        c->probe_duplicate = false;
        timer_restart_retransmit(c); // and arms the next probe
    } else {
        recovery_probe_arm(c);
    }
}

// An ACK has come: a probe that filled a hole hides a loss, which counts. [RFC 8985, 7.4.2]
void recovery_probe_acked(struct tcp_connection *c)
{
    if (!c->probe_end || sequence_before(c->send.una, c->probe_end))
        return;
    if (!c->probe_duplicate && c->send.una == c->probe_end)
        return; // the original, or the probe: the next ACK tells
    if (!c->probe_duplicate) {
        congestion_event(&c->congestion, c->mss, c->send.next - c->send.una);
        c->congestion.window = min(c->congestion.window, c->congestion.threshold);
    }
    c->probe_end = 0;
}
