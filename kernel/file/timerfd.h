// SPDX-License-Identifier: BSD-3-Clause
// timerfd_create(2).
#pragma once

#include "file/file.h"

struct timerfd;

struct timerfd_setting { // ns
    u64 value;           // until the next expiration; 0: disarmed. To set: perhaps an absolute time
    u64 interval;        // 0: once
};

// clock: CLOCK_*. flags: TFD_NONBLOCK. -EINVAL, -EPERM, -ENOMEM
must_check int timerfd_create(int clock, u32 flags, struct file **out);
struct timerfd *timerfd_of(const struct file *f); // NULL: another kind of file
// flags: TFD_TIMER_*. *out_old is what gettime would have said. -ECANCELED: the clock was set before, and the
// caller asked to be told; it is set all the same.
must_check int timerfd_set(struct timerfd *t, u32 flags, const struct timerfd_setting *setting,
                           struct timerfd_setting *out_old);
void timerfd_clock_set(void); // CLOCK_REALTIME was set
void timerfd_get(struct timerfd *t, struct timerfd_setting *out);
