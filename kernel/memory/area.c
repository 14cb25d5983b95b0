// SPDX-License-Identifier: BSD-3-Clause
// The tree of areas: insert, remove, split, merge. Nothing here calls the host.
#include "memory/area.h"

#include "base/panic.h"
#include "file/file.h"
#include "memory/heap.h"
#include "x86_64/patch.h"

static struct slab_cache area_cache = SLAB_CACHE("area", struct area);

void space_begin(struct address_space *s)
{
    lock_acquire(&s->change);
    __atomic_add_fetch(&s->changes, 1, __ATOMIC_SEQ_CST); // pairs with address_space_fault
}

void space_end(struct address_space *s)
{
    struct list dead = LIST_INIT(dead);
    struct list *link;

    while (s->stale) {
        s->stale = false;
        area_refresh(s, NULL, 0, ~0ull);
    }
    while ((link = list_pop_front(&s->dead)) != NULL)
        list_push_back(&dead, link);
    lock_release(&s->change);
    while ((link = list_pop_front(&dead)) != NULL) {
        struct area *a = list_entry(link, struct area, link);
        if (a->file)
            file_put(a->file);
        slab_free(&area_cache, a);
    }
}

struct area *area_at(const struct address_space *s, uaddr_t at)
{
    struct area *found = NULL;
    for (struct tree_node *n = s->areas.root; n;) {
        struct area *a = area_of(n);
        if (a->end > at)
            found = a;
        n = a->end > at ? n->left : n->right;
    }
    return found;
}

struct area *area_next(const struct area *a)
{
    struct tree_node *n = tree_next(&a->node);
    return n ? area_of(n) : NULL;
}

struct area *area_previous(const struct area *a)
{
    struct tree_node *n = tree_previous(&a->node);
    return n ? area_of(n) : NULL;
}

bool area_continues(const struct area *a, const struct area *b)
{
    u32 differ = (a->flags ^ b->flags) & ~AREA_INTERNAL;
    return a->end == b->start && !differ && a->may == b->may && a->file == b->file &&
           a->name == b->name && (!a->file || a->file_offset + area_size(a) == b->file_offset);
}

uaddr_t area_visible_end(const struct area *a)
{
    for (const struct area *b; (b = area_next(a)) != NULL && area_continues(a, b);)
        a = b;
    return a->end;
}

struct area *area_create(const struct area *like, uaddr_t start, uaddr_t end)
{
    struct area *a = slab_alloc(&area_cache);
    if (!a)
        return NULL;
    *a = *like;
    a->start = start;
    a->end = end;
    list_init(&a->link);
    list_init(&a->mapping.node);
    if (a->file)
        file_get(a->file);
    return a;
}

static void tree_put(struct address_space *s, struct area *a)
{
    struct tree_node **link = &s->areas.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = a->start < area_of(parent)->start ? &parent->left : &parent->right;
    }
    tree_insert(&s->areas, &a->node, parent, link);
    s->area_count++;
    if (a->file)
        inode_mapping_add(a->file->inode, &a->mapping, s);
}

static void tree_take(struct address_space *s, struct area *a)
{
    tree_remove(&s->areas, &a->node);
    s->area_count--;
    if (a->file)
        inode_mapping_remove(a->file->inode, &a->mapping);
    list_push_back(&s->dead, &a->link);
}

// A stack is mapped as large as it may get, but has not grown yet.
static u64 counted_size(const struct area *a)
{
    return a->flags & AREA_STACK ? 0 : area_size(a);
}

void area_insert(struct address_space *s, struct area *a)
{
    lock_acquire(&s->lock);
    tree_put(s, a);
    s->total_size += counted_size(a);
    if (a->flags & AREA_LOCKED)
        s->locked_size += area_size(a);
    lock_release(&s->lock);
}

void area_remove(struct address_space *s, struct area *a)
{
    lock_acquire(&s->lock);
    tree_take(s, a);
    s->total_size -= counted_size(a);
    if (a->flags & AREA_LOCKED)
        s->locked_size -= area_size(a);
    lock_release(&s->lock);
    if (a->flags & AREA_ACCOUNTED)
        commit_remove(s, area_size(a));
    if (a->file && (a->may & AREA_EXEC))
        patch_forget(s, a->start, a->end);
    place_freed(s, a->start, a->end);
}

void area_set(struct address_space *s, struct area *a, u32 flags, u32 source, u64 base)
{
    lock_acquire(&s->lock);
    if (a->flags & AREA_LOCKED)
        s->locked_size -= area_size(a);
    a->flags = flags;
    a->source = source;
    a->base = base;
    if (a->flags & AREA_LOCKED)
        s->locked_size += area_size(a);
    lock_release(&s->lock);
}

static u64 base_at(const struct area *a, uaddr_t at)
{
    bool moves = a->source != MAP_SOURCE_ZERO && a->source != AREA_SOURCE_NONE;
    return moves ? a->base + (at - a->start) : 0;
}

int area_split(struct address_space *s, uaddr_t at)
{
    struct area *a = area_at(s, at);
    if (!a || a->start >= at)
        return 0;
    struct area *upper = area_create(a, at, a->end);
    if (!upper)
        return -ENOMEM;
    upper->base = base_at(a, at);
    if (a->file)
        upper->file_offset += at - a->start;
    lock_acquire(&s->lock);
    a->end = at;
    tree_put(s, upper);
    lock_release(&s->lock);
    return 0;
}

static bool can_merge(const struct area *a, const struct area *b)
{
    return area_continues(a, b) && a->flags == b->flags && a->source == b->source &&
           base_at(a, a->end) == b->base;
}

void area_merge(struct address_space *s, uaddr_t start, uaddr_t end)
{
    struct area *a = area_at(s, start ? start - 1 : 0);
    while (a && a->start <= end) {
        struct area *b = area_next(a);
        if (!b || !can_merge(a, b)) {
            a = b;
            continue;
        }
        lock_acquire(&s->lock);
        tree_take(s, b);
        a->end = b->end;
        lock_release(&s->lock);
    }
}

void area_cut(struct address_space *s, uaddr_t start, uaddr_t end)
{
    struct area *a = area_at(s, start);
    while (a && a->start < end) {
        struct area *next = area_next(a);
        assert(a->start >= start && a->end <= end);
        if (!(a->flags & AREA_KERNEL))
            area_remove(s, a);
        a = next;
    }
}
