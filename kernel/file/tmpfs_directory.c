// SPDX-License-Identifier: BSD-3-Clause
// Directories of tmpfs: lookup (which makes dentries of lower names), making, removing and moving
// names. See tmpfs.h for the union of upper and lower.
//
// The host may kill a member anywhere in here (thread/rollback.h). A name, the directory's links and the inode's change in
// one section, or not at all; what can fail, allocates or frees stands in front of it, or behind.
#include <linux/fs.h>

#include "base/string.h"
#include "file/tmpfs.h"
#include "memory/heap.h"
#include "thread/rollback.h"

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
    dentry_get(*out);
    rollback_begin(&i->lock);
    names_insert(&n->directory, *out);
    rollback_end(&i->lock);
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

// Part of a section: a directory below gives i a link, by its "..".
static void parent_link(struct inode *i, const struct inode *child, int change)
{
    if (!S_ISDIR(child->mode))
        return;
    rollback_word(&i->links);
    i->links += (u32)change;
}

// Part of a section: puts an entry into a directory under its present name; the reference goes along.
static void name_put(struct inode *i, struct dentry *entry)
{
    names_insert(directory_of(i), entry);
    parent_link(i, entry->inode, 1);
}

// Part of a section: takes an entry, which hide_lower has been called for, out of the directory.
static void name_take(struct inode *i, struct dentry *entry)
{
    names_remove(directory_of(i), entry);
    parent_link(i, entry->inode, -1);
}

// Gives an inode (the reference goes over) its name in the directory, and `links` links more.
static int name_add(struct inode *i, struct dentry *parent, const char *name, size_t size,
                    struct inode *made, u32 links, struct dentry **out)
{
    struct dentry *d;
    int error = dentry_create(parent, name, size, made, &d);

    if (error)
        return error;
    if (out)
        *out = dentry_get(d);
    rollback_begin(&i->lock);
    name_put(i, d);
    rollback_word(&made->links);
    made->links += links;
    rollback_end(&i->lock);
    inode_touch(i, false, true, true);
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
    return name_add(i, parent, name, size, made, 0, out);
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
    return name_add(i, parent, name, size, made, 0, NULL);
}

static int tmpfs_link(struct inode *i, struct dentry *parent, const char *name, size_t size,
                      struct inode *inode)
{
    int error = name_is_free(i, parent, name, size);

    if (error)
        return error;
    lock_acquire_clean(&inode->lock);
    if (!inode->links && !node_of(inode)->linkable)
        error = -ENOENT;
    else
        error = name_add(i, parent, name, size, inode_get(inode), 1, NULL);
    if (!error)
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

// Before a name is taken out of the directory: what the image has there does not show from then on.
static int hide_lower(struct inode *i, struct dentry *entry)
{
    int error;

    if (!entry->lower)
        return 0;
    rollback_begin(&i->lock);
    error = whiteout_add(directory_of(i), entry->name, entry->name_size);
    rollback_word(&entry->lower);
    entry->lower = error;
    rollback_end(&i->lock);
    return error;
}

// Looks whether the name may go; its inode is locked.
static int removal_begin(struct inode *i, struct dentry *entry, bool is_directory)
{
    if (is_directory && !tmpfs_directory_is_empty(entry->inode))
        return -ENOTEMPTY;
    return hide_lower(i, entry);
}

// Part of a section: the name goes, and with it a link; a directory is gone for good. The inode is locked.
static void removal(struct inode *i, struct dentry *entry)
{
    struct inode *inode = entry->inode;

    name_take(i, entry);
    rollback_word(&entry->deleted);
    entry->deleted = true; // nothing can be made in it from now on
    rollback_word(&inode->links);
    inode->links -= S_ISDIR(inode->mode) ? inode->links : 1;
}

// What is left to do; the inode is not locked.
static void removal_end(struct dentry *entry)
{
    if (!entry->inode->links)
        tmpfs_inode_unpin(entry->inode);
    dentry_put(entry); // the directory's reference
}

static int tmpfs_unlink(struct inode *i, struct dentry *entry, bool is_directory)
{
    struct inode *inode = entry->inode;
    int error;

    lock_acquire_clean(&inode->lock);
    error = removal_begin(i, entry, is_directory);
    if (!error) {
        rollback_begin(&i->lock);
        removal(i, entry);
        rollback_end(&i->lock);
        inode_touch(i, false, true, true);
        inode_touch(inode, false, false, true);
    }
    lock_release(&inode->lock);
    if (!error)
        removal_end(entry);
    return error;
}

static void touch_changed(struct inode *i)
{
    lock_acquire_clean(&i->lock);
    inode_touch(i, false, false, true);
    lock_release(&i->lock);
}

// Around the section that moves names from one directory to another, or within one.
static void move_begin(struct inode *from, struct inode *to)
{
    lock_acquire_clean(&dentry_tree_lock);
    rollback_begin(&from->lock);
    if (to != from)
        rollback_begin(&to->lock);
}

static void move_end(struct inode *from, struct inode *to)
{
    rollback_end(&from->lock);
    if (to != from)
        rollback_end(&to->lock);
    lock_release(&dentry_tree_lock);
    inode_touch(from, false, true, true);
    inode_touch(to, false, true, true);
}

static int exchange(struct dentry *a, struct dentry *b)
{
    struct inode *from = a->parent->inode, *to = b->parent->inode;
    struct dentry_place a_place, b_place;
    int error = dentry_place_make(&a_place, a->parent, a->name, a->name_size);

    if (error)
        return error;
    error = dentry_place_make(&b_place, b->parent, b->name, b->name_size);
    if (error) {
        dentry_place_drop(&a_place);
        return error;
    }
    error = hide_lower(from, a);
    if (!error)
        error = hide_lower(to, b);
    if (!error) {
        move_begin(from, to);
        name_take(from, a);
        name_take(to, b);
        dentry_move(a, &b_place);
        dentry_move(b, &a_place);
        name_put(to, a);
        name_put(from, b);
        move_end(from, to);
        touch_changed(a->inode);
        touch_changed(b->inode);
    }
    dentry_place_drop(&a_place);
    dentry_place_drop(&b_place);
    return error;
}

// The same with `replaced`, if any, whose inode is locked, out of the way.
static int move(struct dentry *entry, struct dentry *replaced, struct dentry_place *place)
{
    struct inode *from = entry->parent->inode, *to = place->parent->inode;
    int error = hide_lower(from, entry);

    if (!error && replaced)
        error = removal_begin(to, replaced, S_ISDIR(replaced->inode->mode));
    if (error)
        return error;
    move_begin(from, to);
    if (replaced)
        removal(to, replaced);
    name_take(from, entry);
    dentry_move(entry, place);
    name_put(to, entry);
    move_end(from, to);
    return 0;
}

static int tmpfs_rename(struct dentry *entry, struct dentry *new_parent, const char *name,
                        size_t size, struct dentry *replaced, u32 flags)
{
    struct dentry_place place;
    int error;

    if (new_parent->deleted)
        return -ENOENT;
    if (flags & RENAME_EXCHANGE)
        return exchange(entry, replaced);
    error = dentry_place_make(&place, new_parent, name, size);
    if (error)
        return error;
    if (replaced)
        lock_acquire_clean(&replaced->inode->lock);
    error = move(entry, replaced, &place);
    if (replaced) {
        if (!error)
            inode_touch(replaced->inode, false, false, true);
        lock_release(&replaced->inode->lock);
        if (!error)
            removal_end(replaced);
    }
    if (!error)
        touch_changed(entry->inode);
    dentry_place_drop(&place);
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
