// SPDX-License-Identifier: BSD-3-Clause
// Advisory locks of an inode: a list of ranges with owners.
//
// flock(2) locks belong to the open file, and are a family apart; fcntl(2) locks belong to the
// process, or (F_OFD_*) to the open file, and conflict with each other. An owner's new lock
// replaces what it had in the range: its older ranges are cut, split or dropped.
#include "file/file_lock.h"

#include <linux/fs.h>

#include "file/inode.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

#define OFFSET_END ((u64)INT64_MAX) // last byte of a lock without an end

struct file_lock {
    struct list node;
    const void *owner; // struct file or struct process
    int pid;           // for F_GETLK; -1: of an open file
    bool flock;        // family
    bool exclusive;
    u64 first, last; // bytes, both inclusive
};

struct file_lock_state {
    struct lock lock;
    struct list locks;         // granted ones
    struct wait_queue changed; // something was unlocked
};

struct lock_wait {
    struct list node;
    struct file_lock_state *state;
    struct file_lock wanted;
};

static struct slab_cache lock_cache = SLAB_CACHE("file_lock", struct file_lock);
static struct slab_cache state_cache = SLAB_CACHE("file_lock_state", struct file_lock_state);

// Record locks that wait, of all files: who waits for whom. Inside state->lock.
static struct {
    struct lock lock;
    struct list waits;
} waiting = {LOCK_INIT, LIST_INIT(waiting.waits)};

static struct file_lock_state *state_get(struct inode *i)
{
    return __atomic_load_n(&i->file_locks, __ATOMIC_ACQUIRE); // pairs with state_make
}

static struct file_lock_state *state_make(struct inode *i)
{
    struct file_lock_state *s = state_get(i), *expected = NULL;

    if (s)
        return s;
    s = slab_alloc(&state_cache);
    if (!s)
        return NULL;
    list_init(&s->locks);
    wait_queue_init(&s->changed);
    if (__atomic_compare_exchange_n(&i->file_locks, &expected, s, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) // pairs with state_get
        return s;
    slab_free(&state_cache, s);
    return expected;
}

void file_lock_inode_gone(struct inode *i)
{
    if (i->file_locks)
        slab_free(&state_cache, i->file_locks);
    i->file_locks = NULL;
}

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
    return a->flock == b->flock && a->owner != b->owner && (a->exclusive || b->exclusive) &&
           a->first <= b->last && b->first <= a->last;
}

static struct file_lock *conflict_find(struct file_lock_state *s, const struct file_lock *wanted)
{
    struct file_lock *l;

    list_for_each(l, &s->locks, node) if (conflicts(l, wanted)) return l;
    return NULL;
}

// Takes [first, last] away from the owner's locks. *spare serves a split, and is then NULL.
static void range_clear(struct file_lock_state *s, const struct file_lock *range,
                        struct file_lock **spare)
{
    struct file_lock *l, *next;

    list_for_each_safe(l, next, &s->locks, node)
    {
        if (l->owner != range->owner || l->flock != range->flock || l->last < range->first ||
            l->first > range->last)
            continue;
        if (l->first < range->first && l->last > range->last) {
            struct file_lock *tail = *spare;
            *spare = NULL;
            *tail = *l;
            tail->first = range->last + 1;
            l->last = range->first - 1;
            list_insert_after(&l->node, &tail->node);
        } else if (l->first < range->first) {
            l->last = range->first - 1;
        } else if (l->last > range->last) {
            l->first = range->last + 1;
        } else {
            list_remove(&l->node);
            slab_free(&lock_cache, l);
        }
    }
}

// Joins a new lock with equal neighbours of the same owner.
static void range_merge(struct file_lock_state *s, struct file_lock *new)
{
    struct file_lock *l, *next;

    list_for_each_safe(l, next, &s->locks, node)
    {
        if (l->owner != new->owner || l->flock != new->flock ||
            l->exclusive != new->exclusive)
            continue;
        if (l->last + 1 != new->first &&new->last + 1 != l->first)
            continue;
        new->first = min(new->first, l->first);
        new->last = max(new->last, l->last);
        list_remove(&l->node);
        slab_free(&lock_cache, l);
    }
}

// The list is in the order of first bytes, so that F_GETLK tells of the first lock in the way.
static void range_insert(struct file_lock_state *s, struct file_lock *new)
{
    struct file_lock *l;

    list_for_each(l, &s->locks, node)
        if (l->first > new->first)
            break;
    list_push_back(&l->node, &new->node);
}

static int unlock(struct file_lock_state *s, const struct file_lock *range)
{
    struct file_lock *spare = slab_alloc(&lock_cache);

    if (!spare)
        return -ENOLCK;
    lock_acquire(&s->lock);
    range_clear(s, range, &spare);
    lock_release(&s->lock);
    if (spare)
        slab_free(&lock_cache, spare);
    wait_queue_wake(&s->changed, ~0u);
    return 0;
}

static int lock_try(struct file_lock_state *s, const struct file_lock *wanted)
{
    struct file_lock *new = slab_alloc(&lock_cache), *spare = slab_alloc(&lock_cache);
    int error = new &&spare ? 0 : -ENOLCK;

    lock_acquire(&s->lock);
    if (!error && conflict_find(s, wanted))
        error = -EAGAIN;
    if (!error) {
        range_clear(s, wanted, &spare);
        *new = *wanted;
        range_merge(s, new);
        range_insert(s, new);
        new = NULL;
    }
    lock_release(&s->lock);
    if (new)
        slab_free(&lock_cache, new);
    if (spare)
        slab_free(&lock_cache, spare);
    if (!error)
        wait_queue_wake(&s->changed, ~0u); // an exclusive lock may have become a shared one
    return error;
}

static bool no_conflict(void *arg)
{
    struct lock_wait *w = arg;

    return !conflict_find(w->state, &w->wanted);
}

// Does `owner` wait, over any number of others, for a lock of `target`? waiting.lock is held.
static bool waits_for(const void *owner, const void *target, int depth)
{
    struct lock_wait *w;

    if (owner == target)
        return true;
    list_for_each(w, &waiting.waits, node)
    {
        struct file_lock *holder;
        if (w->wanted.owner != owner)
            continue;
        holder = conflict_find(w->state, &w->wanted);
        if (holder && depth && waits_for(holder->owner, target, depth - 1))
            return true;
    }
    return false;
}

#define DEADLOCK_DEPTH 10 // as far as Linux looks, too

static int wait_for_lock(struct lock_wait *w)
{
    struct file_lock *holder;
    int error = 0;

    lock_acquire(&w->state->lock);
    lock_acquire(&waiting.lock);
    holder = conflict_find(w->state, &w->wanted);
    if (holder && w->wanted.pid > 0 && waits_for(holder->owner, w->wanted.owner, DEADLOCK_DEPTH))
        error = -EDEADLK;
    else
        list_push_back(&waiting.waits, &w->node);
    lock_release(&waiting.lock);
    if (!error)
        error = wait_until_locked(&w->state->changed, &w->state->lock, DEADLINE_NONE,
                                  WAIT_INTERRUPTIBLE, no_conflict, w);
    lock_acquire(&waiting.lock);
    list_remove(&w->node);
    lock_release(&waiting.lock);
    lock_release(&w->state->lock);
    return error;
}

static int lock_or_wait(struct file_lock_state *s, const struct file_lock *wanted, bool wait)
{
    struct lock_wait w = {.state = s, .wanted = *wanted};
    int error;

    list_init(&w.node);
    for (;;) {
        error = lock_try(s, wanted);
        if (error != -EAGAIN || !wait)
            return error;
        error = wait_for_lock(&w);
        if (error)
            return error;
    }
}

int file_lock_flock(struct file *f, int operation)
{
    struct file_lock wanted = {.owner = f, .pid = -1, .flock = true, .last = OFFSET_END};
    struct file_lock_state *s = state_make(f->inode);
    bool wait = !(operation & LOCK_NB);
    int error;

    if (operation & LOCK_MAND) // did something once, and is ignored since Linux 5.17
        return 0;
    operation &= ~LOCK_NB;
    if (operation != LOCK_SH && operation != LOCK_EX && operation != LOCK_UN)
        return -EINVAL;
    if (!s)
        return -ENOLCK;
    if (operation == LOCK_UN)
        return unlock(s, &wanted);
    wanted.exclusive = operation == LOCK_EX;
    error = lock_try(s, &wanted);
    if (error != -EAGAIN)
        return error;
    error = unlock(s, &wanted); // a conversion gives the old lock up first [flock(2): not atomic]
    return error ? error : lock_or_wait(s, &wanted, wait);
}

// The range of a struct flock. [fcntl(2), "Advisory record locking"]
static int range_of(struct file *f, const struct flock *lock, struct file_lock *out)
{
    s64 start = lock->l_start, last;
    s64 base = lock->l_whence == SEEK_CUR   ? (s64)f->position
               : lock->l_whence == SEEK_END ? (s64)f->inode->size
                                            : 0;

    if (lock->l_whence < 0 || lock->l_whence > SEEK_END)
        return -EINVAL;
    if (__builtin_add_overflow(start, base, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    if (lock->l_len > 0) {
        if (__builtin_add_overflow(start, lock->l_len - 1, &last))
            return -EOVERFLOW;
    } else if (lock->l_len < 0) {
        last = start - 1;
        start += lock->l_len;
        if (start < 0)
            return -EINVAL;
    } else {
        last = (s64)OFFSET_END;
    }
    out->first = (u64)start;
    out->last = (u64)last;
    return 0;
}

static int lock_query(struct file_lock_state *s, const struct file_lock *wanted, struct flock *out)
{
    struct file_lock *l;

    lock_acquire(&s->lock);
    l = conflict_find(s, wanted);
    if (l) {
        out->l_type = l->exclusive ? F_WRLCK : F_RDLCK;
        out->l_whence = SEEK_SET;
        out->l_start = (s64)l->first;
        out->l_len = l->last == OFFSET_END ? 0 : (s64)(l->last - l->first + 1);
        out->l_pid = l->pid;
    } else {
        out->l_type = F_UNLCK;
    }
    lock_release(&s->lock);
    return 0;
}

int file_lock_control(struct file *f, int command, struct flock *lock)
{
    bool of_file = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    bool query = command == F_GETLK || command == F_OFD_GETLK;
    struct process *p = thread_process();
    struct file_lock wanted = {.owner = of_file ? (void *)f : (void *)p,
                               .pid = of_file ? -1 : p->pid};
    struct file_lock_state *s = state_make(f->inode);
    int error = range_of(f, lock, &wanted);

    if (error)
        return error;
    if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK && lock->l_type != F_UNLCK)
        return -EINVAL;
    if ((of_file && lock->l_pid) || (query && !of_file && lock->l_type == F_UNLCK))
        return -EINVAL;
    if (!s)
        return -ENOLCK;
    wanted.exclusive = lock->l_type == F_WRLCK;
    if (query)
        return lock_query(s, &wanted, lock);
    if (lock->l_type == F_UNLCK)
        return unlock(s, &wanted);
    if (wanted.exclusive ? !file_writable(f) : !file_readable(f))
        return -EBADF;
    return lock_or_wait(s, &wanted, command == F_SETLKW || command == F_OFD_SETLKW);
}

// Drops all locks of an owner, without allocating: no range is split.
static void owner_gone(struct inode *i, const void *owner)
{
    struct file_lock_state *s = state_get(i);
    struct file_lock *l, *next;
    bool any = false;

    if (!s)
        return;
    lock_acquire(&s->lock);
    list_for_each_safe(l, next, &s->locks, node)
    {
        if (l->owner != owner)
            continue;
        list_remove(&l->node);
        slab_free(&lock_cache, l);
        any = true;
    }
    lock_release(&s->lock);
    if (any)
        wait_queue_wake(&s->changed, ~0u);
}

void file_lock_closed(struct file *f)
{
    if (f->inode->file_locks)
        owner_gone(f->inode, thread_process());
}

void file_lock_released(struct file *f)
{
    if (f->inode->file_locks)
        owner_gone(f->inode, f);
}
