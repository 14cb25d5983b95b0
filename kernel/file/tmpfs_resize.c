// SPDX-License-Identifier: BSD-3-Clause
// truncate(2), fallocate(2), file seals, and how mappings follow them.
//
// Memory that a mapping may still show is given back only when all mappings have let go of it: cut
// under the lock, tell the mappings without it, then free.
#include "file/tmpfs_resize.h"

#include <linux/falloc.h>

#include "file/mapping.h"
#include "file/root.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

int data_make_noting(struct tmpfs_node *n, u64 page, u64 want, struct page_range *changed,
                     struct extent **out)
{
    u64 next = 0;
    int error;

    *out = data_find(&n->data, page, &next);
    if (*out)
        return 0;
    error = data_make(n, page, want, out);
    if (error || !(n->data.lower_size || n->data.hole_mapped) || !inode_mapped(&n->inode->mappings))
        return error;
    if (!changed->end)
        changed->start = (*out)->page << PAGE_SHIFT;
    changed->start = min(changed->start, (*out)->page << PAGE_SHIFT);
    changed->end = max(changed->end, ((*out)->page + (*out)->count) << PAGE_SHIFT);
    return 0;
}

void mappings_follow(struct inode *i, const struct page_range *changed, u64 old_size, u64 new_size)
{
    u64 old_end = page_round_up(old_size), new_end = page_round_up(new_size);

    if (changed->end)
        inode_mappings_changed(i, changed->start, changed->end - changed->start);
    if (new_end > old_end)
        inode_mappings_changed(i, old_end, new_end - old_end);
}

static int shrink(struct inode *i, u64 size)
{
    struct page_run *dead = NULL;
    u32 dead_count = 0;
    int error = data_cut(node_of(i), size, inode_mapped(&i->mappings) ? &dead : NULL, &dead_count);

    if (error)
        return error;
    __atomic_store_n(&i->size, size, __ATOMIC_RELEASE); // pairs with faults
    lock_release(&i->lock);
    if (dead)
        inode_mappings_changed(i, page_round_up(size), page_round_up(TMPFS_SIZE_MAX) - page_round_up(size));
    for (u32 k = 0; k < dead_count; k++)
        pages_free(dead[k].memory, dead[k].count);
    heap_free(dead);
    lock_acquire(&i->lock);
    return 0;
}

static int size_allowed(struct tmpfs_node *n, u64 size)
{
    struct process *p = thread_process();
    u64 old = n->inode->size;

    if (size > old && p && size > p->limits[RLIMIT_FSIZE].rlim_cur) {
        signal_raise_process(p, 25 /* SIGXFSZ */);
        return -EFBIG;
    }
    if (size > TMPFS_SIZE_MAX)
        return -EFBIG;
    if ((size > old && n->data.seals & F_SEAL_GROW) ||
        (size < old && n->data.seals & F_SEAL_SHRINK))
        return -EPERM;
    return 0;
}

int tmpfs_truncate(struct inode *i, u64 size)
{
    static const struct page_range nothing = {0, 0};
    struct tmpfs_node *n = node_of(i);
    u64 old;
    int error;

    lock_acquire(&i->lock);
    old = i->size;
    error = size_allowed(n, size);
    if (!error && (size < old || !size))
        error = shrink(i, size);
    else if (!error)
        __atomic_store_n(&i->size, size, __ATOMIC_RELEASE); // pairs with faults
    if (!error)
        inode_content_changed(i);
    lock_release(&i->lock);
    if (!error)
        mappings_follow(i, &nothing, old, size);
    return error;
}

// fallocate without a mode: pages for all of the range.
static int reserve(struct tmpfs_node *n, u64 offset, u64 size, struct page_range *changed)
{
    struct tmpfs *t = tmpfs_of(n->inode);
    u64 page = offset >> PAGE_SHIFT, end = page_round_up(offset + size) >> PAGE_SHIFT;

    if (end - page > t->pages_limit - min(t->pages_used, t->pages_limit))
        return -ENOSPC;
    while (page < end) {
        struct extent *e;
        u64 to;
        int error = data_make_noting(n, page, end - page, changed, &e);
        if (error)
            return error;
        to = min(end, e->page + e->count);
        data_mark(n, e, page, to - page);
        page = to;
    }
    return 0;
}

static int allocate_locked(struct inode *i, int mode, u64 offset, u64 size,
                           struct page_range *changed)
{
    struct tmpfs_node *n = node_of(i);
    u64 end = offset + size;
    int error = 0;

    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
        if (n->data.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
            return -EPERM;
        if (offset < i->size)
            error = data_punch(n, offset, min(size, page_round_up(i->size) - offset));
        *changed = (struct page_range){page_round_down(offset), page_round_up(end)};
    }
    if (error || mode & FALLOC_FL_PUNCH_HOLE)
        return error;
    if (!(mode & FALLOC_FL_KEEP_SIZE) && end > i->size)
        error = size_allowed(n, end);
    if (!error)
        error = reserve(n, offset, size, changed);
    if (!error && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->size)
        __atomic_store_n(&i->size, end, __ATOMIC_RELEASE); // pairs with faults
    return error;
}

int tmpfs_allocate(struct inode *i, int mode, u64 offset, u64 size)
{
    struct page_range changed = {0, 0};
    u64 old, new;
    int error;

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    lock_acquire(&i->lock);
    old = i->size;
    error = allocate_locked(i, mode, offset, size, &changed);
    new = i->size;
    if (!error)
        inode_content_changed(i);
    lock_release(&i->lock);
    mappings_follow(i, &changed, old, new);
    return error;
}

int tmpfs_seals_add(struct file *f, u32 seals)
{
    struct inode *i = f->inode;
    struct tmpfs_data *d = &node_of(i)->data;
    int error = 0;

    if (!file_writable(f))
        return -EPERM;
    if (seals & ~(u32)(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
                       F_SEAL_FUTURE_WRITE | F_SEAL_EXEC))
        return -EINVAL;
    lock_acquire(&i->lock);
    if (d->seals & F_SEAL_SEAL)
        error = -EPERM;
    if (!error && seals & F_SEAL_WRITE && inode_mapped_for_writing(i))
        error = -EBUSY;
    if (!error)
        d->seals |= seals;
    lock_release(&i->lock);
    return error;
}
