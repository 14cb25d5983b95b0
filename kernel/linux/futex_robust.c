// SPDX-License-Identifier: BSD-3-Clause
// Robust futexes, and what a thread's end does to futexes. The list stands in user memory and may
// be anything: it is walked a bounded number of steps, and a bad pointer ends the walk. [Linux,
// Documentation/locking/robust-futex-ABI.rst; get_robust_list(2)]
#include <linux/futex.h>

#include "linux/calls.h"
#include "linux/futexes.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/visit.h"
#include "thread/thread.h"

struct robust_head { // struct robust_list_head with user addresses
    u64 next;        // bit 0 of every such pointer: a PI futex
    s64 offset;      // from an entry to its futex word
    u64 pending;     // entry being added or removed right now
};
_Static_assert(sizeof(struct robust_head) == sizeof(struct robust_list_head), "the Linux ABI");

#define LOST_COUNT 256
#define POINTER(x) ((x) & ~1ull)

// The owner of this futex ends: marks the word, and wakes a waiter, who becomes the next owner.
// -EFAULT: the word cannot be used.
static int owner_died(uaddr_t at, int tid, bool pi, bool pending)
{
    u32 word, old;

    if (at % sizeof(u32) || user_read_u32(&word, at))
        return -EFAULT;
    for (;;) {
        // Died between unlocking (word 0) and waking: the wake-up is still owed.
        if (pending && !pi && !word)
            break;
        if ((word & FUTEX_TID_MASK) != (u32)tid)
            return 0;
        if (user_compare_exchange_u32(at, word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &old))
            return -EFAULT;
        if (old == word) {
            if (word & FUTEX_WAITERS && pi) {
                futex_pi_owner_died(at, /*shared=*/false); // nobody knows which kind it was
                futex_pi_owner_died(at, /*shared=*/true);
            }
            if (pi || !(word & FUTEX_WAITERS))
                return 0;
            break;
        }
        word = old;
    }
    futex_wake_user(at, /*shared=*/true, 1, FUTEX_BITSET_MATCH_ANY);
    return 0;
}

static void walk_robust_list(struct thread *t)
{
    struct robust_head head;
    u64 entry, next = 0;

    if (user_read(&head, t->robust_list, sizeof(head)))
        return;
    entry = head.next;
    for (int i = 0; i < ROBUST_LIST_LIMIT && POINTER(entry) != t->robust_list; i++) {
        // Read before the word is given away: its next owner may free the entry.
        int error = user_read_u64(&next, POINTER(entry));
        if (POINTER(entry) != POINTER(head.pending) &&
            owner_died(POINTER(entry) + (u64)head.offset, t->tid, entry & 1, /*pending=*/false))
            return;
        if (error)
            return;
        entry = next;
    }
    if (POINTER(head.pending) && owner_died(POINTER(head.pending) + (u64)head.offset, t->tid,
                                            head.pending & 1, /*pending=*/true))
        return; // nothing more to do
}

void futex_thread_exit(struct thread *t)
{
    if (t->robust_list)
        walk_robust_list(t);
    t->robust_list = 0;
    // pthread_join waits for this word; without other threads nobody can.
    if (t->clear_child_tid && __atomic_load_n(&t->process->thread_count, __ATOMIC_RELAXED) > 1 &&
        !user_write_u32(t->clear_child_tid, 0))
        futex_wake_user(t->clear_child_tid, /*shared=*/true, 1, FUTEX_BITSET_MATCH_ANY);
    t->clear_child_tid = 0;
}

// The last threads that were lost. Their numbers are not given out again soon.
static large_data struct {
    struct lock lock;
    int tids[LOST_COUNT];
    u32 count; // ever; atomic
} lost;

void futex_thread_lost(const struct thread *t)
{
    if (!t->robust_list)
        return;
    lock_acquire(&lost.lock);
    lost.tids[lost.count % LOST_COUNT] = t->tid;
    __atomic_store_n(&lost.count, lost.count + 1, __ATOMIC_RELEASE); // pairs with futex_check_owner
    lock_release(&lost.lock);
}

int futex_check_owner(uaddr_t at, u32 word)
{
    int tid = (int)(word & FUTEX_TID_MASK);

    if (likely(!__atomic_load_n(&lost.count, __ATOMIC_ACQUIRE)) || !(word & FUTEX_WAITERS))
        return 0;
    for (u32 i = 0; i < LOST_COUNT; i++)
        if (lost.tids[i] == tid && tid)
            return owner_died(at, tid, /*pi=*/false, /*pending=*/false) ? -EFAULT : -EAGAIN;
    return 0;
}

s64 sys_set_robust_list(uaddr_t head, size_t size)
{
    if (size != sizeof(struct robust_head))
        return -EINVAL;
    thread_current()->robust_list = head;
    thread_current()->robust_list_size = size;
    return 0;
}

s64 sys_get_robust_list(int pid, uaddr_t out_head, uaddr_t out_size)
{
    struct thread *t = thread_acquire(pid);
    uaddr_t head;

    if (!t)
        return -ESRCH;
    head = t->robust_list;
    lock_release(&t->process->lock);
    if (process_access(t->process))
        return -EPERM;
    int error = user_write_u64(out_size, sizeof(struct robust_head));
    return error ? error : user_write_u64(out_head, head);
}
