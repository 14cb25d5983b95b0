// SPDX-License-Identifier: BSD-3-Clause
// The memory of a pipe: a ring of pages, each with a piece of data. No locks, no waiting: pipe.c's
// work.
//
//     slots   first          first + used
//             v              v
//     | free | o..size | 0..size | free | free |     one page each; [offset, offset + size) is data
//
// Memory comes in *blocks* when a slot of them is used for the first time, and stays: the first
// four slots have one of their own, the others share one by fours (runs of pages that the page pool
// keeps warm). An empty ring starts again at its first slot, so small messages touch one page only.
// A write of at most a page never crosses a page, which is what makes it atomic. [pipe(7)]
#pragma once

#include "file/io.h"

struct pipe_slot {
    u16 offset, size; // size > 0 while in use
    bool packet;      // O_DIRECT: one read takes one slot
};

struct pipe_ring {
    struct pipe_slot *slots; // NULL before the first write
    u8 **blocks;             // behind the slots
    u32 capacity;            // slots, a power of two
    u32 first, used;
};

void pipe_ring_init(struct pipe_ring *r, u32 capacity);
void pipe_ring_free(struct pipe_ring *r);
// Makes sure that there is a table of slots. -ENOMEM
must_check int pipe_ring_reserve(struct pipe_ring *r);
// Changes the capacity. -EBUSY: more is in use; -ENOMEM
must_check int pipe_ring_resize(struct pipe_ring *r, u32 capacity);

// Moves what fits. A count (0: nothing fits, or for read: is there), or -EFAULT, -ENOMEM. The ring
// is reserved.
s64 pipe_ring_write(struct pipe_ring *r, struct io *io, bool packet);
s64 pipe_ring_read(struct pipe_ring *r, struct io *io);
// Copies up to size bytes from the front without taking them; for tee and splice.
size_t pipe_ring_peek(const struct pipe_ring *r, void *out, size_t size);
void pipe_ring_drop(struct pipe_ring *r, size_t size);
size_t pipe_ring_bytes(const struct pipe_ring *r);

// Both may be asked without the lock of the pipe, as a hint.
static inline bool pipe_ring_empty(const struct pipe_ring *r)
{
    return __atomic_load_n(&r->used, __ATOMIC_RELAXED) == 0; // pairs with read and write
}

static inline bool pipe_ring_full(const struct pipe_ring *r)
{
    return __atomic_load_n(&r->used, __ATOMIC_RELAXED) >= r->capacity;
}

// True if a write of `size` <= PIPE_BUF bytes would go in whole.
bool pipe_ring_fits(const struct pipe_ring *r, size_t size);
