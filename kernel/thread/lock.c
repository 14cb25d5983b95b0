// SPDX-License-Identifier: BSD-3-Clause
#include "thread/lock.h"

#include "cpu/vcpu.h"
#include "x86_64/cpu.h"

void lock_acquire(struct lock *l)
{
    u32 me = (u32)vcpu_this()->index + 1;
    u32 expected = 0;

    while (!__atomic_compare_exchange_n(&l->holder, &expected, me, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        if (expected == me)
            panic("lock %p is taken twice", (void *)l);
        expected = 0;
        cpu_relax();
    }
}

void lock_release(struct lock *l)
{
    assert(lock_held(l));
    __atomic_store_n(&l->holder, 0, __ATOMIC_RELEASE); // pairs with lock_acquire
}

bool lock_held(const struct lock *l)
{
    return __atomic_load_n(&l->holder, __ATOMIC_RELAXED) == (u32)vcpu_this()->index + 1;
}
