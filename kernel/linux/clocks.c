// SPDX-License-Identifier: BSD-3-Clause
// Clock ids, and the clocks behind them. A negative id is a CPU clock of a process or thread:
// ~pid << 3 | bit 2 for a thread | 0 PROF, 1 VIRT, 2 SCHED (3: a file descriptor's clock; there are
// none). [Linux, include/linux/posix-timers.h] PROF and SCHED are the same here.
#include "linux/clocks.h"

#include <linux/time.h>

#include "file/timerfd.h"
#include "linux/clock.h"
#include "linux/system.h"
#include "process/process.h"
#include "thread/thread.h"
#include "thread/timer.h"

#define CPU_CLOCK_THREAD 4
#define CPU_CLOCK_WHICH  3
#define CPU_CLOCK_VIRT   1
#define CPU_CLOCK_SCHED  2

enum clock_kind clock_kind_of(int id)
{
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_TAI:
        return CLOCK_KIND_REALTIME;
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        return CLOCK_KIND_MONOTONIC;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_REALTIME_ALARM: // no hardware here can wake a suspended machine
    case CLOCK_BOOTTIME_ALARM:
        return CLOCK_KIND_PLAIN;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return CLOCK_KIND_CPU;
    default:
        return id < 0 && (id & CPU_CLOCK_WHICH) <= CPU_CLOCK_SCHED ? CLOCK_KIND_CPU
                                                                   : CLOCK_KIND_INVALID;
    }
}

static bool cpu_clock_time(const struct cpu_clock *c, u64 *out_ns)
{
    struct process *p = c->process;
    struct thread *t;
    bool found = false;

    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node)
    {
        if (t->tid == c->tid) {
            *out_ns = thread_cpu_time(t) - (c->user ? thread_system_time(t) : 0);
            found = true;
            break;
        }
    }
    lock_release(&p->lock);
    return found;
}

bool cpu_clock_read(const struct cpu_clock *c, u64 *out_ns)
{
    if (c->tid)
        return cpu_clock_time(c, out_ns);
    if (c->user) {
        struct cpu_times times;
        process_cpu_times(c->process, &times);
        *out_ns = times.user;
    } else {
        *out_ns = process_cpu_time(c->process);
    }
    return true;
}

bool cpu_clock_find(int id, struct cpu_clock *out)
{
    struct thread *me = thread_current();
    int pid = ~(id >> 3);
    u64 ns;

    *out = (struct cpu_clock){ .process = me->process };
    if (id == CLOCK_THREAD_CPUTIME_ID)
        out->tid = me->tid;
    if (id >= 0)
        return true;
    out->user = (id & CPU_CLOCK_WHICH) == CPU_CLOCK_VIRT;
    if (id & CPU_CLOCK_THREAD) {
        out->tid = pid ? pid : me->tid;
        return cpu_clock_read(out, &ns);
    }
    if (pid)
        out->process = process_find(pid);
    return out->process != NULL;
}

int clock_read(int id, u64 *out_ns)
{
    struct cpu_clock cpu;

    switch (clock_kind_of(id)) {
    case CLOCK_KIND_REALTIME:
        *out_ns = clock_realtime();
        return 0;
    case CLOCK_KIND_MONOTONIC:
        *out_ns = clock_monotonic();
        return 0;
    case CLOCK_KIND_PLAIN:
        if (id == CLOCK_REALTIME_ALARM || id == CLOCK_BOOTTIME_ALARM)
            return -EINVAL; // as a Linux without a real-time clock device
        *out_ns = id == CLOCK_REALTIME_COARSE ? clock_realtime() : clock_monotonic();
        return 0;
    case CLOCK_KIND_CPU:
        return cpu_clock_find(id, &cpu) && cpu_clock_read(&cpu, out_ns) ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

void clock_step(u64 ns)
{
    clock_set_realtime(ns);
    timer_realtime_set();
    timerfd_clock_set();
}

u64 clock_deadline(enum clock_kind kind, u64 ns, bool absolute)
{
    u64 base = absolute ? 0 : clock_monotonic();
    u64 deadline = min(base + ns, (u64)INT64_MAX); // both are below 2^63

    return absolute && kind == CLOCK_KIND_REALTIME ? deadline | DEADLINE_REALTIME : deadline;
}
