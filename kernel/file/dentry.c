// SPDX-License-Identifier: BSD-3-Clause
// Dentries: the names of the tree. A dentry holds its parent and its inode; the file system holds
// the dentries of a directory. `parent` and `name` change only by rename, under dentry_tree_lock.
#include "base/printf.h"
#include "base/string.h"
#include "file/inode.h"
#include "file/inotify.h"
#include "file/path.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/rollback.h"
#include "thread/thread.h"

static struct slab_cache dentry_cache = SLAB_CACHE("dentry", struct dentry);

struct lock dentry_tree_lock;
struct mount_list mount_list = {LOCK_INIT, LIST_INIT(mount_list.mounts)};

u32 file_system_device(void)
{
    static u32 last = 20; // 0:n; small numbers are those of file systems that have no mount

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED); // pairs with itself
}

int dentry_create(struct dentry *parent, const char *name, size_t size, struct inode *inode,
                  struct dentry **out)
{
    struct dentry *d = slab_alloc(&dentry_cache);
    char *copy = d ? heap_alloc(size + 1) : NULL;

    if (!copy) {
        if (d)
            slab_free(&dentry_cache, d);
        inode_put(inode);
        return -ENOMEM;
    }
    memcpy(copy, name, size);
    d->references = 1;
    d->name = copy;
    d->name_size = (u16)size;
    d->inode = inode;
    d->parent = parent ? dentry_get(parent) : d;
    list_init(&d->sibling);
    *out = d;
    return 0;
}

int dentry_place_make(struct dentry_place *p, struct dentry *parent, const char *name, size_t size)
{
    char *copy = heap_alloc(size + 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, name, size);
    *p = (struct dentry_place){dentry_get(parent), copy, (u16)size};
    return 0;
}

void dentry_place_drop(struct dentry_place *p)
{
    heap_free(p->name);
    dentry_put(p->parent);
}

void dentry_move(struct dentry *d, struct dentry_place *p)
{
    struct dentry_place old = {d->parent, d->name, d->name_size};

    rollback_word(&d->parent);
    rollback_word(&d->name);
    rollback_word(&d->name_size);
    d->parent = p->parent;
    d->name = p->name;
    d->name_size = p->name_size;
    *p = old;
}

struct dentry *dentry_get(struct dentry *d)
{
    __atomic_add_fetch(&d->references, 1, __ATOMIC_RELAXED); // pairs with dentry_put
    return d;
}

void dentry_put(struct dentry *d)
{
    while (!__atomic_sub_fetch(&d->references, 1, __ATOMIC_ACQ_REL)) { // pairs with dentry_get
        struct dentry *parent = d->parent;
        inode_put(d->inode);
        heap_free(d->name);
        slab_free(&dentry_cache, d);
        if (parent == d)
            return;
        d = parent;
    }
}

struct dentry *dentry_parent(struct dentry *d)
{
    struct dentry *parent;

    lock_acquire_clean(&dentry_tree_lock);
    parent = dentry_get(d->parent);
    lock_release(&dentry_tree_lock);
    return parent;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor)
{
    bool below = false;

    lock_acquire_clean(&dentry_tree_lock);
    for (;;) {
        if (d == ancestor) {
            below = true;
            break;
        }
        if (d->parent != d)
            d = d->parent;
        else if (d->covers)
            d = d->covers;
        else
            break;
    }
    lock_release(&dentry_tree_lock);
    return below;
}

// Puts "/name" in front of *at, which points into a buffer that begins at `start`. False: no room.
static bool path_prepend(char *start, char **at, const char *name, size_t size)
{
    if ((size_t)(*at - start) < size + 1)
        return false;
    *at -= size;
    memcpy(*at, name, size);
    *--*at = '/';
    return true;
}

int dentry_path_from(struct dentry *d, const struct dentry *root, char *out, size_t size)
{
    static const char deleted_mark[] = " (deleted)";
    char *at = out + size;
    bool fits = size > sizeof(deleted_mark);

    if (fits && d->deleted) {
        at -= sizeof(deleted_mark);
        memcpy(at, deleted_mark, sizeof(deleted_mark));
    } else if (fits) {
        *--at = '\0';
    }
    lock_acquire_clean(&dentry_tree_lock);
    while (fits && d != root) {
        if (d->parent == d) {
            if (!d->covers)
                break;
            d = d->covers;
            continue;
        }
        fits = path_prepend(out, &at, d->name, d->name_size);
        d = d->parent;
    }
    lock_release(&dentry_tree_lock);
    if (fits && (*at == '\0' || *at == ' '))
        fits = path_prepend(out, &at, "", 0);
    if (!fits)
        return -ENAMETOOLONG;
    memmove(out, at, (size_t)(out + size - at));
    return d == root ? 0 : 1;
}

int dentry_path(struct dentry *d, char *out, size_t size)
{
    const struct dentry *root = path_context_now()->root;

    if (d->parent == d && !d->covers && d != root) { // an anonymous one
        int length = snprintf(out, size, "/%s%s", d->name, d->deleted ? " (deleted)" : "");
        return (size_t)length < size ? 0 : -ENAMETOOLONG;
    }
    return min(dentry_path_from(d, root, out, size), 0);
}

void dentry_event(struct dentry *d, u32 mask)
{
    struct inode *parent =
        d->parent->inode; // a rename in between only sends the event to the old one
    u32 directory = S_ISDIR(d->inode->mode) ? 0x40000000 : 0; // IN_ISDIR

    if (!list_empty(&parent->watches) && d->parent != d)
        inotify_event(parent, mask | directory | (d->deleted ? INOTIFY_UNLINKED : 0), d->name, 0);
    if (!list_empty(&d->inode->watches))
        inotify_event(d->inode, mask | directory, NULL, 0);
}
