// SPDX-License-Identifier: BSD-3-Clause
// Timers that send signals: timer_create(2) (posix_timer.c) and setitimer(2) (itimer.c). Both stand
// on struct alarm (alarm.c): a kernel timer that follows a clock and repeats.
//
// Lock order: posix_timers.lock > timers' own lock, process.lock. Signals are sent without it.
#pragma once

#include "base/list.h"
#include "linux/clocks.h"
#include "thread/lock.h"
#include "thread/timer.h"

#include <asm/siginfo.h>

struct process;

struct alarm {
    struct timer timer;
    struct process *process;
    enum clock_kind kind;
    struct cpu_clock cpu; // CLOCK_KIND_CPU
    bool realtime;        // the expiry is of CLOCK_REALTIME
    u64 expiry;           // ns, of CLOCK_MONOTONIC or of the CPU clock; 0: not set
    u64 interval;         // ns; 0: once
    u64 last_cpu;         // what the CPU clock showed when it was looked at last
    // Called without a lock after one or more expiries.
    void (*expired)(struct alarm *a, u64 count);
};

#define ITIMER_COUNT 3
#define ALARM_CPU    ITIMER_COUNT // behind them: RLIMIT_CPU

struct posix_timers { // of a process; made by the first call that needs one
    struct lock lock; // the list, the ids and every alarm's settings
    struct list timers;
    int next_id;
    u32 count;
    struct alarm itimers[ITIMER_COUNT + 1]; // ITIMER_REAL, VIRTUAL, PROF; ALARM_CPU
};

// The process's timers, made at need; NULL: no memory.
struct posix_timers *posix_timers_of(struct process *p);
// RLIMIT_CPU of p was set, or inherited: SIGXCPU every second from the soft limit on, then SIGKILL. itimer.c
void cpu_limit_arm(struct process *p);
// exec: timer_create's timers go, setitimer's stay.
void posix_timers_exec(struct process *p);
void posix_timers_free(struct process *p);
// A signal of a timer was taken off its queue: notes the overrun count for timer_getoverrun.
void posix_timer_taken(struct process *p, const siginfo_t *info);

void alarm_init(struct alarm *a, struct process *p, enum clock_kind kind,
                void (*expired)(struct alarm *a, u64 count));
// With posix_timers.lock held. remaining: ns until the next expiry, 0: not set.
void alarm_get(struct alarm *a, u64 *out_remaining, u64 *out_interval);
// value 0: stops it. absolute: value is a time of the alarm's clock.
void alarm_set(struct alarm *a, u64 value, u64 interval, bool absolute);
// Without it: afterwards `expired` does not run and will not.
void alarm_stop(struct alarm *a);
