// SPDX-License-Identifier: BSD-3-Clause
// Epolls that watch epolls: no circles, and no chain of more than five.
//
// All such additions hold epoll_links, so the graph can only lose edges while it is walked.
#include "file/epoll.h"

#define NEST_MAX 5 // epolls on a path

// The longest path down from e, in epolls; NEST_MAX + 1: too long, or it leads to `forbidden`.
static u32 depth_below(struct epoll *e, const struct epoll *forbidden, u32 budget)
{
    struct tree_node *node;
    u32 deepest = 0;

    if (e == forbidden || !budget)
        return NEST_MAX + 1;
    lock_acquire(&e->lock);
    for (node = tree_first(&e->items); node && deepest <= NEST_MAX; node = tree_next(node)) {
        struct epoll *inner = epoll_of(tree_entry(node, struct epoll_item, node)->file);
        if (inner)
            deepest = max(deepest, depth_below(inner, forbidden, budget - 1));
    }
    lock_release(&e->lock);
    return deepest + 1;
}

// The longest path up from e, through the epolls that watch it.
static u32 depth_above(struct epoll *e, u32 budget)
{
    struct epoll_item *i;
    u32 highest = 0;

    if (!budget)
        return NEST_MAX + 1;
    lock_acquire(&e->file->epoll_lock);
    if (e->file->epoll_items.next) {
        list_for_each(i, &e->file->epoll_items, file_node) highest =
            max(highest, depth_above(i->epoll, budget - 1));
    }
    lock_release(&e->file->epoll_lock);
    return highest + 1;
}

int epoll_nest_check(struct epoll *e, struct epoll *inner)
{
    if (depth_below(inner, e, NEST_MAX) + depth_above(e, NEST_MAX) > NEST_MAX)
        return -ELOOP;
    return 0;
}
