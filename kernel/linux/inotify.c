// SPDX-License-Identifier: BSD-3-Clause
// inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2).
#include "file/inotify.h"

#include <linux/fcntl.h>

#include "file/fd_table.h"
#include "file/path.h"
#include "linux/calls.h"
#include "memory/heap.h"

#define MAY_READ 4u
#define ALL_BITS                                                                                   \
    ((u32)(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
           IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT))

s64 sys_inotify_init1(u32 flags)
{
    struct file *f;
    int error;

    if (flags & ~(u32)(IN_CLOEXEC | IN_NONBLOCK))
        return -EINVAL;
    error = inotify_create(flags, &f);
    return error ? error : fd_install(f, flags & (u32)IN_CLOEXEC, 0);
}

s64 sys_inotify_init(void)
{
    return sys_inotify_init1(0);
}

static int add_watch(struct inotify *n, uaddr_t user_path, u32 mask)
{
    u32 flags =
        (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
    struct dentry *d;
    char *path;
    int result = path_read(user_path, &path);

    if (result)
        return result;
    result = path_lookup(AT_FDCWD, path, flags, &d, NULL);
    heap_free(path);
    if (result)
        return result;
    result = inode_permission(d->inode, MAY_READ);
    if (!result)
        result = inotify_watch(n, d->inode, mask);
    dentry_put(d);
    return result;
}

// The instance of descriptor fd, in a referenced file.
static int instance_get(int fd, struct file **out_file, struct inotify **out)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    *out_file = f;
    *out = inotify_of(f);
    if (*out)
        return 0;
    file_put(f);
    return -EINVAL;
}

s64 sys_inotify_add_watch(int fd, uaddr_t path, u32 mask)
{
    struct inotify *n;
    struct file *f;
    int result;

    if (!(mask & ALL_BITS))
        return -EINVAL;
    result = instance_get(fd, &f, &n);
    if (result)
        return result;
    if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
        result = -EINVAL;
    else
        result = add_watch(n, path, mask);
    file_put(f);
    return result;
}

s64 sys_inotify_rm_watch(int fd, int wd)
{
    struct inotify *n;
    struct file *f;
    int result = instance_get(fd, &f, &n);

    if (result)
        return result;
    result = inotify_unwatch(n, wd);
    file_put(f);
    return result;
}
