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
// others must be able to live with it: a thread that was woken for nothing, say.
#pragma once

#include "base/list.h"
#include "cpu/vcpu.h"
#include "thread/lock.h"

// As lock_acquire; all changes of what l guards are saved first.
void rollback_acquire(struct lock *l);
// The same from here on, of a lock that this vCPU holds.
void rollback_begin(const struct lock *l);
// Gives v, which is dead, its old values back for each lock that it still holds.
void rollback_all(struct vcpu *v);

// size: 1, 2, 4 or 8
void rollback_save(const void *at, u64 size);
#define rollback_word(p) rollback_save((p), sizeof(*(p)))

void rollback_insert_after(const struct list *at); // before list_insert_after(at, node)
void rollback_remove(const struct list *node);     // before list_remove(node)
