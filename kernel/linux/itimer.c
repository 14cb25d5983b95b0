// SPDX-License-Identifier: BSD-3-Clause
// setitimer(2), getitimer(2) and alarm(2): one timer of each kind for the process.
#include <asm/signal.h>
#include <linux/time.h>

#include "linux/calls.h"
#include "linux/posix_timers.h"
#include "linux/system.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define NS_PER_S 1000000000ull

static void itimer_expired(struct alarm *a, u64 count)
{
    static const int signals[ITIMER_COUNT] = {SIGALRM, SIGVTALRM, SIGPROF};

    signal_raise_process(a->process, signals[a - a->process->timers->itimers]);
}

// The caller's timer, initialised and locked; NULL: no memory.
static struct alarm *itimer_lock(int which)
{
    struct process *p = thread_process();
    struct posix_timers *timers = posix_timers_of(p);
    struct alarm *a;

    if (!timers)
        return NULL;
    lock_acquire(&timers->lock);
    a = &timers->itimers[which];
    if (!a->expired) {
        alarm_init(a, p, which == ITIMER_REAL ? CLOCK_KIND_MONOTONIC : CLOCK_KIND_CPU,
                   itimer_expired);
        a->cpu.process = p;
        a->cpu.user = which == ITIMER_VIRTUAL;
    }
    return a;
}

static int itimer_swap(int which, u64 value, u64 interval, u64 *out_value, u64 *out_interval)
{
    struct alarm *a = itimer_lock(which);

    if (!a)
        return -ENOMEM;
    alarm_get(a, out_value, out_interval);
    alarm_set(a, value, interval, /*absolute=*/false);
    lock_release(&thread_process()->timers->lock);
    return 0;
}

// The soft limit moves on with each signal. [as Linux: setrlimit(2), RLIMIT_CPU]
static void cpu_limit_reached(struct alarm *a, u64 count)
{
    struct process *p = a->process;
    struct rlimit64 *limit = &p->limits[RLIMIT_CPU];
    u64 used = process_cpu_time(p);

    if (limit->rlim_max != RLIM64_INFINITY && used / NS_PER_S >= limit->rlim_max) {
        signal_raise_process(p, SIGKILL);
        return;
    }
    signal_raise_process(p, SIGXCPU);
    lock_acquire(&p->lock);
    limit->rlim_cur = used / NS_PER_S + 1;
    lock_release(&p->lock);
    cpu_limit_arm(p);
}

void cpu_limit_arm(struct process *p)
{
    u64 seconds = p->limits[RLIMIT_CPU].rlim_cur;
    bool limited = seconds < INT64_MAX / NS_PER_S;
    struct posix_timers *timers = limited || p->timers ? posix_timers_of(p) : NULL;

    if (!timers)
        return;
    struct alarm *a = &timers->itimers[ALARM_CPU];
    lock_acquire(&timers->lock);
    if (!a->expired && limited) {
        alarm_init(a, p, CLOCK_KIND_CPU, cpu_limit_reached);
        a->cpu.process = p;
    }
    if (a->expired)
        alarm_set(a, limited ? max(seconds * NS_PER_S, 1ull) : 0, 0, /*absolute=*/true);
    lock_release(&timers->lock);
}

static struct __kernel_old_timeval timeval(u64 ns)
{
    // A running timer never shows zero.
    u64 us = ns && ns < 1000 ? 1 : ns / 1000;

    return (struct __kernel_old_timeval){(s64)(us / 1000000), (s64)(us % 1000000)};
}

static int timeval_to_ns(const struct __kernel_old_timeval *t, u64 *out)
{
    if (t->tv_sec < 0 || t->tv_usec < 0 || t->tv_usec >= 1000000)
        return -EINVAL;
    u64 seconds = min((u64)t->tv_sec, INT64_MAX / NS_PER_S - 1);
    *out = seconds * NS_PER_S + (u64)t->tv_usec * 1000;
    return 0;
}

static int write_setting(uaddr_t to, u64 value, u64 interval)
{
    const struct __kernel_old_itimerval s = {timeval(interval), timeval(value)};

    return user_write(to, &s, sizeof(s));
}

s64 sys_setitimer(int which, uaddr_t setting, uaddr_t old_setting)
{
    struct __kernel_old_itimerval s = {0};
    u64 value, interval, old_value, old_interval;

    if (setting && user_read(&s, setting, sizeof(s)))
        return -EFAULT;
    if (which < ITIMER_REAL || which > ITIMER_PROF || timeval_to_ns(&s.it_value, &value) ||
        timeval_to_ns(&s.it_interval, &interval))
        return -EINVAL;
    int error = itimer_swap(which, value, interval, &old_value, &old_interval);
    if (error || !old_setting)
        return error;
    return write_setting(old_setting, old_value, old_interval);
}

s64 sys_getitimer(int which, uaddr_t setting)
{
    struct alarm *a;
    u64 value, interval;

    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return -EINVAL;
    a = itimer_lock(which);
    if (!a)
        return -ENOMEM;
    alarm_get(a, &value, &interval);
    lock_release(&thread_process()->timers->lock);
    return write_setting(setting, value, interval);
}

s64 sys_alarm(u32 seconds)
{
    u64 old, interval;

    if (itimer_swap(ITIMER_REAL, seconds * NS_PER_S, 0, &old, &interval))
        return 0;
    // Rounded, but never to zero while it runs. [as Linux]
    return old && old < NS_PER_S / 2 ? 1 : (s64)((old + NS_PER_S / 2) / NS_PER_S);
}
