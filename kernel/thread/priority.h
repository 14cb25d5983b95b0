// SPDX-License-Identifier: BSD-3-Clause
// What sched(7)'s policies and nice values mean here: the order of a run queue, and how long a turn is.
#pragma once

#include "base/types.h"

struct thread;

// Threads of a higher rank run first: real-time priorities, then the normal policies, then SCHED_IDLE.
u32 priority_rank(const struct thread *t);
bool priority_real_time(const struct thread *t);
// ns that it runs while others of its rank wait: nice values weigh as Linux's do, within bounds.
u64 priority_slice(const struct thread *t);
// Does `t`, whose turn is over, make room for `next`, the first of those that wait?
bool priority_yields(const struct thread *t, const struct thread *next);
