// SPDX-License-Identifier: BSD-3-Clause
// Resource limits, usage and priorities: getrlimit(2), getrusage(2), getpriority(2), ioprio_set(2).
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/resource.h>

#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/posix_timers.h"
#include "linux/system.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define NS_PER_SECOND 1000000000ull

// The stack is mapped as large as it may get. What lies in its way stops it, as on Linux when it grows.
static void stack_grow(struct process *p, u64 limit)
{
    u64 size = page_round_up(min(limit, (u64)STACK_MAX));
    bool preloaded = p->space->preloaded;

    while (!preloaded && size && address_space_stack(p->space, p->stack_top, size))
        size = page_round_down(size / 2);
}

static int limit_set(struct process *p, u32 resource, const struct rlimit64 *new)
{
    int error = 0;
    if (new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (resource == RLIMIT_NOFILE && new->rlim_max > SYSTEM_NR_OPEN)
        return -EPERM;
    lock_acquire(&p->lock);
    if (new->rlim_max > p->limits[resource].rlim_max && !capable(CAP_SYS_RESOURCE))
        error = -EPERM;
    else
        p->limits[resource] = *new;
    lock_release(&p->lock);
    if (!error && resource == RLIMIT_CPU)
        cpu_limit_arm(p);
    if (!error && resource == RLIMIT_STACK && p == thread_process())
        stack_grow(p, new->rlim_cur);
    return error;
}

static struct rlimit64 limit_get(struct process *p, u32 resource)
{
    lock_acquire(&p->lock);
    struct rlimit64 limit = p->limits[resource];
    lock_release(&p->lock);
    return limit;
}

s64 sys_prlimit64(int pid, u32 resource, uaddr_t new_limit, uaddr_t old_limit)
{
    struct rlimit64 new, old;
    int error = 0;
    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (new_limit) {
        error = user_read(&new, new_limit, sizeof(new));
        if (error)
            return error;
    }
    struct process *self = thread_process(), *p = pid ? process_of_thread(pid) : self;
    if (!p)
        return -ESRCH;
    if (p != self && p->credentials.uid != credentials_now()->uid && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    old = limit_get(p, resource);
    if (new_limit)
        error = limit_set(p, resource, &new);
    if (!error && old_limit)
        error = user_write(old_limit, &old, sizeof(old));
    return error;
}

s64 sys_getrlimit(u32 resource, uaddr_t to)
{
    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    struct rlimit64 limit = limit_get(thread_process(), resource);
    return user_write(to, &limit, sizeof(limit)); // struct rlimit has 64 bits here
}

s64 sys_setrlimit(u32 resource, uaddr_t from)
{
    struct rlimit64 limit;
    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    int error = user_read(&limit, from, sizeof(limit));
    return error ? error : limit_set(thread_process(), resource, &limit);
}

s64 sys_getrusage(int who, uaddr_t to)
{
    struct process *p = thread_process();
    struct rusage usage = {0};
    struct cpu_times times;
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    if (who == RUSAGE_THREAD)
        times = cpu_times_of(thread_cpu_time(thread_current()), thread_system_time(thread_current()));
    else if (who == RUSAGE_SELF)
        process_cpu_times(p, &times);
    else
        times = cpu_times_of(p->children_time, p->children_system);
    usage.ru_maxrss = (__kernel_long_t)(who == RUSAGE_CHILDREN ? p->children_resident
                                                               : process_resident_most(p)) >>
                      10;
    usage_set_times(&usage, times);
    return user_write(to, &usage, sizeof(usage));
}

// Calls apply(thread) for the threads that (which, who) names; false: there was none.
struct priority_walk {
    int which, who;
    bool found;
    void (*apply)(struct thread *t, void *arg);
    void *arg;
};

static void priority_walk_process(struct process *p, void *arg)
{
    struct priority_walk *w = arg;
    struct thread *t;
    if (w->which == PRIO_PGRP && p->pgid != w->who)
        return;
    if (w->which == PRIO_USER && p->credentials.uid != (u32)w->who)
        return;
    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node)
    {
        w->apply(t, w->arg);
        w->found = true;
    }
    lock_release(&p->lock);
}

static bool priority_walk(struct priority_walk *w)
{
    if (w->which == PRIO_PROCESS) {
        struct thread *t = thread_acquire(w->who);
        if (!t)
            return false;
        w->apply(t, w->arg);
        lock_release(&t->process->lock);
        return true;
    }
    if (!w->who)
        w->who =
            w->which == PRIO_PGRP ? thread_process()->pgid : (int)credentials_now()->uid;
    process_visit(priority_walk_process, w);
    return w->found;
}

static void nice_get(struct thread *t, void *arg)
{
    int *best = arg;
    *best = max(*best, 20 - t->settings.nice);
}

struct nice_change {
    int nice, error;
};

// [setpriority(2)]: EPERM for another user's process, EACCES for a better value than is allowed.
static void nice_set(struct thread *t, void *arg)
{
    struct nice_change *change = arg;
    const struct process *p = t->process;
    u32 me = credentials_now()->euid;

    if (me != p->credentials.uid && me != p->credentials.euid && !capable(CAP_SYS_NICE))
        change->error = -EPERM;
    else if (change->nice < t->settings.nice && !capable(CAP_SYS_NICE) &&
             (u64)(20 - change->nice) > p->limits[RLIMIT_NICE].rlim_cur)
        change->error = -EACCES;
    else
        t->settings.nice = (s8)change->nice;
}

// The raw call returns 20 - nice, so that no result looks like an error.
s64 sys_getpriority(int which, int who)
{
    int best = -ESRCH;
    struct priority_walk w = {which, who, false, nice_get, &best};
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    return priority_walk(&w) ? best : -ESRCH;
}

s64 sys_setpriority(int which, int who, int nice)
{
    struct nice_change change = {max(-20, min(nice, 19)), 0};
    struct priority_walk set = {which, who, false, nice_set, &change};
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    return priority_walk(&set) ? change.error : -ESRCH;
}

static void ioprio_read(struct thread *t, void *arg)
{
    *(int *)arg = t->settings.io_priority;
}

static void ioprio_write(struct thread *t, void *arg)
{
    t->settings.io_priority = (u16) * (int *)arg;
}

s64 sys_ioprio_get(int which, int who)
{
    int value = 0;
    struct priority_walk w = {which - 1, who, false, ioprio_read, &value};
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    return priority_walk(&w) ? value : -ESRCH;
}

s64 sys_ioprio_set(int which, int who, int value)
{
    int class = IOPRIO_PRIO_CLASS(value), level = IOPRIO_PRIO_DATA(value);
    struct priority_walk w = {which - 1, who, false, ioprio_write, &value};
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    if (class > IOPRIO_CLASS_IDLE || (class == IOPRIO_CLASS_NONE && level))
        return -EINVAL;
    if (class != IOPRIO_CLASS_IDLE && level >= IOPRIO_NR_LEVELS)
        return -EINVAL;
    if (class == IOPRIO_CLASS_RT && !capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
        return -EPERM;
    return priority_walk(&w) ? 0 : -ESRCH;
}
