// SPDX-License-Identifier: BSD-3-Clause
// FUTEX_LOCK_PI and its kin: locks whose word is the owner's thread id, which the kernel hands over to
// the next waiter at the unlock. Waiters stand in line as they came: nobody's priority is obeyed here, so
// none is inherited. [futex(2), "Priority-inheritance futexes"]
//
//     word: 0                        free: user code takes it by itself
//           tid                      owned, nobody waits: user code frees it by itself
//           tid | FUTEX_WAITERS      the owner calls the kernel to unlock
//           ... | FUTEX_OWNER_DIED   the last owner ended with the lock: whoever has it now is told by the bit
#include <linux/futex.h>

#include "linux/calls.h"
#include "linux/futexes.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define NO_BITS 0u // a waiter that FUTEX_WAKE does not find

// The first in line, with the bucket's lock held; *out_bit: FUTEX_WAITERS if there are more.
static struct futex_waiter *first_waiter(struct futex_bucket *b, const struct futex_key *key,
                                         u32 *out_bit)
{
    struct futex_waiter *w, *first = NULL;

    *out_bit = 0;
    if (!b->waiters.next)
        return NULL;
    list_for_each(w, &b->waiters, node)
    {
        if (w->bitset != NO_BITS || !futex_key_equal(&w->key, key))
            continue;
        if (first) {
            *out_bit = FUTEX_WAITERS;
            break;
        }
        first = w;
    }
    return first;
}

// Gives the lock, whose word is `word`, to the first in line, or to nobody. -EAGAIN: the word is another; -EFAULT
static int hand_over(struct futex_bucket *b, const struct futex_key *key, uaddr_t at, u32 word,
                     u32 died)
{
    u32 more, old;
    struct futex_waiter *w = first_waiter(b, key, &more);
    u32 next = w ? (u32)w->thread->tid | more | died : died;

    if (user_compare_exchange_u32(at, word, next, &old))
        return -EFAULT;
    if (old != word)
        return -EAGAIN;
    if (w) {
        list_remove(&w->node);
        __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE); // pairs with has_it
        thread_wake(w->thread);
    }
    return 0;
}

// Takes a free lock, or (unless `try`) gets in line. 0: has it, 1: is in line, -EBUSY: look again; -EAGAIN: with
// `try`, it is taken; -EDEADLK, -EFAULT.
static int take_or_queue(struct futex_bucket *b, struct futex_waiter *w, uaddr_t at, bool try)
{
    u32 me = (u32)w->thread->tid, word, next, old, more;

    if (user_read_u32(&word, at))
        return -EFAULT;
    u32 owner = word & FUTEX_TID_MASK;
    if (owner == me)
        return -EDEADLK;
    if (!owner) {
        bool waited = first_waiter(b, &w->key, &more) != NULL;
        next = me | (word & FUTEX_OWNER_DIED) | (waited ? FUTEX_WAITERS : 0);
    } else if (try) {
        return -EWOULDBLOCK;
    } else {
        next = word | FUTEX_WAITERS;
    }
    if (user_compare_exchange_u32(at, word, next, &old))
        return -EFAULT;
    if (old != word)
        return -EBUSY; // user code was faster
    if (!owner)
        return 0;
    futex_enqueue_locked(b, w);
    return 1;
}

// -ESRCH: it is owned by a thread that is not there. Without the bucket's lock, which is inside the family's.
static int owner_check(uaddr_t at)
{
    u32 word;

    if (user_read_u32(&word, at))
        return -EFAULT;
    word &= FUTEX_TID_MASK;
    return !word || process_of_thread((int)word) ? 0 : -ESRCH;
}

static bool has_it(void *arg)
{
    const struct futex_waiter *w = arg;

    return __atomic_load_n(&w->woken, __ATOMIC_ACQUIRE); // pairs with hand_over
}

int futex_lock_pi(uaddr_t at, bool shared, u64 deadline, bool try)
{
    struct futex_waiter w = {.bitset = NO_BITS, .thread = thread_current()};
    struct futex_bucket *b;
    int error = futex_key_get(at, shared, &w.key);

    if (error)
        return error;
    b = futex_bucket_of(&w.key);
    do {
        error = owner_check(at);
        if (error)
            break;
        lock_acquire(&b->lock);
        error = take_or_queue(b, &w, at, try);
        lock_release(&b->lock);
    } while (error == -EBUSY);
    if (error == 1) {
        error = wait_until(NULL, deadline, WAIT_INTERRUPTIBLE, has_it, &w);
        if (futex_dequeue(&w))
            error = 0; // it came with the time-out or the signal
        else if (error == -ERESTARTSYS)
            error = -ERESTARTNOINTR;
    }
    futex_key_put(&w.key);
    return error;
}

int futex_unlock_pi(uaddr_t at, bool shared)
{
    struct futex_key key;
    u32 word;
    int error = futex_key_get(at, shared, &key);

    if (error)
        return error;
    struct futex_bucket *b = futex_bucket_of(&key);
    do {
        lock_acquire(&b->lock);
        if (user_read_u32(&word, at))
            error = -EFAULT;
        else if ((word & FUTEX_TID_MASK) != (u32)thread_current()->tid)
            error = -EPERM;
        else
            error = hand_over(b, &key, at, word, 0);
        lock_release(&b->lock);
    } while (error == -EAGAIN);
    futex_key_put(&key);
    return error;
}

void futex_pi_owner_died(uaddr_t at, bool shared)
{
    struct futex_key key;
    u32 word, more;

    if (futex_key_get(at, shared, &key))
        return;
    struct futex_bucket *b = futex_bucket_of(&key);
    lock_acquire(&b->lock);
    // Whoever took it meanwhile hands it over himself. A fault: the memory has gone, with all waiters.
    if (!user_read_u32(&word, at) && !(word & FUTEX_TID_MASK) && first_waiter(b, &key, &more) &&
        hand_over(b, &key, at, word, FUTEX_OWNER_DIED))
        more = 0;
    lock_release(&b->lock);
    futex_key_put(&key);
}
