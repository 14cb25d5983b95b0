// SPDX-License-Identifier: BSD-3-Clause
// adjtimex(2) and clock_adjtime(2). The clock is the host's, so it can be asked but not adjusted.
#include <linux/timex.h>

#include "base/string.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/user_copy.h"

#define MAX_ERROR 16000000 // us: what Linux says while nobody synchronises it
#define TICK      10000    // us
#define TOLERANCE 32768000 // 500 ppm, scaled by 65536

s64 sys_adjtimex(uaddr_t at)
{
    struct __kernel_timex t;
    u64 now = clock_realtime();

    if (user_read(&t, at, sizeof(t)))
        return -EFAULT;
    if (t.modes)
        return -EPERM;
    memset(&t, 0, sizeof(t));
    t.maxerror = t.esterror = MAX_ERROR;
    t.status = STA_UNSYNC;
    t.precision = 1;
    t.tolerance = TOLERANCE;
    t.tick = TICK;
    t.time.tv_sec = (s64)(now / 1000000000);
    t.time.tv_usec = (s64)(now % 1000000000 / 1000);
    return user_write(at, &t, sizeof(t)) ? -EFAULT : TIME_ERROR;
}

s64 sys_clock_adjtime(int id, uaddr_t at)
{
    return id == 0 /* CLOCK_REALTIME */ ? sys_adjtimex(at) : -EOPNOTSUPP;
}
