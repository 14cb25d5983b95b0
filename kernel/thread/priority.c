// SPDX-License-Identifier: BSD-3-Clause
// Weighted round robin: a turn's length is the thread's weight. [sched(7); Linux, sched_prio_to_weight]
#include "thread/priority.h"

#include <linux/sched.h>

#include "thread/thread.h"

#define SLICE_NS     4000000ull // of nice 0
#define SLICE_MIN_NS 100000ull
#define SLICE_MAX_NS 100000000ull
#define RANK_IDLE    0u
#define RANK_NORMAL  1u // real-time priorities 1 to 99 stand above
#define RANK_LAST    101u // SCHED_DEADLINE

u32 priority_rank(const struct thread *t)
{
    switch (t->settings.policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        return RANK_NORMAL + t->settings.priority;
    case SCHED_DEADLINE:
        return RANK_LAST;
    case SCHED_IDLE:
        return RANK_IDLE;
    default:
        return RANK_NORMAL;
    }
}

bool priority_real_time(const struct thread *t)
{
    return priority_rank(t) > RANK_NORMAL;
}

// A step of nice is a quarter of the time.
u64 priority_slice(const struct thread *t)
{
    int nice = t->settings.policy == SCHED_RR ? 0 : t->settings.nice;
    u64 slice = SLICE_NS;

    for (; nice > 0 && slice > SLICE_MIN_NS; nice--)
        slice = slice * 4 / 5;
    for (; nice < 0 && slice < SLICE_MAX_NS; nice++)
        slice = slice * 5 / 4;
    return max(min(slice, SLICE_MAX_NS), SLICE_MIN_NS);
}

bool priority_yields(const struct thread *t, const struct thread *next)
{
    u32 mine = priority_rank(t), other = priority_rank(next);

    return t->settings.policy == SCHED_FIFO ? other > mine : other >= mine;
}
