// SPDX-License-Identifier: BSD-3-Clause
// Random numbers: a ChaCha20 generator with fast key erasure, seeded once by the host.
#pragma once

#include "base/types.h"
#include "file/io.h"

struct boot_info;

// Takes the seed out of *boot and wipes it there. Called once, before any other function here.
void random_init(struct boot_info *boot);

// Fills [to, to + size) with unpredictable bytes. Never fails, never sleeps; any context, any vCPU.
void random_bytes(void *to, size_t size);
u64 random_u64(void);

// Fills the buffers of io, for /dev/random, /dev/urandom and getrandom(2). A count, or -EFAULT; a
// large request ends early (at least 256 bytes done) when a signal arrives.
must_check s64 random_read(struct io *io);

// What was written to /dev/random: mixed in, credits nothing. A count, or -EFAULT.
must_check s64 random_write(struct io *io);
