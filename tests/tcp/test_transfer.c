// SPDX-License-Identifier: BSD-3-Clause
// Streams both ways over lines of every kind arrive intact, end in order, and leave nothing behind.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tcp/tests.h"
#include "tests/tcp/world.h"

#define CHUNK 40000

struct end {
    struct socket *s;
    u64 written, read;
    bool shut, eof;
};

static u8 byte_at(u64 position, u32 side)
{
    return (u8)((position * 0x9e3779b97f4a7c15ull >> 56) + position / 4096 + side * 77);
}

// True: something moved.
static bool end_write(struct end *e, u64 total, u32 side)
{
    static u8 data[CHUNK];
    size_t size = (size_t)min(total - e->written, (u64)(1 + world_random() % CHUNK));
    s64 moved;

    if (e->shut)
        return false;
    if (!size) {
        e->shut = true;
        return !e->s->ops->shutdown(e->s, false, true);
    }
    for (size_t i = 0; i < size; i++)
        data[i] = byte_at(e->written + i, side);
    moved = world_write(e->s, data, size, 0);
    if (moved < 0 && moved != -EAGAIN)
        test_fail("write: %lld", (long long)moved);
    e->written += moved > 0 ? (u64)moved : 0;
    return moved > 0;
}

static bool end_read(struct end *e, u32 side)
{
    static u8 data[CHUNK];
    s64 moved;

    if (e->eof)
        return false;
    moved = world_read(e->s, data, 1 + world_random() % CHUNK, 0);
    if (moved < 0 && moved != -EAGAIN)
        test_fail("read: %lld", (long long)moved);
    e->eof = moved == 0;
    for (s64 i = 0; i < moved; i++)
        if (data[i] != byte_at(e->read + (u64)i, 1 - side))
            test_fail("byte %llu of side %u is wrong", (unsigned long long)(e->read + (u64)i),
                      side);
    e->read += moved > 0 ? (u64)moved : 0;
    return moved >= 0;
}

static void transfer(const char *name, u64 seed, const struct world_line *line, u64 total)
{
    struct socket *pair[2];
    struct end ends[2] = {0};
    u64 start, limit;

    world_start(seed, line);
    world_pair(pair);
    ends[0].s = pair[0];
    ends[1].s = pair[1];
    start = world_now();
    limit = start + 100000 * SECOND;
    while (!ends[0].eof || !ends[1].eof) {
        bool moved = false;

        for (u32 i = 0; i < 2; i++)
            moved |= end_write(&ends[i], total, i) | end_read(&ends[i], i);
        if (!moved && !world_step(limit)) {
            test_fail("%s: stuck: read %llu and %llu of %llu", name,
                      (unsigned long long)ends[0].read, (unsigned long long)ends[1].read,
                      (unsigned long long)total);
            break;
        }
    }
    printf("  %s: %llu bytes each way, %.3f s, %llu segments, %llu lost\n", name,
           (unsigned long long)total, (double)(world_now() - start) / 1e9,
           (unsigned long long)world_counters.sent, (unsigned long long)world_counters.lost);
    if (ends[0].read != total || ends[1].read != total)
        test_fail("%s: %llu and %llu", name, (unsigned long long)ends[0].read,
                  (unsigned long long)ends[1].read);
    world_close(pair[0]);
    world_close(pair[1]);
    if (!world_clean())
        test_fail("%s: left something behind", name);
}

void test_transfer(void)
{
    const u64 ms = MILLISECOND;
    const char *one = getenv("TCP_SEED");
    u64 seed = one ? strtoull(one, NULL, 0) : 1;

    transfer("perfect", seed, &(struct world_line){.delay = ms, .mtu = 1500}, 10 << 20);
    transfer("loopback", seed, &(struct world_line){.delay = 1000, .mtu = 65535}, 10 << 20);
    transfer("slow", seed, &(struct world_line){.delay = 20 * ms, .byte_time = 80, .mtu = 1500},
             10 << 20);
    transfer("1 % loss", seed, &(struct world_line){.loss = 100, .delay = ms, .mtu = 1500},
             10 << 20);
    transfer("5 % loss", seed, &(struct world_line){.loss = 500, .delay = ms, .mtu = 1500},
             10 << 20);
    transfer("20 % loss", seed, &(struct world_line){.loss = 2000, .delay = ms, .mtu = 1500},
             10 << 20);
    transfer("reordered", seed, &(struct world_line){.reorder = 2000, .delay = 5 * ms, .mtu = 1500},
             10 << 20);
    transfer("all of it", seed,
             &(struct world_line){.loss = 300,
                                  .duplicate = 300,
                                  .reorder = 1000,
                                  .corrupt = 300,
                                  .delay = 3 * ms,
                                  .mtu = 1500},
             10 << 20);
    transfer("tiny MTU", seed, &(struct world_line){.loss = 300, .delay = ms, .mtu = 100}, 1 << 20);
}
