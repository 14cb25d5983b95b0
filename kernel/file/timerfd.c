// SPDX-License-Identifier: BSD-3-Clause
// timerfd_create(2). How often the timer has expired follows from the first deadline that nobody
// has read yet and the clock, so nothing is counted: the kernel timer only wakes sleepers.
//
//     deadline          + interval        + interval        now
//     |-----------------|-----------------|------------------|        3 expirations
//
// Absolute times of CLOCK_REALTIME stay what they are when the clock is set.
#include "file/timerfd.h"

#include <linux/capability.h>
#include <linux/timerfd.h>
#include <linux/time.h>

#include "base/printf.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"
#include "thread/timer.h"

struct timerfd {
    struct lock lock;
    s64 deadline; // ns of CLOCK_MONOTONIC, may lie before its zero; or of CLOCK_REALTIME
    bool realtime;
    bool cancels;  // TFD_TIMER_CANCEL_ON_SET
    u32 steps;     // of CLOCK_REALTIME that its owner knows of: clock_steps
    struct list node; // on cancelling.timers if it cancels
    u64 interval;
    bool armed;
    struct timer timer;
    struct wait_queue wait;
    int clock;
    u32 set_flags; // of the last timerfd_settime, for fdinfo
};

static struct slab_cache timerfd_cache = SLAB_CACHE("timerfd", struct timerfd);

static void timerfd_fire(struct timer *timer)
{
    struct timerfd *t = container_of(timer, struct timerfd, timer);
    wait_queue_wake(&t->wait, POLLIN | POLLRDNORM);
}

static struct {
    struct lock lock;
    struct list timers; // that wait for the clock to be set; zeroed memory: none yet
} cancelling;

static s64 timerfd_now(const struct timerfd *t)
{
    return (s64)(t->realtime ? clock_realtime() : clock_monotonic());
}

// Expirations that have not been read. lock is held.
static u64 expirations(const struct timerfd *t)
{
    s64 late = timerfd_now(t) - t->deadline;

    if (!t->armed || late < 0)
        return 0;
    return t->interval ? 1 + (u64)late / t->interval : 1;
}

static void kernel_timer_set(struct timerfd *t)
{
    if (t->armed)
        timer_arm(&t->timer, (u64)max(t->deadline, (s64)1) | (t->realtime ? DEADLINE_REALTIME : 0));
    else
        timer_cancel(&t->timer);
}

static bool clock_was_set(const struct timerfd *t)
{
    return t->cancels && t->steps != clock_steps();
}

static bool has_expired(void *arg)
{
    return clock_was_set(arg) || expirations(arg) > 0;
}

// Somebody waits for the clock to be set, or nobody does any more.
static void cancels_set(struct timerfd *t, bool cancels)
{
    lock_acquire(&cancelling.lock);
    if (!cancelling.timers.next)
        list_init(&cancelling.timers);
    if (t->cancels)
        list_remove(&t->node);
    if (cancels)
        list_push_back(&cancelling.timers, &t->node);
    t->cancels = cancels;
    lock_release(&cancelling.lock);
}

void timerfd_clock_set(void)
{
    struct timerfd *t;

    lock_acquire(&cancelling.lock);
    if (cancelling.timers.next)
        list_for_each(t, &cancelling.timers, node)
            wait_queue_wake(&t->wait, POLLIN | POLLRDNORM);
    lock_release(&cancelling.lock);
}

static s64 timerfd_read(struct file *f, struct io *io, u64 *position)
{
    struct timerfd *t = f->data;
    u64 count;
    s64 result = 0;

    if (io->left < sizeof(count))
        return -EINVAL;
    lock_acquire(&t->lock);
    if (!has_expired(t))
        result = (f->flags & O_NONBLOCK) ? -EAGAIN
                                         : wait_until_locked(&t->wait, &t->lock, DEADLINE_NONE,
                                                             WAIT_INTERRUPTIBLE, has_expired, t);
    if (!result && clock_was_set(t)) {
        t->steps = clock_steps();
        result = -ECANCELED;
    }
    if (!result) {
        count = expirations(t);
        if (t->interval)
            t->deadline += (s64)(count * t->interval);
        else
            t->armed = false;
        kernel_timer_set(t);
    }
    lock_release(&t->lock);
    return result ? result : io_put(io, &count, sizeof(count));
}

static u32 timerfd_poll(struct file *f, struct poll_table *table)
{
    struct timerfd *t = f->data;
    bool expired;

    poll_wait(table, &t->wait);
    lock_acquire(&t->lock);
    expired = has_expired(t);
    lock_release(&t->lock);
    return expired ? POLLIN | POLLRDNORM : 0;
}

// lock is held.
static void get_locked(const struct timerfd *t, struct timerfd_setting *out)
{
    s64 left = t->deadline - timerfd_now(t);

    out->interval = t->interval;
    out->value = 0;
    if (!t->armed)
        return;
    if (left > 0)
        out->value = (u64)left;
    else if (t->interval)
        out->value = t->interval - (u64)-left % t->interval;
}

void timerfd_get(struct timerfd *t, struct timerfd_setting *out)
{
    lock_acquire(&t->lock);
    get_locked(t, out);
    lock_release(&t->lock);
}

int timerfd_set(struct timerfd *t, u32 flags, const struct timerfd_setting *setting,
                struct timerfd_setting *out_old)
{
    s64 now = (s64)clock_monotonic(), value = (s64)min(setting->value, (u64)INT64_MAX);
    bool realtime = t->clock == CLOCK_REALTIME || t->clock == CLOCK_REALTIME_ALARM;
    int result = 0;

    lock_acquire(&t->lock);
    get_locked(t, out_old);
    t->armed = value > 0;
    t->realtime = realtime && flags & TFD_TIMER_ABSTIME;
    cancels_set(t, t->realtime && flags & TFD_TIMER_CANCEL_ON_SET);
    t->interval = setting->interval;
    t->set_flags = flags;
    if (!(flags & TFD_TIMER_ABSTIME))
        t->deadline = value > INT64_MAX - now ? INT64_MAX : now + value;
    else
        t->deadline = value;
    kernel_timer_set(t);
    if (t->armed && clock_was_set(t)) {
        t->steps = clock_steps();
        result = -ECANCELED; // it is set all the same
    }
    lock_release(&t->lock);
    return result;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->data;

    timer_cancel(&t->timer);
    cancels_set(t, false);
    slab_free(&timerfd_cache, t);
}

static void timerfd_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "anon_inode:[timerfd]");
}

static void timerfd_fdinfo(struct file *f, char *out, size_t size)
{
    struct timerfd *t = f->data;
    struct timerfd_setting now;
    u64 ticks;

    lock_acquire(&t->lock);
    get_locked(t, &now);
    ticks = expirations(t);
    lock_release(&t->lock);
    snprintf(out, size,
             "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%lu, %lu)\n"
             "it_interval: (%lu, %lu)\n",
             t->clock, ticks, t->set_flags, now.value / 1000000000, now.value % 1000000000,
             now.interval / 1000000000, now.interval % 1000000000);
}

static const struct file_ops timerfd_ops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
    .describe = timerfd_describe,
    .fdinfo = timerfd_fdinfo,
};

struct timerfd *timerfd_of(const struct file *f)
{
    return f->ops == &timerfd_ops ? f->data : NULL;
}

static int clock_check(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        return 0;
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
        return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
    default:
        return -EINVAL;
    }
}

int timerfd_create(int clock, u32 flags, struct file **out)
{
    struct timerfd *t;
    int error = clock_check(clock);

    if (error)
        return error;
    t = slab_alloc(&timerfd_cache);
    if (!t)
        return -ENOMEM;
    t->clock = clock;
    t->steps = clock_steps();
    timer_init(&t->timer, timerfd_fire);
    wait_queue_init(&t->wait);
    error = file_create_anonymous(&timerfd_ops, 0600, t, O_RDWR | (flags & (u32)TFD_NONBLOCK), out);
    if (error)
        slab_free(&timerfd_cache, t);
    return error;
}
