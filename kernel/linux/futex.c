// SPDX-License-Identifier: BSD-3-Clause
// futex(2): waiting, waking, requeueing. Requeueing to PI futexes is refused with ENOSYS: no C library
// uses it any more.
#include <linux/futex.h>
#include <linux/time.h>

#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/clocks.h"
#include "linux/futexes.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"
#include "thread/rollback.h"

struct futex_wait { // what one thread waits for
    struct futex_waiter *waiters;
    u32 count;
};

static bool one_is_woken(void *arg)
{
    struct futex_wait *w = arg;

    for (u32 i = 0; i < w->count; i++)
        if (__atomic_load_n(&w->waiters[i].woken, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

// Takes all waiters off; the number of the first that was woken, or -1.
static int dequeue_all(struct futex_wait *w)
{
    int woken = -1;

    for (u32 i = 0; i < w->count; i++) {
        if (futex_dequeue(&w->waiters[i]) && woken < 0)
            woken = (int)i;
        futex_key_put(&w->waiters[i].key);
    }
    return woken;
}

// Compares the word and enqueues the waiter, whose key is set. -EAGAIN: the word is another. A
// fault under the lock is resolved by the host, or by address_space_fault, which takes only inner
// locks.
static int enqueue(struct futex_waiter *w, uaddr_t at, u32 expected)
{
    struct futex_bucket *b = futex_bucket_of(&w->key);
    u32 word;

    rollback_acquire(&b->lock);
    // On the list before the word is read: see futex_wake_user, which looks without the lock.
    futex_enqueue_locked(b, w);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    int error = user_read_u32(&word, at);
    if (!error && word != expected)
        error = -EAGAIN;
    if (error) {
        rollback_remove(&w->node);
        list_remove(&w->node);
        w->bucket = NULL;
    }
    lock_release(&b->lock);
    return error;
}

static int wait_one(uaddr_t at, bool shared, u32 expected, u64 deadline, u32 bitset)
{
    struct futex_waiter waiter = {.bitset = bitset, .thread = thread_current()};
    struct futex_wait w = {&waiter, 1};

    if (!bitset)
        return -EINVAL;
    int error = futex_key_get(at, shared, &waiter.key);
    if (!error && shared)
        error = futex_check_owner(at, expected);
    if (!error)
        error = enqueue(&waiter, at, expected);
    if (!error)
        error = wait_until(NULL, deadline, WAIT_INTERRUPTIBLE, one_is_woken, &w);
    return dequeue_all(&w) < 0 ? error : 0;
}

// restart_data of a wait with a time limit that a signal interrupted.
enum { RESTART_AT, RESTART_VALUE, RESTART_DEADLINE, RESTART_BITSET, RESTART_SHARED };

static s64 wait_restart(struct thread *t);

static s64 wait_call(uaddr_t at, bool shared, u32 expected, u64 deadline, u32 bitset)
{
    struct thread *t = thread_current();
    int result = wait_one(at, shared, expected, deadline, bitset);

    if (result != -ERESTARTSYS || deadline == DEADLINE_NONE)
        return result;
    t->restart = wait_restart;
    t->restart_data[RESTART_AT] = at;
    t->restart_data[RESTART_VALUE] = expected;
    t->restart_data[RESTART_DEADLINE] = deadline;
    t->restart_data[RESTART_BITSET] = bitset;
    t->restart_data[RESTART_SHARED] = shared;
    return -ERESTART_RESTARTBLOCK;
}

static s64 wait_restart(struct thread *t)
{
    const u64 *d = t->restart_data;

    return wait_call(d[RESTART_AT], d[RESTART_SHARED], (u32)d[RESTART_VALUE], d[RESTART_DEADLINE],
                     (u32)d[RESTART_BITSET]);
}

static int requeue_locked(struct futex_bucket *from, struct futex_bucket *to,
                          const struct futex_key *key, const struct futex_key *new_key, int wake,
                          int requeue)
{
    struct futex_waiter *w, *next;
    int count = 0;

    if (!from->waiters.next)
        return 0;
    list_for_each_safe(w, next, &from->waiters, node)
    {
        if (count - wake >= requeue)
            break;
        if (!futex_key_equal(&w->key, key))
            continue;
        if (count++ < wake) {
            list_remove(&w->node);
            __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE); // pairs with one_is_woken
            thread_wake(w->thread);
        } else if (!futex_key_equal(key, new_key)) {
            futex_move_locked(w, to, new_key);
        }
    }
    return count;
}

// expected: NULL, or what the first word must be.
static int requeue_call(uaddr_t at, uaddr_t at2, bool shared, int wake, int requeue,
                        const u32 *expected)
{
    struct futex_key key, key2;
    u32 word;

    if (wake < 0 || requeue < 0)
        return -EINVAL;
    int result = futex_key_get(at, shared, &key);
    if (result)
        return result;
    result = futex_key_get(at2, shared, &key2);
    if (!result) {
        struct futex_bucket *b = futex_bucket_of(&key), *b2 = futex_bucket_of(&key2);
        futex_lock_two(b, b2);
        if (expected) {
            result = user_read_u32(&word, at);
            if (!result && word != *expected)
                result = -EAGAIN;
        }
        if (!result)
            result = requeue_locked(b, b2, &key, &key2, wake, requeue);
        futex_unlock_two(b, b2);
        futex_key_put(&key2);
    }
    futex_key_put(&key);
    return result;
}

static int sign_extend_12(u32 x)
{
    return (int)(x << 20) >> 20;
}

// The read-modify-write of FUTEX_WAKE_OP: 1 or 0 as the old value compares, or an error.
static int wake_operation(u32 encoded, uaddr_t at)
{
    u32 operation = encoded >> 28 & 7, compare = encoded >> 24 & 15;
    int argument = sign_extend_12(encoded >> 12), with = sign_extend_12(encoded), error;
    u32 old;

    if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
        argument = (int)(1u << (argument & 31));
    switch (operation) {
    case FUTEX_OP_SET:
        error = user_exchange_u32(at, (u32)argument, &old);
        break;
    case FUTEX_OP_ADD:
        error = user_fetch_add_u32(at, (u32)argument, &old);
        break;
    case FUTEX_OP_OR:
        error = user_fetch_or_u32(at, (u32)argument, &old);
        break;
    case FUTEX_OP_ANDN:
        error = user_fetch_and_u32(at, ~(u32)argument, &old);
        break;
    case FUTEX_OP_XOR:
        error = user_fetch_xor_u32(at, (u32)argument, &old);
        break;
    default:
        return -ENOSYS;
    }
    if (error)
        return error;
    switch (compare) {
    case FUTEX_OP_CMP_EQ:
        return (int)old == with;
    case FUTEX_OP_CMP_NE:
        return (int)old != with;
    case FUTEX_OP_CMP_LT:
        return (int)old < with;
    case FUTEX_OP_CMP_LE:
        return (int)old <= with;
    case FUTEX_OP_CMP_GT:
        return (int)old > with;
    case FUTEX_OP_CMP_GE:
        return (int)old >= with;
    default:
        return -ENOSYS;
    }
}

static int wake_op_call(uaddr_t at, uaddr_t at2, bool shared, int wake, int wake2, u32 encoded)
{
    struct futex_key key, key2;
    int result = futex_key_get(at, shared, &key);

    if (result)
        return result;
    result = futex_key_get(at2, shared, &key2);
    if (!result) {
        struct futex_bucket *b = futex_bucket_of(&key), *b2 = futex_bucket_of(&key2);
        futex_lock_two(b, b2);
        int both = wake_operation(encoded, at2);
        if (both >= 0) {
            result = futex_wake_locked(b, &key, wake, FUTEX_BITSET_MATCH_ANY);
            if (both)
                result += futex_wake_locked(b2, &key2, wake2, FUTEX_BITSET_MATCH_ANY);
        } else {
            result = both;
        }
        futex_unlock_two(b, b2);
        futex_key_put(&key2);
    }
    futex_key_put(&key);
    return result;
}

// A deadline (thread/wait.h) from a user timespec at `from`; 0: none.
static int read_deadline(uaddr_t from, bool relative, bool realtime, u64 *out)
{
    u64 ns, now = clock_monotonic();

    *out = DEADLINE_NONE;
    if (!from)
        return 0;
    int error = timespec_read(from, &ns);
    if (error)
        return error;
    if (relative)
        *out = now + ns;
    else
        *out = clock_deadline(realtime ? CLOCK_KIND_REALTIME : CLOCK_KIND_MONOTONIC, ns, /*absolute=*/true);
    return 0;
}

static s64 wait_operation(int operation, uaddr_t at, u32 flags, u32 value, uaddr_t timeout,
                          u32 bitset)
{
    u64 deadline;
    int error =
        read_deadline(timeout, operation == FUTEX_WAIT, flags & FUTEX_CLOCK_REALTIME, &deadline);

    return error ? error
                 : wait_call(at, !(flags & FUTEX_PRIVATE_FLAG), value, deadline,
                             operation == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : bitset);
}

static s64 lock_pi_operation(int operation, uaddr_t at, u32 flags, uaddr_t timeout)
{
    bool realtime = operation == FUTEX_LOCK_PI || flags & FUTEX_CLOCK_REALTIME;
    u64 deadline;
    int error = read_deadline(timeout, /*relative=*/false, realtime, &deadline);

    return error ? error
                 : futex_lock_pi(at, !(flags & FUTEX_PRIVATE_FLAG), deadline, /*try=*/false);
}

s64 sys_futex(uaddr_t at, int flags, u32 value, uaddr_t timeout, uaddr_t at2, u32 value3)
{
    int operation = flags & FUTEX_CMD_MASK, value2 = (int)timeout;
    bool shared = !(flags & FUTEX_PRIVATE_FLAG);

    if (flags & FUTEX_CLOCK_REALTIME && operation != FUTEX_WAIT_BITSET &&
        operation != FUTEX_LOCK_PI2)
        return -ENOSYS;
    switch (operation) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return wait_operation(operation, at, (u32)flags, value, timeout, value3);
    case FUTEX_WAKE:
        return futex_wake_user(at, shared, (int)value, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return value3 ? futex_wake_user(at, shared, (int)value, value3) : -EINVAL;
    case FUTEX_REQUEUE:
        return requeue_call(at, at2, shared, (int)value, value2, NULL);
    case FUTEX_CMP_REQUEUE:
        return requeue_call(at, at2, shared, (int)value, value2, &value3);
    case FUTEX_WAKE_OP:
        return wake_op_call(at, at2, shared, (int)value, value2, value3);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return lock_pi_operation(operation, at, (u32)flags, timeout);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(at, shared, DEADLINE_NONE, /*try=*/true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(at, shared);
    default:
        return -ENOSYS;
    }
}

// Reads the user's list, takes the keys and enqueues. -EAGAIN: a word is another; 1: one was woken
// meanwhile. Waiters that were not reached have no bucket.
static int waitv_prepare(struct futex_wait *w, uaddr_t list)
{
    for (u32 i = 0; i < w->count; i++) {
        struct futex_waitv v;
        if (user_read(&v, list + i * sizeof(v), sizeof(v)))
            return -EFAULT;
        if (v.flags & ~(u32)(FUTEX_32 | FUTEX_PRIVATE_FLAG) || !(v.flags & FUTEX_32) ||
            v.__reserved || v.val >> 32)
            return -EINVAL;
        struct futex_waiter *waiter = &w->waiters[i];
        waiter->bitset = FUTEX_BITSET_MATCH_ANY;
        waiter->thread = thread_current();
        int error = futex_key_get(v.uaddr, !(v.flags & FUTEX_PRIVATE_FLAG), &waiter->key);
        if (!error)
            error = enqueue(waiter, v.uaddr, (u32)v.val);
        if (error)
            return error;
    }
    return 0;
}

s64 sys_futex_waitv(uaddr_t list, u32 count, u32 flags, uaddr_t timeout, int clock)
{
    struct futex_wait w = {.count = count};
    u64 deadline;

    if (flags || !count || count > FUTEX_WAITV_MAX || !list)
        return -EINVAL;
    if (timeout && clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return -EINVAL;
    int error = read_deadline(timeout, /*relative=*/false, clock == CLOCK_REALTIME, &deadline);
    if (error)
        return error;
    w.waiters = heap_alloc(count * sizeof(*w.waiters));
    if (!w.waiters)
        return -ENOMEM;
    error = waitv_prepare(&w, list);
    if (!error)
        error = wait_until(NULL, deadline, WAIT_INTERRUPTIBLE, one_is_woken, &w);
    int woken = dequeue_all(&w);
    heap_free(w.waiters);
    return woken >= 0 ? woken : error;
}
