// SPDX-License-Identifier: BSD-3-Clause
// Waiting for any of several files: the common core of poll(2) and select(2).
#pragma once

#include "file/file.h"

struct poll_entry {
    struct file *file; // referenced; NULL: not asked
    u32 wanted;        // POLL*; POLLERR and POLLHUP are always wanted
    u32 got;           // result
};

// Fills `got` and returns how many entries have some; 0: the deadline passed. deadline 0: only looks.
// -ERESTARTNOHAND: a signal is to be handled; -ENOMEM. Few files cost no allocation.
must_check s64 poll_entries(struct poll_entry *entries, size_t count, u64 deadline);

// A deadline `ns` from now; DEADLINE_NONE and 0 stay what they are.
u64 poll_deadline(u64 ns);
// What is left of it, in ns.
u64 poll_time_left(u64 deadline);

// Sets the temporary signal mask of ppoll, pselect6, epoll_pwait from user memory. 0 is none. -EINVAL, -EFAULT
must_check int poll_mask_set(uaddr_t mask, size_t set_size);
// Undoes it, unless the call was interrupted: then the signal comes first. Returns `result`.
s64 poll_mask_restore(uaddr_t mask, s64 result);
