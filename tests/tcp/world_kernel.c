// SPDX-License-Identifier: BSD-3-Clause
// The kernel around TCP, see world_kernel.h. Single-threaded: a lock only checks its rules.
#include "tests/tcp/world_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/panic.h"
#include "driver/random.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/checksum.h"
#include "net/filter.h"
#include "net/interface.h"
#include "net/mib.h"
#include "net/packet_pool.h"
#include "net/work.h"
#include "net/zero_copy.h"
#include "tests/tcp/world.h"

static struct net_interface line = {.name = "line0", .index = 1};
static struct timer *timers[64];
static u32 timer_count, mtu = 1500;
static s64 objects, packets;

void mib_count(u32 counter)
{
}

// No filters, no MSG_ZEROCOPY, no control data.
void filter_inherit(struct socket *child, struct socket *listener)
{
}

u32 filter_run_slow(struct socket *s, const struct packet *p, s32 network)
{
    return ~0u;
}

void zero_copy_sent(struct inet_socket *s, const struct message *m, struct wait_queue *wait)
{
}

s64 zero_copy_receive(struct inet_socket *s, struct message *m)
{
    return -EAGAIN;
}

int message_put_control(struct message *m, int level, int type, const void *data, size_t size)
{
    return 0;
}

void lock_acquire(struct lock *l)
{
    assert(!l->holder);
    l->holder = 1;
}

void lock_acquire_repairable(struct lock *l, const struct lock_repair *repair)
{
    lock_acquire(l); // nobody is killed here
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
    objects++;
    c->live++;
    return calloc(1, c->object_size);
}

void slab_free(struct slab_cache *c, void *object)
{
    objects--;
    c->live--;
    free(object);
}

void *heap_alloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *object)
{
    free(object);
}

struct packet *packet_pool_take(void)
{
    packets++;
    return malloc(sizeof(struct packet));
}

void packet_pool_give(struct packet *p)
{
    packets--;
    free(p);
}

static void data_release(struct packet_data *d)
{
    packets--;
    free(d);
}

struct packet_data *packet_data_alloc(u32 size)
{
    struct packet_data *d = malloc(sizeof(*d) + size);

    packets++;
    *d = (struct packet_data){1, size, (u8 *)(d + 1), data_release};
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

u64 clock_monotonic(void)
{
    return world_now();
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    *t = (struct timer){.fire = fire};
}

void timer_arm(struct timer *t, u64 deadline)
{
    timer_cancel(t);
    assert(timer_count < array_count(timers));
    t->deadline = deadline;
    t->armed = true;
    timers[timer_count++] = t;
}

bool timer_cancel(struct timer *t)
{
    for (u32 i = 0; i < timer_count; i++) {
        if (timers[i] != t)
            continue;
        timers[i] = timers[--timer_count];
        t->armed = false;
        return true;
    }
    return false;
}

static struct timer *first_timer(void)
{
    struct timer *first = NULL;

    for (u32 i = 0; i < timer_count; i++)
        if (!first || timers[i]->deadline < first->deadline)
            first = timers[i];
    return first;
}

u64 kernel_next_timer(void)
{
    return timer_count ? first_timer()->deadline : ~0ull;
}

void kernel_fire_timer(void)
{
    struct timer *t = first_timer();

    timer_cancel(t);
    t->fire(t);
}

void wait_queue_init(struct wait_queue *q)
{
}

void wait_queue_wake(struct wait_queue *q, u32 events)
{
}

// The world goes on until it is done.
int wait_until_locked(struct wait_queue *q, struct lock *l, u64 deadline, u32 flags,
                      bool (*done)(void *), void *arg)
{
    while (!done(arg)) {
        bool more;

        lock_release(l);
        more = world_step(deadline);
        lock_acquire(l);
        if (!more)
            return done(arg) ? 0 : -ETIMEDOUT;
    }
    return 0;
}

u64 random_u64(void)
{
    return world_random();
}

void random_bytes(void *to, size_t size)
{
    for (u8 *p = to; size; size--)
        *p++ = (u8)world_random();
}

bool net_work(void)
{
    return false;
}

bool net_work_all(void)
{
    return false;
}

void kernel_set_mtu(u32 value)
{
    mtu = value;
}

bool kernel_clean(void)
{
    bool ports = false;

    for (u32 i = 0; i < PORT_BUCKETS && tcp_ports.ready; i++)
        ports |= !list_empty(&tcp_ports.buckets[i]);
    if (!objects && !packets && !ports)
        return true;
    fprintf(stderr, "left behind: %lld objects, %lld packets, %s\n", (long long)objects,
            (long long)packets, ports ? "ports" : "no port");
    return false;
}

u64 world_objects(void)
{
    return (u64)objects;
}

int route_lookup(const struct ip_address *to, const struct ip_address *from, u32 interface,
                 struct route *out)
{
    *out = (struct route){.interface = &line, .next_hop = *to, .mtu = mtu};
    out->source = from && !ip_is_any(from) ? *from : world_host(0);
    return 0;
}

bool route_current(const struct route *r)
{
    return r->mtu == mtu;
}

int inet_route(const struct inet_socket *s, const struct endpoint *to, struct route *out)
{
    return route_lookup(&to->address, &s->binding.address, 0, out);
}

// One segment of a large one: the headers again, other numbers, a part of the payload.
static void send_part(const struct ip_send *s, const u8 *all, u32 header, u32 offset, u32 size,
                      bool last)
{
    u32 total = header + size;
    u8 *bytes = malloc(total);
    struct tcp_header *h = (struct tcp_header *)bytes;
    u16 sum;

    memcpy(bytes, all, header);
    memcpy(bytes + header, all + header + offset, size);
    h->sequence = tcp_swap32(tcp_swap32(h->sequence) + offset);
    if (!last)
        h->flags &= (u8) ~(TCP_FLAG_FIN | TCP_FLAG_PSH);
    h->checksum = 0;
    sum = (u16)~checksum_fold(
        checksum_add(checksum_pseudo(&s->source, &s->destination, TCP_PROTOCOL, total),
                     checksum_sum(bytes, total)));
    h->checksum = sum;
    world_send(&s->source, &s->destination, bytes, total);
    free(bytes);
}

int ip_send(struct packet *p, const struct route *r, const struct ip_send *s)
{
    u32 total = p->total, header, part, offset = 0;
    u8 *all = malloc(total);

    assert(p->checksum == CHECKSUM_NEEDED);
    packet_copy_out(p, 0, all, total);
    header = (u32)(all[12] >> 4) * 4;
    part = p->gso ? p->gso_size : total - header;
    assert(part + header + IP4_HEADER <= mtu);
    packet_free(p);
    do {
        u32 size = min(part, total - header - offset);

        send_part(s, all, header, offset, size, offset + size == total - header);
        offset += size;
    } while (offset < total - header);
    free(all);
    return 0;
}

void inet_init(struct inet_socket *s, const struct socket_ops *ops, int family, int type,
               int protocol)
{
    s->socket.ops = ops;
    s->socket.family = family;
    s->socket.type = type;
    s->socket.send_timeout = s->socket.receive_timeout = DEADLINE_NONE;
    s->socket.receive_low = 1;
    list_init(&s->binding.node);
}

void inet_send_fields(const struct inet_socket *s, const struct endpoint *to, const struct route *r,
                      struct ip_send *out)
{
    *out = (struct ip_send){.source = r->source, .destination = to->address};
}

int inet_address_read(const struct inet_socket *s, const struct socket_address *a,
                      struct endpoint *out)
{
    u32 ip;

    memcpy(&ip, a->bytes + 4, 4);
    *out = (struct endpoint){.address = ip4_address(ip),
                             .port = (u16)(a->bytes[2] << 8 | a->bytes[3])};
    return 0;
}

int inet_address_read_own(const struct inet_socket *s, const struct socket_address *a, struct endpoint *out)
{
    return inet_address_read(s, a, out);
}

int inet_bind_check(const struct inet_socket *s, const struct endpoint *e)
{
    return 0;
}

int inet_name(struct socket *s, bool peer, struct socket_address *out)
{
    return 0;
}

int inet_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size)
{
    return -ENOPROTOOPT;
}

int inet_get_option(struct socket *s, int level, int name, uaddr_t value, u32 *size)
{
    return -ENOPROTOOPT;
}

s64 inet_ioctl(struct socket *s, u32 command, u64 argument)
{
    return -ENOTTY;
}

int socket_take_error(struct socket *s)
{
    int error = s->error;

    s->error = 0;
    return -error;
}

u64 socket_deadline(u64 timeout)
{
    return timeout == DEADLINE_NONE ? DEADLINE_NONE : world_now() + timeout;
}

int socket_wait_error(int error, u64 timeout)
{
    return error == -ETIMEDOUT ? -EAGAIN : error;
}

s64 socket_broken_pipe(u32 message_flags)
{
    return -EPIPE;
}

// User memory is this process's.
int user_read(void *to, uaddr_t from, size_t size)
{
    memcpy(to, (void *)from, size);
    return 0;
}

int user_write(uaddr_t to, const void *from, size_t size)
{
    memcpy((void *)to, from, size);
    return 0;
}

int user_clear(uaddr_t to, size_t size)
{
    memset((void *)to, 0, size);
    return 0;
}

int user_write_u32(uaddr_t to, u32 value)
{
    return user_write(to, &value, sizeof(value));
}

void panic_at(const char *file, int line_number, const char *format, ...)
{
    fprintf(stderr, "panic: %s:%d: %s\n", file, line_number, format);
    abort();
}
