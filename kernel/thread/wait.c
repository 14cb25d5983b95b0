// SPDX-License-Identifier: BSD-3-Clause
#include "thread/wait.h"

#include "base/panic.h"
#include "thread/schedule.h"
#include "thread/thread.h"

void wait_queue_init(struct wait_queue *q)
{
    q->lock = (struct lock)LOCK_INIT;
    list_init(&q->waiters);
}

void waiter_add(struct wait_queue *q, struct waiter *w)
{
    assert(!w->queue);
    lock_acquire(&q->lock);
    if (!q->waiters.next) // zeroed memory
        list_init(&q->waiters);
    w->queue = q;
    if (w->exclusive)
        list_push_back(&q->waiters, &w->node);
    else
        list_push_front(&q->waiters, &w->node);
    lock_release(&q->lock);
    // The caller looks at his condition next; wake() looks for waiters behind a change of it. Pairs with
    // the fence there: one of the two sees the other.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void waiter_remove(struct waiter *w)
{
    struct wait_queue *q = w->queue;

    if (!q)
        return;
    lock_acquire(&q->lock);
    list_remove(&w->node);
    w->queue = NULL;
    lock_release(&q->lock);
}

static void wake(struct wait_queue *q, u32 events, bool one)
{
    struct waiter *w, *next;

    __atomic_thread_fence(__ATOMIC_SEQ_CST); // pairs with waiter_add
    // Zeroed memory is an empty queue too; nobody has waited on it yet.
    if (!q->waiters.next || list_empty(&q->waiters))
        return;
    lock_acquire(&q->lock);
    list_for_each_safe(w, next, &q->waiters, node) {
        if (w->wake(w, events) && one && w->exclusive)
            break;
    }
    lock_release(&q->lock);
}

void wait_queue_wake(struct wait_queue *q, u32 events)
{
    wake(q, events, false);
}

void wait_queue_wake_one(struct wait_queue *q, u32 events)
{
    wake(q, events, true);
}

struct sleeper {
    struct waiter waiter;
    struct timer timer;
    struct thread *thread;
    bool timed_out;
};

static bool sleeper_wake(struct waiter *w, u32 events)
{
    struct sleeper *s = container_of(w, struct sleeper, waiter);
    return thread_wake(s->thread);
}

static void sleeper_timeout(struct timer *t)
{
    struct sleeper *s = container_of(t, struct sleeper, timer);

    s->timed_out = true;
    thread_wake(s->thread);
}

// Lets the lock go meanwhile; it can be repaired or taken back afterwards as before.
static void sleep_without(struct lock *l)
{
    u64 state = lock_state(l);

    lock_release(l);
    schedule();
    lock_acquire_again(l, state);
}

// One look and perhaps one sleep. 1: look again; else as wait_until.
static int sleep_once(struct sleeper *s, struct lock *l, u32 flags, bool (*done)(void *), void *arg)
{
    struct thread *t = s->thread;
    int result = 1;

    // Pairs with thread_wake: a waker who comes behind this store makes the thread READY again.
    __atomic_store_n(&t->state, THREAD_SLEEPING, __ATOMIC_SEQ_CST);
    if (done(arg))
        result = 0;
    else if (s->timed_out)
        result = -ETIMEDOUT;
    else if ((flags & WAIT_INTERRUPTIBLE) && thread_interrupted())
        result = -ERESTARTSYS;
    if (result <= 0) {
        thread_cancel_sleep(t);
        return result;
    }
    if (l)
        sleep_without(l);
    else
        schedule();
    return 1;
}

static int wait_common(struct wait_queue *q, struct lock *l, u64 deadline, u32 flags,
                       bool (*done)(void *), void *arg)
{
    struct sleeper s = {
        .waiter = { .wake = sleeper_wake, .exclusive = flags & WAIT_EXCLUSIVE },
        .thread = thread_current(),
    };
    int result;

    if (done(arg))
        return 0;
    if (deadline != DEADLINE_NONE) {
        timer_init(&s.timer, sleeper_timeout);
        timer_arm(&s.timer, deadline);
    }
    if (q)
        waiter_add(q, &s.waiter);
    do
        result = sleep_once(&s, l, flags, done, arg);
    while (result > 0);
    waiter_remove(&s.waiter);
    if (deadline != DEADLINE_NONE)
        timer_cancel(&s.timer);
    return result;
}

int wait_until(struct wait_queue *q, u64 deadline, u32 flags, bool (*done)(void *), void *arg)
{
    return wait_common(q, NULL, deadline, flags, done, arg);
}

int wait_until_locked(struct wait_queue *q, struct lock *lock, u64 deadline, u32 flags,
                      bool (*done)(void *), void *arg)
{
    assert(lock_held(lock));
    return wait_common(q, lock, deadline, flags, done, arg);
}
