// SPDX-License-Identifier: BSD-3-Clause
// adjtimex(2) and clock_adjtime(2). What a time daemon sets is kept and shown, as Linux's NTP state is. The clock
// ticks as the host's, which somebody keeps right there: frequency and tick change nothing, and an offset to be
// slewed is a step at once.
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/timex.h>

#include "base/string.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/clocks.h"
#include "memory/user_copy.h"
#include "process/credentials.h"
#include "thread/lock.h"

#define MODE_ADJTIME   0x8000u // adjtime(3), with one of the next two
#define MODE_SINGLE    0x0001u
#define MODE_READ_ONLY 0x2000u
#define MAX_ERROR      16000000  // us
#define TICK           10000     // us
#define TICK_SPAN      1000
#define TOLERANCE      32768000  // 500 ppm, scaled by 65536
#define FREQUENCY_MOST (INT64_MAX / (1000l << 16)) // what Linux can scale
#define TAI_MOST       100000
#define CONSTANT_MOST  10
#define NS_PER_S       1000000000l

static struct {
    struct lock lock;
    int status;
    s64 frequency, max_error, estimated_error, constant, tick;
    int tai;
} ntp = { .status = STA_UNSYNC, .max_error = MAX_ERROR, .estimated_error = MAX_ERROR, .constant = 2, .tick = TICK };

static int check_step(const struct __kernel_timex *t)
{
    s64 most = t->modes & ADJ_NANO ? NS_PER_S : 1000000;

    return t->time.tv_usec < 0 || t->time.tv_usec >= most ? -EINVAL : 0;
}

// [kernel/time/timekeeping.c timekeeping_validate_timex]
static int check(const struct __kernel_timex *t)
{
    bool may = capable(CAP_SYS_TIME);

    if (t->modes & MODE_ADJTIME) {
        if (!(t->modes & MODE_SINGLE))
            return -EINVAL;
        return may || t->modes & MODE_READ_ONLY ? 0 : -EPERM;
    }
    if (t->modes && !may)
        return -EPERM;
    if ((t->modes & ADJ_TICK) && (t->tick < TICK - TICK_SPAN || t->tick > TICK + TICK_SPAN))
        return -EINVAL;
    if ((t->modes & ADJ_FREQUENCY) && (t->freq > FREQUENCY_MOST || t->freq < -FREQUENCY_MOST))
        return -EINVAL;
    return t->modes & ADJ_SETOFFSET ? check_step(t) : 0;
}

static s64 clamp(s64 value, s64 least, s64 most)
{
    return value < least ? least : min(value, most);
}

// With the lock held.
static void apply(const struct __kernel_timex *t)
{
    u32 modes = t->modes;

    if (modes & ADJ_STATUS)
        ntp.status = (ntp.status & STA_RONLY) | (t->status & ~STA_RONLY);
    if (modes & ADJ_NANO)
        ntp.status |= STA_NANO;
    if (modes & ADJ_MICRO)
        ntp.status &= ~STA_NANO;
    if (modes & ADJ_FREQUENCY)
        ntp.frequency = clamp(t->freq, -TOLERANCE, TOLERANCE);
    if (modes & ADJ_MAXERROR)
        ntp.max_error = clamp(t->maxerror, 0, MAX_ERROR);
    if (modes & ADJ_ESTERROR)
        ntp.estimated_error = clamp(t->esterror, 0, MAX_ERROR);
    if (modes & ADJ_TIMECONST)
        ntp.constant = clamp(clamp(t->constant, 0, CONSTANT_MOST) + (ntp.status & STA_NANO ? 0 : 4), 0, CONSTANT_MOST);
    if ((modes & ADJ_TAI) && t->constant >= 0 && t->constant <= TAI_MOST)
        ntp.tai = (int)t->constant;
    if (modes & ADJ_TICK)
        ntp.tick = t->tick;
}

// How far the clock is to go, in ns.
static s64 step_of(const struct __kernel_timex *t)
{
    if (t->modes & MODE_ADJTIME)
        return t->modes & MODE_READ_ONLY ? 0 : t->offset * 1000;
    if (t->modes & ADJ_SETOFFSET)
        return t->time.tv_sec * NS_PER_S + t->time.tv_usec * (t->modes & ADJ_NANO ? 1 : 1000);
    if ((t->modes & ADJ_OFFSET) && (ntp.status & STA_PLL))
        return clamp(ntp.status & STA_NANO ? t->offset : clamp(t->offset, -500000, 500000) * 1000, -NS_PER_S / 2,
                     NS_PER_S / 2);
    return 0;
}

static void fill(struct __kernel_timex *t)
{
    u64 now = clock_realtime();

    memset(t, 0, sizeof(*t));
    t->freq = ntp.frequency;
    t->maxerror = ntp.max_error;
    t->esterror = ntp.estimated_error;
    t->status = ntp.status;
    t->constant = ntp.constant;
    t->precision = 1;
    t->tolerance = TOLERANCE;
    t->tick = ntp.tick;
    t->tai = ntp.tai;
    t->time.tv_sec = (s64)(now / NS_PER_S);
    t->time.tv_usec = (s64)(now % NS_PER_S) / (ntp.status & STA_NANO ? 1 : 1000);
}

s64 sys_adjtimex(uaddr_t at)
{
    struct __kernel_timex t;
    u32 modes;
    s64 step;

    if (user_read(&t, at, sizeof(t)))
        return -EFAULT;
    int error = check(&t);
    if (error)
        return error;
    lock_acquire(&ntp.lock);
    modes = t.modes;
    if (!(modes & MODE_ADJTIME))
        apply(&t);
    step = step_of(&t);
    if (step)
        clock_step(clock_realtime() + (u64)step);
    fill(&t);
    t.modes = modes;
    lock_release(&ntp.lock);
    if (user_write(at, &t, sizeof(t)))
        return -EFAULT;
    return t.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : TIME_OK;
}

s64 sys_clock_adjtime(int id, uaddr_t at)
{
    if (id == CLOCK_REALTIME)
        return sys_adjtimex(at);
    return clock_kind_of(id) == CLOCK_KIND_INVALID ? -EINVAL : -EOPNOTSUPP;
}
