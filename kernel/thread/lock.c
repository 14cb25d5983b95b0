// SPDX-License-Identifier: BSD-3-Clause
#include "thread/lock.h"

#include "cpu/vcpu.h"
#include "platform/platform.h"
#include "thread/lock_order.h"
#include "x86_64/cpu.h"

#define SPINS_MAX 2000
#define SLEEP_NS  20000

static u32 nobody; // a doorbell that nobody rings

void lock_acquire(struct lock *l)
{
    u32 me = (u32)vcpu_this()->index + 1;
    u32 expected = 0, spins = 0;

    if (DEBUG)
        lock_order_take(l);
    while (!__atomic_compare_exchange_n(&l->holder, &expected, me, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        if (expected == me)
            panic("lock %p is taken twice", (void *)l);
        expected = 0;
        // The holder may be a vCPU that the host has taken off its processor.
        if (++spins % SPINS_MAX == 0)
            platform_wait(SLEEP_NS, (u64)&nobody);
        cpu_relax();
    }
}

void lock_release(struct lock *l)
{
    assert(lock_held(l));
    if (DEBUG)
        lock_order_give(l);
    __atomic_store_n(&l->holder, 0, __ATOMIC_RELEASE); // pairs with lock_acquire
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
