// SPDX-License-Identifier: BSD-3-Clause
// Free page runs, see extents.h. Runs that read as zeros and dirty ones (which the host refused to
// take back) stay apart, so that a clean run never needs clearing.
#include "memory/extents.h"

#include "base/panic.h"

struct extent {
    struct tree_node node; // by first
    struct list link;      // in by_size, or in spare
    u64 first, count;
    bool dirty;
};

#define extent_of(n) tree_entry(n, struct extent, node)

static unsigned size_class(u64 count)
{
    return 63 - (unsigned)__builtin_clzll(count);
}

void extents_init(struct extents *set)
{
    set->by_address.root = NULL;
    for (size_t i = 0; i < EXTENT_CLASSES; i++)
        list_init(&set->by_size[i]);
    list_init(&set->spare);
    set->spare_count = 0;
    set->page_count = 0;
}

void extents_add_nodes(struct extents *set, void *memory, size_t size)
{
    struct extent *e = memory;
    for (size_t n = size / sizeof(*e); n > 0; n--, e++) {
        list_push_back(&set->spare, &e->link);
        set->spare_count++;
    }
}

bool extents_hungry(const struct extents *set)
{
    return set->spare_count < 2;
}

static void extent_insert(struct extents *set, struct extent *e)
{
    struct tree_node **link = &set->by_address.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = e->first < extent_of(parent)->first ? &parent->left : &parent->right;
    }
    tree_insert(&set->by_address, &e->node, parent, link);
}

static void extent_classify(struct extents *set, struct extent *e)
{
    list_push_front(&set->by_size[size_class(e->count)], &e->link);
}

static void extent_drop(struct extents *set, struct extent *e)
{
    tree_remove(&set->by_address, &e->node);
    list_remove(&e->link);
    list_push_front(&set->spare, &e->link);
    set->spare_count++;
}

static struct extent *extent_new(struct extents *set)
{
    struct list *link = list_pop_front(&set->spare);
    assert(link != NULL);
    set->spare_count--;
    return list_entry(link, struct extent, link);
}

// The last run that starts at or before `page`, or NULL.
static struct extent *extent_before(struct extents *set, u64 page)
{
    struct extent *found = NULL;
    for (struct tree_node *n = set->by_address.root; n;) {
        struct extent *e = extent_of(n);
        if (e->first <= page)
            found = e;
        n = e->first <= page ? n->right : n->left;
    }
    return found;
}

void extents_put(struct extents *set, u64 first, u64 count, bool dirty)
{
    struct extent *before = extent_before(set, first);
    struct tree_node *next = before ? tree_next(&before->node) : tree_first(&set->by_address);
    struct extent *after = next ? extent_of(next) : NULL;

    assert(count > 0 && (!before || before->first + before->count <= first)); // freed twice?
    assert(!after || first + count <= after->first);
    set->page_count += count;
    if (after && (after->dirty != dirty || after->first != first + count))
        after = NULL;
    if (before && before->dirty == dirty && before->first + before->count == first) {
        before->count += count;
        if (after) {
            before->count += after->count;
            extent_drop(set, after);
        }
        list_remove(&before->link);
        extent_classify(set, before);
        return;
    }
    if (after) { // growing downwards does not change the order in the tree
        after->first = first;
        after->count += count;
        list_remove(&after->link);
        extent_classify(set, after);
        return;
    }
    struct extent *e = extent_new(set);
    *e = (struct extent){.first = first, .count = count, .dirty = dirty};
    extent_insert(set, e);
    extent_classify(set, e);
}

// The smallest class that may hold such a run is searched a little; in all above any run will do.
static struct extent *extent_find(struct extents *set, u64 count)
{
    unsigned n = size_class(count);
    unsigned tries = 64;
    struct extent *e;
    list_for_each(e, &set->by_size[n], link)
    {
        if (e->count >= count)
            return e;
        if (--tries == 0)
            break;
    }
    for (n++; n < EXTENT_CLASSES; n++)
        if (!list_empty(&set->by_size[n]))
            return list_first(&set->by_size[n], struct extent, link);
    return NULL;
}

bool extents_take(struct extents *set, u64 count, u64 *out_first, bool *out_dirty)
{
    assert(count > 0);
    struct extent *e = extent_find(set, count);
    if (!e)
        return false;
    *out_first = e->first;
    *out_dirty = e->dirty;
    set->page_count -= count;
    if (e->count == count) {
        extent_drop(set, e);
        return true;
    }
    e->first += count;
    e->count -= count;
    list_remove(&e->link);
    extent_classify(set, e);
    return true;
}
