// SPDX-License-Identifier: BSD-3-Clause
// The one lock of the kernel: a short spin lock that knows its holder. Nothing sleeps with a lock held
// (all file data is memory, so nothing needs to); to wait for something use a wait queue (wait.h).
// The holder is never preempted: upcalls in kernel text only leave a flag. Not recursive.
//
// Host page faults may happen under a lock (user_copy_* included); faults that the kernel resolves
// itself take only address_space.lock and the lock-free inode size, so that lock is the innermost but for the allocator's.
#pragma once

#include "base/panic.h"
#include "base/types.h"

struct lock {
    u32 holder; // 1 + index of the vCPU in the family, 0: free. Pairs with itself in lock_release.
};

#define LOCK_INIT { 0 }

void lock_acquire(struct lock *l);
void lock_release(struct lock *l);
// Says that what l guards is whole, or (false, as after lock_acquire) may be torn from here on. The host may kill
// the holder's member at any moment: if all that it holds is clean the others go on. For sections that are
// long or frequent, and mostly only read.
void lock_clean(const struct lock *l, bool clean);
// There will be a second vCPU. By the first one, before it makes that.
void lock_share(void);
bool lock_held(const struct lock *l); // by this vCPU
bool lock_held_elsewhere(const struct lock *l); // by another one, a moment ago
