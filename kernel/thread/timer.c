// SPDX-License-Identifier: BSD-3-Clause
// Kernel timers: each vCPU has a tree by deadline, of the timers that were armed on it, and fires them
// itself. The callback runs without the lock, and timer_cancel waits for one that runs elsewhere.
#include "thread/timer.h"

#include "cpu/vcpu.h"
#include "linux/clock.h"
#include "process/killed.h"
#include "thread/rollback.h"
#include "thread/wait.h"
#include "x86_64/cpu.h"

#define SPINS_MAX 2000

static struct timer *timer_of(struct tree_node *node)
{
    return tree_entry(node, struct timer, node);
}

static void update_next(struct timer_queue *q)
{
    struct tree_node *first = tree_first(&q->by_deadline);

    rollback_word(&q->next);
    __atomic_store_n(&q->next, first ? timer_of(first)->deadline : DEADLINE_NONE,
                     __ATOMIC_RELEASE); // pairs with timer_next_deadline
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    *t = (struct timer){.fire = fire};
}

static void remove_locked(struct timer *t)
{
    rollback_word(&t->armed);
    tree_remove(&t->queue->by_deadline, &t->node);
    t->armed = false;
}

static void insert_locked(struct timer_queue *q, struct timer *t)
{
    struct tree_node **link, *parent = NULL;

    q->by_deadline.save = rollback_save;
    rollback_word(&t->queue);
    rollback_word(&t->armed);
    t->queue = q;
    t->armed = true;
    for (link = &q->by_deadline.root; *link;) {
        parent = *link;
        link = t->deadline < timer_of(parent)->deadline ? &parent->left : &parent->right;
    }
    tree_insert(&q->by_deadline, &t->node, parent, link);
    update_next(q);
}

// The queue that the timer was armed on last, locked; it may move as long as it is not. NULL: none.
static struct timer_queue *lock_queue(struct timer *t)
{
    for (;;) {
        struct timer_queue *q = __atomic_load_n(&t->queue, __ATOMIC_ACQUIRE);
        if (!q)
            return NULL;
        rollback_acquire(&q->lock);
        if (q == t->queue)
            return q;
        lock_release(&q->lock);
    }
}

bool timer_cancel(struct timer *t)
{
    struct timer_queue *q = lock_queue(t);

    if (!q)
        return false;
    bool was_armed = t->armed;
    if (was_armed) {
        remove_locked(t);
        update_next(q);
    }
    bool elsewhere = q->firing == t && q != &vcpu_this()->timers;
    lock_release(&q->lock);
    // Pairs with the store behind the callback: then nobody touches *t any more.
    for (u32 spins = 1; elsewhere && __atomic_load_n(&q->firing, __ATOMIC_ACQUIRE) == t; spins++) {
        if (spins % SPINS_MAX == 0)
            killed_spin();
        cpu_relax();
    }
    return was_armed;
}

// Where the clock has been set meanwhile, timer_expire sees it by the count of steps.
static void follow_realtime(struct timer *t)
{
    u64 target = t->realtime & ~DEADLINE_REALTIME, now;
    s64 left;

    t->steps = clock_steps();
    now = clock_monotonic();
    left = (s64)(target - clock_realtime());
    t->deadline = left > 0 ? now + (u64)left : now;
}

// Puts timers of this vCPU in their places again after CLOCK_REALTIME was set.
static void follow_steps(struct timer_queue *q, u32 steps)
{
    struct tree_node *node;

    lock_acquire(&q->lock);
    q->steps = steps;
    for (node = tree_first(&q->by_deadline); node;) {
        struct timer *t = timer_of(node);
        node = tree_next(node);
        if (!t->realtime || t->steps == steps)
            continue;
        remove_locked(t);
        follow_realtime(t);
        insert_locked(q, t);
        node = tree_first(&q->by_deadline);
    }
    update_next(q);
    lock_release(&q->lock);
}

void timer_realtime_set(void)
{
    struct vcpu *v;

    for (u64 i = 0; i < vcpu_count(); i++)
        if ((v = vcpu_at(i)) != NULL)
            vcpu_kick(v);
}

void timer_arm(struct timer *t, u64 deadline)
{
    struct timer_queue *q = &vcpu_this()->timers, *old = lock_queue(t);

    if (old) {
        if (t->armed) {
            remove_locked(t);
            update_next(old);
        }
        lock_release(&old->lock);
    }
    rollback_acquire(&q->lock);
    t->deadline = deadline;
    t->realtime = deadline != DEADLINE_NONE && deadline & DEADLINE_REALTIME ? deadline : 0;
    if (t->realtime)
        follow_realtime(t);
    deadline = t->deadline;
    insert_locked(q, t);
    bool first = q->next == deadline;
    lock_release(&q->lock);
    if (first) // the tick may have to come sooner: schedule_tick looks on the way out
        __atomic_store_n(&vcpu_this()->upcall_pending, 1, __ATOMIC_RELEASE);
}

void timer_move_all(struct vcpu *from, struct vcpu *to)
{
    struct timer_queue *q = &from->timers;
    struct tree_node *node;

    if (__atomic_load_n(&q->next, __ATOMIC_ACQUIRE) == DEADLINE_NONE)
        return;
    lock_acquire(&q->lock);
    while ((node = tree_first(&q->by_deadline)) != NULL) {
        struct timer *t = timer_of(node);
        remove_locked(t);
        lock_acquire(&to->timers.lock);
        if (t->realtime && t->steps != to->timers.steps)
            to->timers.steps = t->steps; // it looks at all once more
        insert_locked(&to->timers, t);
        lock_release(&to->timers.lock);
    }
    update_next(q);
    lock_release(&q->lock);
    vcpu_kick(to);
}

u64 timer_next_deadline(void)
{
    return __atomic_load_n(&vcpu_this()->timers.next, __ATOMIC_ACQUIRE);
}

// Takes the first timer that is due; NULL: none. With the lock held.
static struct timer *take_due(struct timer_queue *q, u64 now)
{
    struct tree_node *first = tree_first(&q->by_deadline);

    if (!first || timer_of(first)->deadline > now)
        return NULL;
    remove_locked(timer_of(first));
    update_next(q);
    return timer_of(first);
}

void timer_expire(void)
{
    struct timer_queue *q = &vcpu_this()->timers;
    struct timer *t;
    u64 now;

    if (timer_next_deadline() == DEADLINE_NONE)
        return;
    now = clock_monotonic();
    if (unlikely(q->steps != clock_steps()))
        follow_steps(q, clock_steps());
    if (timer_next_deadline() > now)
        return;
    lock_acquire(&q->lock);
    if (!q->expiring) {
        q->expiring = true;
        vcpu_critical_begin(); // who cancels a timer waits for its callback
        // A callback may arm its timer again: bounded by `now`, which stands still.
        while ((t = take_due(q, now)) != NULL) {
            q->firing = t;
            lock_release(&q->lock);
            t->fire(t);
            __atomic_store_n(&q->firing, NULL, __ATOMIC_RELEASE); // *t may be gone from here
            lock_acquire(&q->lock);
        }
        vcpu_critical_end();
        q->expiring = false;
    }
    lock_release(&q->lock);
}
