// SPDX-License-Identifier: BSD-3-Clause
// A balanced binary search tree (red-black); nodes stand inside the objects. The caller walks down
// himself, as he knows his keys:
//
//     struct tree_node **link = &tree->root, *parent = NULL;
//     while (*link) {
//         parent = *link;
//         link = key < entry(parent)->key ? &parent->left : &parent->right;
//     }
//     tree_insert(tree, &new->node, parent, link);
//
// A tree with `save` calls that for each word before it changes it, those of the node inserted excepted.
#pragma once

#include "base/types.h"

struct tree_node {
    struct tree_node *left, *right, *parent;
    bool red;
};

struct tree {
    struct tree_node *root;
    void (*save)(const void *at, u64 size); // thread/rollback.h, or NULL
};

void tree_insert(struct tree *t, struct tree_node *node, struct tree_node *parent,
                 struct tree_node **link);
void tree_remove(struct tree *t, struct tree_node *node);
// In-order neighbours; NULL at the ends.
struct tree_node *tree_first(const struct tree *t);
struct tree_node *tree_last(const struct tree *t);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);
#define tree_entry(node, type, member) container_of(node, type, member)
