// SPDX-License-Identifier: BSD-3-Clause
// Reading a tmpfs directory. Positions, which user code may keep and seek to:
//
//     0 "."   1 ".."   2 + cursor: the lower directory's names   UPPER + n: the entry made as
//     number n
//
// A lower name that has a dentry is still listed as a lower name, so nothing comes twice.
#include "file/tmpfs.h"

#include <linux/fs.h>

#define UPPER (1ull << 62)

static u8 type_of(const struct inode *i)
{
    return (u8)((i->mode & S_IFMT) >> 12);
}

static bool read_dots(struct file *f, struct dir_sink *sink)
{
    if (f->position == 0) {
        if (!sink->add(sink, ".", 1, f->inode->number, 1, 4))
            return false;
        f->position = 1;
    }
    if (f->position == 1) {
        struct dentry *parent = f->dentry->parent;
        if (parent == f->dentry && f->dentry->covers)
            parent = f->dentry->covers->parent;
        if (!sink->add(sink, "..", 2, parent->inode->number, 2, 4))
            return false;
        f->position = 2;
    }
    return true;
}

static bool is_dots(const struct erofs_entry *e)
{
    return e->name[0] == '.' && (e->name_size == 1 || (e->name_size == 2 && e->name[1] == '.'));
}

// *out_full: the sink takes no more.
static int read_lower(struct file *f, struct dir_sink *sink, bool *out_full)
{
    struct tmpfs_node *n = node_of(f->inode);
    u64 cursor = f->position - 2;
    int more = 0;

    while (n->lower) {
        struct erofs_entry e;
        more = erofs_iterate(&tmpfs_of(f->inode)->image, n->lower, &cursor, &e);
        if (more != 1)
            break;
        if (!is_dots(&e) && !whiteout_find(&n->directory, e.name, e.name_size)) {
            *out_full = !sink->add(sink, e.name, e.name_size, e.nid, cursor + 2, e.type);
            if (*out_full)
                return 0;
        }
        f->position = cursor + 2;
    }
    f->position = UPPER;
    return more < 0 ? -EIO : 0;
}

// The first entry at or behind the position. The last one read is remembered, so that reading a
// large directory piece by piece does not start from its front each time.
static struct list *upper_start(struct file *f, struct tmpfs_directory *d, u64 position)
{
    struct dentry *last = f->data, *e;

    if (last && !last->deleted && last->parent->inode == f->inode && !list_empty(&last->sibling) &&
        last->position < position)
        e = list_entry(last->sibling.next, struct dentry, sibling);
    else
        e = list_first(&d->order, struct dentry, sibling);
    while (&e->sibling != &d->order && e->position < position)
        e = list_entry(e->sibling.next, struct dentry, sibling);
    return &e->sibling;
}

static void upper_remember(struct file *f, struct dentry *e)
{
    struct dentry *old = f->data;

    f->data = e ? dentry_get(e) : NULL;
    if (old)
        dentry_put(old);
}

static void read_upper(struct file *f, struct dir_sink *sink)
{
    struct tmpfs_directory *d = &node_of(f->inode)->directory;
    struct list *at = upper_start(f, d, f->position - UPPER);
    struct dentry *last = NULL;

    for (; at != &d->order; at = at->next) {
        struct dentry *e = list_entry(at, struct dentry, sibling);
        u64 next = UPPER + e->position + 1;
        if (!e->lower &&
            !sink->add(sink, e->name, e->name_size, e->inode->number, next, type_of(e->inode)))
            break;
        f->position = next;
        last = e;
    }
    if (last)
        upper_remember(f, last);
}

static int tmpfs_read_dir(struct file *f, struct dir_sink *sink)
{
    struct inode *i = f->inode;
    bool full = false;
    int error = 0;

    if (!read_dots(f, sink))
        return 0;
    lock_acquire_clean(&i->lock); // only read
    if (f->position < UPPER)
        error = read_lower(f, sink, &full);
    if (!error && !full)
        read_upper(f, sink);
    if (!(f->flags & O_NOATIME))
        inode_touch(i, true, false, false);
    lock_release(&i->lock);
    return error;
}

static s64 tmpfs_directory_seek(struct file *f, s64 offset, int whence)
{
    if (whence == SEEK_CUR)
        offset += (s64)f->position;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (offset < 0)
        return -EINVAL;
    f->position = (u64)offset;
    return offset;
}

static int tmpfs_directory_sync(struct file *f)
{
    return 0;
}

static void tmpfs_directory_release(struct file *f)
{
    upper_remember(f, NULL);
}

const struct file_ops tmpfs_directory_file_ops = {
    .seek = tmpfs_directory_seek,
    .read_dir = tmpfs_read_dir,
    .sync = tmpfs_directory_sync,
    .release = tmpfs_directory_release,
};
