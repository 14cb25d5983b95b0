// SPDX-License-Identifier: BSD-3-Clause
// Moving bytes between files inside the kernel: sendfile(2), splice(2), tee(2), copy_file_range(2).
// All go through a kernel buffer.
#pragma once

#include "file/pipe.h"

// Copies up to size bytes. Positions NULL: the file's own. A file's position, and *in_position,
// advance by what was written. Stops early at a short read or write, or a signal. A count, or the
// first error.
must_check s64 splice_files(struct file *in, u64 *in_position, struct file *out, u64 *out_position,
                            size_t size);
// Waits for data (unless nonblock), and moves what is there.
must_check s64 splice_from_pipe(struct pipe *in, struct file *out, u64 *out_position, size_t size,
                                bool nonblock);
// Waits for room (unless nonblock), and moves what one read gives.
must_check s64 splice_to_pipe(struct file *in, u64 *in_position, struct pipe *out, size_t size,
                              bool nonblock);
// Waits for both. tee: leaves the data in the one it comes from.
must_check s64 splice_pipes(struct pipe *in, struct pipe *out, size_t size, bool nonblock,
                            bool tee);
