// SPDX-License-Identifier: BSD-3-Clause
// The red-black tree of base/tree.h.
//
// Invariants: the root is black; a red node has black children; every path from a node down to NULL
// passes the same number of black nodes. So the longest path is at most twice the shortest.
// Insertion and removal first do what an unbalanced tree does, then repair one broken invariant on
// the way up, with recolouring and at most three rotations. [Cormen et al., chapter 13]
#include "base/tree.h"

static void set(const struct tree *t, struct tree_node **place, struct tree_node *value)
{
    if (unlikely(t->save))
        t->save(place, sizeof(*place));
    *place = value;
}

static void set_red(const struct tree *t, struct tree_node *node, bool red)
{
    if (unlikely(t->save))
        t->save(&node->red, sizeof(node->red));
    node->red = red;
}

static bool is_red(const struct tree_node *node)
{
    return node && node->red;
}

// Puts `fresh` where `old` hangs below its parent.
static void replace_child(struct tree *t, struct tree_node *old, struct tree_node *fresh)
{
    struct tree_node *parent = old->parent;

    if (!parent)
        set(t, &t->root, fresh);
    else if (parent->left == old)
        set(t, &parent->left, fresh);
    else
        set(t, &parent->right, fresh);
    if (fresh)
        set(t, &fresh->parent, parent);
}

//      x              y
//     a  y    ->    x  c
//       b c        a b
static void rotate_left(struct tree *t, struct tree_node *x)
{
    struct tree_node *y = x->right;

    replace_child(t, x, y);
    set(t, &x->right, y->left);
    if (x->right)
        set(t, &x->right->parent, x);
    set(t, &y->left, x);
    set(t, &x->parent, y);
}

static void rotate_right(struct tree *t, struct tree_node *x)
{
    struct tree_node *y = x->left;

    replace_child(t, x, y);
    set(t, &x->left, y->right);
    if (x->left)
        set(t, &x->left->parent, x);
    set(t, &y->right, x);
    set(t, &x->parent, y);
}

void tree_insert(struct tree *t, struct tree_node *node, struct tree_node *parent,
                 struct tree_node **link)
{
    *node = (struct tree_node){.parent = parent, .red = true};
    set(t, link, node);

    // Only "a red node has black children" can be broken, between node and its parent.
    while (is_red(node->parent)) {
        struct tree_node *up = node->parent, *top = up->parent;
        bool on_left = top->left == up;
        struct tree_node *uncle = on_left ? top->right : top->left;

        if (is_red(uncle)) {
            set_red(t, up, false);
            set_red(t, uncle, false);
            set_red(t, top, true);
            node = top;
            continue;
        }
        if (node == (on_left ? up->right : up->left)) { // inner grandchild: make it the outer one
            if (on_left)
                rotate_left(t, up);
            else
                rotate_right(t, up);
            up = node;
        }
        set_red(t, up, false);
        set_red(t, top, true);
        if (on_left)
            rotate_right(t, top);
        else
            rotate_left(t, top);
        break;
    }
    set_red(t, t->root, false);
}

// One step of the repair after removal: paths through `node` (perhaps NULL) below `parent` lack one
// black node. Returns true when that is mended.
static bool mend_removal(struct tree *t, struct tree_node *node, struct tree_node *parent)
{
    bool on_left = parent->left == node;
    struct tree_node *brother = on_left ? parent->right : parent->left;

    if (brother->red) { // then parent is black: turn, so that the brother is a black one
        set_red(t, brother, false);
        set_red(t, parent, true);
        if (on_left)
            rotate_left(t, parent);
        else
            rotate_right(t, parent);
        brother = on_left ? parent->right : parent->left;
    }
    if (!is_red(brother->left) && !is_red(brother->right)) {
        set_red(t, brother, true); // now both sides lack one; parent takes it over if it is red
        bool done = parent->red;
        set_red(t, parent, false);
        return done;
    }
    struct tree_node *outer = on_left ? brother->right : brother->left;
    if (!is_red(outer)) { // the inner nephew is red: make it the brother
        if (on_left)
            rotate_right(t, brother);
        else
            rotate_left(t, brother);
        outer = brother;
        set_red(t, outer, true);
        brother = on_left ? parent->right : parent->left;
    }
    set_red(t, brother, parent->red);
    set_red(t, parent, false);
    set_red(t, outer, false);
    if (on_left)
        rotate_left(t, parent);
    else
        rotate_right(t, parent);
    return true;
}

void tree_remove(struct tree *t, struct tree_node *node)
{
    struct tree_node *child, *parent;
    bool red;

    if (node->left && node->right) {
        // The successor, which has no left child, takes node's place and colour.
        struct tree_node *next = node->right;
        while (next->left)
            next = next->left;
        child = next->right;
        parent = next->parent == node ? next : next->parent;
        red = next->red;
        replace_child(t, next, child);
        replace_child(t, node, next);
        set_red(t, next, node->red);
        set(t, &next->left, node->left);
        set(t, &next->left->parent, next);
        set(t, &next->right, node->right);
        if (next->right)
            set(t, &next->right->parent, next);
    } else {
        child = node->left ? node->left : node->right;
        parent = node->parent;
        red = node->red;
        replace_child(t, node, child);
    }
    set(t, &node->left, NULL);
    set(t, &node->right, NULL);
    set(t, &node->parent, NULL);
    set_red(t, node, false);
    if (red)
        return;
    while (parent && !is_red(child)) {
        if (mend_removal(t, child, parent))
            return;
        child = parent;
        parent = child->parent;
    }
    if (child)
        set_red(t, child, false);
}

struct tree_node *tree_first(const struct tree *t)
{
    struct tree_node *node = t->root;

    while (node && node->left)
        node = node->left;
    return node;
}

struct tree_node *tree_last(const struct tree *t)
{
    struct tree_node *node = t->root;

    while (node && node->right)
        node = node->right;
    return node;
}

struct tree_node *tree_next(const struct tree_node *node)
{
    if (node->right) {
        struct tree_node *next = node->right;
        while (next->left)
            next = next->left;
        return next;
    }
    while (node->parent && node == node->parent->right)
        node = node->parent;
    return node->parent;
}

struct tree_node *tree_previous(const struct tree_node *node)
{
    if (node->left) {
        struct tree_node *next = node->left;
        while (next->right)
            next = next->right;
        return next;
    }
    while (node->parent && node == node->parent->left)
        node = node->parent;
    return node->parent;
}
