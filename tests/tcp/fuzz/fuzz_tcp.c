// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes an established connection (and, by the header's bytes, the parser): the input is a script of
// segments of the peer, calls of the program and time. In the end all must be given back.
//
//     0-5 flags, sequence s16, acknowledgment s16, window u8, size u8, options u8: a segment near the window
//     6   size, bytes: a segment of these very bytes     7 send   8 receive   9 time   10 shutdown   11 close
#include <stdlib.h>
#include <string.h>

#include "tests/tcp/raw.h"
#include "tests/tcp/tests.h"

struct input {
    const u8 *at, *end;
};

static u32 take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static u32 take_near(struct input *in)
{
    u32 low = take(in);
    return (u32)(s32)(s16)(low | take(in) << 8);
}

void test_fail(const char *format, ...)
{
    abort();
}

static void segment(struct raw *r, struct input *in, const struct tcp_connection *c)
{
    static const u8 data[1400];
    u8 flags = (u8)take(in);
    u32 sequence = r->sequence + take_near(in), ack = c->send.next + take_near(in), size, options;

    r->window = (u16)(take(in) << 8);
    r->urgent = (u16)(flags >> 6);
    size = take(in) * 5;
    options = take(in);
    r->options = (struct tcp_options){.scale = TCP_SCALE_NONE, .has_timestamp = options & 1};
    r->options.timestamp = c->timestamp_recent + (options >> 6);
    r->options.echo = c->timestamp_offset + tcp_timestamp(world_now());
    r->options.sack_count = options >> 1 & 3;
    for (u32 i = 0; i < r->options.sack_count; i++) {
        u32 start = c->send.una + take_near(in);
        r->options.sack[i] = (struct tcp_range){start, start + take_near(in)};
    }
    raw_send_at(r, flags, sequence, ack, data, size);
    if (options & 32)
        r->sequence = c->receive.next;
}

static void bytes(struct input *in)
{
    u32 size = take(in);

    size = min(size, (u32)(in->end - in->at));
    world_inject(1, in->at, size);
    in->at += size;
}

static bool step(struct raw *r, struct input *in)
{
    static u8 data[25600];
    u32 what = take(in) % 12;

    if (what <= 5) {
        segment(r, in, tcp_of(r->s));
    } else if (what == 6) {
        bytes(in);
    } else if (what == 7) {
        (void)world_write(r->s, data, take(in) * 100, take(in) & (MSG_OOB | MSG_MORE));
    } else if (what == 8) {
        (void)world_read(r->s, data, take(in) * 100, take(in) & (MSG_OOB | MSG_PEEK));
    } else if (what == 9) {
        world_run(take(in) * take(in) * MILLISECOND);
    } else if (what == 10) {
        u32 how = take(in);
        (void)r->s->ops->shutdown(r->s, how & 1, how & 2);
    } else {
        return false;
    }
    raw_drain();
    return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct tcp_options options = {.mss = 1460, .scale = 7, .sack_permitted = true, .has_timestamp = true};
    struct input in = {data, data + size};
    struct raw r;

    options.timestamp = 1000;
    if (take(&in) & 1)
        options = (struct tcp_options){.mss = 536, .scale = TCP_SCALE_NONE};
    raw_connect(&r, &options);
    while (in.at < in.end && step(&r, &in))
        ;
    raw_end(&r, "fuzz");
    return 0;
}
