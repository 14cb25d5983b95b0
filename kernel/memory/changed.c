// SPDX-License-Identifier: BSD-3-Clause
// A mapped file changed: it was truncated, it grew, or its bytes moved (copy-up from the image, a
// longer run of pages). The areas that show the part in question are asked for again, piece by
// piece.
//
// Shared areas simply show the new memory. A private one must keep the pages that its program has
// written: those no longer are what the old source holds. They are moved into zero pages of their
// own (AREA_OWN) and the file does not matter to them any more, unless it becomes shorter.
#include "memory/area.h"

#include "base/printf.h"
#include "base/string.h"
#include "file/file.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

static bool same_memory(const struct area *old, const struct area *new)
{
    bool based = new->source != MAP_SOURCE_ZERO &&new->source != AREA_SOURCE_NONE;
    return old->source == new->source &&
           (!based || old->base + (new->start - old->start) == new->base);
}

// Nothing to do for the part of area `old` that piece `new` would replace?
static bool piece_stays(const struct area *old, const struct area *new)
{
    if (same_memory(old, new))
        return true;
    if (new->source == AREA_SOURCE_NONE || (old->flags & AREA_SHARED))
        return false;
    return old->source == MAP_SOURCE_IMAGE || (old->flags & AREA_OWN);
}

// Replaces `old` (a whole area) by one new area of the same place, of which the host knows already.
static void area_replace(struct address_space *s, struct area *old, struct area *new)
{
    bool accounted = old->flags & AREA_ACCOUNTED;
    if (accounted) // the promise goes over to the new one
        area_set(s, old, old->flags & ~AREA_ACCOUNTED, old->source, old->base);
    area_remove(s, old);
    area_insert(s, new);
}

// Shows one page of `new` where `old` showed another, but keeps what the program made of it.
static int page_replace(struct address_space *s, struct area *old, struct area *new, char *buffer)
{
    struct area was = *old; // shows the old memory at the place of the page, for a comparison
    int error = mirror_protect(s, old, AREA_READ);

    if (!error)
        error = user_read(buffer, old->start, PAGE_SIZE);
    if (!error)
        error = mirror_map(s, &was, AREA_READ);
    if (error)
        return error;
    char *pristine = buffer + PAGE_SIZE;
    error = user_read(pristine, old->start, PAGE_SIZE);
    if (error)
        return error;
    if (memcmp(buffer, pristine, PAGE_SIZE) == 0)
        return mirror_map(s, new, new->flags);
    new->source = MAP_SOURCE_ZERO;
    new->base = 0;
    new->flags |= AREA_OWN;
    error = mirror_map(s, new, AREA_READ | AREA_WRITE);
    if (!error)
        error = user_write(new->start, buffer, PAGE_SIZE);
    return error ? error : mirror_protect(s, new, new->flags);
}

// As pieces_install of `new` alone, for a private area with pages of its own.
static int private_replace(struct address_space *s, const struct area *new)
{
    char *buffer = heap_alloc(2 * PAGE_SIZE);
    int error = buffer ? 0 : -ENOMEM;

    for (uaddr_t at = new->start; at < new->end && !error; at += PAGE_SIZE) {
        error = area_split(s, at + PAGE_SIZE);
        struct area *page = error ? NULL : area_create(new, at, at + PAGE_SIZE);
        if (!page) {
            error = -ENOMEM;
            break;
        }
        page->base = new->base + (at - new->start);
        page->file_offset = new->file_offset + (at - new->start);
        error = page_replace(s, area_at(s, at), page, buffer);
        area_replace(s, area_at(s, at), page);
    }
    heap_free(buffer);
    return error;
}

static int piece_replace(struct address_space *s, struct area *new)
{
    struct list one = LIST_INIT(one);
    int error = area_split(s, new->start);
    if (!error)
        error = area_split(s, new->end);
    struct area *old = area_at(s, new->start);
    if (error || piece_stays(old, new))
        return error;
    bool keep = !(old->flags & AREA_SHARED) && old->source != AREA_SOURCE_NONE &&
                new->source != AREA_SOURCE_NONE;
    if (keep)
        return private_replace(s, new);
    struct area *copy = area_create(new, new->start, new->end);
    if (!copy)
        return -ENOMEM;
    copy->flags &= ~AREA_OWN;
    if (old->flags & AREA_ACCOUNTED)
        area_set(s, old, old->flags & ~AREA_ACCOUNTED, old->source, old->base);
    list_push_back(&one, &copy->link);
    return pieces_install(s, &one, new->start, new->end);
}

// Brings the part [start, end) of area a up to date. A host that refuses leaves a hole, not old
// pages.
static void refresh(struct address_space *s, struct area *a, uaddr_t start, uaddr_t end)
{
    struct list pieces;
    struct area like = *a, *piece;

    like.file_offset += start - a->start;
    like.start = start;
    int error = pieces_make(s, &like, start, end, &pieces);
    if (!error) {
        list_for_each(piece, &pieces, link)
        {
            error = piece_replace(s, piece);
            if (error)
                break;
        }
        pieces_drop(s, &pieces);
    }
    if (error && !space_unmap(s, start, end - start))
        log_message("memory for a mapped file that changed: error %d", error);
}

void area_refresh(struct address_space *s, const struct inode *inode, u64 offset, u64 file_end)
{
    uaddr_t cursor = 0;

    for (struct area *a; (a = area_at(s, cursor)) != NULL;) {
        u64 from = a->file_offset, to = a->file_offset + area_size(a);
        uaddr_t start = a->start, end = a->end;
        cursor = a->end;
        if (!a->file || (inode && a->file->inode != inode) || to <= offset || from >= file_end)
            continue;
        start += offset > from ? offset - from : 0;
        end -= file_end < to ? to - file_end : 0;
        refresh(s, a, start, end);
        area_merge(s, start, end);
    }
}

void address_space_file_changed(struct address_space *s, struct inode *inode, u64 offset, u64 size)
{
    if (lock_held(&s->change)) { // mapping a file for writing copied it up: after this change
        s->stale = true;
        return;
    }
    space_begin(s);
    area_refresh(s, inode, offset, size > ~0ull - offset ? ~0ull : offset + size);
    space_end(s);
}
