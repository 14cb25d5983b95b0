// SPDX-License-Identifier: BSD-3-Clause
// Free lists of packets and of payload memory. A packet_data stands at the start of its own block,
// whose size is one of a few; blocks of a page and more are whole pages.
//
//     | struct packet_data | memory ...            |
//
// The locks are held clean (thread/lock.h): a list changes by one store, and its count is never too low.
#include "net/packet_pool.h"

#include "base/panic.h"
#include "cpu/vcpu.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "thread/timer.h"

#define POOLS      16u // vCPUs with the same low bits of their index share one
#define DATA_ROOM  64u // struct packet_data, and what keeps memory on a cache line
#define KEEP_COUNT 256u
#define KEEP_BYTES (16u << 20) // of each size: what a bulk transfer has under way
#define TRIM_NS    1000000000ull

static const u32 data_sizes[] = {2048, 4096, 8192, 16384, 32768, 69632};
#define SIZES array_count(data_sizes)

struct free_list {
    void *first; // linked by their first word
    u32 count;
};

struct pool {
    struct lock lock;
    struct free_list packets, data[SIZES];
    bool used; // since the last trim
} __attribute__((aligned(64)));

static struct {
    struct pool pools[POOLS];
    struct timer trim;
    u32 trim_armed;   // atomic
    struct lock lock; // making the timer
    bool ready;
} packet_pool;

static struct slab_cache packet_cache = SLAB_CACHE("packet", struct packet);
_Static_assert(sizeof(struct packet_data) <= DATA_ROOM, "header of a block");

static struct pool *pool_mine(void)
{
    return &packet_pool.pools[vcpu_this()->index % POOLS];
}

static void *list_take(struct free_list *l)
{
    void *object = l->first;

    if (object) {
        l->first = *(void **)object;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        l->count--;
    }
    return object;
}

static void list_give(struct free_list *l, void *object)
{
    l->count++;
    *(void **)object = l->first;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    l->first = object;
}

static void trim_fire(struct timer *t)
{
    bool used = false;

    for (u32 i = 0; i < POOLS; i++) {
        used |= packet_pool.pools[i].used;
        packet_pool.pools[i].used = false;
    }
    if (used) {
        timer_arm(t, clock_monotonic() + TRIM_NS);
        return;
    }
    __atomic_store_n(&packet_pool.trim_armed, 0, __ATOMIC_RELEASE); // pairs with trim_later
    packet_pool_trim();
}

static void trim_later(void)
{
    if (likely(__atomic_load_n(&packet_pool.trim_armed, __ATOMIC_RELAXED)) ||
        __atomic_exchange_n(&packet_pool.trim_armed, 1, __ATOMIC_ACQ_REL)) // pairs with trim_fire
        return;
    lock_acquire(&packet_pool.lock);
    if (!packet_pool.ready)
        timer_init(&packet_pool.trim, trim_fire);
    packet_pool.ready = true;
    lock_release(&packet_pool.lock);
    timer_arm(&packet_pool.trim, clock_monotonic() + TRIM_NS);
}

struct packet *packet_pool_take(void)
{
    struct pool *pool = pool_mine();
    struct packet *p;

    lock_acquire_clean(&pool->lock);
    p = list_take(&pool->packets);
    pool->used = true;
    lock_release(&pool->lock);
    if (p)
        return p;
    p = slab_alloc(&packet_cache);
    return p;
}

void packet_pool_give(struct packet *p)
{
    struct pool *pool = pool_mine();
    bool keep;

    lock_acquire_clean(&pool->lock);
    keep = pool->packets.count < KEEP_COUNT;
    if (keep)
        list_give(&pool->packets, p);
    lock_release(&pool->lock);
    if (keep)
        trim_later();
    else
        slab_free(&packet_cache, p);
}

static void data_release(struct packet_data *d)
{
    struct pool *pool = pool_mine();
    u32 i = 0;
    bool keep;

    while (data_sizes[i] != d->size + DATA_ROOM)
        i++;
    lock_acquire_clean(&pool->lock);
    keep = pool->data[i].count < KEEP_BYTES / data_sizes[i];
    if (keep)
        list_give(&pool->data[i], d);
    lock_release(&pool->lock);
    if (keep)
        trim_later();
    else
        heap_free(d);
}

struct packet_data *packet_data_alloc(u32 size)
{
    struct pool *pool = pool_mine();
    struct packet_data *d;
    u32 i = 0;

    while (i < SIZES && data_sizes[i] - DATA_ROOM < size)
        i++;
    if (i == SIZES)
        return NULL;
    lock_acquire_clean(&pool->lock);
    d = list_take(&pool->data[i]);
    pool->used = true;
    lock_release(&pool->lock);
    if (!d)
        d = heap_alloc(data_sizes[i]);
    if (!d)
        return NULL;
    *d = (struct packet_data){1, data_sizes[i] - DATA_ROOM, (u8 *)d + DATA_ROOM, data_release};
    return d;
}

struct packet_data *packet_data_get(struct packet_data *d)
{
    __atomic_add_fetch(&d->references, 1, __ATOMIC_RELAXED); // pairs with packet_data_put
    return d;
}

void packet_data_put(struct packet_data *d)
{
    if (!__atomic_sub_fetch(&d->references, 1, __ATOMIC_ACQ_REL)) // pairs with itself, and get
        d->release(d);
}

void packet_pool_trim(void)
{
    for (u32 i = 0; i < POOLS; i++) {
        struct pool *pool = &packet_pool.pools[i];
        void *object;
        lock_acquire_clean(&pool->lock);
        while ((object = list_take(&pool->packets)))
            slab_free(&packet_cache, object);
        for (u32 size = 0; size < SIZES; size++)
            while ((object = list_take(&pool->data[size])))
                heap_free(object);
        lock_release(&pool->lock);
    }
}
