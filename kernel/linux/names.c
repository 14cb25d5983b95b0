// SPDX-License-Identifier: BSD-3-Clause
// Making and removing names: mkdir(2), mknod(2), symlink(2), link(2), unlink(2), rmdir(2),
// readlink(2).
#include <linux/capability.h>
#include <linux/inotify.h>
#include <linux/stat.h>

#include "file/path.h"
#include "linux/calls.h"
#include "linux/path_argument.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

#define NAME_BUFFER 4096
#define NAME_SHORT  128 // most links are: no page is touched for them

// Locks the parent for a new name, if the name is not there yet. -EEXIST goes before -EACCES.
// On success the caller releases parent->inode->lock.
static int name_begin(struct dentry *parent, const struct path_last *last, bool directory)
{
    struct inode *i = parent->inode;
    struct dentry *found;
    int error;

    if (last->kind != PATH_NAME)
        return -EEXIST;
    if (!S_ISDIR(i->mode) || !i->ops->lookup)
        return -ENOTDIR;
    lock_acquire_clean(&i->lock);
    error = i->ops->lookup(i, parent, last->name, last->size, &found);
    if (!error) {
        dentry_put(found);
        error = -EEXIST;
    } else if (error == -ENOENT && (directory || !last->slash)) {
        error = 0;
    }
    if (error)
        lock_release(&i->lock);
    return error;
}

// May a name be made in the locked directory? [may_create]
static int name_allowed(struct dentry *parent)
{
    return parent->deleted ? -ENOENT : inode_permission(parent->inode, /*may=*/2 | 1);
}

static s64 make_node(int dirfd, uaddr_t path, u32 mode, u32 rdevice)
{
    struct dentry *parent, *made;
    struct path_last last;
    struct inode *i;
    int error = path_argument_parent(dirfd, path, &parent, &last);

    if (error)
        return error;
    i = parent->inode;
    error = name_begin(parent, &last, S_ISDIR(mode));
    if (!error) {
        error = name_allowed(parent);
        if (!error)
            error = i->ops->create ? i->ops->create(i, parent, last.name, last.size,
                                                    mode & ~path_umask(), rdevice, &made)
                                   : -EPERM;
        lock_release(&i->lock);
    }
    if (!error) {
        dentry_event(made, IN_CREATE);
        dentry_put(made);
    }
    dentry_put(parent);
    return error;
}

s64 sys_mkdirat(int dirfd, uaddr_t path, u32 mode)
{
    return make_node(dirfd, path, S_IFDIR | (mode & 01777), 0);
}

s64 sys_mkdir(uaddr_t path, u32 mode)
{
    return sys_mkdirat(AT_FDCWD, path, mode);
}

s64 sys_mknodat(int dirfd, uaddr_t path, u32 mode, u32 device)
{
    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        break;
    case S_IFCHR:
    case S_IFBLK:
        if (!inode_capable(CAP_MKNOD))
            return -EPERM;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    return make_node(dirfd, path, mode & (S_IFMT | 07777), device);
}

s64 sys_mknod(uaddr_t path, u32 mode, u32 device)
{
    return sys_mknodat(AT_FDCWD, path, mode, device);
}

// The entry of a name that has just been made without giving its dentry, for the watchers.
static void created_event(struct dentry *parent, const struct path_last *last)
{
    if (!list_empty(&parent->inode->watches))
        inotify_event(parent->inode, IN_CREATE, last->name, 0);
}

static s64 symlink_at(const char *target, int dirfd, uaddr_t path)
{
    struct dentry *parent;
    struct path_last last;
    struct inode *i;
    int error = path_argument_parent(dirfd, path, &parent, &last);

    if (error)
        return error;
    i = parent->inode;
    error = name_begin(parent, &last, /*directory=*/false);
    if (!error) {
        error = name_allowed(parent);
        if (!error)
            error =
                i->ops->symlink ? i->ops->symlink(i, parent, last.name, last.size, target) : -EPERM;
        lock_release(&i->lock);
    }
    if (!error)
        created_event(parent, &last);
    dentry_put(parent);
    return error;
}

s64 sys_symlinkat(uaddr_t user_target, int dirfd, uaddr_t path)
{
    char *target;
    s64 result;
    int error = path_read(user_target, &target);

    if (error)
        return error;
    result = *target ? symlink_at(target, dirfd, path) : -ENOENT;
    heap_free(target);
    return result;
}

s64 sys_symlink(uaddr_t target, uaddr_t path)
{
    return sys_symlinkat(target, AT_FDCWD, path);
}

// The rule of fs.protected_hardlinks [proc_sys_fs(5)]: a file that the caller could not write
// anyway, or that would lend its owner's rights, gets no second name by others.
static bool link_source_safe(struct inode *i)
{
    if (inode_is_owner(i))
        return true;
    if (!S_ISREG(i->mode) || i->mode & S_ISUID ||
        (i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
        return false;
    return !inode_permission(i, /*may=*/4 | 2);
}

static int link_locked(struct dentry *from, struct dentry *parent, const struct path_last *last)
{
    struct inode *i = parent->inode;
    int error;

    if (from->inode->file_system != i->file_system)
        return -EXDEV;
    if (inode_is_kept(from->inode) || !link_source_safe(from->inode))
        return -EPERM;
    error = name_allowed(parent);
    if (error)
        return error;
    if (S_ISDIR(from->inode->mode) || !i->ops->link)
        return -EPERM;
    return i->ops->link(i, parent, last->name, last->size, from->inode);
}

s64 sys_linkat(int old_dirfd, uaddr_t old_path, int new_dirfd, uaddr_t new_path, u32 flags)
{
    u32 lookup = (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
                 (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    struct dentry *from, *parent;
    struct path_last last;
    int error;

    if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH && !inode_capable(CAP_DAC_READ_SEARCH))
        return -ENOENT;
    error = path_argument(old_dirfd, old_path, lookup, &from);
    if (error)
        return error;
    error = path_argument_parent(new_dirfd, new_path, &parent, &last);
    if (!error) {
        error = name_begin(parent, &last, /*directory=*/false);
        if (!error) {
            error = link_locked(from, parent, &last);
            lock_release(&parent->inode->lock);
        }
        if (!error) {
            inotify_event(from->inode, IN_ATTRIB, NULL, 0); // its link count
            created_event(parent, &last);
        }
        dentry_put(parent);
    }
    dentry_put(from);
    return error;
}

s64 sys_link(uaddr_t old_path, uaddr_t new_path)
{
    return sys_linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

static int remove_locked(struct dentry *parent, const struct path_last *last, bool directory,
                         struct dentry **out)
{
    struct inode *i = parent->inode;
    struct dentry *d;
    int error = i->ops->lookup ? i->ops->lookup(i, parent, last->name, last->size, &d) : -ENOTDIR;

    if (error)
        return error;
    if (!directory && last->slash)
        error = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
    if (!error)
        error = entry_may_delete(i, d, directory);
    if (!error)
        error = i->ops->unlink ? i->ops->unlink(i, d, directory) : -EPERM;
    if (error)
        dentry_put(d);
    else
        *out = d;
    return error;
}

// IN_DELETE_SELF comes when the last user of the inode has gone: inotify_inode_gone.
static void removed_event(struct dentry *parent, struct dentry *d, bool directory)
{
    if (!directory && !list_empty(&d->inode->watches))
        inotify_event(d->inode, IN_ATTRIB, NULL, 0); // its link count
    if (!list_empty(&parent->inode->watches))
        inotify_event(parent->inode, IN_DELETE | (directory ? IN_ISDIR : 0), d->name, 0);
}

static int remove_last(struct dentry *parent, const struct path_last *last, bool directory)
{
    static const int rmdir_errors[] = {
        [PATH_DOT] = -EINVAL, [PATH_DOT_DOT] = -ENOTEMPTY, [PATH_ROOT] = -EBUSY};
    struct dentry *removed = NULL;
    int error;

    if (last->kind != PATH_NAME) {
        error = directory ? rmdir_errors[last->kind] : -EISDIR;
    } else {
        lock_acquire_clean(&parent->inode->lock);
        error = remove_locked(parent, last, directory, &removed);
        lock_release(&parent->inode->lock);
    }
    if (!error) {
        removed_event(parent, removed, directory);
        dentry_put(removed);
    }
    return error;
}

static s64 remove_at(int dirfd, uaddr_t path, bool directory)
{
    struct dentry *parent;
    struct path_last last;
    int error = path_argument_parent(dirfd, path, &parent, &last);

    if (error)
        return error;
    error = remove_last(parent, &last, directory);
    dentry_put(parent);
    return error;
}

int path_unlink(const char *path)
{
    struct dentry *parent;
    struct path_last last;
    int error = path_lookup(AT_FDCWD, path, LOOKUP_PARENT, &parent, &last);

    if (error)
        return error;
    error = remove_last(parent, &last, /*directory=*/false);
    dentry_put(parent);
    return error;
}

s64 sys_unlinkat(int dirfd, uaddr_t path, u32 flags)
{
    if (flags & ~(u32)AT_REMOVEDIR)
        return -EINVAL;
    return remove_at(dirfd, path, flags & AT_REMOVEDIR);
}

s64 sys_unlink(uaddr_t path)
{
    return remove_at(AT_FDCWD, path, false);
}

s64 sys_rmdir(uaddr_t path)
{
    return remove_at(AT_FDCWD, path, true);
}

// Reads the link's text by way of `room`, and gives it to the user. -ENAMETOOLONG: it may be longer than that.
static s64 link_copy(struct inode *i, char *room, s64 room_size, uaddr_t buffer, s64 size)
{
    s64 length = i->ops->read_link(i, room, (size_t)room_size);

    if (length >= room_size && room_size < NAME_BUFFER)
        return -ENAMETOOLONG;
    size = min(size, room_size);
    length = min(length, size);
    if (length > 0 && user_write(buffer, room, (size_t)length))
        return -EFAULT;
    return length;
}

static s64 link_read(struct inode *i, uaddr_t buffer, s64 size)
{
    char small[NAME_SHORT], *large;
    s64 length = link_copy(i, small, sizeof(small), buffer, size);

    if (length != -ENAMETOOLONG)
        return length;
    large = heap_alloc(NAME_BUFFER);
    length = large ? link_copy(i, large, NAME_BUFFER, buffer, size) : -ENOMEM;
    heap_free(large);
    return length;
}

s64 sys_readlinkat(int dirfd, uaddr_t path, uaddr_t buffer, int size)
{
    struct dentry *d;
    struct inode *i;
    s64 length;
    int error;

    if (size <= 0)
        return -EINVAL;
    error = path_argument(dirfd, path, LOOKUP_EMPTY, &d);
    if (error)
        return error;
    i = d->inode;
    if (!S_ISLNK(i->mode) || !i->ops->read_link)
        length = path_is_empty(path) ? -ENOENT : -EINVAL;
    else
        length = link_read(i, buffer, size);
    dentry_put(d);
    return length;
}

s64 sys_readlink(uaddr_t path, uaddr_t buffer, int size)
{
    return sys_readlinkat(AT_FDCWD, path, buffer, size);
}
