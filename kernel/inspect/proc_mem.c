// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/mem and pagemap. mem is the process's memory as a file whose positions are addresses. Writing goes into private
// mappings that are not writable, too: a debugger's breakpoints. [proc_pid_mem(5)]
#include "abi/boot.h"
#include "inspect/proc.h"
#include "process/process.h"
#include "process/visit.h"

#define CHUNK 512 // bytes copied at a time

// The process, if the reader may look into it. NULL: it has gone.
static int process_of(const struct file *f, struct process **out)
{
    *out = proc_process(f->inode->data);
    return *out ? process_access(*out) : 0;
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
    struct process *p;
    s64 done = 0, error = process_of(f, &p);
    if (error || !p)
        return error;
    while (io->left) {
        size_t size = part_size(io, *position);
        s64 moved = process_memory_read(p, chunk, *position, size);
        if (moved <= 0)
            return done ? done : moved == -ESRCH ? 0 : -EIO;
        moved = io_put(io, chunk, (size_t)moved);
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
    struct process *p;
    s64 done = 0, error = process_of(f, &p);
    if (error || !p)
        return error;
    while (io->left) {
        s64 moved = io_get(io, chunk, part_size(io, *position));
        if (moved < 0)
            return done ? done : moved;
        moved = process_memory_poke(p, *position, chunk, (size_t)moved);
        if (moved <= 0)
            return done ? done : moved == -ESRCH ? 0 : -EIO;
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
    .sleeps = true,
    .read = mem_read,
    .write = mem_write,
    .seek = mem_seek,
};

#define PAGEMAP_SHARED  (1ull << 61) // a page of a file, or shared
#define PAGEMAP_PRESENT (1ull << 63)

// One page's word: which pages are present only the host knows, so all are that may be. Frame numbers are 0, as
// Linux shows them to who is no administrator. [proc_pid_pagemap(5)]
static u64 pagemap_word(struct process *p, uaddr_t at)
{
    struct area a = {.file = NULL};
    u64 word = 0;

    lock_acquire(&p->lock); // keeps the space, see process_finish
    if (p->space && address_space_next(p->space, at, &a)) {
        if (a.start <= at && (a.flags & AREA_PROTECTION))
            word = PAGEMAP_PRESENT | (a.file || (a.flags & AREA_SHARED) ? PAGEMAP_SHARED : 0);
    }
    lock_release(&p->lock);
    if (a.file) // it may be the last reference
        file_put(a.file);
    return word;
}

static s64 pagemap_read(struct file *f, struct io *io, u64 *position)
{
    struct process *p;
    s64 done = 0, error = process_of(f, &p);

    if (error || !p)
        return error;
    if (*position % 8 || io->left % 8)
        return -EINVAL;
    while (io->left && *position / 8 < USER_HIGH / PAGE_SIZE) {
        u64 word = pagemap_word(p, *position / 8 * PAGE_SIZE);
        s64 moved = io_put(io, &word, sizeof(word));
        if (moved < 0)
            return done ? done : moved;
        done += moved;
        *position += (u64)moved;
    }
    return done;
}

const struct file_ops proc_pagemap_ops = {
    .sleeps = true,
    .read = pagemap_read,
    .seek = mem_seek,
};
