// SPDX-License-Identifier: BSD-3-Clause
#include "thread/lock.h"

#include "cpu/vcpu.h"
#include "platform/platform.h"
#include "process/killed.h"
#include "thread/lock_order.h"
#include "x86_64/cpu.h"

#define SPINS_MAX 2000
#define SLEEP_NS  20000

static u32 nobody; // a doorbell that nobody rings
static bool shared; // there was a second vCPU: set before it runs

// The record is complete before the lock is taken, and goes after it: a vCPU that has ended holds at most what
// it says. Who reads it looks at the locks, too.
static inline void record_add(struct vcpu *v, const struct lock *l, u64 state)
{
    const u64 *frame = __builtin_frame_address(0);
    struct held_lock *h = &v->held[v->held_count];

    if (v->held_count < LOCKS_HELD)
        *h = (struct held_lock){ l, state, frame[1], frame[0] };
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    v->held_count++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// Usually the last one.
static inline void record_remove(struct vcpu *v, const struct lock *l)
{
    u32 i = v->held_count - 1, last = min(i, (u32)LOCKS_HELD - 1);

    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (likely(i < LOCKS_HELD && v->held[i].lock == l)) {
        if ((v->held[i].state & HELD_KIND) == HELD_ROLLBACK)
            v->rollback_count = (u32)(v->held[i].state >> HELD_ROLLBACK_SHIFT);
    } else if (i < LOCKS_HELD) {
        while (i && v->held[i - 1].lock != l)
            i--;
        for (; i && i <= last; i++)
            v->held[i - 1] = v->held[i];
    }
    v->held_count--;
}

// Apart, so that the short way needs no registers saved.
static __attribute__((noinline)) void acquire_held(struct lock *l, u32 me, u32 expected)
{
    u32 spins = 0;

    do {
        if (expected == me)
            panic("lock %p is taken twice", (void *)l);
        // The holder may be a vCPU that the host has taken off its processor, or killed.
        if (++spins % SPINS_MAX == 0) {
            killed_spin();
            platform_wait(SLEEP_NS, (u64)&nobody);
        }
        expected = 0;
        cpu_relax();
    } while (!__atomic_compare_exchange_n(&l->holder, &expected, me, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
}

static inline __attribute__((always_inline)) void acquire(struct lock *l, u64 state)
{
    struct vcpu *v = vcpu_this();
    u32 me = (u32)v->index + 1, expected = 0;

    if (DEBUG)
        lock_order_take(l);
    record_add(v, l, state);
    // A program that never forks is alone, and a locked instruction costs as much as a short function.
    if (!shared && likely(!l->holder)) {
        __atomic_store_n(&l->holder, me, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        return;
    }
    if (unlikely(!__atomic_compare_exchange_n(&l->holder, &expected, me, false, __ATOMIC_ACQUIRE,
                                              __ATOMIC_RELAXED)))
        acquire_held(l, me, expected);
}

void lock_share(void)
{
    shared = true;
}

void lock_acquire(struct lock *l)
{
    acquire(l, HELD_TORN);
}

void lock_acquire_as(struct lock *l, u64 state)
{
    acquire(l, state);
}

void lock_release(struct lock *l)
{
    struct vcpu *v = vcpu_this();

    assert(lock_held(l));
    if (DEBUG)
        lock_order_give(l);
    __atomic_store_n(&l->holder, 0, __ATOMIC_RELEASE); // pairs with lock_acquire
    record_remove(v, l);
    if (unlikely(v->kick_count && !v->held_count))
        vcpu_kick_deferred(v);
}

void lock_clean(const struct lock *l, bool clean)
{
    struct vcpu *v = vcpu_this();
    u32 i = min(v->held_count, (u32)LOCKS_HELD);

    while (i && v->held[i - 1].lock != l)
        i--;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (i)
        v->held[i - 1].state = clean ? HELD_CLEAN : HELD_TORN;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

bool lock_held_elsewhere(const struct lock *l)
{
    u32 holder = __atomic_load_n(&l->holder, __ATOMIC_SEQ_CST);

    return holder && holder != (u32)vcpu_this()->index + 1;
}

bool lock_held(const struct lock *l)
{
    return __atomic_load_n(&l->holder, __ATOMIC_RELAXED) == (u32)vcpu_this()->index + 1;
}
