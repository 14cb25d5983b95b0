// SPDX-License-Identifier: BSD-3-Clause
// A kind of lock is a static lock, or a place in the objects of a slab cache: all inodes' locks are one. Which
// kind was held when another was taken is a graph; an edge that closes a circle is the mistake.
//
// Two locks of one kind are not looked at: where that happens the code says which comes first (by address, or
// directory before child).
#include "thread/lock_order.h"

#include "abi/boot.h"
#include "base/panic.h"
#include "base/printf.h"
#include "cpu/vcpu.h"
#include "memory/heap.h"
#include "platform/platform.h"
#include "x86_64/cpu.h"

#define KINDS    256u
#define HELD_MAX 16u

static large_data struct {
    u32 busy; // atomic: a lock of its own, which is not watched
    u32 count;
    u64 names[KINDS];              // of a kind: its address, or cache and place
    u64 inner[KINDS][KINDS / 64];  // bit b of a: b was taken while a was held
    u64 where[KINDS][KINDS];       // from where, the first time
    struct {
        const struct lock *locks[HELD_MAX];
        u32 kinds[HELD_MAX];
        u32 count;
    } held[VCPUS_MAX]; // by vCPU
} order;

static void graph_lock(void)
{
    while (__atomic_exchange_n(&order.busy, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
}

static void graph_unlock(void)
{
    __atomic_store_n(&order.busy, 0, __ATOMIC_RELEASE);
}

static u64 name_of(const struct lock *l)
{
    const struct boot_info *boot = platform_boot();
    u64 at = (u64)l;

    if (!boot || at < boot->family_base + boot->family_free)
        return at;
    return heap_place(l);
}

// KINDS: too many, or a lock in memory of no kind.
static u32 kind_of(const struct lock *l)
{
    u64 name = name_of(l);
    u32 i, count = __atomic_load_n(&order.count, __ATOMIC_ACQUIRE);

    for (i = 0; i < count; i++)
        if (order.names[i] == name)
            return i;
    if (!name)
        return KINDS;
    graph_lock();
    for (i = 0; i < order.count && order.names[i] != name; i++)
        ;
    if (i == order.count && i < KINDS) {
        order.names[i] = name;
        __atomic_store_n(&order.count, i + 1, __ATOMIC_RELEASE);
    }
    graph_unlock();
    return i;
}

static bool has_edge(u32 a, u32 b)
{
    return __atomic_load_n(&order.inner[a][b / 64], __ATOMIC_RELAXED) >> (b % 64) & 1;
}

// Is `to` taken under `from`, or under what is taken under it...? through: the last step before.
static bool reaches(u32 from, u32 to, u32 *through)
{
    u64 seen[KINDS / 64] = { 0 };
    u32 queue[KINDS], head = 0, tail = 0;

    queue[tail++] = from;
    seen[from / 64] |= 1ull << (from % 64);
    while (head < tail) {
        u32 a = queue[head++];
        if (has_edge(a, to)) {
            *through = a;
            return true;
        }
        for (u32 b = 0; b < order.count; b++) {
            if (!has_edge(a, b) || seen[b / 64] >> (b % 64) & 1)
                continue;
            seen[b / 64] |= 1ull << (b % 64);
            queue[tail++] = b;
        }
    }
    return false;
}

static void edge_add(u32 outer, u32 inner, u64 site)
{
    u32 through;

    graph_lock();
    if (!has_edge(outer, inner)) {
        if (reaches(inner, outer, &through)) {
            graph_unlock();
            log_message("kinds of locks: %u is %s%#llx, %u is %s%#llx", outer, heap_place_cache(order.names[outer]),
                        (unsigned long long)order.names[outer], inner,
                        heap_place_cache(order.names[inner]), (unsigned long long)order.names[inner]);
            panic("lock order: kind %u is taken under %u at %#llx, and before it (%u under %u at %#llx)", inner,
                  outer, (unsigned long long)(site - platform_boot()->kernel_base), outer, through,
                  (unsigned long long)(order.where[through][outer] - platform_boot()->kernel_base));
        }
        order.where[outer][inner] = site;
        order.inner[outer][inner / 64] |= 1ull << (inner % 64);
    }
    graph_unlock();
}

void lock_order_take(const struct lock *l)
{
    u64 me = vcpu_this()->index, site = ((const u64 *)__builtin_frame_address(0))[0];
    u32 kind = kind_of(l), n = order.held[me].count;

    site = ((const u64 *)site)[1]; // of lock_acquire's caller
    for (u32 i = 0; kind < KINDS && i < n; i++) {
        u32 outer = order.held[me].kinds[i];
        if (outer < KINDS && outer != kind && !has_edge(outer, kind))
            edge_add(outer, kind, site);
    }
    assert(n < HELD_MAX);
    order.held[me].locks[n] = l;
    order.held[me].kinds[n] = kind;
    order.held[me].count = n + 1;
}

void lock_order_give(const struct lock *l)
{
    u64 me = vcpu_this()->index;
    u32 n = order.held[me].count, i = n;

    while (i && order.held[me].locks[i - 1] != l)
        i--;
    if (!i)
        return; // taken by the vCPU that this one was
    for (; i < n; i++) {
        order.held[me].locks[i - 1] = order.held[me].locks[i];
        order.held[me].kinds[i - 1] = order.held[me].kinds[i];
    }
    order.held[me].count = n - 1;
}

void lock_order_lost(const struct vcpu *v)
{
    order.held[v->index].count = 0;
}
