// SPDX-License-Identifier: BSD-3-Clause
// Rule by rule: what a segment of a played peer must lead to. Each case names its rule.
#include <string.h>

#include "tests/tcp/raw.h"
#include "tests/tcp/tests.h"

#define FIN TCP_FLAG_FIN
#define SYN TCP_FLAG_SYN
#define RST TCP_FLAG_RST
#define PSH TCP_FLAG_PSH
#define ACK TCP_FLAG_ACK
#define URG TCP_FLAG_URG

#define must(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            test_fail("%s:%d: %s", __func__, __LINE__, #x);                                        \
    } while (0)

static const struct tcp_options plain = {.mss = 1460, .scale = TCP_SCALE_NONE};
static const struct tcp_options modern = {
    .mss = 1460, .scale = 7, .sack_permitted = true, .has_timestamp = true, .timestamp = 5000};
static u8 data[4000];

// RFC 9293 3.10.7.1: a segment for nobody is answered with RST, but an RST never is.
static void closed_port(void)
{
    struct raw r = {.port = 4000, .kernel_port = 81, .sequence = 7, .options = plain};
    struct raw_segment s;

    raw_start();
    raw_send(&r, SYN, NULL, 0);
    must(raw_take(&s) && s.flags == (RST | ACK) && s.sequence == 0 && s.acknowledgment == 8);
    raw_send_at(&r, ACK, 50, 99, data, 10);
    must(raw_take(&s) && s.flags == RST && s.sequence == 99);
    raw_send_at(&r, RST, 50, 99, NULL, 0);
    raw_send_at(&r, RST | ACK, 50, 99, NULL, 0);
    must(!raw_take(&s));
    raw_end(&r, __func__);
}

// RFC 9293 3.10.7.2: LISTEN.
static void listening(void)
{
    struct raw r = {.port = 4000, .kernel_port = 80, .sequence = 7, .options = plain};
    struct raw_segment s;

    raw_start();
    r.listener = raw_listen(5);
    raw_send_at(&r, ACK, 50, 99, NULL, 0);
    must(raw_take(&s) && s.flags == RST && s.sequence == 99);
    raw_send_at(&r, RST, 50, 0, NULL, 0);
    raw_send_at(&r, FIN, 50, 0, NULL, 0);
    raw_send_at(&r, SYN | FIN, 50, 0, NULL, 0);
    raw_send_at(&r, 0, 50, 0, NULL, 0);
    must(!raw_take(&s));
    raw_send_at(&r, SYN | ACK, 50, 99, NULL, 0);
    must(raw_take(&s) && s.flags == RST);
    raw_end(&r, __func__);
}

// RFC 9293 3.10.7.4, SYN_RECEIVED: an ACK of something else is answered with RST; RST ends it.
static void syn_received(void)
{
    struct raw r = {
        .port = 4000, .kernel_port = 80, .sequence = 7, .window = 9000, .options = plain};
    struct raw_segment s;
    u32 iss;

    raw_start();
    r.listener = raw_listen(5);
    raw_send(&r, SYN, NULL, 0);
    must(raw_take(&s) && s.flags == (SYN | ACK) && s.options.mss == 1460);
    must(!s.options.has_timestamp && !s.options.sack_permitted &&
         s.options.scale == TCP_SCALE_NONE);
    iss = s.sequence;
    raw_send_at(&r, SYN, 7, 0, NULL, 0); // again: the same answer
    must(raw_take(&s) && s.flags == (SYN | ACK) && s.sequence == iss);
    raw_send_at(&r, ACK, 8, iss, NULL, 0);
    must(raw_take(&s) && s.flags == RST && s.sequence == iss);
    world_run(20 * SECOND); // SYN-ACKs are repeated, at growing intervals
    must(raw_drain() == 4);
    raw_send_at(&r, RST, 8, 0, NULL, 0);
    world_run(100 * SECOND);
    must(raw_drain() == 0);
    raw_end(&r, __func__);
}

// RFC 9293 3.5, figure 7: both open at once. The SYN that comes again with an ACK is that ACK.
static void simultaneous_open(void)
{
    struct raw r = {.port = 4000, .window = 9000, .options = modern};
    struct raw_segment s;
    u32 iss;

    raw_start();
    r.s = world_socket(1);
    (void)world_connect(r.s, 0, r.port);
    must(raw_take(&s) && s.flags == SYN);
    r.kernel_port = s.source;
    iss = s.sequence;
    for (u32 i = 0; i < 2; i++) { // once more: the same answer
        raw_send_at(&r, SYN, 7, 0, NULL, 0);
        must(raw_take(&s) && s.flags == (SYN | ACK) && s.sequence == iss && s.acknowledgment == 8);
    }
    raw_send_at(&r, SYN | ACK, 7, iss + 1, NULL, 0);
    must(!raw_take(&s));
    must(world_write(r.s, data, 3, 0) == 3);
    must(raw_take(&s) && s.payload == 3 && s.sequence == iss + 1 && s.acknowledgment == 8);
    raw_send_at(&r, SYN | ACK, 7, iss + 1, NULL, 0); // its ACK of ours was lost: it gets another
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == 8);
    r.sequence = 8;
    r.acknowledgment = iss + 4;
    raw_end(&r, __func__);
}

// RFC 5961 3: RST must be exact; in the window a challenge, outside nothing.
static void resets(void)
{
    struct raw_segment s;
    struct raw r;
    u8 byte;

    raw_connect(&r, &plain);
    raw_send_at(&r, RST, r.sequence - 1, 0, NULL, 0);
    raw_send_at(&r, RST, r.sequence + 100000, 0, NULL, 0);
    must(!raw_take(&s));
    raw_send_at(&r, RST, r.sequence + 1, 0, NULL, 0);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    must(world_read(r.s, &byte, 1, 0) == -EAGAIN);
    raw_send_at(&r, RST, r.sequence, 0, NULL, 0);
    must(world_read(r.s, &byte, 1, 0) == -ECONNRESET);
    must(world_read(r.s, &byte, 1, 0) == 0);
    must(world_write(r.s, &byte, 1, 0) == -EPIPE);
    raw_end(&r, __func__);
}

// RFC 5961 4: SYN in an established connection: a challenge, wherever it lies.
static void syn_in_connection(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    raw_send_at(&r, SYN, r.sequence, 0, NULL, 0);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    raw_send_at(&r, SYN, r.sequence - 5000, 0, NULL, 0);
    must(raw_take(&s) && s.flags == ACK);
    for (int i = 0; i < 1000; i++)
        raw_send_at(&r, SYN, r.sequence, 0, NULL, 0);
    must(raw_drain() < 100); // at a bounded rate
    raw_end(&r, __func__);
}

// RFC 5961 5: data is only taken with an ACK of what was sent or is long known.
static void blind_data(void)
{
    struct raw_segment s;
    struct raw r;
    u8 byte;

    raw_connect(&r, &plain);
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment + 1, "x", 1);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment - 100000, "x", 1);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    raw_send_at(&r, 0, r.sequence, 0, "x", 1); // no ACK at all
    must(!raw_take(&s));
    must(world_read(r.s, &byte, 1, 0) == -EAGAIN);
    raw_end(&r, __func__);
}

// RFC 2018 4, RFC 2883: the newest block first, up to three with timestamps; repeated data is told.
static void sack_blocks(void)
{
    struct raw_segment s;
    struct raw r;
    u8 bytes[1000];

    raw_connect(&r, &modern);
    raw_send_at(&r, ACK, r.sequence + 100, r.acknowledgment, data, 50);
    must(raw_take(&s) && s.acknowledgment == r.sequence && s.options.sack_count == 1 &&
         s.options.sack[0].start == r.sequence + 100 && s.options.sack[0].end == r.sequence + 150);
    raw_send_at(&r, ACK, r.sequence + 200, r.acknowledgment, data, 50);
    must(raw_take(&s) && s.options.sack_count == 2 && s.options.sack[0].start == r.sequence + 200);
    raw_send_at(&r, ACK, r.sequence + 300, r.acknowledgment, data, 50);
    must(raw_take(&s) && s.options.sack_count == 3);
    raw_send_at(&r, ACK, r.sequence + 100, r.acknowledgment, data, 50);
    must(raw_take(&s) && s.options.sack[0].start == r.sequence + 100 &&
         s.options.sack[0].end == r.sequence + 150);
    raw_send_at(&r, ACK, r.sequence + 150, r.acknowledgment, data, 50); // joins two
    must(raw_take(&s) && s.options.sack[0].start == r.sequence + 100 &&
         s.options.sack[0].end == r.sequence + 250);
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment, data, 400);
    must(raw_take(&s) && s.acknowledgment == r.sequence + 400);
    must(world_read(r.s, bytes, 1000, 0) == 400);
    raw_end(&r, __func__);
}

// RFC 7323 5: PAWS.
static void old_timestamps(void)
{
    struct raw_segment s;
    struct raw r;
    u8 byte;

    raw_connect(&r, &modern);
    r.options.timestamp -= 100;
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment, "x", 1);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    must(world_read(r.s, &byte, 1, 0) == -EAGAIN);
    r.options.timestamp += 200;
    raw_send(&r, ACK, "x", 1);
    must(world_read(r.s, &byte, 1, 0) == 1);
    raw_end(&r, __func__);
}

// RFC 6298 5: the RTO doubles; after long silence the connection ends.
static void silence(void)
{
    struct raw_segment s;
    struct raw r;
    u64 last, gap = 0;

    raw_connect(&r, &plain);
    must(world_write(r.s, data, 100, 0) == 100);
    must(raw_drain() == 1);
    last = world_now();
    for (int i = 0; i < 6; i++) {
        while (!raw_take(&s) && world_step(~0ull))
            ;
        must(s.sequence == r.acknowledgment && s.payload == 100);
        if (world_now() - last < 2 * gap - 10 * MILLISECOND && gap)
            test_fail("gap %d: %llu behind %llu", i, (unsigned long long)(world_now() - last),
                      (unsigned long long)gap);
        gap = world_now() - last;
        last = world_now();
    }
    world_run(2000 * SECOND);
    must(world_read(r.s, data, 1, 0) == -ETIMEDOUT);
    raw_end(&r, __func__);
}

static void user_timeout(void)
{
    struct raw r;
    int ms = 3000;

    raw_connect(&r, &plain);
    must(!r.s->ops->set_option(r.s, 6, 18 /* TCP_USER_TIMEOUT */, (uaddr_t)&ms, 4));
    must(world_write(r.s, data, 100, 0) == 100);
    world_run(15 * SECOND);
    must(world_read(r.s, data, 1, 0) == -ETIMEDOUT);
    raw_end(&r, __func__);
}

// RFC 9293 3.8.4
static void keep_alive(void)
{
    int idle = 10, interval = 2, count = 3;
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    r.s->flags |= SOCKET_KEEP_ALIVE;
    must(!r.s->ops->set_option(r.s, 6, 4, (uaddr_t)&idle, 4));
    must(!r.s->ops->set_option(r.s, 6, 5, (uaddr_t)&interval, 4));
    must(!r.s->ops->set_option(r.s, 6, 6, (uaddr_t)&count, 4));
    world_run(11 * SECOND);
    must(raw_take(&s) && s.sequence == r.acknowledgment - 1 && !s.payload);
    raw_send(&r, ACK, NULL, 0); // alive
    world_run(9 * SECOND);
    must(raw_drain() == 0);
    world_run(20 * SECOND);
    must(world_read(r.s, data, 1, 0) == -ETIMEDOUT);
    must(raw_drain() == 4); // three probes and an RST
    raw_end(&r, __func__);
}

// RFC 5681 3.2: the third duplicate ACK brings the segment again.
static void fast_retransmit(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    must(world_write(r.s, data, 4000, 0) == 4000 && world_write(r.s, data, 4000, 0) == 4000);
    raw_drain();
    raw_send(&r, ACK, NULL, 0);
    raw_send(&r, ACK, NULL, 0);
    while (raw_take(&s))
        must(s.sequence != r.acknowledgment);
    raw_send(&r, ACK, NULL, 0);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == 1460);
    raw_end(&r, __func__);
}

// RFC 6675: only the holes are sent again.
static void sack_retransmit(void)
{
    struct raw_segment s;
    struct raw r;
    u32 holes = 0;

    raw_connect(&r, &modern);
    must(world_write(r.s, data, 4000, 0) == 4000 && world_write(r.s, data, 4000, 0) == 4000);
    raw_drain();
    world_run(MILLISECOND);
    r.options.sack_count = 1;
    r.options.sack[0] = (struct tcp_range){r.acknowledgment + 1448, r.acknowledgment + 4 * 1448};
    raw_send(&r, ACK, NULL, 0);
    while (raw_take(&s))
        if (s.payload && sequence_before(s.sequence, r.acknowledgment + 4 * 1448)) {
            must(s.sequence == r.acknowledgment && s.payload == 1448);
            holes++;
        }
    must(holes == 1);
    raw_end(&r, __func__);
}

// RFC 1122 4.2.3.4: a small segment waits while another is under way; TCP_NODELAY, TCP_CORK.
static void nagle(void)
{
    int one = 1, zero = 0;
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    must(world_write(r.s, "a", 1, 0) == 1 && raw_take(&s) && s.payload == 1);
    must(world_write(r.s, "b", 1, 0) == 1 && world_write(r.s, "c", 1, 0) == 1 && !raw_take(&s));
    r.acknowledgment++;
    raw_send(&r, ACK, NULL, 0);
    must(raw_take(&s) && s.payload == 2 && s.data[0] == 'b' && (s.flags & PSH));
    must(!r.s->ops->set_option(r.s, 6, 1, (uaddr_t)&one, 4));
    must(world_write(r.s, "d", 1, 0) == 1 && raw_take(&s) && s.payload == 1);
    must(!r.s->ops->set_option(r.s, 6, 3, (uaddr_t)&one, 4));
    must(world_write(r.s, "e", 1, 0) == 1 && world_write(r.s, "f", 1, 0) == 1 && !raw_take(&s));
    must(!r.s->ops->set_option(r.s, 6, 3, (uaddr_t)&zero, 4));
    must(raw_take(&s) && s.payload == 2);
    raw_end(&r, __func__);
}

// RFC 9293 3.6: both ways end for themselves; TIME_WAIT acknowledges a repeated FIN.
static void half_close(void)
{
    struct raw_segment s;
    struct raw r;
    u8 byte;

    raw_connect(&r, &plain);
    must(!r.s->ops->shutdown(r.s, false, true));
    must(raw_take(&s) && s.flags == (FIN | ACK) && s.sequence == r.acknowledgment);
    r.acknowledgment++;
    raw_send(&r, ACK, "x", 1);
    must(world_read(r.s, &byte, 1, 0) == 1);
    raw_drain();
    raw_send(&r, FIN | ACK, NULL, 0);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    must(world_read(r.s, &byte, 1, 0) == 0);
    raw_send_at(&r, FIN | ACK, r.sequence - 1, r.acknowledgment, NULL, 0);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    raw_send_at(&r, RST, r.sequence, 0, NULL, 0); // RFC 1337
    raw_send_at(&r, FIN | ACK, r.sequence - 1, r.acknowledgment, NULL, 0);
    must(raw_take(&s) && s.flags == ACK);
    r.options = plain;
    raw_send_at(&r, SYN, r.sequence + 100000, 0, NULL, 0); // surely a new one: RFC 9293 3.10.7.4
    must(raw_take(&s) && s.flags == (SYN | ACK) && s.acknowledgment == r.sequence + 100001);
    raw_end(&r, __func__);
}

// Both FINs cross: CLOSING, TIME_WAIT.
static void simultaneous_close(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    must(!r.s->ops->shutdown(r.s, false, true));
    must(raw_take(&s) && s.flags == (FIN | ACK));
    raw_send(&r, FIN | ACK, NULL, 0); // without an ACK of ours
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    r.acknowledgment++;
    raw_send(&r, ACK, NULL, 0);
    raw_send_at(&r, FIN | ACK, r.sequence - 1, r.acknowledgment, NULL, 0);
    must(raw_take(&s) && s.flags == ACK);
    raw_end(&r, __func__);
}

// RFC 1122 4.2.2.13: closing with unread data, or data behind a close, is an RST. SO_LINGER 0 too.
static void resets_sent(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    raw_send(&r, ACK, "x", 1);
    raw_drain();
    world_close(r.s);
    r.s = NULL;
    must(raw_take(&s) && (s.flags & RST));
    raw_end(&r, "close with unread data");
    raw_connect(&r, &plain);
    world_close(r.s);
    r.s = NULL;
    must(raw_take(&s) && s.flags == (FIN | ACK));
    raw_send(&r, ACK, "x", 1);
    must(raw_take(&s) && (s.flags & RST));
    raw_end(&r, "data behind a close");
    raw_connect(&r, &plain);
    r.s->linger_on = 1;
    world_close(r.s);
    r.s = NULL;
    must(raw_take(&s) && (s.flags & RST));
    raw_end(&r, "linger 0");
}

// RFC 6093: one urgent byte.
static void urgent(void)
{
    struct raw_segment s;
    struct raw r;
    u8 bytes[10];

    raw_connect(&r, &plain);
    r.urgent = 3;
    raw_send(&r, ACK | URG, "abCde", 5);
    must(r.s->ops->poll(r.s, NULL) & POLLPRI);
    must(world_read(r.s, bytes, 10, 0) == 2 && bytes[1] == 'b');
    must(world_read(r.s, bytes, 1, MSG_OOB) == 1 && bytes[0] == 'C');
    must(world_read(r.s, bytes, 1, MSG_OOB) == -EINVAL);
    must(world_read(r.s, bytes, 10, 0) == 2 && bytes[0] == 'd');
    raw_drain();
    must(world_write(r.s, "xyZ", 3, MSG_OOB) == 3);
    must(raw_take(&s) && (s.flags & URG) && s.urgent == 3 && s.payload == 3);
    raw_end(&r, __func__);
}

// RFC 4987: a flood of SYNs costs little, and who answers is served.
static void syn_flood(void)
{
    struct raw r = {.kernel_port = 80, .sequence = 500, .window = 60000, .options = modern};
    struct raw_segment s;
    u64 before;
    u32 stamp;

    raw_start();
    r.listener = raw_listen(5);
    before = world_objects();
    for (u32 i = 0; i < 20000; i++) {
        r.port = (u16)(1024 + i);
        raw_send_at(&r, SYN, i, 0, NULL, 0);
    }
    must(world_objects() - before <= 64);
    raw_drain();
    r.port = 1000;
    raw_send(&r, SYN, NULL, 0);
    must(raw_take(&s) && s.flags == (SYN | ACK));
    stamp = s.options.timestamp;
    r.acknowledgment = s.sequence + 1;
    r.options = (struct tcp_options){.scale = TCP_SCALE_NONE,
                                     .has_timestamp = true,
                                     .timestamp = 5001,
                                     .echo = s.options.timestamp};
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment + 100, NULL, 0); // not a cookie of ours
    must(raw_take(&s) && s.flags == RST);
    raw_send(&r, ACK, NULL, 0);
    raw_send(&r, ACK, "hello", 5);
    r.s = world_accept(r.listener);
    must(r.s && world_read(r.s, data, 10, 0) == 5);
    raw_drain();
    must(world_write(r.s, data, 10, 0) == 10); // no timestamp goes back behind the cookie's: PAWS
    must(raw_take(&s) && s.payload == 10 && (s32)(s.options.timestamp - stamp) >= 0);
    raw_end(&r, __func__);
}

// A connection to itself in one segment, and other nonsense.
static void hostile_headers(void)
{
    struct raw_segment s;
    struct raw r;
    u8 bytes[60] = {0};

    raw_connect(&r, &modern);
    for (u32 size = 0; size < sizeof(bytes); size++)
        for (u32 offset = 0; offset < 16; offset++) {
            bytes[12] = (u8)(offset << 4);
            bytes[13] = (u8)(size * 7);
            world_inject(1, bytes, size);
        }
    raw_drain();
    raw_send(&r, ACK, "x", 1);
    must(world_read(r.s, data, 1, 0) == 1);
    must(!raw_take(&s) || s.acknowledgment == r.sequence);
    raw_end(&r, __func__);
}

// The queue of what came out of order is bounded.
static void many_gaps(void)
{
    struct raw r;
    u64 before;

    raw_connect(&r, &modern);
    before = world_objects();
    for (u32 i = 0; i < 30000; i++)
        raw_send_at(&r, ACK, r.sequence + 2 + 2 * i, r.acknowledgment, "x", 1);
    must(world_objects() - before < 10);
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment, "xx", 2);
    must(world_read(r.s, data, 10, 0) == 3);
    raw_end(&r, __func__);
}

// RFC 5681 4.2: ACKs are delayed by at most 40 ms, and every second full segment has one at once.
static void delayed_ack(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    for (int i = 0; i < 40; i++) // the first ones are quick
        raw_send(&r, ACK, data, 1460);
    raw_drain();
    while (world_read(r.s, data, sizeof(data), 0) > 0)
        ;
    world_run(SECOND);
    raw_drain();
    raw_send(&r, ACK, data, 100);
    must(!raw_take(&s));
    world_run(41 * MILLISECOND);
    must(raw_take(&s) && s.acknowledgment == r.sequence);
    raw_send(&r, ACK, data, 1460);
    must(!raw_take(&s));
    raw_send(&r, ACK, data, 1460);
    must(raw_take(&s) && s.acknowledgment == r.sequence);
    raw_end(&r, __func__);
}

void test_rules(void)
{
    closed_port();
    listening();
    syn_received();
    simultaneous_open();
    resets();
    syn_in_connection();
    blind_data();
    sack_blocks();
    old_timestamps();
    silence();
    user_timeout();
    keep_alive();
    fast_retransmit();
    sack_retransmit();
    nagle();
    half_close();
    simultaneous_close();
    resets_sent();
    urgent();
    syn_flood();
    hostile_headers();
    many_gaps();
    delayed_ack();
}
