// SPDX-License-Identifier: BSD-3-Clause
// See pipe_ring.h. What merges and what starts a page is as on Linux, since programs can see it: in
// the capacity for odd sizes, in FIONREAD, in when POLLOUT comes.
#include "file/pipe_ring.h"

#include "base/string.h"
#include "memory/heap.h"
#include "memory/pages.h"

#define SINGLE_SLOTS 4u // with a block of their own
#define BLOCK_SLOTS  4u // of the other blocks

void pipe_ring_init(struct pipe_ring *r, u32 capacity)
{
    *r = (struct pipe_ring){.capacity = capacity};
}

static u32 block_count(u32 capacity)
{
    return capacity <= SINGLE_SLOTS ? capacity
                                    : SINGLE_SLOTS + (capacity - SINGLE_SLOTS) / BLOCK_SLOTS;
}

void pipe_ring_free(struct pipe_ring *r)
{
    if (!r->slots)
        return;
    for (u32 i = 0; i < block_count(r->capacity); i++)
        if (r->blocks[i])
            pages_free(r->blocks[i], i < SINGLE_SLOTS ? 1 : BLOCK_SLOTS);
    heap_free(r->slots);
    r->slots = NULL;
}

int pipe_ring_reserve(struct pipe_ring *r)
{
    size_t slots_size = (r->capacity * sizeof(*r->slots) + 7) & ~7ul;

    if (likely(r->slots))
        return 0;
    r->slots = heap_alloc(slots_size + block_count(r->capacity) * sizeof(*r->blocks));
    if (!r->slots)
        return -ENOMEM;
    r->blocks = (u8 **)(void *)((u8 *)r->slots + slots_size);
    return 0;
}

static u32 slot_index(const struct pipe_ring *r, u32 at)
{
    return (r->first + at) & (r->capacity - 1);
}

// The page of a slot that is in use.
static u8 *slot_page(const struct pipe_ring *r, u32 index)
{
    if (index < SINGLE_SLOTS)
        return r->blocks[index];
    return r->blocks[SINGLE_SLOTS - 1 + index / BLOCK_SLOTS] + index % BLOCK_SLOTS * PAGE_SIZE;
}

static u8 *slot_data(const struct pipe_ring *r, u32 index)
{
    return slot_page(r, index) + r->slots[index].offset;
}

// Makes sure that a slot has its page. -ENOMEM
static int slot_reserve(struct pipe_ring *r, u32 index)
{
    bool single = index < SINGLE_SLOTS;
    u8 **block = &r->blocks[single ? index : SINGLE_SLOTS - 1 + index / BLOCK_SLOTS];

    if (unlikely(!*block))
        *block = pages_alloc(single ? 1 : BLOCK_SLOTS);
    return *block ? 0 : -ENOMEM;
}

static void used_set(struct pipe_ring *r, u32 used)
{
    if (!used)
        r->first = 0;                                   // the first page is warm
    __atomic_store_n(&r->used, used, __ATOMIC_RELAXED); // pairs with pipe_ring_empty and _full
}

// Copies what is in use to the start of a larger (or smaller) ring.
static int ring_copy(const struct pipe_ring *from, struct pipe_ring *to)
{
    int error = pipe_ring_reserve(to);

    for (u32 i = 0; i < from->used && !error; i++) {
        u32 index = slot_index(from, i);
        error = slot_reserve(to, i);
        if (error)
            break;
        to->slots[i] = from->slots[index];
        memcpy(slot_data(to, i), slot_data(from, index), from->slots[index].size);
    }
    to->used = from->used;
    return error;
}

int pipe_ring_resize(struct pipe_ring *r, u32 capacity)
{
    struct pipe_ring other = {.capacity = capacity};
    int error;

    if (r->used > capacity)
        return -EBUSY;
    if (r->slots) {
        error = ring_copy(r, &other);
        if (error) {
            pipe_ring_free(&other);
            return error;
        }
        pipe_ring_free(r);
    }
    *r = other;
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
        done = io_get(io, slot_data(r, (u32)(slot - r->slots)) + slot->size, size);
        if (done < 0)
            return done;
        slot->size = (u16)(slot->size + done);
        if ((size_t)done < size)
            return done;
    }
    while (io->left && r->used < r->capacity) {
        u32 index = slot_index(r, r->used);
        moved = slot_reserve(r, index);
        size = min(io->left, PAGE_SIZE);
        if (!moved)
            moved = io_get(io, slot_page(r, index), size);
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
