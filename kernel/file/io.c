// SPDX-License-Identifier: BSD-3-Clause
// The buffers of one read or write, see io.h.
#include "file/io.h"

#include "base/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

#define IO_VECTORS_MAX 1024

static void io_init_single(struct io *io, struct iovec single, bool kernel)
{
    single.iov_len = min(single.iov_len, IO_SIZE_MAX);
    io->single = single;
    io->vectors = &io->single;
    io->vector_count = 1;
    io->vector_offset = 0;
    io->left = single.iov_len;
    io->kernel = kernel;
    io->append = false;
}

void io_init_user(struct io *io, uaddr_t buffer, size_t size)
{
    io_init_single(io, (struct iovec){(void *)buffer, size}, /*kernel=*/false);
}

void io_init_kernel(struct io *io, void *buffer, size_t size)
{
    io_init_single(io, (struct iovec){buffer, size}, /*kernel=*/true);
}

void io_init_vectors(struct io *io, const struct iovec *vectors, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count && size < IO_SIZE_MAX; i++)
        size += min(vectors[i].iov_len, IO_SIZE_MAX - size);
    io->vectors = vectors;
    io->vector_count = count;
    io->vector_offset = 0;
    io->left = size;
    io->kernel = false;
    io->append = false;
}

int io_read_vectors(uaddr_t from, size_t count, struct iovec **out)
{
    struct iovec *vectors;
    u64 size = 0;

    *out = NULL;
    if (count > IO_VECTORS_MAX)
        return -EINVAL;
    vectors = heap_alloc(max(count, 1ul) * sizeof(*vectors));
    if (!vectors)
        return -ENOMEM;
    if (user_read(vectors, from, count * sizeof(*vectors))) {
        heap_free(vectors);
        return -EFAULT;
    }
    for (size_t i = 0; i < count; i++) {
        if (vectors[i].iov_len > INT64_MAX || (size += vectors[i].iov_len) > INT64_MAX) {
            heap_free(vectors);
            return -EINVAL;
        }
    }
    *out = vectors;
    return 0;
}

enum io_direction { IO_PUT, IO_GET, IO_ZERO };

static int io_copy_user(uaddr_t user, void *data, size_t size, enum io_direction direction)
{
    switch (direction) {
    case IO_PUT:
        return user_write(user, data, size);
    case IO_GET:
        return user_read(data, user, size);
    default:
        return user_clear(user, size);
    }
}

// A copy failed somewhere in the range: moves what can be moved, page by page. Returns that size.
static size_t io_copy_slowly(uaddr_t user, u8 *data, size_t size, enum io_direction direction)
{
    size_t done = 0;

    while (done < size) {
        size_t part = min(size - done, PAGE_SIZE - (user + done) % PAGE_SIZE);
        if (io_copy_user(user + done, data + done, part, direction))
            break;
        done += part;
    }
    return done;
}

// Moves up to `size` bytes to or from the first buffer; returns what was moved.
static size_t io_copy_part(struct io *io, u8 *data, size_t size, enum io_direction direction)
{
    u8 *buffer = (u8 *)io->vectors->iov_base + io->vector_offset;

    if (!io->kernel) {
        if (likely(!io_copy_user((uaddr_t)buffer, data, size, direction)))
            return size;
        return io_copy_slowly((uaddr_t)buffer, data, size, direction);
    }
    if (direction == IO_PUT)
        memcpy(buffer, data, size);
    else if (direction == IO_GET)
        memcpy(data, buffer, size);
    else
        memset(buffer, 0, size);
    return size;
}

static s64 io_move(struct io *io, u8 *data, size_t size, enum io_direction direction)
{
    size_t done = 0;

    size = min(size, io->left);
    while (done < size) {
        size_t room = io->vectors->iov_len - io->vector_offset;
        size_t part = min(room, size - done);
        size_t moved = part ? io_copy_part(io, data + done, part, direction) : 0;
        io->vector_offset += moved;
        io->left -= moved;
        done += moved;
        if (moved < part)
            return done ? (s64)done : -EFAULT;
        if (io->vector_offset == io->vectors->iov_len && io->vector_count > 1) {
            io->vectors++;
            io->vector_count--;
            io->vector_offset = 0;
        }
    }
    return (s64)done;
}

s64 io_put(struct io *io, const void *data, size_t size)
{
    return io_move(io, (u8 *)(uintptr_t)data, size, IO_PUT); // only read through
}

s64 io_get(struct io *io, void *data, size_t size)
{
    return io_move(io, data, size, IO_GET);
}

s64 io_put_zeros(struct io *io, size_t size)
{
    return io_move(io, NULL, size, IO_ZERO);
}
