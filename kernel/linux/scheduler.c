// SPDX-License-Identifier: BSD-3-Clause
// sched(7): policies, priorities, affinity. Kept and given back as Linux does; threads of a member
// share its vCPUs by turns whatever their policy says.
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "base/string.h"
#include "linux/calls.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/process.h"
#include "thread/schedule.h"
#include "thread/thread.h"

#define PRIORITY_MAX      99
#define TIME_SLICE        100000000 // ns, what Linux reports for SCHED_RR
#define TIME_SLICE_NORMAL 4000000
#define RUNTIME_MIN       1024 // ns, the least that SCHED_DEADLINE takes
#define FLAGS_KNOWN                                                                                \
    (SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN)

static bool real_time(u32 policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_known(u32 policy)
{
    return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ||
           real_time(policy);
}

// A copy of a thread's settings.
static int settings_get(int tid, struct thread_settings *out)
{
    const struct thread *t = tid < 0 ? NULL : thread_acquire(tid);
    if (!t)
        return tid < 0 ? -EINVAL : -ESRCH;
    *out = t->settings;
    lock_release(&t->process->lock);
    return 0;
}

s64 sys_sched_yield(void)
{
    if (schedule_equal_waits())
        thread_yield();
    return 0;
}

static bool owner_or_capable(const struct thread *t)
{
    const struct credentials *c = credentials_now(), *its = &t->process->credentials;
    return c->euid == its->euid || c->euid == its->uid || c->cap_effective >> CAP_SYS_NICE & 1;
}

// What sched_setattr(2) and its elders ask for, as one of the kernel's.
struct request {
    u32 policy;
    bool reset_on_fork, with_nice;
    int priority, nice;
    u64 runtime, deadline, period;
};

static bool request_valid(const struct request *r)
{
    if (r->policy == SCHED_DEADLINE)
        return !r->priority && r->runtime >= RUNTIME_MIN && r->runtime <= r->deadline &&
               r->deadline <= r->period && (s64)r->period > 0;
    return policy_known(r->policy) && r->priority >= 0 && r->priority <= PRIORITY_MAX &&
           real_time(r->policy) == (r->priority != 0);
}

// May a thread without CAP_SYS_NICE do that? [sched(7), "Privileges and resource limits"]
static bool request_allowed(const struct thread *t, const struct request *r)
{
    const struct rlimit64 *limits = t->process->limits;
    const struct thread_settings *s = &t->settings;
    u64 highest = limits[RLIMIT_RTPRIO].rlim_cur;
    if (real_time(r->policy) && ((r->policy != s->policy && !highest) ||
                                 (r->priority > s->priority && (u64)r->priority > highest)))
        return false;
    if (r->with_nice && !real_time(r->policy) && r->nice < s->nice &&
        (u64)(20 - r->nice) > limits[RLIMIT_NICE].rlim_cur)
        return false;
    if (s->policy == SCHED_IDLE && r->policy != SCHED_IDLE &&
        (u64)(20 - s->nice) > limits[RLIMIT_NICE].rlim_cur)
        return false;
    return r->policy != SCHED_DEADLINE && (r->reset_on_fork || !s->reset_on_fork);
}

static int request_apply(struct thread *t, const struct request *r)
{
    struct thread_settings *s = &t->settings;
    if (!request_valid(r))
        return -EINVAL;
    if (!owner_or_capable(t) || (!capable(CAP_SYS_NICE) &&
                                 !request_allowed(t, r)))
        return -EPERM;
    s->policy = (u8)r->policy;
    s->priority = (u8)r->priority;
    s->reset_on_fork = r->reset_on_fork;
    s->runtime = r->runtime;
    s->deadline = r->deadline;
    s->period = r->period;
    if (r->with_nice && !real_time(r->policy))
        s->nice = (s8)r->nice;
    return 0;
}

static s64 request_for(int tid, const struct request *r)
{
    struct thread *t = thread_acquire(tid);
    int error;
    if (!t)
        return -ESRCH;
    error = request_apply(t, r);
    lock_release(&t->process->lock);
    return error;
}

s64 sys_sched_setscheduler(int tid, int policy, uaddr_t parameter)
{
    struct request r = {.policy = (u32)policy & ~(u32)SCHED_RESET_ON_FORK,
                        .reset_on_fork = (u32)policy & SCHED_RESET_ON_FORK};
    if (!parameter || policy < 0 || tid < 0)
        return -EINVAL;
    int error = user_read_u32((u32 *)&r.priority, parameter);
    return error ? error : request_for(tid, &r);
}

s64 sys_sched_setparam(int tid, uaddr_t parameter)
{
    struct thread_settings s;
    struct request r = {0};
    if (!parameter || tid < 0)
        return -EINVAL;
    int error = user_read_u32((u32 *)&r.priority, parameter);
    if (!error)
        error = settings_get(tid, &s);
    if (error)
        return error;
    r.policy = s.policy;
    r.reset_on_fork = s.reset_on_fork;
    return request_for(tid, &r);
}

s64 sys_sched_getscheduler(int tid)
{
    struct thread_settings s;
    int error = settings_get(tid, &s);
    return error ? error : s.policy | (s.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

s64 sys_sched_getparam(int tid, uaddr_t parameter)
{
    struct thread_settings s;
    int error = parameter ? settings_get(tid, &s) : -EINVAL;
    return error ? error : user_write_u32(parameter, s.priority);
}

s64 sys_sched_get_priority_max(int policy)
{
    if (policy < 0 || (!policy_known((u32)policy) && policy != SCHED_DEADLINE))
        return -EINVAL;
    return real_time((u32)policy) ? PRIORITY_MAX : 0;
}

s64 sys_sched_get_priority_min(int policy)
{
    if (policy < 0 || (!policy_known((u32)policy) && policy != SCHED_DEADLINE))
        return -EINVAL;
    return real_time((u32)policy) ? 1 : 0;
}

s64 sys_sched_rr_get_interval(int tid, uaddr_t to)
{
    struct __kernel_timespec slice = {0};
    struct thread_settings s;
    int error = settings_get(tid, &s);
    if (error)
        return error;
    if (s.policy == SCHED_RR)
        slice.tv_nsec = TIME_SLICE;
    else if (s.policy != SCHED_FIFO)
        slice.tv_nsec = TIME_SLICE_NORMAL;
    return user_write(to, &slice, sizeof(slice));
}

static u64 all_cpus(void)
{
    u32 count = platform_boot()->cpu_count;
    return count >= 64 ? ~0ull : (1ull << count) - 1;
}

s64 sys_sched_setaffinity(int tid, u32 size, uaddr_t mask)
{
    u64 cpus = 0;
    int error = user_read(&cpus, mask, min(size, (u32)sizeof(cpus)));
    if (error)
        return error;
    struct thread *t = tid < 0 ? NULL : thread_acquire(tid);
    if (!t)
        return -ESRCH;
    cpus &= all_cpus();
    error = !owner_or_capable(t) ? -EPERM : cpus ? 0 : -EINVAL;
    if (!error) {
        __atomic_store_n(&t->settings.affinity, cpus, __ATOMIC_RELAXED);
        thread_set_work(t, WORK_MOVE);
    }
    lock_release(&t->process->lock);
    return error;
}

// Returns how many bytes it wrote.
s64 sys_sched_getaffinity(int tid, u32 size, uaddr_t mask)
{
    if (size * 8ull < platform_boot()->cpu_count || size % sizeof(u64))
        return -EINVAL;
    struct thread_settings s;
    int error = settings_get(tid, &s);
    if (error)
        return -ESRCH; // also for a negative id
    u64 cpus = s.affinity ? s.affinity : all_cpus();
    error = user_write(mask, &cpus, sizeof(cpus));
    return error ? error : (s64)sizeof(cpus);
}

// Reads a struct that may be longer or shorter than ours; what is longer must be zeros.
static int attributes_read(struct sched_attr *out, uaddr_t from)
{
    u32 size;
    u8 rest;
    int error = user_read_u32(&size, from);
    if (error)
        return error;
    memset(out, 0, sizeof(*out));
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
        return -E2BIG;
    for (u32 i = sizeof(*out); i < size; i++) {
        error = user_read(&rest, from + i, 1);
        if (error || rest)
            return error ? error : -E2BIG;
    }
    return user_read(out, from, min(size, (u32)sizeof(*out)));
}

s64 sys_sched_setattr(int tid, uaddr_t from, u32 flags)
{
    struct sched_attr a;
    if (!from || tid < 0 || flags)
        return -EINVAL;
    int error = attributes_read(&a, from);
    if (error)
        return error;
    if ((s32)a.sched_policy < 0 || a.sched_policy & SCHED_RESET_ON_FORK ||
        a.sched_flags & ~(u64)FLAGS_KNOWN)
        return -EINVAL;
    struct request r = {
        .policy = a.sched_policy,
        .reset_on_fork = a.sched_flags & SCHED_FLAG_RESET_ON_FORK,
        .with_nice = a.sched_policy != SCHED_DEADLINE,
        .priority = (int)a.sched_priority,
        .nice = max(-20, min(a.sched_nice, 19)),
        .runtime = a.sched_runtime,
        .deadline = a.sched_deadline,
        .period = a.sched_period ? a.sched_period : a.sched_deadline,
    };
    return request_for(tid, &r);
}

s64 sys_sched_getattr(int tid, uaddr_t to, u32 size, u32 flags)
{
    if (!to || tid < 0 || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
        return -EINVAL;
    struct thread_settings s;
    int error = settings_get(tid, &s);
    if (error)
        return error;
    struct sched_attr a = {
        .size = min(size, (u32)sizeof(a)),
        .sched_policy = s.policy,
        .sched_flags = s.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
        .sched_nice = real_time(s.policy) || s.policy == SCHED_DEADLINE ? 0 : s.nice,
        .sched_priority = s.priority,
        .sched_runtime = s.runtime,
        .sched_deadline = s.deadline,
        .sched_period = s.period,
    };
    return user_write(to, &a, a.size);
}
