// SPDX-License-Identifier: BSD-3-Clause
// mremap(2): shrink, grow in place, move.
//
// The waist has no call that moves private pages, so a move copies those that hold something: they
// are not zero (anonymous memory), or differ from the file. The source goes back to the host as the
// copy advances, so that a move needs little more memory than the block. Shared pages are just
// mapped twice.
#include "memory/area.h"

#include <linux/mman.h>

#include "abi/boot.h"
#include "base/panic.h"
#include "file/file.h"
#include "memory/user_copy.h"

#define COPY_PART (1ul << 20) // copied before the source is given back

struct move {
    uaddr_t from, to;
    u64 old_size, size;
    bool keep; // MREMAP_DONTUNMAP: the old mapping stays, empty
};

// The new areas for what is mapped at [m->from, from + old_size), and behind it the growth.
static int moved_pieces(struct address_space *s, const struct move *m, struct list *out)
{
    struct area *a = area_at(s, m->from), *last = a;
    struct list tail;
    u64 common = min(m->old_size, m->size);

    list_init(out);
    for (; a && a->start < m->from + common; last = a, a = area_next(a)) {
        uaddr_t start = max(a->start, m->from), end = min(a->end, m->from + common);
        struct area *piece = area_create(a, start - m->from + m->to, end - m->from + m->to);
        if (!piece) {
            pieces_drop(s, out);
            return -ENOMEM;
        }
        u64 skipped = start - a->start;
        bool based = a->source != MAP_SOURCE_ZERO && a->source != AREA_SOURCE_NONE;
        piece->base += based ? skipped : 0;
        piece->file_offset += a->file ? skipped : 0;
        list_push_back(out, &piece->link);
    }
    if (m->size <= common)
        return 0;
    struct area like = *last;
    like.start = m->to + common;
    like.flags &= ~AREA_OWN;
    like.file_offset += like.file ? m->from + common - last->start : 0;
    int error = pieces_make(s, &like, like.start, m->to + m->size, &tail);
    if (error) {
        pieces_drop(s, out);
        return error;
    }
    for (struct list *link; (link = list_pop_front(&tail)) != NULL;)
        list_push_back(out, link);
    return 0;
}

// Copies what one new area must take over from the old memory at `from`.
static void copy_area(struct address_space *s, const struct area *a, uaddr_t from, bool keep)
{
    for (u64 done = 0; done < area_size(a); done += PAGE_SIZE) {
        int same = a->source == MAP_SOURCE_ZERO
                       ? user_is_zero(from + done, PAGE_SIZE)
                       : user_is_equal(a->start + done, from + done, PAGE_SIZE);
        if (same == 0 && user_copy(a->start + done, from + done, PAGE_SIZE))
            panic("mremap: %lx cannot be copied", (unsigned long)(from + done));
        u64 next = done + PAGE_SIZE;
        if (!keep && next % COPY_PART == 0)
            mirror_unmap(s, from + next - COPY_PART, from + next);
    }
}

// Copies private memory: area by area of the old mapping, of which `old` and `new` are the parts
// that move. Nobody holds s->lock, since user memory is touched.
static int move_contents(struct address_space *s, const struct move *m)
{
    uaddr_t end = m->from + min(m->old_size, m->size);

    for (struct area *a = area_at(s, m->from); a && a->start < end; a = area_next(a)) {
        if ((a->flags & AREA_SHARED) || a->source == AREA_SOURCE_NONE)
            continue;
        struct area old = *a, new = *a;
        old.start = max(a->start, m->from);
        old.end = min(a->end, end);
        new.start = old.start - m->from + m->to;
        new.end = old.end - m->from + m->to;
        int error = mirror_protect(s, &old, AREA_READ);
        if (!error)
            error = mirror_protect(s, &new, AREA_READ | AREA_WRITE);
        if (error)
            return error;
        copy_area(s, &new, old.start, m->keep);
        error = mirror_protect(s, &new, a->flags);
        if (m->keep)
            mirror_discard(s, old.start, old.end);
        if (m->keep && (a->flags & AREA_OWN)) { // the file shows again
            area_set(s, a, a->flags & ~AREA_OWN, a->source, a->base);
            s->stale = true;
        }
        if (!error && m->keep)
            error = mirror_protect(s, &old, a->flags);
        if (error)
            return error;
    }
    return 0;
}

static int move_mapping(struct address_space *s, const struct move *m)
{
    struct list pieces;
    struct area *a;
    u64 promised = 0;

    if (area_split(s, m->from) || area_split(s, m->from + m->old_size))
        return -ENOMEM;
    int error = moved_pieces(s, m, &pieces);
    if (error)
        return error;
    list_for_each(a, &pieces, link)
    {
        a->flags |= a->flags & AREA_SHARED || a->file ? 0 : AREA_MOVED;
        promised += a->flags & AREA_ACCOUNTED ? area_size(a) : 0;
    }
    u64 released = 0; // the old promise is only then counted twice when the old mapping stays
    for (a = area_at(s, m->from); a && a->start < m->from + m->old_size && !m->keep;
         a = area_next(a)) {
        released += a->flags & AREA_ACCOUNTED ? area_size(a) : 0;
        area_set(s, a, a->flags & ~AREA_ACCOUNTED, a->source, a->base);
    }
    commit_remove(s, released);
    error = commit_add(s, promised);
    if (error) {
        pieces_drop(s, &pieces);
        return error;
    }
    error = pieces_install(s, &pieces, m->to, m->to + m->size);
    if (!error)
        error = move_contents(s, m);
    if (!error && !m->keep && m->old_size)
        error = space_unmap(s, m->from, m->old_size);
    area_merge(s, m->from, m->from + m->old_size);
    return error;
}

// Grows the last area of [at, at + old_size) in place. -ENOMEM: no room there.
static int grow(struct address_space *s, uaddr_t at, u64 old_size, u64 size)
{
    struct area *last = area_at(s, at + old_size - 1);
    struct area like = *last;
    struct list pieces;

    if (last->end != at + old_size || at + size > USER_HIGH || at + size < at ||
        !place_free(s, last->end, size - old_size) || (s->preloaded && at + size > s->map_top))
        return -ENOMEM;
    like.start = last->end;
    like.flags &= ~AREA_OWN;
    like.file_offset += like.file ? area_size(last) : 0;
    int error = like.flags & AREA_ACCOUNTED ? commit_add(s, size - old_size) : 0;
    if (error)
        return error;
    error = pieces_make(s, &like, like.start, at + size, &pieces);
    if (error && (like.flags & AREA_ACCOUNTED))
        commit_remove(s, size - old_size);
    return error ? error : pieces_install(s, &pieces, like.start, at + size);
}

// The place of a mapping that moves, where the caller did not say one.
static uaddr_t moved_place(struct address_space *s, const struct area *a, u64 size)
{
    struct area like = {.end = size, .flags = a->file || (a->flags & AREA_SHARED) ? 0 : AREA_MOVED};
    return place_find(s, size, PAGE_SIZE, place_room(&like));
}

// Moves; everything has been checked but the destination of MREMAP_FIXED.
static int remap_move(struct address_space *s, struct move *m, u32 flags, uaddr_t *out)
{
    if (flags & MREMAP_FIXED) {
        for (struct area *a = area_at(s, m->to); a && a->start < m->to + m->size; a = area_next(a))
            if (a->flags & AREA_KERNEL)
                return -EPERM;
        if (area_split(s, m->to) || area_split(s, m->to + m->size))
            return -ENOMEM;
    } else if (!m->to || !place_free(s, m->to, m->size)) {
        m->to = moved_place(s, area_at(s, m->from), m->size);
        if (!m->to)
            return -ENOMEM;
    }
    *out = m->to;
    return move_mapping(s, m);
}

// `whole`: [at, at + old_size) must be one mapping.
static int remap_check(const struct address_space *s, uaddr_t at, u64 old_size, bool whole)
{
    struct area *a = area_at(s, at);

    if (!a || a->start > at || (a->flags & AREA_KERNEL))
        return -EFAULT;
    if (!old_size && !(a->flags & AREA_SHARED))
        return -EINVAL;
    if (whole && area_visible_end(a) - at < old_size)
        return -EFAULT;
    return 0;
}

static int remap(struct address_space *s, uaddr_t at, u64 old_size, u64 size, u32 flags,
                 uaddr_t wanted, uaddr_t *out)
{
    struct move m = {.from = at, .to = wanted, .old_size = old_size, .size = size};
    bool elsewhere = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
    int error = remap_check(s, at, old_size, elsewhere || size > old_size);

    if (error)
        return error;
    m.keep = flags & MREMAP_DONTUNMAP;
    *out = at;
    if (old_size > size) {
        error = space_unmap(s, at + size, old_size - size);
        m.old_size = size;
        if (error || !elsewhere)
            return error;
    }
    if (elsewhere)
        return remap_move(s, &m, flags, out);
    if (old_size == size)
        return 0;
    error = old_size ? grow(s, at, old_size, size) : -ENOMEM;
    if (!error || !(flags & MREMAP_MAYMOVE))
        return error;
    m.to = 0;
    return remap_move(s, &m, flags, out);
}

int address_space_remap(struct address_space *s, uaddr_t at, u64 old_size, u64 size, u32 flags,
                        uaddr_t wanted, uaddr_t *out)
{
    bool overlap = wanted < at + old_size && at < wanted + size;

    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if ((flags & MREMAP_DONTUNMAP) && page_round_up(old_size) != page_round_up(size))
        return -EINVAL;
    old_size = page_round_up(old_size);
    size = page_round_up(size);
    if (at % PAGE_SIZE || !size || at > USER_HIGH || old_size > USER_HIGH - at)
        return -EINVAL;
    if (flags & MREMAP_FIXED) {
        if (wanted % PAGE_SIZE || size > USER_HIGH || wanted > USER_HIGH - size || overlap)
            return -EINVAL;
        if (wanted < s->map_bottom)
            return -EPERM;
    }
    if (size > USER_HIGH)
        return flags & MREMAP_MAYMOVE ? -ENOMEM : -EINVAL;
    if (!(flags & MREMAP_FIXED))
        wanted = 0;
    space_begin(s);
    int error = remap(s, at, old_size, size, flags, wanted, out);
    space_end(s);
    return error;
}
