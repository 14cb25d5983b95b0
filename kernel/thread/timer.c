// SPDX-License-Identifier: BSD-3-Clause
// Kernel timers: a tree by deadline under one lock. One vCPU at a time fires what is due; the
// callback runs without the lock, and timer_cancel waits for one that runs on another vCPU.
#include "thread/timer.h"

#include "cpu/vcpu.h"
#include "linux/clock.h"
#include "thread/lock.h"
#include "thread/wait.h"
#include "x86_64/cpu.h"

static struct {
    struct lock lock; // all of this, and the timers in the tree
    struct tree by_deadline;
    struct timer *firing; // its callback runs now; atomic, pairs with timer_cancel
    u64 firing_vcpu;
    bool expiring;
    u64 next; // the first deadline, or DEADLINE_NONE; atomic: read without the lock
} timers = {.next = DEADLINE_NONE};

static struct timer *timer_of(struct tree_node *node)
{
    return tree_entry(node, struct timer, node);
}

static void update_next(void)
{
    struct tree_node *first = tree_first(&timers.by_deadline);

    __atomic_store_n(&timers.next, first ? timer_of(first)->deadline : DEADLINE_NONE,
                     __ATOMIC_RELEASE); // pairs with timer_next_deadline
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    *t = (struct timer){.fire = fire};
}

static void remove_locked(struct timer *t)
{
    tree_remove(&timers.by_deadline, &t->node);
    t->armed = false;
}

void timer_arm(struct timer *t, u64 deadline)
{
    struct tree_node **link, *parent = NULL;

    lock_acquire(&timers.lock);
    if (t->armed)
        remove_locked(t);
    t->deadline = deadline;
    t->armed = true;
    for (link = &timers.by_deadline.root; *link;) {
        parent = *link;
        link = deadline < timer_of(parent)->deadline ? &parent->left : &parent->right;
    }
    tree_insert(&timers.by_deadline, &t->node, parent, link);
    update_next();
    bool first = timers.next == deadline;
    lock_release(&timers.lock);
    if (first) // the tick may have to come sooner: schedule_tick looks on the way out
        __atomic_store_n(&vcpu_this()->upcall_pending, 1, __ATOMIC_RELEASE);
}

bool timer_cancel(struct timer *t)
{
    lock_acquire(&timers.lock);
    bool was_armed = t->armed;
    if (was_armed) {
        remove_locked(t);
        update_next();
    }
    bool elsewhere = timers.firing == t && timers.firing_vcpu != vcpu_this()->index;
    lock_release(&timers.lock);
    // Pairs with the store behind the callback: then nobody touches *t any more.
    while (elsewhere && __atomic_load_n(&timers.firing, __ATOMIC_ACQUIRE) == t)
        cpu_relax();
    return was_armed;
}

u64 timer_next_deadline(void)
{
    return __atomic_load_n(&timers.next, __ATOMIC_ACQUIRE);
}

// Takes the first timer that is due; NULL: none. With the lock held.
static struct timer *take_due(u64 now)
{
    struct tree_node *first = tree_first(&timers.by_deadline);

    if (!first || timer_of(first)->deadline > now)
        return NULL;
    remove_locked(timer_of(first));
    update_next();
    return timer_of(first);
}

void timer_expire(void)
{
    struct timer *t;
    u64 now;

    if (timer_next_deadline() == DEADLINE_NONE)
        return;
    now = clock_monotonic();
    if (timer_next_deadline() > now)
        return;
    lock_acquire(&timers.lock);
    if (!timers.expiring) {
        timers.expiring = true;
        timers.firing_vcpu = vcpu_this()->index;
        // A callback may arm its timer again: bounded by `now`, which stands still.
        while ((t = take_due(now)) != NULL) {
            timers.firing = t;
            lock_release(&timers.lock);
            t->fire(t);
            __atomic_store_n(&timers.firing, NULL, __ATOMIC_RELEASE); // *t may be gone from here
            lock_acquire(&timers.lock);
        }
        timers.expiring = false;
    }
    lock_release(&timers.lock);
}
