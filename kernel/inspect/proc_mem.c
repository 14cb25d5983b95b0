// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/mem: the process's memory as a file whose positions are addresses. Only the current
// process's can be reached; unlike on Linux, writing respects the protection of pages.
// [proc_pid_mem(5)]
#include "inspect/proc.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define CHUNK 512 // bytes copied at a time

static bool is_own(const struct file *f)
{
    const struct proc_node *node = f->inode->data;
    return proc_process(node) == thread_process();
}

// Bytes that can be copied in one go from `position` on: not over a page's end.
static size_t part_size(const struct io *io, u64 position)
{
    size_t size = min(io->left, (size_t)CHUNK);
    return min(size, PAGE_SIZE - (position & ~PAGE_MASK));
}

static s64 mem_read(struct file *f, struct io *io, u64 *position)
{
    u8 chunk[CHUNK];
    s64 done = 0;
    if (!is_own(f))
        return 0;
    while (io->left) {
        size_t size = part_size(io, *position);
        if (user_read(chunk, *position, size))
            return done ? done : -EIO;
        s64 moved = io_put(io, chunk, size);
        if (moved < 0)
            return done ? done : moved;
        done += moved;
        *position += (u64)moved;
    }
    return done;
}

static s64 mem_write(struct file *f, struct io *io, u64 *position)
{
    u8 chunk[CHUNK];
    s64 done = 0;
    if (!is_own(f))
        return 0;
    while (io->left) {
        s64 moved = io_get(io, chunk, part_size(io, *position));
        if (moved < 0)
            return done ? done : moved;
        if (user_write(*position, chunk, (size_t)moved))
            return done ? done : -EIO;
        done += moved;
        *position += (u64)moved;
    }
    return done;
}

static s64 mem_seek(struct file *f, s64 offset, int whence)
{
    if (whence > 1 || whence < 0)
        return -EINVAL;
    f->position = (u64)offset + (whence ? f->position : 0); // any address is one
    return (s64)f->position;
}

const struct file_ops proc_mem_ops = {
    .read = mem_read,
    .write = mem_write,
    .seek = mem_seek,
};
