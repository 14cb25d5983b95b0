// SPDX-License-Identifier: BSD-3-Clause
// Path arguments, see path_argument.h.
#include "linux/path_argument.h"

#include "abi/boot.h"
#include "base/string.h"
#include "file/fd_table.h"
#include "file/inode.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "platform/platform.h"

void path_missing(const char *path)
{
    struct boot_missing *m = (struct boot_missing *)platform_boot()->missing;
    u32 slot;

    if (!m || path[0] != '/' || strlen(path) >= BOOT_MISSING_SIZE)
        return;
    for (u32 i = 0; i < BOOT_MISSING_COUNT; i++)
        if (!strcmp(m->path[i], path))
            return;
    slot = __atomic_fetch_add(&m->count, 1, __ATOMIC_RELEASE); // pairs with tender_missing
    strlcpy(m->path[slot % BOOT_MISSING_COUNT], path, BOOT_MISSING_SIZE);
}

int path_argument(int dirfd, uaddr_t path, u32 lookup, struct dentry **out)
{
    char *copy;
    int error;

    if (!path && lookup & LOOKUP_EMPTY)
        return path_lookup(dirfd, "", lookup, out, NULL);
    error = path_read(path, &copy);
    if (error)
        return error;
    error = path_lookup(dirfd, copy, lookup, out, NULL);
    if (error == -ENOENT)
        path_missing(copy);
    heap_free(copy);
    return error;
}

int path_argument_parent(int dirfd, uaddr_t path, struct dentry **out, struct path_last *out_last)
{
    char *copy;
    int error = path_read(path, &copy);

    if (error)
        return error;
    error = path_lookup(dirfd, copy, LOOKUP_PARENT, out, out_last);
    heap_free(copy);
    return error;
}

bool path_is_empty(uaddr_t path)
{
    char first = '\0';

    return !path || (!user_read(&first, path, 1) && !first);
}

u32 path_argument_lookup(int at_flags)
{
    return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
           (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

int entry_may_delete(struct inode *directory, struct dentry *entry, bool is_directory)
{
    int error = inode_permission(directory, /*may=*/2 | 1);

    if (!error)
        error = inode_may_delete(directory, entry->inode);
    if (error)
        return error;
    if (is_directory != S_ISDIR(entry->inode->mode))
        return is_directory ? -ENOTDIR : -EISDIR;
    return entry->mounted ? -EBUSY : 0;
}

int path_of_descriptor(int fd, struct dentry **out)
{
    struct file *f = fd_get(fd);
    int error = 0;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        error = -EBADF;
    else if (f->dentry)
        *out = dentry_get(f->dentry);
    else
        error = dentry_create(NULL, "", 0, inode_get(f->inode), out);
    file_put(f);
    return error;
}
