// SPDX-License-Identifier: BSD-3-Clause
// What outlives a process for those who refer to it: a pidfd. A struct process may be used again some
// time after it was waited for; its handle then says that it has gone.
#pragma once

#include "thread/wait.h"

struct process;

struct process_handle {
    u32 references;          // atomic
    int pid;
    struct process *process; // NULL: it was waited for. Guarded by the family's lock
    bool ended;              // atomic; pairs with the wake-up of `end`
    struct wait_queue end;
};

// The handle of p, with one more reference. NULL: no memory. The family's lock is held, or nobody else
// knows p yet.
must_check struct process_handle *process_handle_get(struct process *p);
void process_handle_put(struct process_handle *h);
// For family.c and finish.c, with the family's lock held.
void process_handle_ended(struct process *p); // a zombie now
void process_handle_gone(struct process *p);  // was waited for
