// SPDX-License-Identifier: BSD-3-Clause
// sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2): the checks and the offsets; the
// work is file/splice.c's.
#include "file/splice.h"

#include <linux/fcntl.h>
#include <linux/stat.h>

#include "file/fd_table.h"
#include "file/inode.h"
#include "linux/calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

#define SPLICE_F_NONBLOCK 2u // not in Linux's UAPI headers: move 1, nonblock 2, more 4, gift 8
#define SPLICE_F_ALL      15u

struct ends { // of a transfer
    struct file *in, *out;
    uaddr_t in_user, out_user; // offsets in user memory; 0: the file's own position
    u64 in_position, out_position;
    u64 *in_offset, *out_offset; // the above two, or NULL
};

static void ends_put(struct ends *e)
{
    if (e->in)
        file_put(e->in);
    if (e->out)
        file_put(e->out);
}

static int ends_open(struct ends *e, int in, int out)
{
    e->in = fd_get(in);
    e->out = fd_get(out);
    if (e->in && e->out && !((e->in->flags | e->out->flags) & O_PATH))
        return 0;
    ends_put(e);
    return -EBADF;
}

static int ends_get(struct ends *e, int in, int out)
{
    int error = ends_open(e, in, out);

    if (error || (file_readable(e->in) && file_writable(e->out)))
        return error;
    ends_put(e);
    return -EBADF;
}

static int offset_read(uaddr_t user, u64 *position, u64 **out)
{
    *out = NULL;
    if (!user)
        return 0;
    if (user_read_u64(position, user))
        return -EFAULT;
    if ((s64)*position < 0)
        return -EINVAL;
    *out = position;
    return 0;
}

static int offsets_read(struct ends *e)
{
    int error = offset_read(e->out_user, &e->out_position, &e->out_offset);
    return error ? error : offset_read(e->in_user, &e->in_position, &e->in_offset);
}

static s64 offsets_write(struct ends *e, s64 result)
{
    if (result <= 0)
        return result;
    if (e->in_offset && user_write_u64(e->in_user, e->in_position))
        return -EFAULT;
    if (e->out_offset && user_write_u64(e->out_user, e->out_position))
        return -EFAULT;
    return result;
}

// A transfer that would end behind every file. [as Linux: rw_verify_area]
static bool passes_end(u64 position, size_t size)
{
    return (s64)size < 0 || position + size > INT64_MAX;
}

static s64 sendfile_ends(struct ends *e, size_t size)
{
    if (e->in_user && !e->in->ops->seek)
        return -ESPIPE;
    if (!e->in->ops->seek || !e->in->ops->read || S_ISDIR(e->in->inode->mode) ||
        (e->out->flags & O_APPEND))
        return -EINVAL;
    if (passes_end(e->in_offset ? *e->in_offset : e->in->position, size) ||
        (e->out->ops->seek && passes_end(e->out->position, size)))
        return -EINVAL;
    return splice_files(e->in, e->in_offset, e->out, NULL, min(size, IO_SIZE_MAX));
}

s64 sys_sendfile(int out, int in, uaddr_t offset, size_t size)
{
    struct ends e = {.in_user = offset};
    s64 result = offsets_read(&e);

    if (result)
        return result;
    result = ends_get(&e, in, out);
    if (result)
        return result;
    result = sendfile_ends(&e, size);
    if (result >= 0 && e.in_offset && user_write_u64(e.in_user, e.in_position))
        result = -EFAULT; // also when nothing was left to send
    ends_put(&e);
    return result;
}

static s64 splice_ends(struct ends *e, size_t size, bool nonblock)
{
    struct pipe *in = pipe_of(e->in), *out = pipe_of(e->out);

    if ((in && e->in_user) || (out && e->out_user))
        return -ESPIPE;
    if (in && out) {
        nonblock |= ((e->in->flags | e->out->flags) & O_NONBLOCK) != 0;
        return in == out ? -EINVAL : splice_pipes(in, out, size, nonblock, /*tee=*/false);
    }
    if (in) {
        if ((e->out_user && !e->out->ops->seek) || (e->out->flags & O_APPEND))
            return -EINVAL;
        if (e->out->ops->seek && passes_end(e->out_offset ? *e->out_offset : e->out->position, size))
            return -EINVAL;
        return splice_from_pipe(in, e->out, e->out_offset, size, nonblock);
    }
    if (out) {
        if (e->in_user && !e->in->ops->seek)
            return -EINVAL;
        nonblock |= (e->out->flags & O_NONBLOCK) != 0;
        return splice_to_pipe(e->in, e->in_offset, out, size, nonblock);
    }
    return -EINVAL;
}

s64 sys_splice(int in, uaddr_t in_offset, int out, uaddr_t out_offset, size_t size, u32 flags)
{
    struct ends e = {.in_user = in_offset, .out_user = out_offset};
    s64 result;

    if (!size)
        return 0;
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    result = ends_get(&e, in, out);
    if (result)
        return result;
    result = offsets_read(&e);
    if (!result)
        result = splice_ends(&e, min(size, IO_SIZE_MAX), flags & SPLICE_F_NONBLOCK);
    result = offsets_write(&e, result);
    ends_put(&e);
    return result;
}

s64 sys_tee(int in, int out, size_t size, u32 flags)
{
    struct pipe *in_pipe, *out_pipe;
    struct ends e = {.in = NULL};
    s64 result;

    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    if (!size)
        return 0;
    result = ends_get(&e, in, out);
    if (result)
        return result;
    in_pipe = pipe_of(e.in);
    out_pipe = pipe_of(e.out);
    if (!in_pipe || !out_pipe || in_pipe == out_pipe)
        result = -EINVAL;
    else
        result =
            splice_pipes(in_pipe, out_pipe, min(size, IO_SIZE_MAX),
                         (flags & SPLICE_F_NONBLOCK) || ((e.in->flags | e.out->flags) & O_NONBLOCK),
                         /*tee=*/true);
    ends_put(&e);
    return result;
}

// The user's pages are copied, also with SPLICE_F_GIFT: it is only a hint that they might not have
// to be.
static s64 vmsplice_pipe(struct file *f, struct io *io, bool nonblock)
{
    struct pipe *p = pipe_of(f);
    s64 room;

    if (!p)
        return -EBADF;
    if (!io->left)
        return 0;
    if (!file_writable(f))
        return file_read(f, io, NULL);
    room = pipe_wait_room(p, nonblock);
    if (room <= 0)
        return room;
    io->left = min(io->left, (size_t)room);
    return pipe_write_io(p, io, /*packet=*/false, /*nonblock=*/true);
}

s64 sys_vmsplice(int fd, uaddr_t user_vectors, size_t count, u32 flags)
{
    struct iovec *vectors;
    struct file *f;
    struct io io;
    s64 result;

    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    f = fd_get(fd);
    if (!f)
        return -EBADF;
    result = io_read_vectors(user_vectors, count, &vectors);
    if (!result) {
        io_init_vectors(&io, vectors, count);
        result = vmsplice_pipe(f, &io, flags & SPLICE_F_NONBLOCK);
        heap_free(vectors);
    }
    file_put(f);
    return result;
}

// Which files, ranges and flags copy_file_range(2) accepts.
static int copy_check(struct ends *e, size_t size)
{
    u64 in_at = e->in_offset ? e->in_position : e->in->position;
    u64 out_at = e->out_offset ? e->out_position : e->out->position;
    u64 in_end, out_end;

    if (S_ISDIR(e->in->inode->mode) || S_ISDIR(e->out->inode->mode))
        return -EISDIR;
    if (!S_ISREG(e->in->inode->mode) || !S_ISREG(e->out->inode->mode))
        return -EINVAL;
    if (!file_readable(e->in) || !file_writable(e->out) || e->out->flags & O_APPEND)
        return -EBADF;
    if (__builtin_add_overflow(in_at, size, &in_end) || (s64)in_end < 0 ||
        __builtin_add_overflow(out_at, size, &out_end) || (s64)out_end < 0)
        return -EOVERFLOW;
    in_end = min(in_end, __atomic_load_n(&e->in->inode->size, __ATOMIC_RELAXED)); // a hint
    if (in_end > in_at)
        out_end = out_at + (in_end - in_at);
    if (e->in->inode == e->out->inode && in_at < out_end && out_at < in_end)
        return -EINVAL;
    return 0;
}

s64 sys_copy_file_range(int in, uaddr_t in_offset, int out, uaddr_t out_offset, size_t size,
                        u32 flags)
{
    struct ends e = {.in_user = in_offset, .out_user = out_offset};
    s64 result = ends_open(&e, in, out);

    if (result)
        return result;
    result = offsets_read(&e);
    if (!result)
        result = flags ? -EINVAL : copy_check(&e, size);
    if (!result)
        result = splice_files(e.in, e.in_offset, e.out, e.out_offset, min(size, IO_SIZE_MAX));
    result = offsets_write(&e, result);
    ends_put(&e);
    return result;
}
