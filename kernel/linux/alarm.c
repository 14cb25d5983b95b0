// SPDX-License-Identifier: BSD-3-Clause
// A timer that follows a clock and repeats; see posix_timers.h.
//
// CPU clocks have no hardware of their own: the alarm looks when it could have expired at the
// earliest, that is if the process runs all the time, and looks again if it has not.
#include "base/string.h"
#include "linux/clock.h"
#include "linux/posix_timers.h"
#include "process/process.h"

#define PERIOD_MIN    20000u    // ns: shorter intervals expire several times at once
#define CPU_LOOK_MIN  1000000u  // ns between looks at a CPU clock
#define CPU_LOOK_IDLE 10000000u // while it stands still

// The alarm's clock now. A thread that has ended has used all it will.
static u64 alarm_now(const struct alarm *a)
{
    u64 now;

    if (a->kind != CLOCK_KIND_CPU)
        return a->realtime ? clock_realtime() : clock_monotonic();
    return cpu_clock_read(&a->cpu, &now) ? now : a->last_cpu;
}

static void arm(struct alarm *a)
{
    u64 now, wait;

    if (a->kind != CLOCK_KIND_CPU) {
        timer_arm(&a->timer, a->expiry | (a->realtime ? DEADLINE_REALTIME : 0));
        return;
    }
    now = alarm_now(a);
    wait = max(a->expiry > now ? a->expiry - now : 0,
               (u64)(now == a->last_cpu ? CPU_LOOK_IDLE : CPU_LOOK_MIN));
    a->last_cpu = now;
    timer_arm(&a->timer, clock_monotonic() + wait);
}

// With the lock held: counts the expiries up to now and sets the next one.
static u64 count_expiries(struct alarm *a)
{
    u64 now = alarm_now(a), count = 1;

    if (!a->expiry)
        return 0;
    if (now < a->expiry) { // it was set anew, or a CPU clock is not there yet
        arm(a);
        return 0;
    }
    if (!a->interval) {
        a->expiry = 0;
        return 1;
    }
    count += (now - a->expiry) / a->interval;
    a->expiry += count * a->interval;
    if (a->expiry < now + PERIOD_MIN) { // let several pass: they are counted then
        u64 more = (now + PERIOD_MIN - a->expiry) / a->interval;
        a->expiry += more * a->interval;
        count += more;
    }
    arm(a);
    return count;
}

static void alarm_fire(struct timer *t)
{
    struct alarm *a = container_of(t, struct alarm, timer);
    struct posix_timers *timers = a->process->timers;

    lock_acquire(&timers->lock);
    u64 count = count_expiries(a);
    lock_release(&timers->lock);
    if (count)
        a->expired(a, count);
}

void alarm_init(struct alarm *a, struct process *p, enum clock_kind kind,
                void (*expired)(struct alarm *a, u64 count))
{
    memset(a, 0, sizeof(*a));
    timer_init(&a->timer, alarm_fire);
    a->process = p;
    a->kind = kind;
    a->expired = expired;
}

void alarm_get(struct alarm *a, u64 *out_remaining, u64 *out_interval)
{
    u64 now = a->expiry ? alarm_now(a) : 0;

    *out_interval = a->interval;
    if (!a->expiry)
        *out_remaining = 0;
    else if (a->expiry > now)
        *out_remaining = a->expiry - now;
    else if (a->interval) // due, and about to be counted
        *out_remaining = a->interval - (now - a->expiry) % a->interval;
    else
        *out_remaining = 1;
}

void alarm_set(struct alarm *a, u64 value, u64 interval, bool absolute)
{
    a->interval = interval;
    a->expiry = 0;
    a->realtime = absolute && a->kind == CLOCK_KIND_REALTIME;
    if (!value)
        return; // alarm_fire sees it
    if (a->kind == CLOCK_KIND_CPU)
        a->expiry = absolute ? value : alarm_now(a) + value;
    else
        a->expiry = clock_deadline(CLOCK_KIND_MONOTONIC, value, absolute);
    a->last_cpu = ~0ull;
    arm(a);
}

void alarm_stop(struct alarm *a)
{
    struct posix_timers *timers = a->process->timers;

    lock_acquire(&timers->lock);
    a->expiry = 0;
    lock_release(&timers->lock);
    timer_cancel(&a->timer); // waits for a callback on another vCPU, which wants the lock
}
