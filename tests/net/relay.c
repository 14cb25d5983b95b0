// SPDX-License-Identifier: BSD-3-Clause
// A bad line between two network interfaces, in user space: loses, repeats, reorders, damages and
// delays frames by seed. What happens to a frame depends on the seed, the direction and the number
// of the frame in that direction, so two runs meet the same line.
//
//     relay [OPTION...] END END
//
// An END is [NAMESPACE/]tap:NAME, the user's side of a TAP, or [NAMESPACE/]packet:NAME, a packet
// socket on an interface (of a TAP that somebody else holds, a unikernel say).
//     -s SEED   -l LOSS  -u REPEATED  -r REORDERED  -c DAMAGED     of 10,000 frames
//     -d DELAY  one way, us            -q FRAMES      at most so many under way in a direction
//     -g        the TAPs hand over large segments and unfinished checksums, which are made whole here
// Prints "ready"; counts on SIGTERM.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"

struct frame {
    uint64_t due, number; // number: the order among equal times
    size_t size;
    unsigned char *bytes;
};

struct direction {
    int from, to;
    uint64_t index, seed;
    struct frame *heap; // the earliest first
    size_t count;
    uint64_t seen, lost, repeated, reordered, damaged, full, refused;
};

static struct {
    unsigned loss, repeat, reorder, damage;
    uint64_t delay; // ns
    size_t most;
} line = {.most = 20000};

static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

// splitmix64 of a counter: any number of the sequence can be had by itself.
static uint64_t mix(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static int earlier(const struct frame *a, const struct frame *b)
{
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void heap_add(struct direction *d, const unsigned char *bytes, size_t size, uint64_t due)
{
    struct frame f = {.due = due, .number = d->index, .size = size, .bytes = malloc(size)};
    size_t at = d->count;

    if (at >= line.most || !f.bytes) {
        free(f.bytes);
        d->full++;
        return;
    }
    memcpy(f.bytes, bytes, size);
    d->count++;
    for (; at && earlier(&f, &d->heap[(at - 1) / 2]); at = (at - 1) / 2)
        d->heap[at] = d->heap[(at - 1) / 2];
    d->heap[at] = f;
}

static struct frame heap_take(struct direction *d)
{
    struct frame first = d->heap[0], last = d->heap[--d->count];
    size_t at = 0, child;

    for (; (child = 2 * at + 1) < d->count; at = child) {
        if (child + 1 < d->count && earlier(&d->heap[child + 1], &d->heap[child]))
            child++;
        if (!earlier(&d->heap[child], &last))
            break;
        d->heap[at] = d->heap[child];
    }
    d->heap[at] = last;
    return first;
}

static int chance(struct direction *d, unsigned what, unsigned of_10000)
{
    return mix(d->seed + d->index * 8 + what) % 10000 < of_10000;
}

// A frame of the wire: at most the MTU, checksums complete.
static void take(void *object, unsigned char *bytes, size_t size)
{
    struct direction *d = object;
    uint64_t due = now() + line.delay, random = mix(d->seed + d->index * 8 + 7);

    d->index++;
    d->seen++;
    if (chance(d, 0, line.loss)) {
        d->lost++;
        return;
    }
    if (chance(d, 1, line.reorder)) {
        due += random % (line.delay + 100000);
        d->reordered++;
    }
    if (chance(d, 2, line.repeat)) {
        heap_add(d, bytes, size, due + random / 7 % (line.delay + 100000));
        d->repeated++;
    }
    if (chance(d, 3, line.damage) && size > 14) {
        bytes[14 + random % (size - 14)] ^= (unsigned char)(1u << random / 65536 % 8);
        d->damaged++;
    }
    heap_add(d, bytes, size, due);
}

static void deliver(struct direction *d)
{
    uint64_t t = now();

    while (d->count && d->heap[0].due <= t) {
        struct frame f = heap_take(d);

        if (relay_write(d->to, f.bytes, f.size))
            d->refused++;
        free(f.bytes);
    }
}

static uint64_t first_due(const struct direction *d)
{
    uint64_t first = ~0ull;

    for (int i = 0; i < 2; i++)
        if (d[i].count && d[i].heap[0].due < first)
            first = d[i].heap[0].due;
    return first;
}

static void run(struct direction *d)
{
    struct pollfd fds[2] = {{d[0].from, POLLIN, 0}, {d[1].from, POLLIN, 0}};

    while (!ended) {
        uint64_t due = first_due(d), t = now(), left = due > t ? due - t : 0;
        struct timespec wait = {(time_t)(left / 1000000000), (long)(left % 1000000000)};

        if (ppoll(fds, 2, due == ~0ull ? NULL : &wait, NULL) < 0)
            continue;
        for (int i = 0; i < 2; i++) {
            for (int n = 0; fds[i].revents & POLLIN && n < 64; n++)
                if (!relay_read(d[i].from, take, &d[i]))
                    break;
            deliver(&d[i]);
        }
    }
}

int main(int argc, char **argv)
{
    struct direction d[2] = {0};
    uint64_t seed = 1;
    int option, large = 0, ends[2];

    while ((option = getopt(argc, argv, "s:l:u:r:c:d:q:g")) != -1) {
        unsigned long long value = optarg ? strtoull(optarg, NULL, 0) : 0;

        switch (option) {
        case 's': seed = value; break;
        case 'l': line.loss = (unsigned)value; break;
        case 'u': line.repeat = (unsigned)value; break;
        case 'r': line.reorder = (unsigned)value; break;
        case 'c': line.damage = (unsigned)value; break;
        case 'd': line.delay = value * 1000; break;
        case 'q': line.most = (size_t)value; break;
        case 'g': large = 1; break;
        default: return 2;
        }
    }
    if (argc - optind != 2)
        return 2;
    for (int i = 0; i < 2; i++)
        ends[i] = relay_open(argv[optind + i], large);
    for (int i = 0; i < 2; i++) {
        d[i] = (struct direction){.from = ends[i], .to = ends[1 - i]};
        d[i].seed = mix(seed * 2 + (uint64_t)i);
        d[i].heap = calloc(line.most + 1, sizeof(struct frame));
    }
    signal(SIGTERM, end);
    signal(SIGINT, end);
    puts("ready");
    fflush(stdout);
    run(d);
    for (int i = 0; i < 2; i++)
        printf("%s: %llu frames, %llu lost, %llu repeated, %llu reordered, %llu damaged, %llu too many, %llu refused\n",
               argv[optind + i], (unsigned long long)d[i].seen, (unsigned long long)d[i].lost,
               (unsigned long long)d[i].repeated, (unsigned long long)d[i].reordered,
               (unsigned long long)d[i].damaged, (unsigned long long)d[i].full,
               (unsigned long long)d[i].refused);
    return 0;
}
