// SPDX-License-Identifier: BSD-3-Clause
// The address space of a member: map, unmap, protect. Files show through in pieces (pieces.c);
// places come from place.c; the host follows in mirror.c. Moves are in remap.c, faults and views in
// view.c.
#include "memory/area.h"

#include "abi/boot.h"
#include "base/string.h"
#include "file/file.h"
#include "x86_64/patch.h"

#define HUGE_PAGE   (2ul << 20)
#define ROOM_FROM   (256ul << 10) // smaller areas are cheap to move
#define STACK_GUARD (256ull << PAGE_SHIFT) // [Linux, stack_guard_gap]

void address_space_set_top(struct address_space *s, uaddr_t top)
{
    s->map_top = s->search_top = top;
    s->search_gap = 0;
}

void address_space_init(struct address_space *s)
{
    memset(s, 0, sizeof(*s));
    list_init(&s->dead);
    list_init(&s->not_forked);
    s->map_bottom = USER_LOW;
    address_space_set_top(s, USER_HIGH);
}

void address_space_init_preloaded(struct address_space *s, const struct boot_info *boot)
{
    s->preloaded = true;
    s->map_bottom = page_round_up(boot->preload_heap);
    s->map_top = page_round_down(boot->preload_heap + boot->preload_heap_size);
    s->clean_start = s->search_top = s->map_bottom;
    s->clean_end = s->search_top = s->map_top;
    s->heap_start = s->heap_end = s->map_bottom;
}

void address_space_clear(struct address_space *s)
{
    space_begin(s);
    for (struct area *a = area_at(s, 0); a; a = area_at(s, 0)) {
        if (a->source != AREA_SOURCE_NONE)
            mirror_unmap(s, a->start, a->end);
        area_remove(s, a);
    }
    s->heap_start = s->heap_end = 0;
    s->search_top = s->map_top;
    s->search_gap = 0;
    s->lock_future = false;
    patch_clear(s);
    space_end(s);
}

// True if [at, at + size) is whole pages of user memory.
static bool range_ok(uaddr_t at, u64 size)
{
    return at % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && size > 0 && at <= USER_HIGH &&
           size <= USER_HIGH - at;
}

static bool has_kernel_area(const struct address_space *s, uaddr_t start, uaddr_t end)
{
    for (struct area *a = area_at(s, start); a && a->start < end; a = area_next(a))
        if (a->flags & AREA_KERNEL)
            return true;
    return false;
}

// Chooses the address of a new mapping, see address_space_map.
static int choose_place(struct address_space *s, const struct area *like, uaddr_t at, u64 size,
                        bool fixed, bool replace, uaddr_t *out)
{
    if (fixed) {
        if (!range_ok(at, size))
            return -ENOMEM;
        if (at < s->map_bottom && !(like->flags & AREA_KERNEL))
            return s->preloaded ? -ENOMEM : -EPERM;
        if (!replace && !place_free(s, at, size))
            return -EEXIST;
        *out = at;
        return replace && has_kernel_area(s, at, at + size) ? -EPERM : 0;
    }
    *out = at;
    if (at && range_ok(at, size) && at >= s->map_bottom && at + size <= s->map_top &&
        place_free(s, at, size))
        return 0;
    if (like->flags & AREA_LOW)
        *out = place_find_low(s, size);
    else
        *out = place_find(s, size, like->file || size < HUGE_PAGE ? PAGE_SIZE : HUGE_PAGE,
                          place_room(&(struct area){.end = size, .flags = like->flags}));
    return *out ? 0 : -ENOMEM;
}

int space_map(struct address_space *s, struct area *like, uaddr_t at, u64 size, bool fixed,
              bool replace, uaddr_t *out)
{
    struct list pieces;

    if (size >= ROOM_FROM && !fixed && !like->file && commit_counts(like->flags))
        like->flags |= AREA_ROOM;
    int error = choose_place(s, like, at, size, fixed, replace, out);
    if (error)
        return error;
    like->flags &= ~AREA_LOW;
    if (s->lock_future)
        like->flags |= AREA_LOCKED;
    like->start = *out;
    like->end = *out + size;
    if (area_split(s, like->start) || area_split(s, like->end))
        return -ENOMEM;
    if (commit_counts(like->flags)) {
        error = commit_add(s, size);
        if (error)
            return error;
        like->flags |= AREA_ACCOUNTED;
    }
    error = pieces_make(s, like, like->start, like->end, &pieces);
    if (error && (like->flags & AREA_ACCOUNTED))
        commit_remove(s, size);
    return error ? error : pieces_install(s, &pieces, like->start, like->end);
}

int address_space_map(struct address_space *s, uaddr_t at, u64 size, u32 flags, u32 may,
                      struct file *file, u64 offset, bool fixed, bool replace, const char *name,
                      uaddr_t *out)
{
    struct area like = {
        .flags = flags, .may = may, .file = file, .file_offset = offset, .name = name};

    size = page_round_up(size);
    if (size == 0 || size > USER_HIGH)
        return -ENOMEM;
    space_begin(s);
    int error = space_map(s, &like, at, size, fixed, replace, out);
    space_end(s);
    return error;
}

int address_space_stack(struct address_space *s, uaddr_t top, u64 size)
{
    struct area like = {.flags = AREA_READ | AREA_WRITE | AREA_STACK | AREA_NORESERVE,
                        .may = AREA_PROTECTION,
                        .name = "[stack]"};
    int error = 0;

    space_begin(s);
    struct area *a = area_at(s, top - 1);
    if (a && a->start < top) // as it is now, protection and all
        like = (struct area){.flags = a->flags, .may = a->may, .name = a->name};
    uaddr_t bottom = a && a->start < top ? a->start : top;
    for (; a && (a = area_previous(a)) != NULL && a->end == bottom && a->name == like.name;)
        bottom = a->start;
    if (top - size < bottom && !place_free(s, top - size - STACK_GUARD, STACK_GUARD))
        error = -EEXIST;
    else if (top - size < bottom)
        error = space_map(s, &like, top - size, bottom - (top - size), /*fixed=*/true,
                          /*replace=*/false, &bottom);
    space_end(s);
    return error;
}

int space_unmap(struct address_space *s, uaddr_t at, u64 size)
{
    uaddr_t end = at + size, from = 0,
            to = 0; // [from, to): to be unmapped at the host, in one call

    if (area_split(s, at) || area_split(s, end))
        return -ENOMEM;
    struct area *a = area_at(s, at);
    while (a && a->start < end) {
        struct area *next = area_next(a);
        bool kernel = a->flags & AREA_KERNEL;
        if (kernel && from < to) {
            mirror_unmap(s, from, to);
            from = to = 0;
        } else if (!kernel && a->source != AREA_SOURCE_NONE) {
            from = from < to ? from : a->start;
            to = a->end;
        }
        a = next;
    }
    if (from < to)
        mirror_unmap(s, from, to);
    area_cut(s, at, end);
    return 0;
}

int address_space_unmap(struct address_space *s, uaddr_t at, u64 size)
{
    size = page_round_up(size);
    if (!range_ok(at, size))
        return -EINVAL;
    space_begin(s);
    int error = space_unmap(s, at, size);
    space_end(s);
    return error;
}

// Gives area a the protection of `flags` (the AREA_READ/WRITE/EXEC bits), at the host too.
static int area_protect(struct address_space *s, struct area *a, u32 flags)
{
    u32 after = (a->flags & ~AREA_PROTECTION) | flags;
    int error = 0;

    if (a->flags & AREA_KERNEL)
        return -EPERM;
    if (flags & ~a->may)
        return -EACCES;
    if (after == a->flags)
        return 0;
    if (commit_counts(after) && !(a->flags & AREA_ACCOUNTED)) {
        error = commit_add(s, area_size(a));
        if (error)
            return error;
        after |= AREA_ACCOUNTED;
    }
    struct area now = *a;
    if (!a->file && a->source == AREA_SOURCE_NONE) { // touchable for the first time
        now.source = MAP_SOURCE_ZERO;
        error = mirror_map(s, &now, after);
    } else {
        error = mirror_protect(s, a, after);
    }
    if (!error)
        area_set(s, a, after, now.source, a->base);
    else if (after & ~a->flags & AREA_ACCOUNTED)
        commit_remove(s, area_size(a));
    return error;
}

int address_space_protect(struct address_space *s, uaddr_t at, u64 size, u32 flags)
{
    size = page_round_up(size);
    if (!range_ok(at, size))
        return at % PAGE_SIZE ? -EINVAL : -ENOMEM;
    if (s->preloaded) // the program's own segments, which no area shows; they stay as they are
        return 0;
    uaddr_t next = at, end = at + size;

    space_begin(s);
    int error = area_split(s, at);
    if (!error)
        error = area_split(s, end);
    for (struct area *a = area_at(s, at); !error && next < end; a = a ? area_next(a) : NULL) {
        error = !a || a->start > next ? -ENOMEM : area_protect(s, a, flags);
        next = a ? a->end : end;
    }
    area_merge(s, at, end);
    space_end(s);
    return error;
}

uaddr_t address_space_brk(struct address_space *s, uaddr_t end, u64 limit)
{
    struct area like = {.flags = AREA_READ | AREA_WRITE, .may = AREA_PROTECTION, .name = "[heap]"};
    uaddr_t place;

    space_begin(s);
    uaddr_t old = page_round_up(s->heap_end), new = page_round_up(end);
    bool fits = end >= s->heap_start && end <= USER_HIGH && end - s->heap_start <= limit;
    if (fits && new > old && space_map(s, &like, old, new - old, true, false, &place) == 0)
        s->heap_end = end;
    else if (fits && (new == old || (new < old &&space_unmap(s, new, old - new) == 0)))
        s->heap_end = end;
    end = s->heap_end;
    space_end(s);
    return end;
}

u64 address_space_unmapped(struct address_space *s, uaddr_t at, u64 size)
{
    u64 mapped = 0;
    space_begin(s);
    for (struct area *a = area_at(s, at); a && a->start < at + size; a = area_next(a))
        mapped += min(a->end, at + size) - max(a->start, at);
    space_end(s);
    return size - mapped;
}

// Drops the contents of [from, to) of a private area. Pages that had moved out of a file show it
// again.
static void area_discard(struct address_space *s, struct area *a, uaddr_t from, uaddr_t to)
{
    if (a->source != AREA_SOURCE_NONE)
        mirror_discard(s, from, to);
    if (a->file && (a->may & AREA_EXEC))
        patch_forget(s, from, to);
    if ((a->flags & AREA_OWN) && !area_split(s, from) && !area_split(s, to)) {
        a = area_at(s, from);
        area_set(s, a, a->flags & ~AREA_OWN, a->source, a->base);
        s->stale = true;
    }
}

int address_space_discard(struct address_space *s, uaddr_t at, u64 size)
{
    uaddr_t next = at, end = at + page_round_up(size);
    int error = 0;

    space_begin(s);
    for (struct area *a = area_at(s, at); next < end; a = area_next(a)) {
        if (!a || a->start > next)
            error = -ENOMEM;
        if (!a || a->start >= end)
            break;
        if (a->flags & (AREA_LOCKED | AREA_KERNEL)) {
            error = -EINVAL;
            break;
        }
        uaddr_t from = max(a->start, at), to = min(a->end, end);
        if (!(a->flags & AREA_SHARED))
            area_discard(s, a, from, to);
        a = area_at(s, to - 1);
        next = to;
    }
    space_end(s);
    return error;
}

int address_space_set_flags(struct address_space *s, uaddr_t at, u64 size, u32 set, u32 clear)
{
    uaddr_t next = at, end = at + page_round_up(size);

    space_begin(s);
    int error = area_split(s, at);
    if (!error)
        error = area_split(s, end);
    for (struct area *a = area_at(s, at); !error && next < end; a = area_next(a)) {
        if (!a || a->start > next)
            error = -ENOMEM;
        if (!a || a->start >= end)
            break;
        area_set(s, a, (a->flags | set) & ~clear, a->source, a->base);
        if (set & AREA_HUGE)
            mirror_huge(s, a);
        next = a->end;
    }
    area_merge(s, at, end);
    space_end(s);
    return error;
}
