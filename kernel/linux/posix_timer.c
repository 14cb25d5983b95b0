// SPDX-License-Identifier: BSD-3-Clause
// timer_create(2) and its family. A signal that is still pending when its timer expires again is
// not sent twice: its overrun count grows instead (signal.c merges signals of one timer).
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/time.h>

#include "base/string.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/posix_timers.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define SIGNAL_MAX 64

struct posix_timer {
    struct alarm alarm;
    struct list node; // on posix_timers.timers, guarded by its lock
    int id;
    int notify; // SIGEV_*
    int signal;
    int tid; // SIGEV_THREAD_ID
    union sigval value;
    int overrun; // of the signal that was taken last
};

static struct slab_cache timer_cache = SLAB_CACHE("posix_timer", struct posix_timer);

struct posix_timers *posix_timers_of(struct process *p)
{
    struct posix_timers *fresh;

    if (__atomic_load_n(&p->timers, __ATOMIC_ACQUIRE))
        return p->timers;
    fresh = heap_alloc(sizeof(*fresh));
    if (!fresh)
        return NULL;
    list_init(&fresh->timers);
    for (int i = 0; i <= ALARM_CPU; i++)
        fresh->itimers[i].process = p; // not initialised: see itimer.c
    lock_acquire(&p->lock);
    if (!p->timers) {
        __atomic_store_n(&p->timers, fresh, __ATOMIC_RELEASE); // pairs with the load above
        fresh = NULL;
    }
    lock_release(&p->lock);
    heap_free(fresh);
    return p->timers;
}

// Takes all timers off the list and frees them.
static void delete_all(struct posix_timers *timers)
{
    for (;;) {
        lock_acquire(&timers->lock);
        struct list *node = list_pop_front(&timers->timers);
        timers->count = 0;
        lock_release(&timers->lock);
        if (!node)
            return;
        struct posix_timer *t = list_entry(node, struct posix_timer, node);
        alarm_stop(&t->alarm);
        slab_free(&timer_cache, t);
    }
}

void posix_timers_exec(struct process *p)
{
    if (p->timers)
        delete_all(p->timers);
}

void posix_timers_free(struct process *p)
{
    struct posix_timers *timers = p->timers;

    if (!timers)
        return;
    delete_all(timers);
    for (int i = 0; i <= ALARM_CPU; i++)
        alarm_stop(&timers->itimers[i]);
    p->timers = NULL;
    heap_free(timers);
}

// With the lock held; NULL: none.
static struct posix_timer *find_locked(struct posix_timers *timers, int id)
{
    struct posix_timer *t;

    list_for_each(t, &timers->timers, node) if (t->id == id) return t;
    return NULL;
}

// Finds a timer of the caller's and locks; *out_timers is to be unlocked. NULL: none, not locked.
static struct posix_timer *find(int id, struct posix_timers **out_timers)
{
    struct posix_timers *timers = thread_process()->timers;
    struct posix_timer *t;

    if (!timers)
        return NULL;
    lock_acquire(&timers->lock);
    t = find_locked(timers, id);
    if (!t)
        lock_release(&timers->lock);
    *out_timers = timers;
    return t;
}

static void timer_expired(struct alarm *a, u64 count)
{
    struct posix_timer *t = container_of(a, struct posix_timer, alarm);
    siginfo_t info;

    if (t->notify == SIGEV_NONE)
        return;
    memset(&info, 0, sizeof(info));
    info.si_signo = t->signal;
    info.si_code = SI_TIMER;
    info.si_tid = t->id;
    info.si_overrun = (int)min(count - 1, (u64)INT32_MAX);
    info.si_value = t->value;
    if (t->notify == SIGEV_THREAD_ID)
        signal_send_tid(a->process, t->tid, &info);
    else
        signal_send_process(a->process, &info);
}

void posix_timer_taken(struct process *p, const siginfo_t *info)
{
    struct posix_timers *timers = p->timers;
    struct posix_timer *t;

    if (!timers)
        return;
    lock_acquire(&timers->lock);
    t = find_locked(timers, info->si_tid);
    if (t)
        t->overrun = info->si_overrun;
    lock_release(&timers->lock);
}

static int check_event(const struct sigevent *e)
{
    switch (e->sigev_notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_THREAD_ID:
        if (!thread_exists(e->sigev_notify_thread_id))
            return -EINVAL;
        return e->sigev_signo >= 1 && e->sigev_signo <= SIGNAL_MAX ? 0 : -EINVAL;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD: // libc makes the thread; for the kernel it is a signal
        return e->sigev_signo >= 1 && e->sigev_signo <= SIGNAL_MAX ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

static int check_clock(int id, struct cpu_clock *cpu)
{
    switch (clock_kind_of(id)) {
    case CLOCK_KIND_INVALID:
        return -EINVAL;
    case CLOCK_KIND_PLAIN:
        return -EOPNOTSUPP;
    case CLOCK_KIND_CPU:
        return cpu_clock_find(id, cpu) ? 0 : -EINVAL;
    default:
        return 0;
    }
}

// Gives the timer an id that is free, counting up as Linux does, and lists it. -EAGAIN: too many
static int list_timer(struct posix_timers *timers, struct posix_timer *t, u64 limit)
{
    int error = -EAGAIN;

    lock_acquire(&timers->lock);
    if (timers->count < limit) {
        do {
            t->id = timers->next_id;
            timers->next_id = timers->next_id == INT32_MAX ? 0 : timers->next_id + 1;
        } while (find_locked(timers, t->id));
        timers->count++;
        list_push_back(&timers->timers, &t->node);
        error = 0;
    }
    lock_release(&timers->lock);
    return error;
}

s64 sys_timer_create(int clock, uaddr_t event, uaddr_t out_id)
{
    struct process *p = thread_process();
    struct posix_timers *timers = posix_timers_of(p);
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct cpu_clock cpu = {0};
    struct posix_timer *t;

    int error = check_clock(clock, &cpu);
    if (!error && event && user_read(&e, event, sizeof(e)))
        error = -EFAULT;
    if (!error)
        error = check_event(&e);
    if (error)
        return error;
    t = timers ? slab_alloc(&timer_cache) : NULL;
    if (!t)
        return -EAGAIN;
    alarm_init(&t->alarm, p, clock_kind_of(clock), timer_expired);
    t->alarm.cpu = cpu;
    t->notify = e.sigev_notify;
    t->signal = e.sigev_signo;
    t->tid = e.sigev_notify_thread_id;
    t->value = e.sigev_value;
    error = list_timer(timers, t, p->limits[RLIMIT_SIGPENDING].rlim_cur);
    if (error) {
        slab_free(&timer_cache, t);
        return error;
    }
    if (!event)
        t->value.sival_int = t->id;
    if (user_write_u32(out_id, (u32)t->id)) {
        error = (int)sys_timer_delete(t->id);
        return -EFAULT;
    }
    return 0;
}

s64 sys_timer_delete(int id)
{
    struct posix_timers *timers;
    struct posix_timer *t = find(id, &timers);

    if (!t)
        return -EINVAL;
    list_remove(&t->node);
    timers->count--;
    lock_release(&timers->lock);
    alarm_stop(&t->alarm);
    slab_free(&timer_cache, t);
    return 0;
}

static int write_setting(uaddr_t to, u64 remaining, u64 interval)
{
    const struct __kernel_itimerspec s = {timespec_from_ns(interval), timespec_from_ns(remaining)};

    return user_write(to, &s, sizeof(s));
}

s64 sys_timer_settime(int id, int flags, uaddr_t setting, uaddr_t old_setting)
{
    struct __kernel_itimerspec s;
    struct posix_timers *timers;
    struct posix_timer *t;
    u64 value, interval, old_value, old_interval;

    if (!setting)
        return -EINVAL;
    if (user_read(&s, setting, sizeof(s)))
        return -EFAULT;
    if (timespec_to_ns(&s.it_value, &value) || timespec_to_ns(&s.it_interval, &interval))
        return -EINVAL;
    t = find(id, &timers);
    if (!t)
        return -EINVAL;
    alarm_get(&t->alarm, &old_value, &old_interval);
    alarm_set(&t->alarm, value, value ? interval : 0, flags & TIMER_ABSTIME);
    t->overrun = 0;
    lock_release(&timers->lock);
    return old_setting ? write_setting(old_setting, old_value, old_interval) : 0;
}

s64 sys_timer_gettime(int id, uaddr_t setting)
{
    struct posix_timers *timers;
    struct posix_timer *t = find(id, &timers);
    u64 value, interval;

    if (!t)
        return -EINVAL;
    alarm_get(&t->alarm, &value, &interval);
    lock_release(&timers->lock);
    return write_setting(setting, value, interval);
}

s64 sys_timer_getoverrun(int id)
{
    struct posix_timers *timers;
    struct posix_timer *t = find(id, &timers);
    s64 overrun;

    if (!t)
        return -EINVAL;
    overrun = t->overrun;
    lock_release(&timers->lock);
    return overrun;
}
