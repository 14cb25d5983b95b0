// SPDX-License-Identifier: BSD-3-Clause
// truncate(2), fallocate(2); sync(2) and its kin, and posix_fadvise(2), which have nothing to do
// where all data is memory, but check their arguments.
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/inotify.h>

#include "file/fd_table.h"
#include "file/inode.h"
#include "linux/calls.h"
#include "linux/path_argument.h"

static int truncate_inode(struct inode *i, s64 size)
{
    return i->ops->truncate ? i->ops->truncate(i, (u64)size) : -EINVAL;
}

s64 sys_truncate(uaddr_t path, s64 size)
{
    struct dentry *d;
    int error;

    if (size < 0)
        return -EINVAL;
    error = path_argument(AT_FDCWD, path, LOOKUP_FOLLOW, &d);
    if (error)
        return error;
    if (S_ISDIR(d->inode->mode))
        error = -EISDIR;
    else if (!S_ISREG(d->inode->mode))
        error = -EINVAL;
    else
        error = inode_append_only(d->inode) ? -EPERM : inode_permission(d->inode, /*may=*/2);
    if (!error)
        error = inode_writers_add(d->inode, 1);
    if (!error) {
        error = truncate_inode(d->inode, size);
        inode_writers_drop(d->inode, 1);
    }
    if (!error)
        dentry_event(d, IN_MODIFY);
    dentry_put(d);
    return error;
}

s64 sys_ftruncate(int fd, s64 size)
{
    struct file *f;
    int error;

    if (size < 0)
        return -EINVAL;
    f = fd_get(fd);
    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        error = -EBADF;
    else if (!S_ISREG(f->inode->mode) || !file_writable(f))
        error = -EINVAL;
    else if (inode_append_only(f->inode))
        error = -EPERM;
    else
        error = truncate_inode(f->inode, size);
    if (!error && f->dentry)
        dentry_event(f->dentry, IN_MODIFY);
    file_put(f);
    return error;
}

static int allocate_mode_check(int mode)
{
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) && (mode & FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    return 0;
}

static int allocate(struct file *f, int mode, s64 offset, s64 size)
{
    struct inode *i = f->inode;
    s64 end;
    int error;

    if (offset < 0 || size <= 0)
        return -EINVAL;
    error = allocate_mode_check(mode);
    if (error)
        return error;
    if (!file_writable(f))
        return -EBADF;
    if (S_ISFIFO(i->mode))
        return -ESPIPE;
    if (S_ISDIR(i->mode))
        return -EISDIR;
    if (!S_ISREG(i->mode))
        return -ENODEV;
    if (inode_is_kept(i) && (!inode_append_only(i) || mode & ~FALLOC_FL_KEEP_SIZE))
        return -EPERM;
    if (__builtin_add_overflow(offset, size, &end))
        return -EFBIG;
    return i->ops->allocate ? i->ops->allocate(i, mode, (u64)offset, (u64)size) : -EOPNOTSUPP;
}

s64 sys_fallocate(int fd, int mode, s64 offset, s64 size)
{
    struct file *f = fd_get(fd);
    int error;

    if (!f)
        return -EBADF;
    error = f->flags & O_PATH ? -EBADF : allocate(f, mode, offset, size);
    if (!error && f->dentry)
        dentry_event(f->dentry, IN_MODIFY);
    file_put(f);
    return error;
}

s64 sys_fsync(int fd)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        result = -EBADF;
    else
        result = f->ops->sync ? f->ops->sync(f) : -EINVAL;
    file_put(f);
    return result;
}

s64 sys_fdatasync(int fd)
{
    return sys_fsync(fd);
}

s64 sys_sync(void)
{
    return 0;
}

s64 sys_syncfs(int fd)
{
    struct file *f = fd_get(fd);
    s64 result = !f || f->flags & O_PATH ? -EBADF : 0;

    if (f)
        file_put(f);
    return result;
}

#define SYNC_RANGE_FLAGS                                                                           \
    (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

s64 sys_sync_file_range(int fd, s64 offset, s64 size, u32 flags)
{
    struct file *f = fd_get(fd);
    s64 result = 0, end;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        result = -EBADF;
    else if (flags & ~(u32)SYNC_RANGE_FLAGS || offset < 0 || size < 0 ||
             __builtin_add_overflow(offset, size, &end))
        result = -EINVAL;
    else if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode) && !S_ISLNK(f->inode->mode))
        result = -ESPIPE;
    file_put(f);
    return result;
}

s64 sys_fadvise64(int fd, s64 offset, s64 size, int advice)
{
    struct file *f = fd_get(fd);
    s64 result = 0;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        result = -EBADF;
    else if (S_ISFIFO(f->inode->mode))
        result = -ESPIPE;
    else if (size < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
        result = -EINVAL;
    file_put(f);
    return result;
}

s64 sys_readahead(int fd, s64 offset, size_t size)
{
    struct file *f = fd_get(fd);
    s64 result = 0;

    if (!f)
        return -EBADF;
    if (!file_readable(f))
        result = -EBADF;
    else if (!S_ISREG(f->inode->mode))
        result = -EINVAL;
    file_put(f);
    return result;
}
