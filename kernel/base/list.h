// SPDX-License-Identifier: BSD-3-Clause
// A circular doubly linked list; nodes stand inside the objects. A node that is on no list points to
// itself, so list_remove of it is harmless.
#pragma once

#include "base/types.h"

struct list {
    struct list *next, *previous;
};

#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list *l)
{
    l->next = l->previous = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_after(struct list *at, struct list *node)
{
    node->next = at->next;
    node->previous = at;
    at->next->previous = node;
    at->next = node;
}

static inline void list_push_front(struct list *l, struct list *node)
{
    list_insert_after(l, node);
}

static inline void list_push_back(struct list *l, struct list *node)
{
    list_insert_after(l->previous, node);
}

static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

static inline struct list *list_pop_front(struct list *l)
{
    struct list *node = l->next;
    if (node == l)
        return NULL;
    list_remove(node);
    return node;
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(l, type, member)    list_entry((l)->next, type, member)
#define list_for_each(it, l, member)                                   \
    for (it = list_entry((l)->next, __typeof__(*it), member);          \
         &it->member != (l);                                           \
         it = list_entry(it->member.next, __typeof__(*it), member))
// `it` may be removed or freed in the body.
#define list_for_each_safe(it, tmp, l, member)                         \
    for (it = list_entry((l)->next, __typeof__(*it), member),          \
        tmp = list_entry(it->member.next, __typeof__(*it), member);    \
         &it->member != (l);                                           \
         it = tmp, tmp = list_entry(it->member.next, __typeof__(*it), member))
