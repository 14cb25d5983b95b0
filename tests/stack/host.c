// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "tests/stack/host.h"

#include <asm/prctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/panic.h"
#include "base/printf.h"
#include "cpu/vcpu.h"
#include "driver/random.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/inet.h"
#include "net/packet_pool.h"
#include "net/packet_tap.h"
#include "net/ping.h"
#include "net/raw.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "net/wiring.h"
#include "net/work.h"
#include "thread/timer.h"
#include "thread/wait.h"

#define TIMERS 64

static struct {
    struct vcpu vcpu;
    u64 now, random;
    u64 packets, data, objects, messages;
    struct timer *timers[TIMERS];
} host = {.now = 1000000000000ull, .random = 88172645463325252ull};

void host_start(void)
{
    host.vcpu.self = &host.vcpu;
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &host.vcpu))
        abort();
}

void lock_acquire(struct lock *l)
{
    assert(!l->holder);
    l->holder = 1;
}

void lock_release(struct lock *l)
{
    assert(l->holder);
    l->holder = 0;
}

bool lock_held(const struct lock *l)
{
    return l->holder;
}

void *slab_alloc(struct slab_cache *c)
{
    host.objects++;
    return calloc(1, c->object_size);
}

void slab_free(struct slab_cache *c, void *object)
{
    host.objects--;
    free(object);
}

void *heap_alloc(size_t size)
{
    return calloc(1, size ? size : 1);
}

void heap_free(void *object)
{
    free(object);
}

struct packet *packet_pool_take(void)
{
    host.packets++;
    return malloc(sizeof(struct packet));
}

void packet_pool_give(struct packet *p)
{
    host.packets--;
    free(p);
}

static void data_release(struct packet_data *d)
{
    host.data--;
    free(d->memory);
    free(d);
}

struct packet_data *packet_data_alloc(u32 size)
{
    struct packet_data *d = malloc(sizeof(*d));

    host.data++;
    *d = (struct packet_data){1, size, malloc(size ? size : 1), data_release};
    return d;
}

struct packet_data *packet_data_get(struct packet_data *d)
{
    d->references++;
    return d;
}

void packet_data_put(struct packet_data *d)
{
    if (!--d->references)
        d->release(d);
}

u64 host_packets(void)
{
    return host.packets;
}

u64 host_data(void)
{
    return host.data;
}

u64 host_objects(void)
{
    return host.objects;
}

u64 host_random(void)
{
    host.random ^= host.random << 13;
    host.random ^= host.random >> 7;
    return host.random ^= host.random << 17;
}

u64 random_u64(void)
{
    return host_random();
}

u64 clock_monotonic(void)
{
    return host.now;
}

u64 clock_realtime(void)
{
    return host.now;
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    t->fire = fire;
    t->armed = false;
}

void timer_arm(struct timer *t, u64 deadline)
{
    int i = 0;

    t->deadline = deadline;
    if (t->armed)
        return;
    while (host.timers[i])
        assert(++i < TIMERS);
    host.timers[i] = t;
    t->armed = true;
}

bool timer_cancel(struct timer *t)
{
    bool was = t->armed;

    for (int i = 0; i < TIMERS; i++)
        if (host.timers[i] == t)
            host.timers[i] = NULL;
    t->armed = false;
    return was;
}

static struct timer *first_timer(void)
{
    struct timer *first = NULL;

    for (int i = 0; i < TIMERS; i++)
        if (host.timers[i] && (!first || host.timers[i]->deadline < first->deadline))
            first = host.timers[i];
    return first;
}

void host_advance(u64 ns)
{
    u64 end = host.now + ns;
    struct timer *t;

    while ((t = first_timer()) && t->deadline <= end) {
        if (t->deadline > host.now)
            host.now = t->deadline;
        timer_cancel(t);
        t->fire(t);
        net_work();
    }
    host.now = end;
}

bool net_work(void)
{
    bool loopback_run(void);
    bool any = false;

    while (loopback_run())
        any = true;
    return any;
}

bool net_work_all(void)
{
    return net_work();
}

void wait_queue_init(struct wait_queue *q)
{
    q->waiters.next = q->waiters.previous = &q->waiters;
}

void wait_queue_wake(struct wait_queue *q, u32 events)
{
}

int wait_until(struct wait_queue *q, u64 deadline, u32 flags, bool (*done)(void *arg), void *arg)
{
    return done(arg) ? 0 : -ETIMEDOUT;
}

int user_read_u32(u32 *out, uaddr_t from)
{
    return -EFAULT;
}

int user_write_u32(uaddr_t to, u32 value)
{
    return 0;
}

size_t user_read_partial(void *to, uaddr_t from, size_t size)
{
    return 0;
}

size_t user_write_partial(uaddr_t to, const void *from, size_t size)
{
    return 0;
}

int user_read(void *to, uaddr_t from, size_t size)
{
    return -EFAULT;
}

int user_write(uaddr_t to, const void *from, size_t size)
{
    return -EFAULT;
}

int user_clear(uaddr_t to, size_t size)
{
    return -EFAULT;
}

s64 inet_ioctl(struct socket *s, u32 command, u64 argument)
{
    return -ENOTTY;
}

void udp_get(struct udp_socket *s)
{
    s->references++;
}

void udp_put(struct udp_socket *s)
{
    s->references--;
}

struct __kernel_timespec timespec_from_ns(u64 ns)
{
    return (struct __kernel_timespec){(s64)(ns / 1000000000), (s64)(ns % 1000000000)};
}

bool raw_receive(const struct packet *p)
{
    return false;
}

void ping_receive(struct packet *p, u16 id)
{
    packet_free(p);
}

u32 packet_tap_count;

void packet_tap_slow(const struct packet *p, bool out)
{
}

void log_message(const char *format, ...)
{
    host.messages++;
}

u64 host_messages(void)
{
    return host.messages;
}

void panic_at(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "panic: %s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    abort();
}
