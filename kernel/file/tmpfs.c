// SPDX-License-Identifier: BSD-3-Clause
// tmpfs: file systems, and the life of their inodes. See tmpfs.h for how a node is put together.
#include "file/tmpfs.h"

#include <linux/magic.h>

#include "base/string.h"
#include "file/root.h"
#include "file/tmpfs_resize.h"
#include "memory/heap.h"
#include "platform/platform.h"
#include "thread/rollback.h"

static struct slab_cache node_cache = SLAB_CACHE("tmpfs_node", struct tmpfs_node);
static struct slab_cache lower_cache = SLAB_CACHE("tmpfs_lower", struct erofs_inode);
static struct slab_cache tmpfs_cache = SLAB_CACHE("tmpfs", struct tmpfs);

static const struct inode_ops *ops_of_mode(u32 mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return &tmpfs_file_ops;
    case S_IFDIR:
        return &tmpfs_directory_ops;
    case S_IFLNK:
        return &tmpfs_link_ops;
    default:
        return &tmpfs_special_ops;
    }
}

int tmpfs_inode_create(struct tmpfs *t, u32 mode, struct inode **out)
{
    struct tmpfs_node *n = slab_alloc(&node_cache);
    struct inode *i;
    int error;

    if (!n)
        return -ENOSPC;
    error = inode_create(&t->fs, ops_of_mode(mode), mode, &i);
    if (error) {
        slab_free(&node_cache, n);
        return error;
    }
    i->data = n;
    n->inode = i;
    list_init(&n->xattrs);
    if (S_ISDIR(mode)) {
        list_init(&n->directory.order);
        n->directory.names.save = n->directory.whiteouts.save = rollback_save;
        i->links = 2;
    } else if (S_ISREG(mode)) {
        n->data.seals = F_SEAL_SEAL;
        n->data.lower_map = NO_LOWER_MAP;
    }
    __atomic_add_fetch(&t->inodes, 1, __ATOMIC_RELAXED); // pairs with tmpfs_evict
    *out = i;
    return 0;
}

// Makes the inode look like the lower one.
static void inode_fill(struct tmpfs *t, struct inode *i, const struct erofs_inode *lower)
{
    struct tmpfs_node *n = node_of(i);

    i->number = lower->nid;
    i->uid = lower->uid;
    i->gid = lower->gid;
    i->links = lower->nlink;
    i->size = lower->size;
    i->rdevice =
        (lower->minor & 0xff) | (lower->major & 0xfff) << 8 | (lower->minor & ~0xffu) << 12;
    i->modified.tv_sec = (s64)lower->mtime;
    i->modified.tv_nsec = lower->mtime_nsec;
    i->accessed = i->changed = i->born = i->modified;
    i->blocks = page_round_up(lower->size) / 512;
    if (!S_ISREG(i->mode))
        return;
    n->data.lower_size = lower->size;
    if (!lower->size || erofs_map_offset(&t->image, lower, &n->data.lower_map))
        n->data.lower_map = NO_LOWER_MAP;
}

static int inode_make_of_lower(struct tmpfs *t, u64 nid, struct inode **out)
{
    struct erofs_inode *lower = slab_alloc(&lower_cache);
    int error;

    if (!lower)
        return -ENOMEM;
    error = erofs_inode_read(&t->image, nid, lower);
    if (!error)
        error = tmpfs_inode_create(t, lower->mode, out);
    if (error) {
        slab_free(&lower_cache, lower);
        return error;
    }
    node_of(*out)->lower = lower;
    inode_fill(t, *out, lower);
    return 0;
}

// Takes a reference unless the inode is on its way out.
static bool inode_get_alive(struct inode *i)
{
    u32 count = __atomic_load_n(&i->references, __ATOMIC_RELAXED);

    while (count)
        if (__atomic_compare_exchange_n(&i->references, &count, count + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) // pairs with inode_put
            return true;
    return false;
}

int tmpfs_inode_of_lower(struct tmpfs *t, u64 nid, struct inode **out)
{
    struct tree_node **link = &t->by_nid.root, *parent = NULL;
    int error = 0;

    lock_acquire_clean(&t->lock);
    while (*link) {
        struct tmpfs_node *n = tree_entry(*link, struct tmpfs_node, nid_node);
        parent = *link;
        if (n->lower->nid == nid && inode_get_alive(n->inode)) {
            *out = n->inode;
            break;
        }
        link = nid < n->lower->nid ? &parent->left : &parent->right;
    }
    if (!*link) {
        error = inode_make_of_lower(t, nid, out);
        if (!error) {
            struct tmpfs_node *n = node_of(*out);
            // What is changed through one name must not be lost while another has no dentry.
            n->pinned = n->lower->nlink > 1 && !S_ISDIR((*out)->mode);
            if (n->pinned)
                inode_get(*out);
            n->in_table = true;
            rollback_begin(&t->lock);
            tree_insert(&t->by_nid, &n->nid_node, parent, link);
            rollback_end(&t->lock);
        }
    }
    lock_release(&t->lock);
    return error;
}

void tmpfs_inode_unpin(struct inode *i)
{
    struct tmpfs_node *n = node_of(i);
    struct tmpfs *t = tmpfs_of(i);
    bool pinned;

    lock_acquire_clean(&t->lock);
    pinned = n->pinned;
    n->pinned = false;
    lock_release(&t->lock);
    if (pinned)
        inode_put(i);
}

static void tmpfs_free(struct tmpfs *t)
{
    heap_free((void *)(uintptr_t)t->fs.source); // from text_copy
    slab_free(&tmpfs_cache, t);
}

void tmpfs_evict(struct inode *i)
{
    struct tmpfs *t = tmpfs_of(i);
    struct tmpfs_node *n = node_of(i);

    rollback_acquire(&t->lock);
    if (n->in_table)
        tree_remove(&t->by_nid, &n->nid_node);
    lock_release(&t->lock);
    if (S_ISDIR(i->mode))
        names_free(&n->directory);
    else if (S_ISREG(i->mode))
        data_free(n);
    else if (S_ISLNK(i->mode))
        heap_free(n->target);
    tmpfs_xattr_free(n);
    if (n->lower)
        slab_free(&lower_cache, n->lower);
    slab_free(&node_cache, n);
    if (!__atomic_sub_fetch(&t->inodes, 1, __ATOMIC_ACQ_REL) && t->unmounted) // pairs with create
        tmpfs_free(t);
}

static s64 tmpfs_read_link(struct inode *i, char *out, size_t size)
{
    struct tmpfs_node *n = node_of(i);
    const char *target = n->target;
    u64 length = i->size;

    if (n->lower) {
        int error = erofs_link(&tmpfs_of(i)->image, n->lower, &target, &length);
        if (error)
            return -EIO;
    }
    memcpy(out, target, min(length, (u64)size));
    return (s64)length;
}

const struct inode_ops tmpfs_link_ops = {
    .read_link = tmpfs_read_link,
    .set_xattr = tmpfs_set_xattr,
    .get_xattr = tmpfs_get_xattr,
    .list_xattr = tmpfs_list_xattr,
    .evict = tmpfs_evict,
};

const struct inode_ops tmpfs_special_ops = {
    .set_xattr = tmpfs_set_xattr,
    .get_xattr = tmpfs_get_xattr,
    .list_xattr = tmpfs_list_xattr,
    .evict = tmpfs_evict,
};

static void tmpfs_statfs(struct file_system *fs, u64 *out_blocks, u64 *out_free, u64 *out_files)
{
    struct tmpfs *t = container_of(fs, struct tmpfs, fs);
    u64 used = __atomic_load_n(&t->pages_used, __ATOMIC_RELAXED); // pairs with pages_account

    // What the image holds is there, and can't be had back.
    *out_blocks = t->pages_limit + (t->image.size >> PAGE_SHIFT);
    *out_free = t->pages_limit - min(used, t->pages_limit);
    *out_files = t->inodes;
}

// Drops the names below a root, from the leaves up: dentries and directories hold each other.
static void names_prune(struct dentry *root)
{
    struct dentry *at = root;

    for (;;) {
        struct tmpfs_directory *d = &node_of(at->inode)->directory;
        struct dentry *child = list_first(&d->order, struct dentry, sibling), *parent;
        if (!list_empty(&d->order) && S_ISDIR(child->inode->mode) &&
            !list_empty(&node_of(child->inode)->directory.order)) {
            at = child;
            continue;
        }
        if (!list_empty(&d->order)) {
            names_remove(d, child);
            tmpfs_inode_unpin(child->inode);
            dentry_put(child);
            continue;
        }
        if (at == root)
            return;
        parent = at->parent;
        at = parent;
    }
}

static bool tmpfs_busy(struct file_system *fs)
{
    struct dentry *root = fs->root, *at = root;
    u64 children = 0;

    // Only the root's own names are counted here: whoever is deeper holds a dentry of that level.
    list_for_each(at, &node_of(root->inode)->directory.order, sibling)
    {
        children++;
        if (S_ISDIR(at->inode->mode)
                ? at->references > 1 && list_empty(&node_of(at->inode)->directory.order)
                : at->references > 1)
            return true;
    }
    return root->references > 3 + children; // the file system's, the mount point's, the caller's
}

static void tmpfs_unmount(struct file_system *fs)
{
    struct tmpfs *t = container_of(fs, struct tmpfs, fs);
    struct dentry *root = fs->root;

    names_prune(root);
    t->unmounted = true; // the root's inode is still alive: the last one frees t
    fs->root = NULL;
    dentry_put(root);
}

static u64 pages_limit_default(void)
{
    const struct boot_info *boot = platform_boot();
    u64 memory = boot->memory_limit ? boot->memory_limit : boot->host_memory;

    return max(memory, 64ull << 20) >> PAGE_SHIFT;
}

static const char *text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = heap_alloc(size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static int root_make(struct tmpfs *t)
{
    struct inode *i;
    int error;

    if (t->has_image)
        error = tmpfs_inode_of_lower(t, t->image.root_nid, &i);
    else
        error = tmpfs_inode_create(t, S_IFDIR | 01777, &i);
    return error ? error : dentry_create(NULL, "/", 1, i, &t->fs.root);
}

int tmpfs_create(const char *type, const void *image, u64 image_size, struct file_system **out)
{
    struct tmpfs *t = slab_alloc(&tmpfs_cache);
    int error = 0;

    if (!t)
        return -ENOMEM;
    t->fs = (struct file_system){
        .type = type,
        .source = text_copy(type),
        .device = file_system_device(),
        .magic = TMPFS_MAGIC,
        .statfs = tmpfs_statfs,
        .busy = tmpfs_busy,
        .unmount = tmpfs_unmount,
        .next_inode = image_size / 32 + 100, // lower inode numbers are below: a node takes 32 bytes
    };
    list_init(&t->fs.mounts);
    t->by_nid.save = rollback_save;
    t->pages_limit = pages_limit_default();
    t->has_image = image != NULL;
    if (!t->fs.source)
        error = -ENOMEM;
    if (!error && image)
        error = erofs_open(&t->image, image, image_size, NULL);
    if (!error)
        error = root_make(t);
    if (error) {
        tmpfs_free(t);
        return error;
    }
    *out = &t->fs;
    return 0;
}
