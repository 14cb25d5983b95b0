// SPDX-License-Identifier: BSD-3-Clause
// Rules of the two windows, each with a played peer: closed, small, shrunk, and lost.
#include "tests/tcp/raw.h"
#include "tests/tcp/tests.h"

#define ACK TCP_FLAG_ACK

#define must(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            test_fail("%s:%d: %s", __func__, __LINE__, #x);                                        \
    } while (0)

static const struct tcp_options plain = {.mss = 1460, .scale = TCP_SCALE_NONE};
static u8 data[4000];

// RFC 9293 3.10.7.4 first: what lies outside the window is answered with an ACK and dropped.
static void window_edges(void)
{
    struct raw_segment s;
    struct raw r;
    u8 byte;

    raw_connect(&r, &plain);
    raw_send_at(&r, ACK, r.sequence + 70000, r.acknowledgment, "x", 1);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    raw_send_at(&r, ACK, r.sequence - 1, r.acknowledgment, "x", 1);
    must(raw_take(&s) && s.flags == ACK && s.acknowledgment == r.sequence);
    raw_send_at(&r, ACK, r.sequence - 1, r.acknowledgment, "xy", 2); // half of it is new
    must(world_read(r.s, &byte, 1, 0) == 1 && byte == 'y');
    raw_end(&r, __func__);
}

// RFC 9293 3.8.6.1: a closed window is probed, at growing intervals, for ever while it is answered.
static void zero_window(void)
{
    struct raw_segment s;
    struct raw r;
    u32 probes = 0;

    raw_connect(&r, &plain);
    r.window = 0;
    raw_send(&r, ACK, NULL, 0);
    must(world_write(r.s, data, 3000, 0) == 3000);
    must(raw_drain() == 0);
    for (int i = 0; i < 600; i++) {
        world_run(1 * SECOND);
        while (raw_take(&s)) {
            must(s.payload == 0 && s.sequence == r.acknowledgment - 1);
            probes++;
            raw_send(&r, ACK, NULL, 0);
        }
    }
    must(probes >= 8 && probes < 20);
    r.window = 60000;
    raw_send(&r, ACK, NULL, 0);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == 1460);
    must(raw_take(&s) && s.payload == 1460);
    raw_end(&r, __func__);
}

// RFC 9293 3.8.6.1: probes that are not answered are followed by one with a byte of data; and while
// that is answered by a closed window it is repeated for ever.
static void silent_window(void)
{
    struct raw_segment s;
    struct raw r;
    u32 probes = 0;

    raw_connect(&r, &plain);
    r.window = 0;
    raw_send(&r, ACK, NULL, 0);
    must(world_write(r.s, data, 3000, 0) == 3000);
    must(raw_drain() == 0);
    world_run(5 * SECOND);
    must(raw_take(&s) && raw_take(&s) && !s.payload && s.sequence == r.acknowledgment - 1);
    must(raw_take(&s) && s.payload == 1 && s.sequence == r.acknowledgment);
    raw_drain();
    for (int i = 0; i < 6000; i++) {
        world_run(1 * SECOND);
        while (raw_take(&s)) {
            must(s.payload == 1 && s.sequence == r.acknowledgment);
            probes++;
            raw_send(&r, ACK, NULL, 0);
        }
    }
    must(probes > 50);
    r.window = 60000;
    r.acknowledgment++;
    raw_send(&r, ACK, NULL, 0);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == 1460);
    raw_end(&r, __func__);
}

// RFC 9293 3.8.6.2.1: a window of less than a segment is used after a while (passt never says when
// such a one grows), and what was sent into it is sent again when it is lost.
static void small_window(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    r.window = 500;
    raw_send(&r, ACK, NULL, 0);
    must(world_write(r.s, data, 3000, 0) == 3000);
    must(raw_drain() == 0);
    world_run(99 * MILLISECOND);
    must(raw_drain() == 0);
    world_run(2 * MILLISECOND);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == 500 && !raw_take(&s));
    world_run(1300 * MILLISECOND);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == 500);
    raw_drain();
    r.window = 700; // still small: again one segment, after a while
    r.acknowledgment += 500;
    raw_send(&r, ACK, NULL, 0);
    must(raw_drain() == 0);
    world_run(101 * MILLISECOND);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == 700 && !raw_take(&s));
    r.window = 0; // a closed window is only asked for
    r.acknowledgment += 700;
    raw_send(&r, ACK, NULL, 0);
    world_run(1 * SECOND);
    must(raw_take(&s) && s.sequence == r.acknowledgment - 1 && !s.payload);
    raw_drain();
    r.window = 10; // and used soon when it opens by a little, whatever the probes have waited
    raw_send(&r, ACK, NULL, 0);
    world_run(101 * MILLISECOND);
    must(raw_take(&s) && s.sequence == r.acknowledgment && s.payload == 10);
    raw_end(&r, __func__);
}

// A peer that has all, but told so only once, and that was lost: it tells with its own next data, so
// the window opens a bit even if nobody reads, and new data is tried.
static void lost_ack(void)
{
    struct raw_segment s;
    struct raw r;
    u32 window = 0;

    raw_connect(&r, &plain);
    for (int i = 0; i < 1000; i++) { // until the window is closed
        while (raw_take(&s))
            window = s.window;
        if (i && !window)
            break;
        raw_send(&r, ACK, data, 1000);
    }
    r.sequence = s.acknowledgment; // the last ones did not fit
    must(!window && world_write(r.s, data, 2000, 0) == 2000);
    must(raw_take(&s) && raw_take(&s) && s.sequence == r.acknowledgment + 1460);
    world_run(100 * MILLISECOND);
    must(raw_take(&s) && !s.payload && s.window == 512 && !raw_take(&s));
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment + 2000, data, 512);
    world_run(41 * MILLISECOND);
    must(raw_take(&s) && s.acknowledgment == r.sequence + 512 && !s.window);
    raw_drain();
    r.sequence += 512;
    r.acknowledgment += 2000;
    must(world_write(r.s, data, 1460, 0) == 1460 && raw_drain() == 1);
    must(world_write(r.s, data + 1460, 10, 0) == 10 && raw_drain() == 0); // Nagle
    world_run(700 * MILLISECOND);
    while (raw_take(&s) && s.sequence != r.acknowledgment + 1460)
        ;
    must(s.sequence == r.acknowledgment + 1460 && s.payload == 10 && s.window == 512);
    raw_end(&r, __func__);
}

// RFC 9293 3.8.6.2.1, 3.8.6: what was in a window that has shrunk is not lost.
static void shrunk_window(void)
{
    struct raw_segment s;
    struct raw r;

    raw_connect(&r, &plain);
    must(world_write(r.s, data, 2920, 0) == 2920);
    must(raw_drain() == 2);
    r.window = 100;
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment, NULL, 0);
    must(world_write(r.s, data, 100, 0) == 100);
    must(raw_drain() == 0);
    r.window = 60000;
    raw_send_at(&r, ACK, r.sequence, r.acknowledgment + 2920, NULL, 0);
    must(raw_take(&s) && s.sequence == r.acknowledgment + 2920 && s.payload == 100);
    raw_end(&r, __func__);
}

void test_window(void)
{
    window_edges();
    zero_window();
    silent_window();
    small_window();
    lost_ack();
    shrunk_window();
}
