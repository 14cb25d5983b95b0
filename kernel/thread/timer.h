// SPDX-License-Identifier: BSD-3-Clause
// Kernel timers: call a function when CLOCK_MONOTONIC reaches a deadline. Timers expire on the way back to
// user code, in the idle loop, and by the tick; the callback runs with no lock held, in kernel context
// of any thread, and must not sleep.
#pragma once

#include "base/tree.h"

struct timer_queue;

struct timer {
    struct tree_node node;
    u64 deadline; // ns of CLOCK_MONOTONIC
    u64 realtime; // ns of CLOCK_REALTIME that it follows, with DEADLINE_REALTIME (wait.h), or 0
    u32 steps;    // of CLOCK_REALTIME when `deadline` was reckoned from it
    void (*fire)(struct timer *t);
    bool armed;
    struct timer_queue *queue; // it is, or was last, on
};

void timer_init(struct timer *t, void (*fire)(struct timer *t));
void timer_arm(struct timer *t, u64 deadline); // also moves an armed one; wait.h says what deadlines are
// True: it was armed and will not fire. Afterwards the callback does not run and will not: if it runs on
// another vCPU, this waits for its end. So the caller holds no lock that the callback takes, unless the
// caller is the callback.
bool timer_cancel(struct timer *t);

u64 timer_next_deadline(void); // of this vCPU. DEADLINE_NONE (wait.h): no timer is armed
// The timers of a vCPU that ends go to another one.
struct vcpu;
void timer_move_all(struct vcpu *from, struct vcpu *to);
void timer_expire(void);       // fires what is due
void timer_realtime_set(void); // every vCPU is to look at its timers that follow CLOCK_REALTIME
