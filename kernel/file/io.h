// SPDX-License-Identifier: BSD-3-Clause
// The memory of one read or write: user or kernel buffers, walked from front to back. What a file
// operation transfers it takes from here, so readv, preadv, sendfile, splice all are one operation.
#pragma once

#include <linux/uio.h>

#include "base/types.h"

struct io {
    const struct iovec *vectors; // kernel copy; iov_base is a user address, or kernel memory
    size_t vector_count;
    size_t vector_offset; // into vectors[0]
    size_t left;          // bytes in all
    bool kernel;          // buffers are kernel memory
    bool append;          // RWF_APPEND of this one write
    struct iovec single;
};

#define IO_SIZE_MAX 0x7ffff000ul // one transfer moves at most this [read(2)]

// All three cut at IO_SIZE_MAX.
void io_init_user(struct io *io, uaddr_t buffer, size_t size);
void io_init_kernel(struct io *io, void *buffer, size_t size);
// vectors must outlive io. Copying and checking the user's array is io_read_vectors's work.
void io_init_vectors(struct io *io, const struct iovec *vectors, size_t count);
// Reads `count` struct iovec from user memory into heap memory (*out, free with heap_free).
// -EINVAL: more than 1024 or lengths overflow; -EFAULT; -ENOMEM
must_check int io_read_vectors(uaddr_t from, size_t count, struct iovec **out);

// Move min(size, io->left) bytes between `data` and the buffers, and advance. Return the bytes moved (less
// than that only after a fault behind the first byte), or -EFAULT.
must_check s64 io_put(struct io *io, const void *data, size_t size); // data -> buffers (a read)
must_check s64 io_get(struct io *io, void *data, size_t size);       // buffers -> data (a write)
must_check s64 io_put_zeros(struct io *io, size_t size);
