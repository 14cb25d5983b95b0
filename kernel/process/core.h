// SPDX-License-Identifier: BSD-3-Clause
// Core dumps: core(5). The process's other threads wait at their end until the dump is written.
#pragma once

#include <asm/siginfo.h>

#include "base/types.h"

struct area;
struct file;
struct process;
struct thread;

// The current thread dies of a signal that dumps core: ends the process, with a core file if its limits want one.
void core_exit(struct process *p, const siginfo_t *info);
// A thread's first act at its end: waits for the dump of another one. process.dumper is set.
void core_wait(struct thread *t);

// kernel.core_pattern and core_uses_pid of /proc/sys.
#define CORE_PATTERN_SIZE 128
void core_pattern_get(char out[CORE_PATTERN_SIZE]);
void core_pattern_set(const char *text);
struct core_setting {
    u64 value, low, high;
};
extern struct core_setting core_uses_pid;

// core_file.c: writes it all, at most `limit` bytes. -ENOMEM, -EIO
must_check int core_write(struct process *p, const siginfo_t *info, struct file *f, u64 limit);
// core_area.c: the bytes of an area, from its start on, that belong into a core file.
u64 core_area_size(const struct area *a);
// Writes them at `position` of f, without pages of zeros. -EIO
must_check int core_area_write(const struct area *a, u64 size, struct file *f, u64 position);
