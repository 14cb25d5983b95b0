// SPDX-License-Identifier: BSD-3-Clause
// What uname, sysinfo and /proc say about the machine and about CPU time.
#pragma once

#include <linux/utsname.h>

#include "base/types.h"

struct process;

void system_name(struct new_utsname *out);
must_check int system_set_hostname(const char *name, size_t size); // -EINVAL: longer than 64
int system_set_domain(const char *name, size_t size); // -EINVAL: too long

// In bytes; see sysinfo(2).
struct memory_account {
    u64 total, free, cached;
};
void system_memory(struct memory_account *out);
u32 system_thread_count(void); // of all processes

u64 process_cpu_time(struct process *p); // ns, of ended threads too

// Limits that calls and /proc/sys both know.
#define SYSTEM_NR_OPEN  1048576u // fs.nr_open: RLIMIT_NOFILE may not pass it
#define SYSTEM_PID_MAX  4194304u
#define SYSTEM_CAP_LAST 40u
