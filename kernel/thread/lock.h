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

// How what a lock guards is made whole, when its holder was killed by the host, at the price of what it was doing.
struct lock_repair {
    bool (*possible)(const struct lock *l);
    // At once, with the lock still held, on any stack: takes no lock.
    void (*now)(const struct lock *l);
    // Later, with no lock held: tells those whom it concerns.
    void (*later)(const struct lock *l);
};
// As lock_acquire; from the first moment on the lock can be repaired so.
void lock_acquire_repairable(struct lock *l, const struct lock_repair *repair);
struct held_lock;
const struct lock_repair *lock_repair_of(const struct held_lock *h); // NULL: it can't

// As lock_acquire, and at once as after lock_clean.
void lock_acquire_clean(struct lock *l);
void lock_acquire_as(struct lock *l, u64 state); // for those: a state of struct held_lock
u64 lock_state(const struct lock *l); // of one that this vCPU holds
void lock_acquire_again(struct lock *l, u64 state); // in the kind of state that it had before

bool lock_held(const struct lock *l); // by this vCPU
bool lock_held_elsewhere(const struct lock *l); // by another one, a moment ago
