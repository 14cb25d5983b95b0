// SPDX-License-Identifier: BSD-3-Clause
// What uname, sysinfo and /proc say about the machine and about CPU time.
#pragma once

#include <linux/utsname.h>

#include "base/types.h"

struct process;
struct rusage;

void system_name(struct new_utsname *out);
must_check int system_set_hostname(const char *name, size_t size); // -EINVAL: longer than 64
int system_set_domain(const char *name, size_t size); // -EINVAL: too long

// In bytes; see sysinfo(2).
struct memory_account {
    u64 total, free, cached;
};
void system_memory(struct memory_account *out);
u32 system_thread_count(void); // of all processes

struct cpu_times {
    u64 user, system; // ns
};
static inline struct cpu_times cpu_times_of(u64 total, u64 system)
{
    return (struct cpu_times){ total - min(system, total), min(system, total) };
}
u64 process_cpu_time(struct process *p); // ns, of ended threads too
void process_cpu_times(struct process *p, struct cpu_times *out); // the same in two; neither ever steps back
void usage_set_times(struct rusage *usage, struct cpu_times times); // ru_utime, ru_stime

// Limits that calls and /proc/sys both know.
#define SYSTEM_NR_OPEN  1048576u // fs.nr_open: RLIMIT_NOFILE may not pass it
#define SYSTEM_PID_MAX  4194304u
#define SYSTEM_CAP_LAST 40u
