// SPDX-License-Identifier: BSD-3-Clause
// Extended attributes of tmpfs nodes. A lower node's are the image's until the first change, which
// copies them all. Names arrive checked, with their prefix; inode->lock is held. [xattr(7)]
#include <linux/xattr.h>

#include "base/string.h"
#include "file/tmpfs.h"
#include "memory/heap.h"

static struct tmpfs_xattr *xattr_find(struct tmpfs_node *n, const char *name)
{
    struct tmpfs_xattr *x;

    list_for_each(x, &n->xattrs, node) if (!strcmp(x->name, name)) return x;
    return NULL;
}

static bool shows_lower(const struct tmpfs_node *n)
{
    return n->lower && !n->xattrs_own;
}

static int xattr_add(struct tmpfs_node *n, const char *prefix, const char *name, size_t name_size,
                     const void *value, size_t size)
{
    size_t prefix_size = strlen(prefix);
    struct tmpfs_xattr *x = heap_alloc(sizeof(*x) + size + prefix_size + name_size + 1);

    if (!x)
        return -ENOSPC;
    x->size = size;
    memcpy(x->value, value, size);
    x->name = (char *)x->value + size;
    memcpy(x->name, prefix, prefix_size);
    memcpy(x->name + prefix_size, name, name_size);
    list_push_back(&n->xattrs, &x->node);
    return 0;
}

void tmpfs_xattr_free(struct tmpfs_node *n)
{
    struct tmpfs_xattr *x, *next;

    list_for_each_safe(x, next, &n->xattrs, node)
    {
        list_remove(&x->node);
        heap_free(x);
    }
}

static int copy_up(struct tmpfs_node *n)
{
    struct erofs_xattr x;

    for (u32 index = 0; shows_lower(n); index++) {
        int error = erofs_xattr(&tmpfs_of(n->inode)->image, n->lower, index, &x);
        if (error == 1)
            error = xattr_add(n, x.prefix, x.name, x.name_size, x.value, x.value_size);
        else if (!error)
            n->xattrs_own = true;
        if (error < 0) {
            tmpfs_xattr_free(n);
            return error;
        }
    }
    return 0;
}

int tmpfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size,
                    int flags)
{
    struct tmpfs_node *n = node_of(inode);
    struct tmpfs_xattr *old;
    int error = copy_up(n);

    if (error)
        return error;
    old = xattr_find(n, name);
    if (!old && (!value || flags & XATTR_REPLACE))
        return -ENODATA;
    if (old && flags & XATTR_CREATE)
        return -EEXIST;
    if (value)
        error = xattr_add(n, "", name, strlen(name), value, size);
    if (error)
        return error;
    if (old) {
        list_remove(&old->node);
        heap_free(old);
    }
    inode_touch(inode, false, false, true);
    return 0;
}

static s64 value_give(const void *value, size_t value_size, void *out, size_t size)
{
    if (!size)
        return (s64)value_size;
    if (value_size > size)
        return -ERANGE;
    memcpy(out, value, value_size);
    return (s64)value_size;
}

s64 tmpfs_get_xattr(struct inode *inode, const char *name, void *out, size_t size)
{
    struct tmpfs_node *n = node_of(inode);
    struct tmpfs_xattr *own;
    struct erofs_xattr x;
    int error;

    if (!shows_lower(n)) {
        own = xattr_find(n, name);
        return own ? value_give(own->value, own->size, out, size) : -ENODATA;
    }
    error = erofs_xattr_find(&tmpfs_of(inode)->image, n->lower, name, &x);
    return error ? error : value_give(x.value, x.value_size, out, size);
}

// Appends a name to the list as far as there is room; `length` counts on.
static void list_add(char *out, size_t size, size_t *length, const char *name, size_t name_size)
{
    if (*length + name_size <= size)
        memcpy(out + *length, name, name_size);
    *length += name_size;
}

s64 tmpfs_list_xattr(struct inode *inode, char *out, size_t size)
{
    struct tmpfs_node *n = node_of(inode);
    struct tmpfs_xattr *own;
    struct erofs_xattr x;
    size_t length = 0;

    if (shows_lower(n)) {
        for (u32 index = 0; erofs_xattr(&tmpfs_of(inode)->image, n->lower, index, &x) == 1;
             index++) {
            list_add(out, size, &length, x.prefix, strlen(x.prefix));
            list_add(out, size, &length, x.name, x.name_size);
            list_add(out, size, &length, "", 1);
        }
    } else {
        list_for_each(own, &n->xattrs, node)
            list_add(out, size, &length, own->name, strlen(own->name) + 1);
    }
    return size && length > size ? -ERANGE : (s64)length;
}
