// SPDX-License-Identifier: BSD-3-Clause
// See splice.h. A pipe that data is taken from is claimed meanwhile: other readers wait, so that
// what could not be written stays where it was.
#include "file/splice.h"

#include "memory/pages.h"
#include "thread/thread.h"

#define COPY_SIZE                                                                                  \
    16384u // between files: a run of pages that the page cache of the kernel keeps warm
#define CHUNK_SIZE 65536u // through pipes: what a pipe holds

static size_t chunk_pages(size_t size)
{
    return page_round_up(min(size, (size_t)CHUNK_SIZE)) / PAGE_SIZE;
}

static s64 read_chunk(struct file *f, void *buffer, size_t size, u64 *position)
{
    struct io io;

    io_init_kernel(&io, buffer, min(size, (size_t)CHUNK_SIZE));
    return file_read(f, &io, position);
}

static s64 write_chunk(struct file *f, void *buffer, size_t size, u64 *position)
{
    struct io io;

    io_init_kernel(&io, buffer, size);
    return file_write(f, &io, position);
}

static s64 copy_loop(struct file *in, u64 *in_position, struct file *out, u64 *out_position,
                     size_t size, void *buffer)
{
    u64 done = 0;
    s64 got = 0, put = 0;

    while (done < size) {
        u64 position = *in_position;
        got = read_chunk(in, buffer, min(size - done, (u64)COPY_SIZE), &position);
        if (got <= 0)
            break;
        put = write_chunk(out, buffer, (size_t)got, out_position);
        if (put < 0)
            break;
        done += (u64)put;
        *in_position += (u64)put;
        if (put < got || thread_interrupted())
            break;
        thread_yield(); // a long copy is no reason to keep others waiting
    }
    if (done)
        return (s64)done;
    return got < 0 ? got : put;
}

s64 splice_files(struct file *in, u64 *in_position, struct file *out, u64 *out_position,
                 size_t size)
{
    u64 own = in_position ? 0 : file_position(in);
    void *buffer;
    s64 result;

    if (!size)
        return 0;
    buffer = pages_alloc(COPY_SIZE / PAGE_SIZE);
    if (!buffer)
        return -ENOMEM;
    result = copy_loop(in, in_position ? in_position : &own, out, out_position, size, buffer);
    pages_free(buffer, COPY_SIZE / PAGE_SIZE);
    if (!in_position)
        file_position_set(in, own);
    return result;
}

s64 splice_from_pipe(struct pipe *in, struct file *out, u64 *out_position, size_t size,
                     bool nonblock)
{
    void *buffer = pages_alloc(chunk_pages(size));
    s64 done = 0, result;

    if (!buffer)
        return -ENOMEM;
    do {
        size_t there;
        result = pipe_claim(in, nonblock || done);
        if (result <= 0)
            break;
        there = pipe_ring_peek(&in->ring, buffer, min(size - (size_t)done, (size_t)CHUNK_SIZE));
        lock_release(&in->lock);
        result = write_chunk(out, buffer, there, out_position);
        pipe_unclaim(in, result > 0 ? (size_t)result : 0);
        if (result <= 0)
            break;
        done += result;
    } while ((size_t)done < size);
    pages_free(buffer, chunk_pages(size));
    return done ? done : result;
}

s64 splice_to_pipe(struct file *in, u64 *in_position, struct pipe *out, size_t size, bool nonblock)
{
    s64 result = pipe_wait_room(out, nonblock);
    struct io io;
    void *buffer;

    if (result <= 0)
        return result;
    size = min(size, (size_t)result);
    buffer = pages_alloc(chunk_pages(size));
    if (!buffer)
        return -ENOMEM;
    result = read_chunk(in, buffer, size, in_position);
    if (result > 0) {
        io_init_kernel(&io, buffer, (size_t)result);
        result = pipe_write_io(out, &io, /*packet=*/false, /*nonblock=*/false);
    }
    pages_free(buffer, chunk_pages(size));
    return result;
}

s64 splice_pipes(struct pipe *in, struct pipe *out, size_t size, bool nonblock, bool tee)
{
    void *buffer = pages_alloc(chunk_pages(size));
    struct io io;
    s64 result;

    if (!buffer)
        return -ENOMEM;
    for (;;) {
        size_t there;
        s64 room;
        result = pipe_claim(in, nonblock);
        if (result <= 0)
            break;
        there = pipe_ring_peek(&in->ring, buffer, min(size, (size_t)CHUNK_SIZE));
        lock_release(&in->lock);
        room = pipe_wait_room(out, /*nonblock=*/true);
        if (room > 0) {
            io_init_kernel(&io, buffer, min(there, (size_t)room));
            room = pipe_write_io(out, &io, /*packet=*/false, /*nonblock=*/true);
        }
        pipe_unclaim(in, room > 0 && !tee ? (size_t)room : 0);
        result = room;
        if (result != -EAGAIN || nonblock)
            break;
        result = pipe_wait_room(out, /*nonblock=*/false); // with nothing claimed
        if (result < 0)
            break;
    }
    pages_free(buffer, chunk_pages(size));
    return result;
}
