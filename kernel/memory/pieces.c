// SPDX-License-Identifier: BSD-3-Clause
// One mapping is made of as many areas as its memory has sources: a file may lie in several runs of
// family pages, and behind its end there is nothing.
//
//     pieces_make     asks the file (inode locks are taken: address_space.lock is not held)
//     pieces_install  maps them at the host, and puts them into the tree
#include "memory/area.h"

#include "base/panic.h"
#include "file/file.h"
#include "memory/heap.h"

static int piece_add(const struct area *like, uaddr_t start, uaddr_t end, u32 source, u64 base,
                     struct list *out)
{
    struct area *a = area_create(like, start, end);
    if (!a)
        return -ENOMEM;
    a->source = source;
    a->base = base;
    if (a->file)
        a->file_offset += start - like->start;
    list_push_back(out, &a->link);
    return 0;
}

// The next piece of a file's mapping, from `at` on; its end goes to *out_end.
static int file_piece(const struct area *like, uaddr_t at, uaddr_t end, struct list *out,
                      uaddr_t *out_end)
{
    struct file *f = like->file;
    struct map_extent extent = {0};
    u64 offset = like->file_offset + (at - like->start);
    bool writes = (like->flags & AREA_SHARED) && file_writable(f);
    int error = f->ops->map ? f->ops->map(f, offset, end - at, writes, &extent) : -ENODEV;

    *out_end = end;
    if (error == -ENXIO) // all the rest is behind the end
        return piece_add(like, at, end, AREA_SOURCE_NONE, 0, out);
    if (error)
        return error;
    assert(extent.size >= PAGE_SIZE && extent.size % PAGE_SIZE == 0);
    if (extent.source == MAP_SOURCE_FAMILY && !(like->flags & AREA_SHARED))
        extent.source = MAP_SOURCE_FAMILY_PRIVATE;
    *out_end = min(end, at + extent.size);
    return piece_add(like, at, *out_end, extent.source, extent.base, out);
}

int pieces_make(struct address_space *s, const struct area *like, uaddr_t start, uaddr_t end,
                struct list *out)
{
    int error = 0;

    list_init(out);
    if (!like->file) {
        bool touchable = (like->flags & AREA_PROTECTION) || s->preloaded;
        return piece_add(like, start, end, touchable ? MAP_SOURCE_ZERO : AREA_SOURCE_NONE, 0, out);
    }
    for (uaddr_t at = start; at < end && !error;)
        error = file_piece(like, at, end, out, &at);
    if (error)
        pieces_drop(s, out);
    return error;
}

void pieces_drop(struct address_space *s, struct list *pieces)
{
    struct list *link;
    while ((link = list_pop_front(pieces)) != NULL)
        list_push_back(&s->dead, link);
}

int pieces_install(struct address_space *s, struct list *pieces, uaddr_t start, uaddr_t end)
{
    struct list *link;
    struct area *a;
    bool was_free = place_free(s, start, end - start);
    int error = 0;

    area_cut(s, start, end);
    list_for_each(a, pieces, link)
    {
        if (a->source == AREA_SOURCE_NONE && !was_free)
            mirror_unmap(s, a->start, a->end);
        error = mirror_map(s, a, a->flags);
        if (error)
            break;
    }
    if (error) {
        mirror_unmap(s, start, end);
        list_for_each(a, pieces, link) if (a->flags & AREA_ACCOUNTED)
            commit_remove(s, area_size(a));
        pieces_drop(s, pieces);
        return error;
    }
    while ((link = list_pop_front(pieces)) != NULL)
        area_insert(s, list_entry(link, struct area, link));
    area_merge(s, start, end);
    return 0;
}
