// SPDX-License-Identifier: BSD-3-Clause
// mmap, munmap, mprotect, mremap, brk: the arguments are checked here, in Linux's order, and the
// work is done in memory/address_space.c. madvise and its kin are in memory_advice.c.
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "abi/boot.h"
#include "base/string.h"
#include "driver/memory_devices.h"
#include "file/fd_table.h"
#include "file/file.h"
#include "file/root.h"
#include "linux/calls.h"
#include "memory/address_space.h"
#include "process/process.h"
#include "thread/thread.h"

#define PROT_BITS (PROT_READ | PROT_WRITE | PROT_EXEC)
_Static_assert(PROT_READ == AREA_READ && PROT_WRITE == AREA_WRITE && PROT_EXEC == AREA_EXEC, "");

// The flags that MAP_SHARED_VALIDATE knows without the file's help.
#define LEGACY_FLAGS                                                                               \
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |       \
     MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |               \
     MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_SHARED_VALIDATE |                    \
     MAP_FIXED_NOREPLACE)

static u64 limit(int resource)
{
    return __atomic_load_n(&thread_process()->limits[resource].rlim_cur, __ATOMIC_RELAXED);
}

// What a mapping of a file may be; may_write: mprotect may grant it later. [mm/mmap.c do_mmap]
static int check_file(const struct file *f, u32 prot, u32 flags, u32 *out_may)
{
    u32 type = flags & MAP_TYPE;

    if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && (flags & ~(u32)LEGACY_FLAGS))
        return -EOPNOTSUPP;
    if (type != MAP_PRIVATE && (prot & PROT_WRITE) && !file_writable(f))
        return -EACCES;
    if (!file_readable(f))
        return -EACCES;
    if (!f->ops->map && !f->ops->stand_in)
        return -ENODEV;
    if (flags & MAP_GROWSDOWN)
        return -EINVAL;
    bool sealed = tmpfs_seals(f->inode) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
    if (type != MAP_PRIVATE && (prot & PROT_WRITE) && sealed)
        return -EPERM;
    *out_may = AREA_PROTECTION;
    if (type != MAP_PRIVATE && (sealed || !file_writable(f)))
        *out_may &= ~AREA_WRITE;
    return 0;
}

static int check_anonymous(u32 flags, u32 *out_may)
{
    u32 type = flags & MAP_TYPE;

    if (type != MAP_SHARED && type != MAP_PRIVATE)
        return -EINVAL;
    if (type == MAP_SHARED && (flags & MAP_GROWSDOWN))
        return -EINVAL;
    *out_may = AREA_PROTECTION;
    return 0;
}

static u32 area_flags(u32 prot, u32 flags)
{
    u32 area = prot & PROT_BITS;
    if ((flags & MAP_TYPE) != MAP_PRIVATE)
        area |= AREA_SHARED;
    if (flags & (MAP_NORESERVE | MAP_STACK)) // a thread's stack is never used up
        area |= AREA_NORESERVE;
    if (flags & MAP_GROWSDOWN)
        area |= AREA_STACK;
    if (flags & MAP_LOCKED)
        area |= AREA_LOCKED;
    if (flags & MAP_32BIT)
        area |= AREA_LOW;
    return area;
}

static int check_place(uaddr_t at, u64 size, u32 flags)
{
    if (size > USER_HIGH)
        return -ENOMEM;
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        return 0;
    if (at > USER_HIGH - size)
        return -ENOMEM;
    if (at % PAGE_SIZE)
        return -EINVAL;
    return at < USER_LOW ? -EPERM : 0;
}

// RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK
static int check_limits(uaddr_t at, u64 size, u32 area, bool fixed)
{
    struct address_space *s = thread_process()->space;
    u64 added = fixed ? address_space_unmapped(s, at, size) : size;
    u64 total = __atomic_load_n(&s->total_size, __ATOMIC_RELAXED);
    u64 data = __atomic_load_n(&s->committed, __ATOMIC_RELAXED);

    if (area & AREA_LOCKED && !limit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
        return -EPERM;
    if ((area & AREA_LOCKED || s->lock_future) && s->locked_size + size > limit(RLIMIT_MEMLOCK) &&
        !capable(CAP_IPC_LOCK))
        return -EAGAIN;
    if (total + added > limit(RLIMIT_AS))
        return -ENOMEM;
    if ((area & AREA_WRITE) && !(area & (AREA_SHARED | AREA_STACK)) &&
        data + size > limit(RLIMIT_DATA))
        return -ENOMEM;
    return 0;
}

static s64 map(uaddr_t at, u64 size, u32 prot, u32 flags, struct file *f, u64 offset)
{
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    bool replace = !(flags & MAP_FIXED_NOREPLACE);
    struct address_space *s = thread_process()->space;
    u32 may = 0, area = area_flags(prot, flags);
    uaddr_t place = 0;

    int error = f ? check_file(f, prot, flags, &may) : check_anonymous(flags, &may);
    if (!error)
        error = check_place(at, size, flags);
    if (!error && fixed && !replace && address_space_unmapped(s, at, size) != size)
        error = -EEXIST;
    if (!error)
        error = check_limits(at, size, area, fixed);
    if (error)
        return error;
    if (f && f->ops == &zero_ops && (area & AREA_SHARED))
        f = NULL; // shared zeros are memory of their own: zero(4)
    if (!f && (area & AREA_SHARED)) {
        error = tmpfs_create_file("dev/zero", size, O_RDWR, &f);
        offset = 0;
    } else if (f && f->ops->stand_in) {
        error = f->ops->stand_in(f, offset, size, &f);
    } else if (f) {
        file_get(f);
    }
    if (error)
        return error;
    error = address_space_map(s, fixed ? at : page_round_down(at), size, area, may, f, offset, fixed,
                              replace, NULL, &place);
    if (f)
        file_put(f);
    return error ? error : (s64)place;
}

s64 sys_mmap(uaddr_t at, u64 size, u64 prot, u64 flags, int fd, u64 offset)
{
    struct file *f = NULL;
    s64 result;

    if (offset % PAGE_SIZE)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        f = fd_get(fd);
        if (!f || (f->flags & O_PATH)) {
            result = -EBADF;
            goto out;
        }
        result = -EINVAL; // no file here is of hugetlbfs
        if (flags & MAP_HUGETLB)
            goto out;
    } else if (flags & MAP_HUGETLB) {
        return -ENOMEM; // a pool of no pages
    }
    result = -EINVAL;
    if (!size)
        goto out;
    result = -ENOMEM;
    if (!page_round_up(size))
        goto out;
    size = page_round_up(size);
    result = -EOVERFLOW;
    if (offset + size < offset || (f && offset + size > INT64_MAX))
        goto out;
    result = map(at, size, (u32)prot, (u32)flags, f, offset);
out:
    if (f)
        file_put(f);
    return result;
}

s64 sys_munmap(uaddr_t at, u64 size)
{
    if (at % PAGE_SIZE || at > USER_HIGH || size > USER_HIGH - at || !page_round_up(size))
        return -EINVAL;
    return address_space_unmap(thread_process()->space, at, size);
}

s64 sys_mprotect(uaddr_t at, u64 size, u64 prot)
{
    u64 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);

    prot &= ~grows;
    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    if (at % PAGE_SIZE)
        return -EINVAL;
    if (!size)
        return 0;
    if (!page_round_up(size) || at + page_round_up(size) <= at)
        return -ENOMEM;
    if (prot & ~(u64)(PROT_BITS | PROT_SEM))
        return -EINVAL;
    return address_space_protect(thread_process()->space, at, size, (u32)prot & PROT_BITS);
}

// The CPU's protection keys are not offered: the only key is -1, for none.
s64 sys_pkey_mprotect(uaddr_t at, u64 size, u64 prot, int key)
{
    return key == -1 ? sys_mprotect(at, size, prot) : -EINVAL;
}

s64 sys_pkey_alloc(u64 flags, u64 rights)
{
    return flags || rights & ~3ull ? -EINVAL : -ENOSPC;
}

s64 sys_pkey_free(int key)
{
    return -EINVAL;
}

// More of a locked area is more locked memory.
static bool lock_limit_passed(struct address_space *s, uaddr_t at, u64 growth)
{
    struct area a;

    if (!address_space_next(s, at, &a))
        return false;
    if (a.file)
        file_put(a.file);
    return a.start <= at && a.flags & AREA_LOCKED && s->locked_size + growth > limit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK);
}

s64 sys_mremap(uaddr_t at, u64 old_size, u64 size, u64 flags, uaddr_t wanted)
{
    struct address_space *s = thread_process()->space;
    uaddr_t place = 0;
    u64 growth = page_round_up(size) - page_round_up(old_size);

    if (flags > (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if (size > old_size && size <= USER_HIGH && !(flags & MREMAP_FIXED) &&
        s->total_size + growth > limit(RLIMIT_AS))
        return -ENOMEM;
    if (size > old_size && size <= USER_HIGH && lock_limit_passed(s, at, growth))
        return -EAGAIN;
    int error = address_space_remap(s, at, old_size, size, (u32)flags, wanted, &place);
    return error ? error : (s64)place;
}

// The mapping at `at`, if all up to `end` shows the same file, shared. A reference to the file goes to the caller.
static int shared_area(struct address_space *s, uaddr_t at, uaddr_t end, struct area *out)
{
    struct area a;

    if (!address_space_next(s, at, out))
        return -EINVAL;
    bool fits = out->start <= at && (out->flags & AREA_SHARED) && out->file;
    for (uaddr_t next = out->end; fits && next < end; next = a.end) {
        if (!address_space_next(s, next, &a))
            fits = false;
        else {
            fits = a.start == next && a.file == out->file && (a.flags & AREA_SHARED);
            if (a.file)
                file_put(a.file);
        }
    }
    if (!fits && out->file)
        file_put(out->file);
    return fits ? 0 : -EINVAL;
}

// remap_file_pages(2): as mmap at this place, of the same file. [mm/mmap.c]
s64 sys_remap_file_pages(uaddr_t at, u64 size, u64 prot, u64 page, u64 flags)
{
    struct address_space *s = thread_process()->space;
    struct area a;
    uaddr_t place;

    at = page_round_down(at);
    size = page_round_down(size);
    if (prot || at + size <= at || page + size / PAGE_SIZE < page || page > INT64_MAX / PAGE_SIZE)
        return -EINVAL;
    int error = shared_area(s, at, at + size, &a);
    if (error)
        return error;
    error = address_space_map(s, at, size, a.flags & (AREA_PROTECTION | AREA_SHARED | AREA_LOCKED), a.may, a.file,
                              page * PAGE_SIZE, /*fixed=*/true, /*replace=*/true, NULL, &place);
    file_put(a.file);
    return error;
}

s64 sys_brk(uaddr_t end)
{
    struct address_space *s = thread_process()->space;
    if (end > s->heap_end && s->total_size + (end - s->heap_end) > limit(RLIMIT_AS))
        return (s64)s->heap_end;
    return (s64)address_space_brk(s, end, limit(RLIMIT_DATA));
}
