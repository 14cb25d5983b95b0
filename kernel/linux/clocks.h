// SPDX-License-Identifier: BSD-3-Clause
// Clock ids as the calls of clock_gettime(2) and timer_create(2) take them.
#pragma once

#include "base/types.h"

struct process;

enum clock_kind {
    CLOCK_KIND_INVALID,
    CLOCK_KIND_MONOTONIC,
    CLOCK_KIND_REALTIME,
    CLOCK_KIND_CPU,   // time that a thread or process has used
    CLOCK_KIND_PLAIN, // can be read, but not waited for: the RAW and COARSE ones
};

// A CPU clock: of thread `tid`, or of the whole process if tid is 0.
struct cpu_clock {
    struct process *process;
    int tid;
    bool user; // time in user code only
};

enum clock_kind clock_kind_of(int id);
// False: no such process, or no such thread in the caller's. id is of CLOCK_KIND_CPU.
must_check bool cpu_clock_find(int id, struct cpu_clock *out);
// ns used so far; false: the thread is gone.
must_check bool cpu_clock_read(const struct cpu_clock *c, u64 *out_ns);
// -EINVAL: no such clock.
must_check int clock_read(int id, u64 *out_ns);
void clock_step(u64 ns); // sets the guest's CLOCK_REALTIME, and whoever waits for it follows
// The deadline (thread/wait.h) for a time of a MONOTONIC or REALTIME clock. Saturates.
u64 clock_deadline(enum clock_kind kind, u64 ns, bool absolute);
