// SPDX-License-Identifier: BSD-3-Clause
// The memory of other processes.
#pragma once

#include "base/types.h"

struct process;

// May the current process look into p, and change it? [ptrace(2), "Ptrace access mode checking"] -EPERM
must_check int process_access(const struct process *p);

// Copies between p's user memory and the kernel's. Bytes copied before a fault; -EFAULT: none; -ESRCH: p ends, or has
// no memory of its own. Sleeps: no lock is held.
must_check s64 process_memory_read(struct process *p, void *to, uaddr_t from, size_t size);
must_check s64 process_memory_write(struct process *p, uaddr_t to, const void *from, size_t size);
// As that, also to private mappings that p may not write itself.
must_check s64 process_memory_poke(struct process *p, uaddr_t to, const void *from, size_t size);

// The current thread's visit, if the host has killed that member meanwhile: killed.c
void process_visit_end(void);

// The last thread of p has left p->threads: waits until nobody is in its member any more.
void process_wait_visitors(struct process *p);
