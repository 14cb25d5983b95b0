// SPDX-License-Identifier: BSD-3-Clause
// The names of a tmpfs directory: dentries in a tree by hash and name, and in a list in the order
// of their making, which is the order of readdir; and the whiteouts over a lower directory.
#include "base/hash.h"
#include "base/string.h"
#include "file/tmpfs.h"
#include "memory/heap.h"
#include "thread/rollback.h"

struct whiteout {
    struct tree_node node;
    u32 hash;
    u32 size;
    char name[];
};

u32 name_hash(const char *name, size_t size)
{
    return (u32)hash_bytes(name, size, 0);
}

static int name_compare(u32 a_hash, const char *a, size_t a_size, u32 b_hash, const char *b,
                        size_t b_size)
{
    if (a_hash != b_hash)
        return a_hash < b_hash ? -1 : 1;
    if (a_size != b_size)
        return a_size < b_size ? -1 : 1;
    return memcmp(a, b, a_size);
}

struct dentry *names_find(struct tmpfs_directory *d, const char *name, size_t size, u32 hash)
{
    struct tree_node *at = d->names.root;

    while (at) {
        struct dentry *e = tree_entry(at, struct dentry, node);
        int order = name_compare(hash, name, size, e->hash, e->name, e->name_size);
        if (!order)
            return e;
        at = order < 0 ? at->left : at->right;
    }
    return NULL;
}

void names_insert(struct tmpfs_directory *d, struct dentry *entry)
{
    struct tree_node **link = &d->names.root, *parent = NULL;

    rollback_word(&entry->hash);
    rollback_word(&entry->position);
    entry->hash = name_hash(entry->name, entry->name_size);
    while (*link) {
        struct dentry *e = tree_entry(*link, struct dentry, node);
        int order = name_compare(entry->hash, entry->name, entry->name_size, e->hash, e->name,
                                 e->name_size);
        parent = *link;
        link = order < 0 ? &parent->left : &parent->right;
    }
    tree_insert(&d->names, &entry->node, parent, link);
    entry->position = d->next_position++;
    rollback_insert_after(d->order.previous);
    list_push_back(&d->order, &entry->sibling);
}

void names_remove(struct tmpfs_directory *d, struct dentry *entry)
{
    tree_remove(&d->names, &entry->node);
    rollback_remove(&entry->sibling);
    list_remove(&entry->sibling);
}

static struct tree_node **whiteout_place(const struct tmpfs_directory *d, const char *name,
                                         size_t size, u32 hash, struct tree_node **out_parent)
{
    struct tree_node *const *link = &d->whiteouts.root;

    *out_parent = NULL;
    while (*link) {
        struct whiteout *w = tree_entry(*link, struct whiteout, node);
        int order = name_compare(hash, name, size, w->hash, w->name, w->size);
        if (!order)
            break;
        *out_parent = *link;
        link = order < 0 ? &(*out_parent)->left : &(*out_parent)->right;
    }
    return (struct tree_node **)(uintptr_t)link; // for whiteout_add, which may write
}

bool whiteout_find(const struct tmpfs_directory *d, const char *name, size_t size)
{
    struct tree_node *parent;

    if (!d->whiteouts.root)
        return false;
    return *whiteout_place(d, name, size, name_hash(name, size), &parent) != NULL;
}

int whiteout_add(struct tmpfs_directory *d, const char *name, size_t size)
{
    u32 hash = name_hash(name, size);
    struct tree_node *parent, **link = whiteout_place(d, name, size, hash, &parent);
    struct whiteout *w;

    if (*link)
        return 0;
    w = heap_alloc(sizeof(*w) + size);
    if (!w)
        return -ENOMEM;
    w->hash = hash;
    w->size = (u32)size;
    memcpy(w->name, name, size);
    tree_insert(&d->whiteouts, &w->node, parent, link);
    return 0;
}

void names_free(struct tmpfs_directory *d)
{
    struct dentry *e, *next;
    struct tree_node *at;

    d->names.save = d->whiteouts.save = NULL; // nobody else looks any more
    list_for_each_safe(e, next, &d->order, sibling)
    {
        names_remove(d, e);
        dentry_put(e);
    }
    while ((at = tree_first(&d->whiteouts))) {
        tree_remove(&d->whiteouts, at);
        heap_free(tree_entry(at, struct whiteout, node));
    }
}
