// SPDX-License-Identifier: BSD-3-Clause
// Waiting: a wait queue is a list of waiters; waking calls each waiter's function. A sleeping thread,
// a poll table and an epoll entry are all waiters.
//
//     struct wait_queue q;                          if (!condition)
//     waker:  condition = true;                         error = wait_until(&q, deadline, WAIT_...,
//             wait_queue_wake(&q, POLLIN);                                  condition_is_true, arg);
#pragma once

#include "base/list.h"
#include "thread/lock.h"

struct wait_queue {
    struct lock lock;
    struct list waiters; // of struct waiter, guarded by lock
};

struct waiter {
    struct list node;
    // Called with queue->lock held. events: poll(2) bits that became true, ~0u if unspecific.
    // Returns true if this waiter consumed the wake-up (see exclusive).
    bool (*wake)(struct waiter *w, u32 events);
    struct wait_queue *queue; // it is on, or NULL
    bool exclusive;           // wake_one stops behind the first exclusive waiter that consumed it
};

#define WAKE_URGENT 0x10000u // beside poll's bits: urgent data was announced, SIGURG is due

#define DEADLINE_NONE     (~0ull)      // deadlines are ns of CLOCK_MONOTONIC, see linux/clock.h
#define DEADLINE_REALTIME (1ull << 63) // with this bit of CLOCK_REALTIME: they follow when that is set

void wait_queue_init(struct wait_queue *q);
void waiter_add(struct wait_queue *q, struct waiter *w); // exclusive ones at the end
void waiter_remove(struct waiter *w);                    // harmless when it is on no queue

void wait_queue_wake(struct wait_queue *q, u32 events);     // all
void wait_queue_wake_one(struct wait_queue *q, u32 events); // non-exclusive ones and one exclusive

// Sleeps until done(arg) is true, which is asked before the first sleep and after each wake-up, with no
// lock held. 0: it is true; -ETIMEDOUT: the deadline passed; -ERESTARTSYS: a signal is to be handled
// (only if interruptible; the caller gives the code up to the system call's return, or turns it into
// -EINTR / a short count). exclusive: wake_one wakes at most one such sleeper.
// q may be NULL: then whoever makes done true calls thread_wake() himself, afterwards.
#define WAIT_INTERRUPTIBLE 1u
#define WAIT_EXCLUSIVE     2u
must_check int wait_until(struct wait_queue *q, u64 deadline, u32 flags, bool (*done)(void *arg),
                          void *arg);

// As wait_until, but `lock` is held on entry, released while asleep and held on return, and done is
// called with it held.
must_check int wait_until_locked(struct wait_queue *q, struct lock *lock, u64 deadline, u32 flags,
                                 bool (*done)(void *arg), void *arg);

// Codes between a handler and the return to user code; user code never sees them. [signal(7)]
#define ERESTARTSYS          512 // restart if SA_RESTART or no handler ran, else EINTR
#define ERESTARTNOINTR       513 // always restart
#define ERESTARTNOHAND       514 // restart only if no handler ran
#define ERESTART_RESTARTBLOCK 516 // as NOHAND, but through restart_syscall (nanosleep, poll, ...)
