// SPDX-License-Identifier: BSD-3-Clause
// Address spaces are shared by vfork and copied by fork. The host copies the memory itself; here the
// areas follow.
#include "memory/area.h"

#include "base/string.h"
#include "memory/heap.h"
#include "platform/platform.h"
#include "x86_64/patch.h"

static struct slab_cache space_cache = SLAB_CACHE("address_space", struct address_space);

int address_space_create(struct address_space **out)
{
    struct address_space *s = slab_alloc(&space_cache);

    if (!s)
        return -ENOMEM;
    address_space_init(s);
    *out = s;
    return 0;
}

struct address_space *address_space_get(struct address_space *s)
{
    __atomic_add_fetch(&s->sharers, 1, __ATOMIC_RELAXED);
    return s;
}

// Frees the areas; the host's mappings go with the member.
static void forget(struct address_space *s)
{
    space_begin(s);
    for (struct area *a = area_at(s, 0); a; a = area_at(s, 0))
        area_remove(s, a);
    patch_clear(s);
    space_end(s);
}

// What MADV_DONTFORK keeps from the child. unmap: the host has copied it all the same.
static void drop_not_forked(struct address_space *s, bool unmap)
{
    struct list *link;

    while ((link = list_pop_front(&s->not_forked)) != NULL) {
        struct area *a = list_entry(link, struct area, link);
        if (unmap && a->source != AREA_SOURCE_NONE)
            platform_unmap(a->start, area_size(a));
        if (a->flags & AREA_ACCOUNTED)
            commit_remove(s, area_size(a));
        list_push_back(&s->dead, &a->link);
    }
}

void address_space_put(struct address_space *s)
{
    if (__atomic_fetch_sub(&s->sharers, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    forget(s);
    slab_free(&space_cache, s);
}

// What does not depend on areas.
static void copy_fields(struct address_space *s, const struct address_space *from)
{
    s->heap_start = from->heap_start;
    s->heap_end = from->heap_end;
    s->map_bottom = from->map_bottom;
    s->map_top = from->map_top;
    s->search_top = from->search_top;
    s->search_gap = from->search_gap;
    s->membarrier = from->membarrier;
}

// One area; those that the child must not have are only noted, for address_space_forked.
static int copy_area(struct address_space *s, const struct area *a)
{
    struct area like = *a, *copy;

    like.flags &= ~AREA_LOCKED; // mlock(2): not inherited
    if ((like.flags & AREA_ACCOUNTED) && commit_add(s, area_size(a)))
        return -ENOMEM;
    copy = area_create(&like, a->start, a->end);
    if (!copy)
        return -ENOMEM;
    if (a->flags & AREA_DONTFORK)
        list_push_back(&s->not_forked, &copy->link);
    else
        area_insert(s, copy);
    return 0;
}

int address_space_fork(struct address_space *from, struct address_space **out)
{
    struct address_space *s;
    int error = address_space_create(&s);

    if (error)
        return error;
    *out = s; // at once: who is killed within leaves it there
    space_begin(from);
    copy_fields(s, from);
    for (struct area *a = area_at(from, 0); a && !error; a = area_next(a))
        error = copy_area(s, a);
    if (!error)
        error = patch_fork(from, s);
    if (error) {
        space_end(from);
        space_begin(s);
        drop_not_forked(s, /*unmap=*/false);
        space_end(s);
        *out = NULL;
        address_space_put(s);
    }
    return error;
}

void address_space_fork_end(struct address_space *from)
{
    space_end(from);
}

void address_space_forked(struct address_space *s)
{
    space_begin(s);
    drop_not_forked(s, /*unmap=*/true);
    for (struct area *a = area_at(s, 0); a; a = area_next(a))
        if ((a->flags & AREA_WIPEONFORK) && a->source != AREA_SOURCE_NONE)
            mirror_discard(s, a->start, a->end);
    space_end(s);
}
