// SPDX-License-Identifier: BSD-3-Clause
// Processes that share their memory: vfork(2), and clone(2) with CLONE_VM and without CLONE_THREAD. All of them run in one
// member, which is one's own; the others have process.shares_memory. A member ends with its owner, so an owner that
// ends, or gets new memory by exec, makes another one of them the owner first. Who has begun to leave (process.leaves) is
// not asked any more, but as long as he is there the owner waits for him.
#include "memory/address_space.h"
#include "process/member.h"
#include "process/process.h"
#include "thread/wait.h"

static struct wait_queue somebody_left;

struct leaving {
    struct process *p;
    bool others; // have its memory
};

// With the family's lock held.
static void look(struct process *q, void *arg)
{
    struct leaving *l = arg;
    struct process *p = l->p;

    if (q == p) {
        lock_acquire(&p->lock); // visit.c
        p->leaves = true;
        lock_release(&p->lock);
    } else if (q->space == p->space) {
        l->others = true;
        if (!p->shares_memory && !q->leaves) {
            q->shares_memory = false;
            p->shares_memory = true;
        }
    }
}

static bool may_leave(void *arg)
{
    struct leaving l = {.p = arg};

    process_visit(look, &l);
    return l.p->shares_memory || !l.others;
}

void member_leave(struct process *p)
{
    if (!p->space) // the host has killed it while it was ending: it had left
        return;
    bool shares = p->shares_memory || __atomic_load_n(&p->space->sharers, __ATOMIC_ACQUIRE);

    if (shares && p != family_first() && wait_until(&somebody_left, DEADLINE_NONE, 0, may_leave, p))
        return; // cannot be interrupted
}

void member_left(struct process *p)
{
    p->leaves = false; // pairs with look: an exec that failed stays
    wait_queue_wake(&somebody_left, ~0u);
}
