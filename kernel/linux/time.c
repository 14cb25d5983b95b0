// SPDX-License-Identifier: BSD-3-Clause
// Reading clocks and sleeping: clock_gettime(2), clock_nanosleep(2), times(2) and their relatives.
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/times.h>

#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/clocks.h"
#include "linux/system.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define NS_PER_S     1000000000ull
#define COARSE_NS    4000000u // getres of the COARSE clocks on a kernel with HZ=250
#define TICKS_PER_S  100u     // USER_HZ
#define CPU_CHECK_NS 1000000u // CPU clocks that are waited for are looked at this often at most

static int write_timespec(uaddr_t to, u64 ns)
{
    struct __kernel_timespec t = timespec_from_ns(ns);

    return user_write(to, &t, sizeof(t));
}

s64 sys_clock_gettime(int id, uaddr_t to)
{
    u64 ns;
    int error = clock_read(id, &ns);

    return error ? error : write_timespec(to, ns);
}

s64 sys_clock_getres(int id, uaddr_t to)
{
    bool coarse = id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE ||
                  (id < 0 && (id & 3) != 2); // CPU clocks of kind PROF and VIRT
    u64 now;
    int error = clock_read(id, &now);

    if (error || !to)
        return error;
    return write_timespec(to, coarse ? COARSE_NS : 1);
}

// The host's clock stays as it is: the guest's goes so far ahead of it, or behind.
static s64 realtime_set(u64 ns)
{
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (ns < clock_monotonic() || ns > INT64_MAX / 2)
        return -EINVAL; // as Linux: the machine did not start before 1970
    clock_step(ns);
    return 0;
}

s64 sys_clock_settime(int id, uaddr_t from)
{
    struct __kernel_timespec t;
    u64 ns;

    if (clock_kind_of(id) != CLOCK_KIND_REALTIME || id == CLOCK_TAI)
        return -EINVAL;
    if (user_read(&t, from, sizeof(t)))
        return -EFAULT;
    return timespec_to_ns(&t, &ns) ? -EINVAL : realtime_set(ns);
}

s64 sys_settimeofday(uaddr_t time, uaddr_t zone)
{
    struct __kernel_old_timeval t;
    struct timezone z;

    if (time && user_read(&t, time, sizeof(t)))
        return -EFAULT;
    if (time && (t.tv_sec < 0 || t.tv_usec < 0 || t.tv_usec > 1000000))
        return -EINVAL;
    if (zone && user_read(&z, zone, sizeof(z)))
        return -EFAULT;
    if (zone && (z.tz_minuteswest > 15 * 60 || z.tz_minuteswest < -15 * 60))
        return -EINVAL;
    if (!time) // nobody asks for the zone
        return capable(CAP_SYS_TIME) ? 0 : -EPERM;
    return realtime_set((u64)min(t.tv_sec, INT32_MAX * 2l) * NS_PER_S + (u64)t.tv_usec * 1000);
}

s64 sys_gettimeofday(uaddr_t time, uaddr_t zone)
{
    const struct timezone utc = {0};
    u64 us = clock_realtime() / 1000;
    const struct __kernel_old_timeval t = {(s64)(us / 1000000), (s64)(us % 1000000)};

    if (time && user_write(time, &t, sizeof(t)))
        return -EFAULT;
    return zone ? user_write(zone, &utc, sizeof(utc)) : 0;
}

s64 sys_time(uaddr_t to)
{
    s64 now = (s64)(clock_realtime() / NS_PER_S);

    return to && user_write_u64(to, (u64)now) ? -EFAULT : now;
}

s64 sys_times(uaddr_t to)
{
    const u64 tick = NS_PER_S / TICKS_PER_S;
    struct process *p = thread_process();
    struct cpu_times own, children = cpu_times_of(p->children_time, p->children_system);

    process_cpu_times(p, &own);
    const struct tms t = {.tms_utime = (s64)(own.user / tick),
                          .tms_stime = (s64)(own.system / tick),
                          .tms_cutime = (s64)(children.user / tick),
                          .tms_cstime = (s64)(children.system / tick)};
    if (to && user_write(to, &t, sizeof(t)))
        return -EFAULT;
    return (s64)(clock_monotonic() / tick);
}

static bool never(void *arg)
{
    return false;
}

// Sleeps until a deadline of CLOCK_MONOTONIC. 0 or -ERESTARTSYS
static int sleep_until(u64 deadline)
{
    int result = wait_until(NULL, deadline, WAIT_INTERRUPTIBLE, never, NULL);

    return result == -ETIMEDOUT ? 0 : result;
}

// Sleeps until a CPU clock shows `target`: it cannot run faster than real time while one vCPU runs.
static int sleep_until_cpu(const struct cpu_clock *c, u64 target)
{
    for (;;) {
        u64 now;
        if (!cpu_clock_read(c, &now) || now >= target)
            return 0;
        int result = sleep_until(clock_monotonic() + max(target - now, (u64)CPU_CHECK_NS));
        if (result)
            return result;
    }
}

// restart_data of a relative sleep: the clock's own time to wake up at.
enum { RESTART_CLOCK, RESTART_TARGET, RESTART_REMAINING };

static s64 sleep_restart(struct thread *t);

// Sleeps until the clock shows `target`. remaining: where a relative sleep that was interrupted
// says how much is left; 0: nowhere.
static s64 sleep_call(int id, u64 target, bool absolute, uaddr_t remaining)
{
    enum clock_kind kind = clock_kind_of(id);
    struct thread *t = thread_current();
    struct cpu_clock cpu;
    u64 now;
    int result;

    if (kind == CLOCK_KIND_CPU)
        result = cpu_clock_find(id, &cpu) ? sleep_until_cpu(&cpu, target) : -EINVAL;
    else
        result = sleep_until(absolute ? clock_deadline(kind, target, true) : target);
    if (result != -ERESTARTSYS)
        return result;
    if (absolute)
        return -ERESTARTNOHAND;
    now = kind == CLOCK_KIND_CPU && cpu_clock_read(&cpu, &now) ? now : clock_monotonic();
    if (remaining && write_timespec(remaining, target > now ? target - now : 0))
        return -EFAULT;
    t->restart = sleep_restart;
    t->restart_data[RESTART_CLOCK] = (u64)id;
    t->restart_data[RESTART_TARGET] = target;
    t->restart_data[RESTART_REMAINING] = remaining;
    return -ERESTART_RESTARTBLOCK;
}

static s64 sleep_restart(struct thread *t)
{
    const u64 *d = t->restart_data;

    return sleep_call((int)d[RESTART_CLOCK], d[RESTART_TARGET], false, d[RESTART_REMAINING]);
}

s64 sys_clock_nanosleep(int id, int flags, uaddr_t request, uaddr_t remaining)
{
    enum clock_kind kind = clock_kind_of(id);
    bool absolute = flags & TIMER_ABSTIME;
    u64 ns, now;

    if (kind == CLOCK_KIND_INVALID)
        return -EINVAL;
    if (kind == CLOCK_KIND_PLAIN || id == CLOCK_THREAD_CPUTIME_ID)
        return -EOPNOTSUPP;
    int error = timespec_read(request, &ns);
    if (error)
        return error;
    if (absolute)
        return sleep_call(id, ns, true, 0);
    // A relative sleep does not care about steps of realtime: it is on CLOCK_MONOTONIC.
    if (kind != CLOCK_KIND_CPU)
        id = CLOCK_MONOTONIC;
    error = clock_read(id, &now);
    return error ? error : sleep_call(id, min(now + ns, (u64)INT64_MAX), false, remaining);
}

s64 sys_nanosleep(uaddr_t request, uaddr_t remaining)
{
    return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
}
