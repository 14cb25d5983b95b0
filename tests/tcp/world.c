// SPDX-License-Identifier: BSD-3-Clause
// The line and the clock, see world.h.
#include "tests/tcp/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/checksum.h"
#include "net/tcp.h"
#include "tests/tcp/world_kernel.h"

struct arrival {
    struct arrival *next;
    u64 time;
    struct ip_address from, to;
    u32 size;
    u8 bytes[];
};

static struct {
    struct world_line line;
    struct arrival *first;
    u64 now, random, line_free[2];
} world;

struct world_counters world_counters;
bool (*world_watch)(const struct ip_address *from, u8 *segment, u32 size);

u64 world_now(void)
{
    return world.now;
}

u64 world_random(void)
{
    world.random += 0x9e3779b97f4a7c15ull;
    u64 x = world.random;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

void world_start(u64 seed, const struct world_line *line)
{
    world.line = *line;
    world.random = seed;
    world.now = 1000 * SECOND;
    world.line_free[0] = world.line_free[1] = 0;
    memset(&world_counters, 0, sizeof(world_counters));
    kernel_set_mtu(line->mtu);
}

struct ip_address world_host(u32 n)
{
    return ip4_address(swap32(0x0a000001 + n));
}

static bool chance(u32 per_10000)
{
    return per_10000 && world_random() % 10000 < per_10000;
}

static void arrive_at(const struct ip_address *from, const struct ip_address *to, const u8 *bytes,
                      u32 size, u64 time)
{
    struct arrival *a = malloc(sizeof(*a) + size), **at = &world.first;

    *a = (struct arrival){.time = time, .from = *from, .to = *to, .size = size};
    memcpy(a->bytes, bytes, size);
    while (*at && (*at)->time <= time)
        at = &(*at)->next;
    a->next = *at;
    *at = a;
}

void world_send(const struct ip_address *from, const struct ip_address *to, u8 *bytes, u32 size)
{
    u32 side = from->bytes[15] & 1;
    u64 time;

    world_counters.sent++;
    if ((world_watch && !world_watch(from, bytes, size)) || chance(world.line.loss)) {
        world_counters.lost++;
        return;
    }
    world.line_free[side] =
        max(world.line_free[side], world.now) + world.line.byte_time * (size + 20);
    time = world.line_free[side] + world.line.delay;
    if (chance(world.line.reorder))
        time += world_random() % (world.line.delay + 1);
    if (chance(world.line.duplicate))
        arrive_at(from, to, bytes, size, time + world_random() % (world.line.delay + 1));
    if (chance(world.line.corrupt)) {
        bytes[world_random() % size] ^= (u8)(1u << world_random() % 8);
        world_counters.damaged++;
    }
    arrive_at(from, to, bytes, size, time);
}

static void deliver(const struct ip_address *from, const struct ip_address *to, const u8 *bytes,
                    u32 size)
{
    struct packet *p = packet_alloc(size);

    memcpy(packet_append(p, size), bytes, size);
    p->source = *from;
    p->destination = *to;
    p->protocol = TCP_PROTOCOL;
    tcp_receive(NULL, p);
}

void world_inject(u32 n, const void *segment, u32 size)
{
    struct ip_address from = world_host(1 - n), to = world_host(n);
    u8 *bytes = malloc(size);
    u16 sum;

    memcpy(bytes, segment, size);
    if (size >= TCP_HEADER_SIZE) {
        memset(bytes + 16, 0, 2);
        sum = (u16)~checksum_fold(checksum_add(checksum_pseudo(&from, &to, TCP_PROTOCOL, size),
                                               checksum_sum(bytes, size)));
        memcpy(bytes + 16, &sum, 2);
    }
    deliver(&from, &to, bytes, size);
    free(bytes);
}

bool world_step(u64 until)
{
    struct arrival *a = world.first;
    u64 timer = kernel_next_timer();

    if ((!a || a->time > until) && timer > until) {
        world.now = max(world.now, until == ~0ull ? world.now : until);
        return false;
    }
    if (a && a->time <= timer) {
        world.now = max(world.now, a->time);
        world.first = a->next;
        deliver(&a->from, &a->to, a->bytes, a->size);
        free(a);
    } else {
        world.now = max(world.now, timer);
        kernel_fire_timer();
    }
    return true;
}

void world_run(u64 duration)
{
    u64 until = world.now + duration;

    while (world_step(until))
        ;
}

bool world_clean(void)
{
    world_run(200 * SECOND);
    return kernel_clean();
}

struct socket *world_socket(u32 host)
{
    struct socket *s;

    if (tcp_create(AF_INET, &s) || world_bind(s, host, 0))
        abort();
    return s;
}

static struct socket_address address(u32 host, u16 port)
{
    struct socket_address a = {.size = 16};
    struct ip_address ip = world_host(host);

    a.family = AF_INET;
    a.bytes[2] = (u8)(port >> 8);
    a.bytes[3] = (u8)port;
    memcpy(a.bytes + 4, ip.bytes + 12, 4);
    return a;
}

int world_bind(struct socket *s, u32 host, u16 port)
{
    struct socket_address a = address(host, port);
    return s->ops->bind(s, &a);
}

int world_connect(struct socket *s, u32 host, u16 port)
{
    struct socket_address a = address(host, port);
    return s->ops->connect(s, &a, /*nonblock=*/true);
}

struct socket *world_accept(struct socket *listener)
{
    struct socket *s = NULL;

    return listener->ops->accept(listener, /*nonblock=*/true, &s) ? NULL : s;
}

s64 world_write(struct socket *s, const void *data, size_t size, u32 flags)
{
    struct message m = {.flags = flags | MSG_NOSIGNAL, .nonblock = true};
    struct io io;

    io_init_kernel(&io, (void *)(uintptr_t)data, size);
    m.io = &io;
    return s->ops->send(s, &m);
}

s64 world_read(struct socket *s, void *data, size_t size, u32 flags)
{
    struct message m = {.flags = flags, .nonblock = true};
    struct io io;

    io_init_kernel(&io, data, size);
    m.io = &io;
    return s->ops->receive(s, &m);
}

void world_close(struct socket *s)
{
    s->ops->release(s);
}

void world_pair(struct socket *out[2])
{
    struct socket *listener;
    u16 port = 80;

    if (tcp_create(AF_INET, &listener) || world_bind(listener, 1, port) ||
        listener->ops->listen(listener, 5))
        abort();
    out[0] = world_socket(0);
    (void)world_connect(out[0], 1, port);
    for (out[1] = NULL; !out[1]; out[1] = world_accept(listener))
        if (!world_step(~0ull))
            abort();
    world_close(listener);
}
