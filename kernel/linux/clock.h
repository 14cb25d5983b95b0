// SPDX-License-Identifier: BSD-3-Clause
// Clocks, from the time-stamp counter, corrected against the host's clock now and then.
#pragma once

#include <linux/time_types.h>

#include "base/types.h"

struct boot_info;
struct clock_page;

void clock_init(const struct boot_info *boot); // behind pages_init
u64 clock_monotonic(void); // ns; the zero is the host's. Never steps back
u64 clock_realtime(void);  // ns since 1970
void clock_set_realtime(u64 ns); // the guest's: the host keeps its own
u32 clock_steps(void);           // counts how often CLOCK_REALTIME was set, here or at the host
u64 clock_tsc(void);
u64 clock_tsc_hz(void); // counts of the TSC in a second
const struct clock_page *clock_page(void); // a page of family memory, for the vDSO
u64 clock_ticks_to_ns(u64 ticks); // a TSC difference
struct __kernel_timespec timespec_from_ns(u64 ns);
// -EINVAL: negative, or nanoseconds out of range. Saturates at 2^63 - 1 ns.
must_check int timespec_to_ns(const struct __kernel_timespec *t, u64 *out_ns);
// Reads a struct __kernel_timespec of user memory. -EFAULT, -EINVAL
must_check int timespec_read(uaddr_t from, u64 *out_ns);
