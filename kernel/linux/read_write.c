// SPDX-License-Identifier: BSD-3-Clause
// read(2), write(2), pread(2), readv(2) and their kin, lseek(2).
#include <linux/fs.h>

#include "file/fd_table.h"
#include "file/inode.h"
#include "linux/calls.h"
#include "linux/transfer.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

typedef s64 (*transfer_t)(struct file *f, struct io *io, u64 *position);

s64 sys_read(int fd, uaddr_t buffer, size_t size)
{
    struct file *f = fd_get(fd);
    struct io io;
    s64 result;

    if (unlikely(!f))
        return -EBADF;
    io_init_user(&io, buffer, size);
    // The whole range, before it is cut: at the end of a file too.
    result = likely(user_range(buffer, size)) ? file_read(f, &io, NULL) : -EFAULT;
    file_put(f);
    return result;
}

s64 sys_write(int fd, uaddr_t buffer, size_t size)
{
    struct file *f = fd_get(fd);
    struct io io;
    s64 result;

    if (unlikely(!f))
        return -EBADF;
    io_init_user(&io, buffer, size);
    result = likely(user_range(buffer, size)) ? file_write(f, &io, NULL) : -EFAULT;
    file_put(f);
    return result;
}

// A transfer at a position of its own.
static s64 transfer_at(int fd, struct io *io, s64 offset, transfer_t transfer)
{
    struct file *f;
    u64 position = (u64)offset;
    s64 result;

    if (offset < 0 || io->left > (u64)(INT64_MAX - offset))
        return -EINVAL;
    f = fd_get(fd);
    if (!f)
        return -EBADF;
    if (!f->ops->seek && !(f->flags & O_PATH) && !S_ISDIR(f->inode->mode))
        result = -ESPIPE;
    else
        result = transfer(f, io, &position);
    file_put(f);
    return result;
}

s64 sys_pread64(int fd, uaddr_t buffer, size_t size, s64 offset)
{
    struct io io;

    io_init_user(&io, buffer, size);
    return transfer_at(fd, &io, offset, file_read);
}

s64 sys_pwrite64(int fd, uaddr_t buffer, size_t size, s64 offset)
{
    struct io io;

    io_init_user(&io, buffer, size);
    return transfer_at(fd, &io, offset, file_write);
}

// The vector forms. offset NULL: at the file's own position.
static s64 transfer_vectors(int fd, uaddr_t vectors, u64 count, const s64 *offset, bool append,
                            transfer_t transfer)
{
    struct iovec *copy;
    struct file *f;
    struct io io;
    s64 result;
    int error;

    f = fd_get(fd);
    if (!f)
        return -EBADF;
    error = io_read_vectors(vectors, count, &copy);
    if (error) {
        file_put(f);
        return error;
    }
    io_init_vectors(&io, copy, count);
    io.append = append;
    if (offset)
        result = transfer_at(fd, &io, *offset, transfer);
    else
        result = transfer(f, &io, NULL);
    heap_free(copy);
    file_put(f);
    return result;
}

s64 sys_readv(int fd, uaddr_t vectors, u64 count)
{
    return transfer_vectors(fd, vectors, count, NULL, false, file_read);
}

s64 sys_writev(int fd, uaddr_t vectors, u64 count)
{
    return transfer_vectors(fd, vectors, count, NULL, false, file_write);
}

s64 sys_preadv(int fd, uaddr_t vectors, u64 count, s64 offset, u64 offset_high)
{
    return transfer_vectors(fd, vectors, count, &offset, false, file_read);
}

s64 sys_pwritev(int fd, uaddr_t vectors, u64 count, s64 offset, u64 offset_high)
{
    return transfer_vectors(fd, vectors, count, &offset, false, file_write);
}

// The flags of preadv2 that mean something where all files are memory.
int transfer_flags_check(struct file *f, u32 flags, bool write)
{
    if (flags & ~(u32)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
        return -EOPNOTSUPP;
    if (!(flags & RWF_NOWAIT) || S_ISREG(f->inode->mode) || f->flags & O_NONBLOCK)
        return 0;
    if (!S_ISFIFO(f->inode->mode) && !S_ISSOCK(f->inode->mode))
        return -EOPNOTSUPP;
    return file_poll(f, NULL) & (write ? POLLOUT : POLLIN | POLLHUP) ? 0 : -EAGAIN;
}

static int flags_check(int fd, u32 flags, bool write)
{
    struct file *f = fd_get(fd);
    int error;

    if (!f)
        return -EBADF;
    error = transfer_flags_check(f, flags, write);
    file_put(f);
    return error;
}

s64 sys_preadv2(int fd, uaddr_t vectors, u64 count, s64 offset, u64 offset_high, u32 flags)
{
    int error = flags_check(fd, flags, /*write=*/false);

    if (error)
        return error;
    return transfer_vectors(fd, vectors, count, offset == -1 ? NULL : &offset, false, file_read);
}

s64 sys_pwritev2(int fd, uaddr_t vectors, u64 count, s64 offset, u64 offset_high, u32 flags)
{
    int error = flags_check(fd, flags, /*write=*/true);

    if (error)
        return error;
    return transfer_vectors(fd, vectors, count, offset == -1 ? NULL : &offset, flags & RWF_APPEND,
                            file_write);
}

s64 sys_lseek(int fd, s64 offset, u32 whence)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH) {
        result = -EBADF;
    } else if (whence > SEEK_MAX) {
        result = -EINVAL;
    } else if (!f->ops->seek) {
        result = -ESPIPE;
    } else if (f->ops->own_position) {
        result = f->ops->seek(f, offset, (int)whence);
    } else {
        lock_acquire(&f->lock);
        result = f->ops->seek(f, offset, (int)whence);
        lock_release(&f->lock);
    }
    file_put(f);
    return result;
}
