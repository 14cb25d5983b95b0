// SPDX-License-Identifier: BSD-3-Clause
// See pipe_ring.h. What merges and what starts a page is as on Linux, since programs can see it: in
// the capacity for odd sizes, in FIONREAD, in when POLLOUT comes.
#include "file/pipe_ring.h"

#include "base/string.h"
#include "memory/heap.h"
#include "memory/pages.h"

void pipe_ring_init(struct pipe_ring *r, u32 capacity)
{
    *r = (struct pipe_ring){.capacity = capacity};
}

void pipe_ring_free(struct pipe_ring *r)
{
    if (!r->slots)
        return;
    heap_free(r->slots);
    pages_free(r->pages, r->capacity);
    r->slots = NULL;
}

int pipe_ring_reserve(struct pipe_ring *r)
{
    if (likely(r->slots))
        return 0;
    r->pages = pages_alloc(r->capacity);
    if (!r->pages)
        return -ENOMEM;
    r->slots = heap_alloc(r->capacity * sizeof(*r->slots));
    if (r->slots)
        return 0;
    pages_free(r->pages, r->capacity);
    return -ENOMEM;
}

static u32 slot_index(const struct pipe_ring *r, u32 at)
{
    return (r->first + at) & (r->capacity - 1);
}

static u8 *slot_data(const struct pipe_ring *r, u32 index)
{
    return r->pages + index * PAGE_SIZE + r->slots[index].offset;
}

static void used_set(struct pipe_ring *r, u32 used)
{
    if (!used)
        r->first = 0;                                   // the first page is warm
    __atomic_store_n(&r->used, used, __ATOMIC_RELAXED); // pairs with pipe_ring_empty and _full
}

int pipe_ring_resize(struct pipe_ring *r, u32 capacity)
{
    struct pipe_ring bigger = {.capacity = capacity};
    int error;

    if (r->used > capacity)
        return -EBUSY;
    if (r->slots) {
        error = pipe_ring_reserve(&bigger);
        if (error)
            return error;
        for (u32 i = 0; i < r->used; i++) {
            u32 from = slot_index(r, i);
            bigger.slots[i] = r->slots[from];
            memcpy(slot_data(&bigger, i), slot_data(r, from), r->slots[from].size);
        }
        bigger.used = r->used;
        pipe_ring_free(r);
    }
    *r = bigger;
    return 0;
}

// The last slot, if `size` more bytes belong into it; NULL: a new page it is.
static struct pipe_slot *merge_slot(const struct pipe_ring *r, size_t size)
{
    struct pipe_slot *last;

    if (!r->used || !size)
        return NULL;
    last = &r->slots[slot_index(r, r->used - 1)];
    return !last->packet && last->offset + last->size + size <= PAGE_SIZE ? last : NULL;
}

bool pipe_ring_fits(const struct pipe_ring *r, size_t size)
{
    return r->used < r->capacity || merge_slot(r, size & (PAGE_SIZE - 1));
}

s64 pipe_ring_write(struct pipe_ring *r, struct io *io, bool packet)
{
    size_t size = io->left & (PAGE_SIZE - 1);
    struct pipe_slot *slot = packet ? NULL : merge_slot(r, size);
    s64 done = 0, moved;

    if (slot) {
        done = io_get(
            io, r->pages + (size_t)(slot - r->slots) * PAGE_SIZE + slot->offset + slot->size, size);
        if (done < 0)
            return done;
        slot->size = (u16)(slot->size + done);
        if ((size_t)done < size)
            return done;
    }
    while (io->left && r->used < r->capacity) {
        u32 index = slot_index(r, r->used);
        size = min(io->left, PAGE_SIZE);
        moved = io_get(io, r->pages + index * PAGE_SIZE, size);
        if (moved <= 0)
            return done ? done : moved;
        r->slots[index] = (struct pipe_slot){.size = (u16)moved, .packet = packet};
        used_set(r, r->used + 1);
        done += moved;
        if ((size_t)moved < size)
            break;
    }
    return done;
}

static void first_shrink(struct pipe_ring *r, size_t size)
{
    struct pipe_slot *slot = &r->slots[r->first];

    slot->offset = (u16)(slot->offset + size);
    slot->size = (u16)(slot->size - size);
    if (slot->size)
        return;
    r->first = slot_index(r, 1);
    used_set(r, r->used - 1);
}

s64 pipe_ring_read(struct pipe_ring *r, struct io *io)
{
    s64 done = 0, moved;

    while (r->used && io->left) {
        const struct pipe_slot *slot = &r->slots[r->first];
        size_t size = min(io->left, (size_t)slot->size), rest = slot->size;
        bool packet = slot->packet;

        moved = io_put(io, slot_data(r, r->first), size);
        if (moved < 0)
            return done ? done : moved;
        done += moved;
        first_shrink(r, packet ? rest : (size_t)moved); // what a packet's reader leaves is lost
        if (packet || (size_t)moved < size)
            break;
    }
    return done;
}

size_t pipe_ring_peek(const struct pipe_ring *r, void *out, size_t size)
{
    size_t done = 0;

    for (u32 i = 0; i < r->used && done < size; i++) {
        u32 index = slot_index(r, i);
        size_t piece = min(size - done, (size_t)r->slots[index].size);
        memcpy((u8 *)out + done, slot_data(r, index), piece);
        done += piece;
    }
    return done;
}

void pipe_ring_drop(struct pipe_ring *r, size_t size)
{
    while (size && r->used) {
        size_t piece = min(size, (size_t)r->slots[r->first].size);
        first_shrink(r, piece);
        size -= piece;
    }
}

size_t pipe_ring_bytes(const struct pipe_ring *r)
{
    size_t bytes = 0;

    for (u32 i = 0; i < r->used; i++)
        bytes += r->slots[slot_index(r, i)].size;
    return bytes;
}
