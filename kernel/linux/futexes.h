// SPDX-License-Identifier: BSD-3-Clause
// Futexes within the kernel: what futex.c (the system calls) builds on, in futex_queue.c. (The name
// futex.h would hide Linux's header.)
//
// A key tells which word is meant, whoever maps it: for private memory the address space and the
// address, for shared memory the file and the offset in it, or the offset in family memory. Waiters
// stand in buckets by key. Lock order: buckets by address, lower first; bucket.lock >
// address_space.lock, run locks.
#pragma once

#include "base/list.h"
#include "thread/lock.h"

struct file;
struct thread;

struct futex_key {
    const void *object; // address space, inode, or NULL: family memory
    u64 offset;
    struct file *file; // a reference that keeps `object` alive, or NULL
};

struct futex_bucket {
    struct lock lock;
    struct list waiters; // of struct futex_waiter; zeroed memory: none yet
};

struct futex_waiter {
    struct list node;            // guarded by bucket->lock
    struct futex_bucket *bucket; // NULL: never queued; requeue moves it, with both locks held
    struct futex_key key;
    u32 bitset;
    bool woken; // set once, with bucket->lock held; then it is on no list
    struct thread *thread;
};

// -EINVAL: not aligned; -EFAULT: not user memory, or (shared) not mapped.
must_check int futex_key_get(uaddr_t at, bool shared, struct futex_key *out);
void futex_key_put(struct futex_key *key);
struct futex_bucket *futex_bucket_of(const struct futex_key *key);

// Both locks, in the right order; a may be b.
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

// With the bucket's lock held. wake: wakes waiters of the key that share a bit of `bitset`, at most
// `count`, but at least one [as Linux does]; returns how many.
int futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, int count, u32 bitset);
void futex_enqueue_locked(struct futex_bucket *b, struct futex_waiter *w);
void futex_move_locked(struct futex_waiter *w, struct futex_bucket *to,
                       const struct futex_key *key);
bool futex_key_equal(const struct futex_key *a, const struct futex_key *b);

// Takes a waiter off its bucket if it is still there; returns true if it was woken. Afterwards no
// waker touches it.
bool futex_dequeue(struct futex_waiter *w);

// futex_pi.c. deadline: of CLOCK_MONOTONIC. try: -EAGAIN if it is taken. -EDEADLK, -ESRCH, -ETIMEDOUT, -ERESTARTNOINTR
must_check int futex_lock_pi(uaddr_t at, bool shared, u64 deadline, bool try);
must_check int futex_unlock_pi(uaddr_t at, bool shared); // -EPERM: not the caller's
void futex_pi_owner_died(uaddr_t at, bool shared);       // the word has been marked: the next one gets it

// Wakes everybody who waits for a word in shared memory, to look at it once more.
void futex_wake_shared(void);

// A thread whose user memory is lost, and with it its list of robust futexes. Whoever waits for a word
// that names it as the owner finds FUTEX_OWNER_DIED there from now on.
void futex_thread_lost(const struct thread *t);
// The word at `at` is `word`, and somebody wants to wait for it to change. -EAGAIN: it has just been marked.
must_check int futex_check_owner(uaddr_t at, u32 word);

// futex(2) FUTEX_WAKE for the kernel itself.
int futex_wake_user(uaddr_t at, bool shared, int count, u32 bitset);
