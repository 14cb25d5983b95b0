// SPDX-License-Identifier: BSD-3-Clause
// Directories of tmpfs: lookup (which makes dentries of lower names), making, removing and moving
// names. See tmpfs.h for the union of upper and lower.
#include <linux/fs.h>

#include "base/string.h"
#include "file/tmpfs.h"
#include "memory/heap.h"

static struct tmpfs_directory *directory_of(const struct inode *i)
{
    return &node_of(i)->directory;
}

static int lookup_lower(struct inode *i, struct dentry *parent, const char *name, size_t size,
                        struct dentry **out)
{
    struct tmpfs *t = tmpfs_of(i);
    struct tmpfs_node *n = node_of(i);
    struct inode *found;
    u64 nid;
    int error;

    if (whiteout_find(&n->directory, name, size))
        return -ENOENT;
    error = erofs_lookup(&t->image, n->lower, name, size, &nid, NULL);
    if (!error)
        error = tmpfs_inode_of_lower(t, nid, &found);
    if (!error)
        error = dentry_create(parent, name, size, found, out);
    if (error)
        return error == -EUCLEAN ? -EIO : error;
    (*out)->lower = true;
    names_insert(&n->directory, dentry_get(*out));
    return 0;
}

static int tmpfs_lookup(struct inode *i, struct dentry *parent, const char *name, size_t size,
                        struct dentry **out)
{
    struct tmpfs_node *n = node_of(i);
    struct dentry *d = names_find(&n->directory, name, size, name_hash(name, size));

    if (d) {
        *out = dentry_get(d);
        return 0;
    }
    return n->lower ? lookup_lower(i, parent, name, size, out) : -ENOENT;
}

// -EEXIST if the name is there, in either layer; -ENOENT if the directory itself has been removed.
static int name_is_free(struct inode *i, struct dentry *parent, const char *name, size_t size)
{
    struct dentry *d;
    int error;

    if (parent->deleted)
        return -ENOENT;
    error = tmpfs_lookup(i, parent, name, size, &d);
    if (!error)
        dentry_put(d);
    return error == -ENOENT ? 0 : error ? error : -EEXIST;
}

// Gives a new inode (the reference goes over) its name in the directory.
static int name_add(struct inode *i, struct dentry *parent, const char *name, size_t size,
                    struct inode *made, struct dentry **out)
{
    struct dentry *d;
    int error = dentry_create(parent, name, size, made, &d);

    if (error)
        return error;
    names_insert(directory_of(i), d);
    if (S_ISDIR(made->mode))
        i->links++;
    inode_touch(i, false, true, true);
    if (out)
        *out = dentry_get(d);
    return 0;
}

// Rights that come from the directory [inode_init_owner in Linux, and open(2) on set-group-ID].
static void inherit(struct inode *i, struct inode *made)
{
    if (!(i->mode & S_ISGID))
        return;
    made->gid = i->gid;
    if (S_ISDIR(made->mode))
        made->mode |= S_ISGID;
}

static int tmpfs_create_entry(struct inode *i, struct dentry *parent, const char *name, size_t size,
                              u32 mode, u32 rdevice, struct dentry **out)
{
    struct inode *made;
    int error = name_is_free(i, parent, name, size);

    if (!error)
        error = tmpfs_inode_create(tmpfs_of(i), mode, &made);
    if (error)
        return error;
    made->rdevice = rdevice;
    inherit(i, made);
    return name_add(i, parent, name, size, made, out);
}

static int tmpfs_create_unnamed(struct inode *i, u32 mode, bool linkable, struct inode **out)
{
    int error = tmpfs_inode_create(tmpfs_of(i), mode, out);

    if (error)
        return error;
    inherit(i, *out);
    (*out)->links = 0;
    node_of(*out)->linkable = linkable;
    return 0;
}

static int tmpfs_symlink(struct inode *i, struct dentry *parent, const char *name, size_t size,
                         const char *target)
{
    size_t target_size = strlen(target);
    struct inode *made;
    char *copy;
    int error = name_is_free(i, parent, name, size);

    if (error)
        return error;
    copy = heap_alloc(target_size + 1);
    if (!copy)
        return -ENOMEM;
    strlcpy(copy, target, target_size + 1);
    error = tmpfs_inode_create(tmpfs_of(i), S_IFLNK | 0777, &made);
    if (error) {
        heap_free(copy);
        return error;
    }
    node_of(made)->target = copy;
    made->size = target_size;
    inherit(i, made);
    return name_add(i, parent, name, size, made, NULL);
}

static int tmpfs_link(struct inode *i, struct dentry *parent, const char *name, size_t size,
                      struct inode *inode)
{
    int error = name_is_free(i, parent, name, size);

    if (error)
        return error;
    lock_acquire(&inode->lock);
    if (!inode->links && !node_of(inode)->linkable)
        error = -ENOENT;
    else
        inode->links++;
    lock_release(&inode->lock);
    if (error)
        return error;
    error = name_add(i, parent, name, size, inode_get(inode), NULL);
    lock_acquire(&inode->lock);
    if (error)
        inode->links--;
    else
        inode_touch(inode, false, false, true);
    lock_release(&inode->lock);
    return error;
}

bool tmpfs_directory_is_empty(struct inode *i)
{
    struct tmpfs_node *n = node_of(i);
    struct erofs_entry e;
    u64 cursor = 0;

    if (!list_empty(&n->directory.order))
        return false;
    while (n->lower && erofs_iterate(&tmpfs_of(i)->image, n->lower, &cursor, &e) == 1) {
        bool dots =
            e.name[0] == '.' && (e.name_size == 1 || (e.name_size == 2 && e.name[1] == '.'));
        if (!dots && !whiteout_find(&n->directory, e.name, e.name_size))
            return false;
    }
    return true;
}

// The inode of a name that has just gone: one link less; a directory is gone for good.
static void name_lost(struct inode *inode)
{
    bool last;

    lock_acquire(&inode->lock);
    inode->links -= S_ISDIR(inode->mode) ? inode->links : 1;
    last = !inode->links;
    inode_touch(inode, false, false, true);
    lock_release(&inode->lock);
    if (last)
        tmpfs_inode_unpin(inode);
}

// Takes a name that must be removable out of the directory; its inode stays as it is.
static int name_take(struct inode *i, struct dentry *entry)
{
    struct tmpfs_directory *d = directory_of(i);

    if (entry->lower) {
        int error = whiteout_add(d, entry->name, entry->name_size);
        if (error)
            return error;
        entry->lower = false;
    }
    names_remove(d, entry);
    if (S_ISDIR(entry->inode->mode))
        i->links--;
    inode_touch(i, false, true, true);
    return 0;
}

static int tmpfs_unlink(struct inode *i, struct dentry *entry, bool is_directory)
{
    int error = 0;

    if (is_directory) {
        lock_acquire(&entry->inode->lock);
        if (tmpfs_directory_is_empty(entry->inode))
            entry->deleted = true; // nothing can be made in it from now on
        else
            error = -ENOTEMPTY;
        lock_release(&entry->inode->lock);
    }
    if (!error)
        error = name_take(i, entry);
    if (error)
        return error;
    entry->deleted = true;
    name_lost(entry->inode);
    dentry_put(entry); // the directory's reference
    return 0;
}

// Puts a taken entry into a directory under its present name; the reference goes along.
static void name_put(struct inode *i, struct dentry *entry)
{
    names_insert(directory_of(i), entry);
    if (S_ISDIR(entry->inode->mode))
        i->links++;
    inode_touch(i, false, true, true);
}

static void touch_changed(struct inode *i)
{
    lock_acquire(&i->lock);
    inode_touch(i, false, false, true);
    lock_release(&i->lock);
}

static int exchange(struct dentry *a, struct dentry *b)
{
    struct dentry *a_parent = dentry_get(a->parent), *b_parent = dentry_get(b->parent);
    size_t a_size = a->name_size;
    char *a_name = heap_alloc(a_size + 1);
    int error = a_name ? 0 : -ENOMEM;

    if (!error) {
        memcpy(a_name, a->name, a_size);
        error = name_take(a_parent->inode, a);
    }
    if (!error) {
        error = name_take(b_parent->inode, b);
        if (error)
            name_put(a_parent->inode, a);
    }
    if (!error) {
        struct dentry *a_to = b_parent;
        error = dentry_rename(a, b_parent, b->name, b->name_size);
        if (!error && (error = dentry_rename(b, a_parent, a_name, a_size)))
            if (dentry_rename(a, a_parent, a_name, a_size))
                panic("no memory to take a rename back");
        if (error)
            a_to = a_parent;
        name_put(a_to->inode, a);
        name_put(error ? b_parent->inode : a_parent->inode, b);
    }
    if (!error) {
        touch_changed(a->inode);
        touch_changed(b->inode);
    }
    heap_free(a_name);
    dentry_put(a_parent);
    dentry_put(b_parent);
    return error;
}

static int tmpfs_rename(struct dentry *entry, struct dentry *new_parent, const char *name,
                        size_t size, struct dentry *replaced, u32 flags)
{
    struct dentry *old_parent = dentry_get(entry->parent);
    int error = new_parent->deleted ? -ENOENT : 0;

    if (!error && flags & RENAME_EXCHANGE) {
        dentry_put(old_parent);
        return exchange(entry, replaced);
    }
    if (!error)
        error = name_take(old_parent->inode, entry);
    if (!error) {
        if (replaced)
            error = tmpfs_unlink(new_parent->inode, replaced, S_ISDIR(replaced->inode->mode));
        if (!error)
            error = dentry_rename(entry, new_parent, name, size);
        name_put(error ? old_parent->inode : new_parent->inode, entry);
    }
    if (!error)
        touch_changed(entry->inode);
    dentry_put(old_parent);
    return error;
}

static int tmpfs_directory_open(struct inode *i, struct file *f)
{
    f->ops = &tmpfs_directory_file_ops;
    return 0;
}

const struct inode_ops tmpfs_directory_ops = {
    .lookup = tmpfs_lookup,
    .create = tmpfs_create_entry,
    .create_unnamed = tmpfs_create_unnamed,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rename = tmpfs_rename,
    .set_xattr = tmpfs_set_xattr,
    .get_xattr = tmpfs_get_xattr,
    .list_xattr = tmpfs_list_xattr,
    .open = tmpfs_directory_open,
    .evict = tmpfs_evict,
};
