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
#include "thread/thread.h"

#define PRIORITY_MAX      99
#define TIME_SLICE        100000000 // ns, what Linux reports for SCHED_RR
#define TIME_SLICE_NORMAL 4000000

static bool real_time(u32 policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_known(u32 policy)
{
    return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ||
           real_time(policy);
}

static struct thread *thread_of(int tid)
{
    return tid ? thread_find(tid) : thread_current();
}

s64 sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

static s64 policy_set(int tid, u32 policy, int priority, const s8 *nice)
{
    bool reset = policy & SCHED_RESET_ON_FORK;
    struct process *p = thread_process();
    policy &= ~SCHED_RESET_ON_FORK;
    if (tid < 0)
        return -EINVAL;
    struct thread *t = thread_of(tid);
    if (!t)
        return -ESRCH;
    if (!policy_known(policy) || priority < 0 || priority > PRIORITY_MAX ||
        real_time(policy) != (priority != 0))
        return -EINVAL;
    if (real_time(policy) && !(p->credentials.cap_effective & (1ull << CAP_SYS_NICE)) &&
        (u64)priority > p->limits[RLIMIT_RTPRIO].rlim_cur)
        return -EPERM;
    t->settings.policy = (u8)policy;
    t->settings.priority = (u8)priority;
    t->settings.reset_on_fork = reset;
    if (nice && !real_time(policy))
        t->settings.nice = *nice;
    return 0;
}

s64 sys_sched_setscheduler(int tid, int policy, uaddr_t parameter)
{
    u32 priority;
    if (!parameter || policy < 0)
        return -EINVAL;
    int error = user_read_u32(&priority, parameter);
    return error ? error : policy_set(tid, (u32)policy, (int)priority, NULL);
}

s64 sys_sched_setparam(int tid, uaddr_t parameter)
{
    u32 priority;
    struct thread *t = tid < 0 ? NULL : thread_of(tid);
    if (!parameter || tid < 0)
        return -EINVAL;
    int error = user_read_u32(&priority, parameter);
    if (error)
        return error;
    return t ? policy_set(tid, t->settings.policy, (int)priority, NULL) : -ESRCH;
}

s64 sys_sched_getscheduler(int tid)
{
    if (tid < 0)
        return -EINVAL;
    const struct thread *t = thread_of(tid);
    if (!t)
        return -ESRCH;
    return t->settings.policy | (t->settings.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

s64 sys_sched_getparam(int tid, uaddr_t parameter)
{
    if (tid < 0 || !parameter)
        return -EINVAL;
    const struct thread *t = thread_of(tid);
    return t ? user_write_u32(parameter, t->settings.priority) : -ESRCH;
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
    if (tid < 0)
        return -EINVAL;
    const struct thread *t = thread_of(tid);
    if (!t)
        return -ESRCH;
    if (t->settings.policy == SCHED_RR)
        slice.tv_nsec = TIME_SLICE;
    else if (t->settings.policy != SCHED_FIFO)
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
    struct thread *t = tid < 0 ? NULL : thread_of(tid);
    if (!t)
        return -ESRCH;
    cpus &= all_cpus();
    if (!cpus)
        return -EINVAL;
    t->settings.affinity = cpus;
    return 0;
}

// Returns how many bytes it wrote.
s64 sys_sched_getaffinity(int tid, u32 size, uaddr_t mask)
{
    if (size * 8ull < platform_boot()->cpu_count || size % sizeof(u64))
        return -EINVAL;
    const struct thread *t = tid < 0 ? NULL : thread_of(tid);
    if (!t)
        return -ESRCH;
    u64 cpus = t->settings.affinity ? t->settings.affinity : all_cpus();
    int error = user_write(mask, &cpus, sizeof(cpus));
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
    if (a.sched_policy == SCHED_DEADLINE)
        return -EPERM;
    if ((s32)a.sched_policy < 0 || a.sched_policy & SCHED_RESET_ON_FORK)
        return -EINVAL;
    s8 nice = (s8)max(-20, min(a.sched_nice, 19));
    u32 reset = a.sched_flags & SCHED_FLAG_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0;
    return policy_set(tid, a.sched_policy | reset, (int)a.sched_priority, &nice);
}

s64 sys_sched_getattr(int tid, uaddr_t to, u32 size, u32 flags)
{
    if (!to || tid < 0 || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
        return -EINVAL;
    const struct thread *t = thread_of(tid);
    if (!t)
        return -ESRCH;
    struct sched_attr a = {
        .size = min(size, (u32)sizeof(a)),
        .sched_policy = t->settings.policy,
        .sched_flags = t->settings.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
        .sched_nice = real_time(t->settings.policy) ? 0 : t->settings.nice,
        .sched_priority = t->settings.priority,
    };
    return user_write(to, &a, a.size);
}
