// SPDX-License-Identifier: BSD-3-Clause
// Sections that can be taken back. The host may kill a member in the middle of one (process/killed.h): what it has
// overwritten then gets its old values, and the section has not been.
//
//     rollback_acquire(&x->lock);
//     rollback_save(&x->count, sizeof(x->count));      before each store to what the lock guards
//     x->count++;
//     lock_release(&x->lock);                      what was saved is forgotten: the section is done
//
// Memory that nobody else finds yet need not be saved. What was done under inner locks that are released stays, so
// others must be able to live with it: a thread that was woken for nothing, say. Nothing is freed in a section.
//
// A lock that is held for long is acquired clean, and only what changes something is a section:
//
//     lock_acquire_clean(&x->lock);
//     rollback_begin(&x->lock);
//     ...
//     rollback_end(&x->lock);
//     lock_release(&x->lock);
//
// A section may be one of several locks: begun for each, ended for each while all are still held.
#pragma once

#include "base/list.h"
#include "cpu/vcpu.h"
#include "thread/lock.h"

// As lock_acquire; all changes of what l guards are saved first.
void rollback_acquire(struct lock *l);
// The same from here on, of a lock that this vCPU holds clean, or (and then nothing is saved) not clean.
void rollback_begin(const struct lock *l);
// The section is done; the lock is clean again, if it was.
void rollback_end(const struct lock *l);
// Gives v, which is dead, its old values back for each lock that it still holds.
void rollback_all(struct vcpu *v);

// size: 1 to 8. With more than ROLLBACK_MAX of them the section can't be taken back.
void rollback_save(const void *at, u64 size);
#define rollback_word(p) rollback_save((p), sizeof(*(p)))

// For the shortest of sections, which can't be taken back, in one that is clean: of the lock that was taken last.
static inline void lock_last_clean(bool clean)
{
    struct vcpu *v = vcpu_this();
    u32 i = v->held_count - 1;

    if (likely(i < LOCKS_HELD))
        __atomic_store_n(&v->held[i].state, clean ? HELD_CLEAN : HELD_TORN, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void rollback_insert_after(const struct list *at); // before list_insert_after(at, node)
void rollback_remove(const struct list *node);     // before list_remove(node)
