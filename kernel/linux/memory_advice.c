// SPDX-License-Identifier: BSD-3-Clause
// madvise, mincore, msync, mlock and membarrier: hints and promises about user memory. Nothing is
// ever swapped out, so locking is book-keeping.
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/membarrier.h>
#include <linux/mman.h>

#include "abi/boot.h"
#include "base/string.h"
#include "cpu/vcpu.h"
#include "file/fd_table.h"
#include "file/file.h"
#include "file/inode.h"
#include "file/pidfd.h"
#include "linux/calls.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/handle.h"
#include "process/process.h"
#include "process/visit.h"
#include "thread/thread.h"

// Are all of [at, end) mapped? 0 or -ENOMEM
static int check_mapped(struct address_space *s, uaddr_t at, u64 size)
{
    return address_space_unmapped(s, at, size) ? -ENOMEM : 0;
}

// MADV_REMOVE: a hole in the file behind a shared writable mapping.
static int advise_remove(struct address_space *s, uaddr_t at, uaddr_t end)
{
    int error = 0;

    while (at < end && !error) {
        struct area a = {0};
        if (!address_space_next(s, at, &a))
            return -ENOMEM;
        struct inode *inode = a.file ? a.file->inode : NULL;
        bool writable = (a.flags & AREA_SHARED) && (a.may & AREA_WRITE);
        if (a.start > at)
            error = -ENOMEM;
        else if (a.flags & AREA_LOCKED || !inode)
            error = -EINVAL;
        else if (!writable)
            error = -EACCES;
        else if (!inode->ops->allocate)
            error = -EOPNOTSUPP;
        else
            error = inode->ops->allocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         a.file_offset + (at - a.start), min(a.end, end) - at);
        at = a.end;
        if (a.file)
            file_put(a.file);
    }
    return error;
}

// MADV_POPULATE_READ, _WRITE: touches each page. -ENOMEM: gap; -EFAULT: SIGBUS, or not allowed
static int advise_populate(struct address_space *s, uaddr_t at, uaddr_t end, bool write)
{
    u32 old, byte_count = 0;
    int error = check_mapped(s, at, end - at);

    for (; at < end && !error; at += PAGE_SIZE) {
        error = write ? user_fetch_add_u32(at, 0, &old) : user_read_u32(&byte_count, at);
        if (thread_interrupted())
            return -EINTR;
    }
    return error;
}

// The flags that an advice sets and clears; false: it is another kind of advice.
static bool advice_flags(int advice, u32 *out_set, u32 *out_clear)
{
    static const struct {
        int advice;
        u32 set, clear;
    } table[] = {
        {MADV_DONTFORK, AREA_DONTFORK, 0},     {MADV_DOFORK, 0, AREA_DONTFORK},
        {MADV_WIPEONFORK, AREA_WIPEONFORK, 0}, {MADV_KEEPONFORK, 0, AREA_WIPEONFORK},
        {MADV_DONTDUMP, AREA_DONTDUMP, 0},     {MADV_DODUMP, 0, AREA_DONTDUMP},
        {MADV_HUGEPAGE, AREA_HUGE, 0},         {MADV_NOHUGEPAGE, 0, AREA_HUGE},
    };
    for (size_t i = 0; i < array_count(table); i++) {
        if (table[i].advice != advice)
            continue;
        *out_set = table[i].set;
        *out_clear = table[i].clear;
        return true;
    }
    return false;
}

static bool advice_known(int advice)
{
    return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
           (advice >= MADV_FREE && advice <= MADV_DOFORK) ||
           (advice >= MADV_MERGEABLE && advice <= MADV_POPULATE_WRITE);
}

// MADV_FREE, MADV_WIPEONFORK: for private memory without a file only. [madvise(2)]
static int check_anonymous(struct address_space *s, uaddr_t at, uaddr_t end)
{
    struct area a;

    while (at < end && address_space_next(s, at, &a) && a.start < end) {
        bool bad = a.file || (a.flags & AREA_SHARED);
        if (a.file)
            file_put(a.file);
        if (bad)
            return -EINVAL;
        at = a.end;
    }
    return 0;
}

static int advise(struct address_space *s, uaddr_t at, u64 size, int advice)
{
    u32 set, clear;

    if ((advice == MADV_FREE || advice == MADV_WIPEONFORK) && check_anonymous(s, at, at + size))
        return -EINVAL;
    if (advice_flags(advice, &set, &clear))
        return address_space_set_flags(s, at, size, set, clear);
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE: // at once: "the kernel may free them at any time"
        return address_space_discard(s, at, size);
    case MADV_REMOVE:
        return advise_remove(s, at, at + size);
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return advise_populate(s, at, at + size, advice == MADV_POPULATE_WRITE);
    default: // what will be read, and in what order, is the host's to find out
        return check_mapped(s, at, size);
    }
}

s64 sys_madvise(uaddr_t at, u64 size, int advice)
{
    u64 whole = page_round_up(size);

    if (!advice_known(advice) || at % PAGE_SIZE || (size && !whole) || at + whole < at)
        return -EINVAL;
    if (!size)
        return 0;
    if (at > USER_HIGH || whole > USER_HIGH - at)
        return -ENOMEM;
    return advise(thread_process()->space, at, whole, advice);
}

// What may be advised for another process; it changes nothing but speed, so there is nothing to be done.
static bool advice_is_remote(int advice)
{
    return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED || advice == MADV_COLLAPSE;
}

static s64 advise_vectors(struct process *p, const struct iovec *vectors, u64 count, int advice)
{
    u64 done = 0;

    for (u64 i = 0; i < count; i++) {
        u64 size = vectors[i].iov_len;
        s64 error = p == thread_process() ? sys_madvise((uaddr_t)vectors[i].iov_base, size, advice)
                    : (uaddr_t)vectors[i].iov_base % PAGE_SIZE ? -EINVAL
                                                               : 0;
        if (error)
            return done ? (s64)done : error;
        done += size;
    }
    return (s64)done;
}

s64 sys_process_madvise(int pidfd, uaddr_t vectors, u64 count, int advice, u32 flags)
{
    struct process *p = NULL;
    struct iovec *copy = NULL;
    struct file *f;
    s64 result;

    if (flags)
        return -EINVAL;
    result = io_read_vectors(vectors, count, &copy);
    if (result)
        return result;
    f = fd_get(pidfd);
    const struct process_handle *h = f ? pidfd_handle(f) : NULL;
    result = -EBADF;
    if (h) {
        p = __atomic_load_n(&h->process, __ATOMIC_ACQUIRE); // pairs with process_handle_gone
        result = !p || p->zombie ? -ESRCH : p != thread_process() && !advice_is_remote(advice) ? -EINVAL
                                                                                             : process_access(p);
    }
    if (!result)
        result = advise_vectors(p, copy, count, advice);
    if (f)
        file_put(f);
    heap_free(copy);
    return result;
}

s64 sys_mincore(uaddr_t at, u64 size, uaddr_t vector)
{
    u8 ones[64];

    if (at % PAGE_SIZE)
        return -EINVAL;
    if (at > USER_HIGH || size > USER_HIGH - at)
        return -ENOMEM;
    u64 pages = page_round_up(size) / PAGE_SIZE;
    if (!user_range(vector, pages))
        return -EFAULT;
    if (pages && check_mapped(thread_process()->space, at, pages * PAGE_SIZE))
        return -ENOMEM;
    memset(ones, 1, sizeof(ones)); // only the host knows; a fault is never slow here
    for (u64 done = 0; done < pages; done += sizeof(ones))
        if (user_write(vector + done, ones, min(pages - done, (u64)sizeof(ones))))
            return -EFAULT;
    return 0;
}

static int sync_area(const struct area *a, u32 flags)
{
    if ((flags & MS_INVALIDATE) && (a->flags & AREA_LOCKED))
        return -EBUSY;
    if ((flags & (MS_SYNC | MS_ASYNC)) && a->file && (a->flags & AREA_SHARED) &&
        (a->flags & AREA_WRITE) && S_ISREG(a->file->inode->mode)) {
        // Whether anything was written only the host knows. [mmap(2): st_mtime is marked by msync at the latest]
        lock_acquire(&a->file->inode->lock);
        inode_touch(a->file->inode, false, true, true);
        lock_release(&a->file->inode->lock);
    }
    if ((flags & MS_SYNC) && a->file && (a->flags & AREA_SHARED) && a->file->ops->sync)
        return a->file->ops->sync(a->file);
    return 0;
}

s64 sys_msync(uaddr_t at, u64 size, int flags)
{
    struct address_space *s = thread_process()->space;
    u64 whole = page_round_up(size);
    uaddr_t end = at + whole;
    int error = 0, gap = 0;

    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || at % PAGE_SIZE)
        return -EINVAL;
    if ((flags & MS_ASYNC) && (flags & MS_SYNC))
        return -EINVAL;
    if ((size && !whole) || end < at)
        return -ENOMEM;
    while (at < end && !error) {
        struct area a;
        if (!address_space_next(s, at, &a))
            return -ENOMEM;
        if (a.start > at)
            gap = -ENOMEM;
        if (a.start < end)
            error = sync_area(&a, (u32)flags);
        at = a.end;
        if (a.file)
            file_put(a.file);
    }
    return error ? error : gap;
}

// Pages that can't be touched can't be made resident either, though they count as locked.
static bool range_has_no_access(struct address_space *s, uaddr_t start, u64 size)
{
    struct area a;
    bool found = false;

    for (uaddr_t at = start; !found && at < start + size && address_space_next(s, at, &a); at = a.end) {
        found = !(a.flags & (AREA_READ | AREA_WRITE | AREA_EXEC));
        if (a.file)
            file_put(a.file);
    }
    return found;
}

static s64 lock_range(uaddr_t at, u64 size)
{
    struct process *p = thread_process();
    u64 limit = p->limits[RLIMIT_MEMLOCK].rlim_cur;
    bool may_all = capable(CAP_IPC_LOCK);

    if (!limit && !may_all)
        return -EPERM;
    size = page_round_up(size + at % PAGE_SIZE);
    at = page_round_down(at);
    if (p->space->locked_size + size > limit && !may_all)
        return -ENOMEM;
    if (at + size < at)
        return -EINVAL;
    if (at > USER_HIGH || size > USER_HIGH - at)
        return -ENOMEM;
    int error = size ? address_space_set_flags(p->space, at, size, AREA_LOCKED, 0) : 0;
    return !error && size && range_has_no_access(p->space, at, size) ? -ENOMEM : error;
}

s64 sys_mlock(uaddr_t at, u64 size)
{
    return lock_range(at, size);
}

s64 sys_mlock2(uaddr_t at, u64 size, int flags)
{
    return flags & ~MLOCK_ONFAULT ? -EINVAL : lock_range(at, size);
}

s64 sys_munlock(uaddr_t at, u64 size)
{
    size = page_round_up(size + at % PAGE_SIZE);
    at = page_round_down(at);
    if (at + size < at)
        return -EINVAL;
    if (at > USER_HIGH || size > USER_HIGH - at)
        return -ENOMEM;
    if (!size)
        return 0;
    return address_space_set_flags(thread_process()->space, at, size, 0, AREA_LOCKED);
}

// The flags of every area, gaps being no error.
static void set_all(struct address_space *s, u32 set, u32 clear)
{
    struct area a;
    for (uaddr_t at = 0; address_space_next(s, at, &a); at = a.end) {
        (void)!address_space_set_flags(s, a.start, a.end - a.start, set, clear);
        if (a.file)
            file_put(a.file);
    }
}

s64 sys_mlockall(int flags)
{
    struct process *p = thread_process();
    bool may_all = capable(CAP_IPC_LOCK);
    u64 limit = p->limits[RLIMIT_MEMLOCK].rlim_cur;

    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
        return -EINVAL;
    if (!limit && !may_all)
        return -EPERM;
    if ((flags & MCL_CURRENT) && p->space->total_size > limit && !may_all)
        return -ENOMEM;
    p->space->lock_future = flags & MCL_FUTURE;
    if (flags & MCL_CURRENT)
        set_all(p->space, AREA_LOCKED, 0);
    return 0;
}

s64 sys_munlockall(void)
{
    struct process *p = thread_process();
    p->space->lock_future = false;
    set_all(p->space, 0, AREA_LOCKED);
    return 0;
}

#define MEMBARRIER_REGISTERS                                                                       \
    (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |        \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define MEMBARRIER_COMMANDS                                                                        \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |  \
     MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_REGISTERS)

// The other vCPUs that run user code are interrupted, once each; a switch between threads is a barrier.
s64 sys_membarrier(int command, u32 flags, int cpu)
{
    u32 *registered = &thread_process()->space->membarrier;

    if (flags || (command & ~MEMBARRIER_COMMANDS) || (command & (command - 1)))
        return -EINVAL;
    if (command == MEMBARRIER_CMD_QUERY)
        return MEMBARRIER_COMMANDS;
    if (command & MEMBARRIER_REGISTERS) {
        __atomic_or_fetch(registered, (u32)command, __ATOMIC_SEQ_CST);
        return 0;
    }
    bool private =
        command & (MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
    if (private && !(*registered & ((u32)command << 1)))
        return -EPERM;
    if (private)
        vcpu_barrier();
    else
        vcpu_barrier_family();
    return 0;
}
