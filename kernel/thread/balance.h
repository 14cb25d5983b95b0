// SPDX-License-Identifier: BSD-3-Clause
// Which vCPU of a member runs which thread: placement at a wake-up, stealing by idle vCPUs, affinity.
#pragma once

#include "base/types.h"

struct thread;
struct vcpu;

// May t run on v? sched_setaffinity(2)
bool balance_allowed(const struct thread *t, const struct vcpu *v);
// The run queue for t, which was made READY by the caller. spread: t has had its share here, so rather another.
struct vcpu *balance_choose(struct thread *t, bool spread);
// Is there a thread in a sibling's queue that v may run? steal: takes it into v's own.
bool balance_can_steal(struct vcpu *v);
bool balance_steal(struct vcpu *v);
// On the way to user code, no lock held: threads that wait here get an idle vCPU, or a new one. False: they have only
// just come, so it is to be called once more in BALANCE_LATER.
#define BALANCE_LATER 50000 // ns
bool balance_help(void);
// v's queue has just become empty: v takes the last one.
void balance_emptied(struct vcpu *v);
// The current thread may not run here: goes on on a vCPU where it may, which is started if need be.
void balance_move(void);
