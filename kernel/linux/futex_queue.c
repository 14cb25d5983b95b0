// SPDX-License-Identifier: BSD-3-Clause
// The buckets that futex waiters stand in; see futexes.h.
//
//     waiter: lock, compare the word, enqueue, unlock, sleep        waker: change the word (user
//     code),
//                                                                          lock, take waiters off,
//                                                                          unlock
//
// The comparison and the enqueueing are under one lock, so a waker that changes the word afterwards
// finds the waiter. A waker wakes the thread with the bucket locked, and a waiter takes that lock
// before it leaves, so its memory (on a kernel stack) stays until the waker is done.
#include "linux/futexes.h"

#include "base/hash.h"
#include "file/file.h"
#include "memory/address_space.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/priority.h"
#include "thread/thread.h"
#include "thread/rollback.h"

#define BUCKET_COUNT 256

static large_data struct futex_bucket buckets[BUCKET_COUNT];

// The key of a word for an operation without FUTEX_PRIVATE_FLAG. In private memory it differs from the one
// that *out has already (an odd offset), so the two kinds of operation do not meet. [as Linux]
static int shared_key(struct address_space *space, uaddr_t at, struct futex_key *out)
{
    struct area area;

    if (!address_space_next(space, at, &area))
        return -EFAULT;
    bool here = area.start <= at && area.flags & AREA_READ;
    if (here && area.flags & AREA_SHARED && area.file) {
        *out =
            (struct futex_key){area.file->inode, area.file_offset + (at - area.start), area.file};
        return 0;
    }
    if (area.file)
        file_put(area.file);
    if (!here)
        return -EFAULT;
    if (area.flags & AREA_SHARED)
        *out = (struct futex_key){NULL, area.base + (at - area.start), NULL};
    else
        out->offset |= 1;
    return 0;
}

int futex_key_get(uaddr_t at, bool shared, struct futex_key *out)
{
    struct address_space *space = thread_process()->space;

    if (at % sizeof(u32))
        return -EINVAL;
    if (!user_range(at, sizeof(u32)))
        return -EFAULT;
    *out = (struct futex_key){space, at, NULL};
    return shared ? shared_key(space, at, out) : 0;
}

void futex_key_put(struct futex_key *key)
{
    if (key->file)
        file_put(key->file);
    key->file = NULL;
}

bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
    return &buckets[hash_u64((u64)key->object ^ key->offset) % BUCKET_COUNT];
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    lock_acquire(a < b ? &a->lock : &b->lock);
    if (a != b)
        lock_acquire(a < b ? &b->lock : &a->lock);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    lock_release(&a->lock);
    if (a != b)
        lock_release(&b->lock);
}

// Real-time threads stand in front of others, by priority; threads of one priority as they came. [as Linux]
static struct list *place_of(struct futex_bucket *b, const struct thread *t)
{
    struct list *at = b->waiters.previous;

    if (priority_real_time(t))
        while (at != &b->waiters &&
               priority_rank(list_entry(at, struct futex_waiter, node)->thread) < priority_rank(t))
            at = at->previous;
    return at;
}

void futex_enqueue_locked(struct futex_bucket *b, struct futex_waiter *w)
{
    if (!b->waiters.next)
        list_init(&b->waiters);
    struct list *at = place_of(b, w->thread);
    rollback_insert_after(at);
    list_insert_after(at, &w->node);
    __atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE); // pairs with futex_dequeue
}

// The waiter takes over the reference to the new key's file; its own goes when it dequeues.
void futex_move_locked(struct futex_waiter *w, struct futex_bucket *to, const struct futex_key *key)
{
    list_remove(&w->node);
    w->key.object = key->object;
    w->key.offset = key->offset;
    futex_enqueue_locked(to, w);
}

int futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, int count, u32 bitset)
{
    struct futex_waiter *w, *next;
    int woken = 0;

    if (!b->waiters.next)
        return 0;
    list_for_each_safe(w, next, &b->waiters, node)
    {
        if (!futex_key_equal(&w->key, key) || !(w->bitset & bitset))
            continue;
        rollback_remove(&w->node);
        rollback_word(&w->woken);
        list_remove(&w->node);
        __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE); // pairs with the sleeper's look
        thread_wake(w->thread);
        if (++woken >= count)
            break;
    }
    return woken;
}

bool futex_dequeue(struct futex_waiter *w)
{
    struct futex_bucket *b;

    for (;;) { // requeue may move it until the lock is held
        b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
        if (!b)
            return false;
        rollback_acquire(&b->lock);
        if (b == w->bucket)
            break;
        lock_release(&b->lock);
    }
    if (!w->woken) {
        rollback_remove(&w->node);
        list_remove(&w->node);
    }
    lock_release(&b->lock);
    w->bucket = NULL;
    return w->woken;
}

void futex_wake_shared(void)
{
    struct futex_waiter *w, *next;

    for (u32 i = 0; i < BUCKET_COUNT; i++) {
        struct futex_bucket *b = &buckets[i];
        if (!b->waiters.next)
            continue;
        lock_acquire(&b->lock);
        list_for_each_safe(w, next, &b->waiters, node)
        {
            if (w->key.object && !w->key.file)
                continue;
            list_remove(&w->node);
            __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE); // pairs with the sleeper's look
            thread_wake(w->thread);
        }
        lock_release(&b->lock);
    }
}

int futex_wake_user(uaddr_t at, bool shared, int count, u32 bitset)
{
    struct futex_key key;
    int result = futex_key_get(at, shared, &key);

    if (result)
        return result;
    struct futex_bucket *b = futex_bucket_of(&key);
    // Nobody stands there: the usual case. A waiter that comes now saw the changed word: the
    // waker's store and this load, the waiter's enqueueing and its load of the word are each in
    // this order.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    struct list *first = __atomic_load_n(&b->waiters.next, __ATOMIC_RELAXED);
    if (first && first != &b->waiters) {
        rollback_acquire(&b->lock); // a waiter that has been woken then goes on waiting, or not: futex_wake_shared
        result = futex_wake_locked(b, &key, count, bitset);
        lock_release(&b->lock);
    }
    futex_key_put(&key);
    return result;
}
