// SPDX-License-Identifier: BSD-3-Clause
// open(2), openat2(2), close(2), close_range(2).
#include <linux/close_range.h>
#include <linux/openat2.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "file/path.h"
#include "linux/calls.h"
#include "linux/path_argument.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define OPEN_FLAGS                                                                                 \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |         \
     FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |          \
     __O_SYNC | O_PATH | O_TMPFILE)

static s64 open_at(int dirfd, uaddr_t path, u32 flags, u32 mode, u32 lookup)
{
    struct file *f;
    char *copy;
    int error = path_read(path, &copy);

    if (error)
        return error;
    error = path_open_restricted(dirfd, copy, flags, mode, lookup, &f);
    if (error == -ENOENT)
        path_missing(copy);
    heap_free(copy);
    return error ? error : fd_install(f, flags & O_CLOEXEC, 0);
}

s64 sys_openat(int dirfd, uaddr_t path, u32 flags, u32 mode)
{
    return open_at(dirfd, path, flags & OPEN_FLAGS, mode, 0);
}

s64 sys_open(uaddr_t path, u32 flags, u32 mode)
{
    return open_at(AT_FDCWD, path, flags & OPEN_FLAGS, mode, 0);
}

s64 sys_creat(uaddr_t path, u32 mode)
{
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
}

// Reads a struct that may be longer in a newer user's eyes: what we do not know has to be zero.
// [copy_struct_from_user]
static int open_how_read(struct open_how *how, uaddr_t from, size_t size)
{
    if (size < sizeof(*how)) // the first version
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (user_read(how, from, sizeof(*how)))
        return -EFAULT;
    for (size_t at = sizeof(*how); at < size; at++) {
        u8 byte;
        if (user_read(&byte, from + at, 1))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    return 0;
}

static int resolve_lookup(u64 resolve, u32 *out)
{
    static const struct {
        u64 resolve;
        u32 lookup;
    } table[] = {
        {RESOLVE_NO_XDEV, LOOKUP_NO_CROSS},        {RESOLVE_NO_MAGICLINKS, LOOKUP_NO_MAGIC},
        {RESOLVE_NO_SYMLINKS, LOOKUP_NO_SYMLINKS}, {RESOLVE_BENEATH, LOOKUP_BENEATH},
        {RESOLVE_IN_ROOT, LOOKUP_IN_ROOT},
    };

    *out = 0;
    for (size_t i = 0; i < array_count(table); i++) {
        if (resolve & table[i].resolve)
            *out |= table[i].lookup;
        resolve &= ~table[i].resolve;
    }
    if (resolve == RESOLVE_CACHED)
        return -EAGAIN;
    if (resolve || (*out & LOOKUP_BENEATH && *out & LOOKUP_IN_ROOT))
        return -EINVAL;
    return 0;
}

s64 sys_openat2(int dirfd, uaddr_t path, uaddr_t user_how, size_t size)
{
    struct open_how how;
    u32 lookup;
    int error = open_how_read(&how, user_how, size);

    if (!error)
        error = resolve_lookup(how.resolve, &lookup);
    if (error)
        return error;
    if (how.flags & ~(u64)OPEN_FLAGS || how.mode & ~07777ull)
        return -EINVAL;
    if (how.mode && !(how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
        return -EINVAL;
    if (how.flags & O_PATH && how.flags & ~(u64)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC))
        return -EINVAL;
    return open_at(dirfd, path, (u32)how.flags, (u32)how.mode, lookup);
}

s64 sys_close(int fd)
{
    return fd_close(fd);
}

s64 sys_close_range(u32 first, u32 last, u32 flags)
{
    struct fd_table *t;
    int fd, unshared = 0;

    if (first > last || flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
        return -EINVAL;
    if (first > INT32_MAX)
        return 0;
    if (flags & CLOSE_RANGE_UNSHARE)
        unshared = fd_table_unshare();
    if (unshared)
        return unshared;
    t = thread_process()->files;
    for (fd = fd_next(t, (int)first); fd >= 0 && (u32)fd <= last; fd = fd_next(t, fd + 1)) {
        // Another thread may have closed it meanwhile: that is no error of this call.
        int error = flags & CLOSE_RANGE_CLOEXEC ? fd_flags_set(fd, true) : fd_close(fd);
        if (error && error != -EBADF)
            return error;
    }
    return 0;
}
