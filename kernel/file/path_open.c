// SPDX-License-Identifier: BSD-3-Clause
// open(2): finding or making the inode, checking the rights, and opening it by its kind.
#include "file/path_walk.h"

#include <linux/capability.h>
#include <linux/inotify.h>
#include <linux/mount.h>

#include "file/root.h"

// O_TMPFILE includes O_DIRECTORY.
#define UNNAMED (O_TMPFILE & ~O_DIRECTORY)
// Flags of open that do not stay with the open file.
#define NOT_KEPT (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | UNNAMED)

static const struct file_ops unopened_ops = {.read = NULL};

static int open_by_kind(struct inode *i, struct file *f)
{
    switch (i->mode & S_IFMT) {
    case S_IFIFO:
        return i->rdevice ? device_open(i->rdevice, i, f) : fifo_open(i, f); // the console's
    case S_IFCHR:
        if (i->file_system->flags & MS_NODEV)
            return -EACCES;
        return device_open(i->rdevice, i, f);
    case S_IFREG:
    case S_IFDIR:
        return i->ops->open ? i->ops->open(i, f) : -ENXIO;
    case S_IFLNK:
        return -ELOOP;
    default:
        return -ENXIO; // sockets, block devices, anonymous inodes
    }
}

int dentry_open(struct dentry *d, u32 flags, struct file **out)
{
    struct file *f;
    int error = file_create(&unopened_ops, inode_get(d->inode),
                            dentry_is_anonymous(d) ? NULL : dentry_get(d),
                            (flags & ~(u32)NOT_KEPT) | (flags & O_PATH ? 0 : O_LARGEFILE), &f);

    if (error)
        return error;
    if (!(flags & O_PATH)) {
        f->flags |= flags & O_NOCTTY; // for terminals to see
        if (S_ISREG(d->inode->mode) && file_writable(f)) {
            error = inode_writers_add(d->inode, 1);
            f->writes = !error;
        }
        if (!error)
            error = open_by_kind(d->inode, f);
        f->flags &= ~(u32)O_NOCTTY;
        if (error) {
            f->flags |= O_PATH; // nobody is to hear of its closing
            f->ops = &unopened_ops;
            file_put(f);
            return error;
        }
        dentry_event(d, IN_OPEN);
    }
    *out = f;
    return 0;
}

// Who is not of the directory's group can't make programs that lend it. [as Linux: mode_strip_sgid, before umask]
static u32 strip_set_id(const struct inode *directory, u32 mode)
{
    if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && directory->mode & S_ISGID &&
        !inode_in_group(directory->gid) && !inode_capable(CAP_FSETID))
        mode &= ~(u32)S_ISGID;
    return mode;
}

// Makes a regular file in the walk's place unless the name exists. *out_created says which.
static int find_or_create(struct walk *w, const struct path_last *last, u32 flags, u32 mode,
                          struct dentry **out, bool *out_created)
{
    struct dentry *parent = w->at;
    struct inode *i = parent->inode;
    int error;

    *out_created = false;
    if (!i->ops->lookup)
        return -ENOTDIR;
    lock_acquire_clean(&i->lock);
    error = i->ops->lookup(i, parent, last->name, last->size, out);
    if (error == -ENOENT) {
        error = parent->deleted ? -ENOENT : inode_permission(i, /*may=*/2 | 1);
        if (!error && !i->ops->create)
            error = -EACCES;
        if (!error) {
            mode = S_IFREG | (strip_set_id(i, mode) & 07777 & ~path_umask());
            error = i->ops->create(i, parent, last->name, last->size, mode, 0, out);
            *out_created = !error;
        }
    } else if (!error && flags & O_EXCL) {
        dentry_put(*out);
        error = -EEXIST;
    }
    lock_release(&i->lock);
    if (*out_created)
        dentry_event(*out, IN_CREATE);
    return error;
}

static struct dentry *mounted_top(struct dentry *d)
{
    while (d->mounted) {
        struct dentry *inner = dentry_get(d->mounted);
        dentry_put(d);
        d = inner;
    }
    return d;
}

// open with O_CREAT: follows links at the end, also those that lead to nothing yet.
static int open_create(struct walk *w, u32 flags, u32 mode, struct dentry **out, bool *out_created)
{
    struct path_last last;
    struct dentry *d;
    int error;

    *out_created = false;
    for (;;) {
        error = walk_run(w, &last);
        if (error)
            return error;
        if (last.kind != PATH_NAME) { // also behind a magic link
            if (flags & O_EXCL)
                return -EEXIST;
            if (S_ISDIR(w->at->inode->mode))
                return -EISDIR;
            *out = dentry_get(w->at);
            return 0;
        }
        if (last.slash)
            return -EISDIR;
        error = find_or_create(w, &last, flags, mode, &d, out_created);
        if (error)
            return error;
        d = mounted_top(d);
        if (!S_ISLNK(d->inode->mode))
            break;
        error = flags & O_NOFOLLOW ? -ELOOP : walk_link(w, d);
        dentry_put(d);
        if (error)
            return error;
    }
    if (S_ISDIR(d->inode->mode)) {
        dentry_put(d);
        return -EISDIR;
    }
    *out = d;
    return 0;
}

static int open_may(const struct dentry *d, u32 flags)
{
    struct inode *i = d->inode;
    u32 access = flags & O_ACCMODE, may = 0;
    int error;

    if (flags & O_DIRECTORY && !S_ISDIR(i->mode))
        return -ENOTDIR;
    if (flags & O_PATH)
        return 0;
    if (S_ISLNK(i->mode))
        return -ELOOP;
    if (S_ISDIR(i->mode) && (access != O_RDONLY || flags & O_TRUNC))
        return -EISDIR;
    if (S_ISDIR(i->mode) && flags & O_DIRECT)
        return -EINVAL;
    if (access != O_WRONLY)
        may |= 4;
    if (access != O_RDONLY || flags & O_TRUNC)
        may |= 2;
    error = inode_permission(i, may);
    if (!error && inode_append_only(i) && may & 2 && (!(flags & O_APPEND) || flags & O_TRUNC))
        error = -EPERM;
    if (!error && flags & O_NOATIME && !inode_is_owner(i))
        error = -EPERM;
    return error;
}

// O_TMPFILE: a file in the directory's file system that has no name.
static int open_unnamed(struct dentry *directory, u32 flags, u32 mode, struct dentry **out)
{
    struct inode *i = directory->inode, *made;
    int error;

    if (!S_ISDIR(i->mode))
        return -ENOTDIR;
    error = inode_permission(i, /*may=*/2 | 1);
    if (!error && !i->ops->create_unnamed)
        error = -EOPNOTSUPP;
    if (!error && directory->deleted)
        error = -ENOENT;
    if (error)
        return error;
    mode = S_IFREG | (strip_set_id(i, mode) & 07777 & ~path_umask());
    error = i->ops->create_unnamed(i, mode, !(flags & O_EXCL), &made);
    if (error)
        return error;
    error = dentry_create(directory, "#unnamed", 8, made, out);
    if (!error)
        (*out)->deleted = true;
    return error;
}

static int open_flags_check(u32 *flags)
{
    if (*flags & O_PATH)
        *flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
    if (*flags & UNNAMED) {
        if ((*flags & O_TMPFILE) != O_TMPFILE || !(*flags & O_ACCMODE) || *flags & O_CREAT)
            return -EINVAL;
    } else if ((*flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
        return -EINVAL;
    }
    return 0;
}

// The dentry to open, with all checks made. *out_created: it is new, so rights do not matter.
static int open_find(struct walk *w, u32 flags, u32 mode, struct dentry **out, bool *out_created)
{
    struct dentry *d;
    int error;

    *out_created = false;
    if (flags & O_CREAT) {
        error = open_create(w, flags, mode, &d, out_created);
        if (error)
            return error;
    } else {
        error = walk_run(w, NULL);
        if (error)
            return error;
        if (flags & UNNAMED) {
            *out_created = true;
            return open_unnamed(w->at, flags, mode, out);
        }
        d = dentry_get(w->at);
    }
    if (!*out_created)
        error = open_may(d, flags);
    if (error)
        dentry_put(d);
    *out = d;
    return error;
}

int path_open_restricted(int dirfd, const char *path, u32 flags, u32 mode, u32 restrict_flags,
                         struct file **out)
{
    struct walk w;
    struct dentry *d;
    bool created, truncated;
    int error = open_flags_check(&flags);

    if (error)
        return error;
    error = walk_start(&w, dirfd, path, restrict_flags | (flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW));
    if (!error)
        error = open_find(&w, flags, mode, &d, &created);
    walk_end(&w);
    if (error)
        return error;
    truncated = flags & O_TRUNC && !created && S_ISREG(d->inode->mode) && d->inode->ops->truncate;
    if (truncated)
        error = d->inode->ops->truncate(d->inode, 0);
    if (!error)
        error = dentry_open(d, flags, out);
    if (!error && truncated)
        dentry_event(d, IN_MODIFY);
    dentry_put(d);
    return error;
}

int path_open(int dirfd, const char *path, u32 flags, u32 mode, struct file **out)
{
    return path_open_restricted(dirfd, path, flags, mode, 0, out);
}
