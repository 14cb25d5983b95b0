// SPDX-License-Identifier: BSD-3-Clause
// What a sender does about loss, rule by rule, with a played receiver 10 ms away.
#include <string.h>

#include "tests/tcp/raw.h"
#include "tests/tcp/tests.h"

#define ACK TCP_FLAG_ACK
#define MSS 1448u // with timestamps

#define must(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            test_fail("%s:%d: %s", __func__, __LINE__, #x);                                        \
    } while (0)

static const struct tcp_options modern = {
    .mss = 1460, .scale = 7, .sack_permitted = true, .has_timestamp = true, .timestamp = 5000};
static u8 data[100 * MSS];

// A connection that has a round trip of 10 ms and `segments` under way, from r->acknowledgment on.
static void flight(struct raw *r, u32 segments)
{
    raw_connect(r, &modern);
    for (int i = 0; i < 4; i++) {
        must(world_write(r->s, data, 5 * MSS, 0) == 5 * MSS);
        raw_drain();
        world_run(10 * MILLISECOND);
        r->options.echo = tcp_of(r->s)->timestamp_offset + tcp_timestamp(world_now() - 10 * MILLISECOND);
        r->acknowledgment = tcp_of(r->s)->send.next;
        raw_send(r, ACK, NULL, 0);
    }
    tcp_of(r->s)->congestion.window = tcp_of(r->s)->congestion.threshold = 50 * MSS;
    must(world_write(r->s, data, segments * MSS, 0) == segments * MSS);
    must(tcp_of(r->s)->send.next - r->acknowledgment == segments * MSS);
    r->options.echo = tcp_of(r->s)->timestamp_offset + tcp_timestamp(world_now());
    raw_drain();
    world_run(10 * MILLISECOND);
}

static void sack(struct raw *r, u32 from, u32 to) // segments of the flight
{
    r->options.sack_count = 1;
    r->options.sack[0] =
        (struct tcp_range){r->acknowledgment + from * MSS, r->acknowledgment + to * MSS};
    raw_send(r, ACK, NULL, 0);
}

static void acknowledge(struct raw *r, u32 segments)
{
    r->options.sack_count = 0;
    r->acknowledgment += segments * MSS;
    raw_send(r, ACK, NULL, 0);
}

static u32 bytes_sent(void)
{
    struct raw_segment s;
    u32 bytes = 0;

    while (raw_take(&s))
        bytes += s.payload;
    return bytes;
}

// RFC 6937: in a recovery 7 segments leave for 10 that arrive, from the first ACK on.
static void rate_reduction(void)
{
    struct raw r;
    u32 early, all;

    flight(&r, 40);
    tcp_of(r.s)->congestion.window = 40 * MSS; // as if it had been the limit
    must(world_write(r.s, data, 60 * MSS, 0) == 60 * MSS);
    raw_drain();
    for (u32 i = 2; i <= 11; i++)
        sack(&r, 1, i);
    early = bytes_sent();
    must(early >= 5 * MSS && early <= 9 * MSS);
    for (u32 i = 12; i <= 40; i++)
        sack(&r, 1, i);
    all = early + bytes_sent();
    must(all >= 25 * MSS && all <= 30 * MSS);
    r.options.echo = tcp_of(r.s)->timestamp_offset + tcp_timestamp(world_now());
    acknowledge(&r, 40);
    must(tcp_of(r.s)->congestion.window <= 32 * MSS);
    must(tcp_of(r.s)->congestion.window >= 26 * MSS);
    raw_end(&r, __func__);
}

// RFC 8985 6: a repetition that was lost, too, is known by something sent later that arrives.
static void lost_repetition(void)
{
    struct raw_segment s;
    struct raw r;

    flight(&r, 10);
    sack(&r, 1, 10);
    must(raw_take(&s) && s.sequence == r.acknowledgment);
    must(world_write(r.s, data, 2 * MSS, 0) == 2 * MSS);
    raw_drain();
    world_run(15 * MILLISECOND); // longer than the reordering that RACK allows for
    sack(&r, 10, 12);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == MSS);
    raw_end(&r, __func__);
}

// RFC 8985 7: the end of a flight is lost: the last segment again, in about two round trips; and again
// while nothing answers, long before the RTO.
static void tail_loss(void)
{
    struct raw_segment s;
    struct raw r;
    u64 start = world_now();
    u32 probes = 0;

    flight(&r, 5);
    start = world_now();
    while (!raw_take(&s))
        must(world_step(~0ull));
    must(world_now() - start < 50 * MILLISECOND);
    must(s.sequence == r.acknowledgment + 4 * MSS && s.payload == MSS);
    while (world_now() < start + 150 * MILLISECOND && world_step(start + 150 * MILLISECOND))
        ;
    while (raw_take(&s)) {
        must(s.sequence == r.acknowledgment);
        probes++;
    }
    must(probes >= 1 && probes <= 3);
    must(tcp_of(r.s)->recovery == RECOVERY_NONE && !tcp_of(r.s)->backoff);
    raw_end(&r, __func__);
}

// RFC 8985 7.4.2: what only a probe has brought was lost, and counts.
static void probe_tells_of_loss(void)
{
    struct raw_segment s;
    struct raw r;
    u32 before;

    flight(&r, 5);
    before = tcp_of(r.s)->congestion.window;
    while (!raw_take(&s))
        must(world_step(~0ull));
    acknowledge(&r, 5);
    must(world_write(r.s, data, MSS, 0) == MSS);
    acknowledge(&r, 1);
    must(tcp_of(r.s)->congestion.window < before);
    raw_end(&r, __func__);
}

// RFC 3522, RFC 4015: an RTO for nothing is told by the timestamp in the first ACK behind it.
static void spurious_timeout(void)
{
    struct raw_segment s;
    struct raw r;
    struct tcp_connection *c;
    u32 before, echo;

    flight(&r, 20);
    c = tcp_of(r.s);
    before = c->congestion.window;
    echo = r.options.echo;
    world_run(1 * SECOND);
    must(c->recovery == RECOVERY_TIMEOUT && c->congestion.window < before);
    raw_drain();
    r.options.echo = echo; // of the originals
    acknowledge(&r, 10);
    must(c->recovery == RECOVERY_NONE && c->congestion.window >= before);
    while (raw_take(&s))
        must(!s.payload);
    acknowledge(&r, 10);
    raw_end(&r, __func__);
}

// The same with an answer to the repetition: the loss was real.
static void real_timeout(void)
{
    struct raw r;
    struct tcp_connection *c;
    u32 before;

    flight(&r, 20);
    c = tcp_of(r.s);
    before = c->congestion.window;
    world_run(1 * SECOND);
    raw_drain();
    r.options.echo = c->timestamp_offset + tcp_timestamp(world_now());
    acknowledge(&r, 1);
    must(c->recovery == RECOVERY_TIMEOUT && c->congestion.window < before / 2);
    raw_end(&r, __func__);
}

// RFC 6298 5.5: the RTO doubles each time, and begins anew when an ACK moves on.
static void backoff(void)
{
    struct raw_segment s;
    struct raw r;
    struct tcp_connection *c;
    u64 last = 0, gap = 0;
    u32 count = 0;

    flight(&r, 1);
    c = tcp_of(r.s);
    while (count < 6 && world_step(~0ull)) {
        if (!raw_take(&s))
            continue;
        must(s.sequence == r.acknowledgment);
        if (c->backoff > 1) {
            must(!gap || (world_now() - last) * 10 > gap * 15);
            gap = world_now() - last;
        }
        last = world_now();
        count = c->backoff;
    }
    r.options.echo = c->timestamp_offset + tcp_timestamp(world_now());
    acknowledge(&r, 1);
    must(!c->backoff && connection_rto(c) < 1 * SECOND);
    raw_end(&r, __func__);
}

// RFC 5681 4.2: what fills a gap, even the last one, is acknowledged at once.
static void gap_filled(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &modern);
    tcp_of(r.s)->quick_acks = 0;
    raw_send_at(&r, ACK, r.sequence + 50, r.acknowledgment, data, 50);
    must(raw_take(&s) && s.acknowledgment == r.sequence);
    tcp_of(r.s)->quick_acks = 0;
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment, data, 50);
    must(raw_take(&s) && s.acknowledgment == r.sequence + 100);
    raw_end(&r, __func__);
}

void test_loss(void)
{
    rate_reduction();
    lost_repetition();
    tail_loss();
    probe_tells_of_loss();
    spurious_timeout();
    real_timeout();
    backoff();
    gap_filled();
}
