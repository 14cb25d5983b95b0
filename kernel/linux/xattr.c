// SPDX-License-Identifier: BSD-3-Clause
// setxattr(2), getxattr(2), listxattr(2), removexattr(2), by path, link and descriptor. xattr(7)
#include <linux/capability.h>
#include <linux/inotify.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "file/inode.h"
#include "linux/calls.h"
#include "linux/path_argument.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

struct xattr_name {
    char text[XATTR_NAME_MAX + 1];
};

static int name_read(struct xattr_name *name, uaddr_t from)
{
    s64 size = user_read_string(name->text, from, sizeof(name->text));

    if (size == -ENAMETOOLONG || size == 0)
        return -ERANGE;
    return size < 0 ? (int)size : 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

// May the attribute be touched? [xattr_permission]
static int name_allowed(struct inode *i, const char *name, bool write)
{
    int error = write && i->file_system->read_only ? -EROFS : 0;

    if (write && inode_is_kept(i))
        error = -EPERM;
    if (error)
        return error;
    if (write && !strcmp(name, XATTR_NAME_CAPS))
        return inode_capable(CAP_SETFCAP) ? 0 : -EPERM;
    if (has_prefix(name, XATTR_SECURITY_PREFIX))
        return !write || inode_capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
    if (has_prefix(name, XATTR_TRUSTED_PREFIX))
        return inode_capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
    if (!has_prefix(name, XATTR_USER_PREFIX) || !name[XATTR_USER_PREFIX_LEN])
        return -EOPNOTSUPP;
    if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
        return write ? -EPERM : -ENODATA;
    if (S_ISDIR(i->mode) && i->mode & S_ISVTX && write && !inode_is_owner(i))
        return -EPERM;
    return inode_permission(i, write ? 2 : 4);
}

// [capabilities(7), "File capability extended attribute versioning"]
static bool value_valid(const char *name, const void *value, size_t size)
{
    const struct vfs_ns_cap_data *d = value;

    if (!value || strcmp(name, XATTR_NAME_CAPS))
        return true;
    if (size < sizeof(d->magic_etc))
        return false;
    switch (d->magic_etc & VFS_CAP_REVISION_MASK) {
    case VFS_CAP_REVISION_2: return size == XATTR_CAPS_SZ_2;
    case VFS_CAP_REVISION_3: return size == XATTR_CAPS_SZ_3;
    default: return false;
    }
}

static s64 xattr_store(struct dentry *d, const char *name, const void *value, size_t size,
                       int flags)
{
    struct inode *i = d->inode;
    int error = name_allowed(i, name, /*write=*/true);

    if (!error && !i->ops->set_xattr)
        error = -EOPNOTSUPP;
    if (!error && !value_valid(name, value, size))
        error = -EINVAL;
    if (error)
        return error;
    lock_acquire(&i->lock);
    error = i->ops->set_xattr(i, name, value, size, flags);
    if (value)
        i->lends_nothing = false;
    lock_release(&i->lock);
    if (!error)
        dentry_event(d, IN_ATTRIB);
    return error;
}

// The four operations on a dentry, which they put.
static s64 xattr_set(struct dentry *d, uaddr_t user_name, uaddr_t user_value, size_t size,
                     int flags)
{
    struct xattr_name name;
    void *value = NULL;
    s64 result = 0;

    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        result = -EINVAL;
    if (!result)
        result = name_read(&name, user_name);
    if (!result && size > XATTR_SIZE_MAX)
        result = -E2BIG;
    if (!result) {
        value = heap_alloc(max(size, 1ul));
        result = !value ? -ENOMEM : user_read(value, user_value, size);
    }
    if (!result)
        result = xattr_store(d, name.text, value, size, flags);
    heap_free(value);
    dentry_put(d);
    return result;
}

static s64 xattr_remove(struct dentry *d, uaddr_t user_name)
{
    struct xattr_name name;
    s64 result = name_read(&name, user_name);

    if (!result)
        result = xattr_store(d, name.text, NULL, 0, 0);
    dentry_put(d);
    return result;
}

// Runs get_xattr (name) or list_xattr (NULL) into user memory.
static s64 xattr_fetch(struct inode *i, const char *name, uaddr_t to, size_t size)
{
    size_t room = min(size, (size_t)XATTR_SIZE_MAX);
    char *buffer = heap_alloc(max(room, 1ul));
    s64 result;

    if (!buffer)
        return -ENOMEM;
    lock_acquire(&i->lock);
    if (name)
        result = i->ops->get_xattr ? i->ops->get_xattr(i, name, buffer, room) : -EOPNOTSUPP;
    else
        result = i->ops->list_xattr ? i->ops->list_xattr(i, buffer, room) : 0;
    lock_release(&i->lock);
    if (result > 0 && size && user_write(to, buffer, (size_t)result))
        result = -EFAULT;
    heap_free(buffer);
    return result;
}

static s64 xattr_get(struct dentry *d, uaddr_t user_name, uaddr_t to, size_t size)
{
    struct xattr_name name;
    s64 result = name_read(&name, user_name);

    if (!result)
        result = name_allowed(d->inode, name.text, /*write=*/false);
    if (!result)
        result = xattr_fetch(d->inode, name.text, to, size);
    dentry_put(d);
    return result;
}

static s64 xattr_list(struct dentry *d, uaddr_t to, size_t size)
{
    s64 result = xattr_fetch(d->inode, NULL, to, size);

    dentry_put(d);
    return result;
}

static int of_path(uaddr_t path, struct dentry **out)
{
    return path_argument(AT_FDCWD, path, LOOKUP_FOLLOW, out);
}

static int of_link(uaddr_t path, struct dentry **out)
{
    return path_argument(AT_FDCWD, path, 0, out);
}

s64 sys_setxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    struct dentry *d;
    int error = of_path(path, &d);

    return error ? error : xattr_set(d, name, value, size, flags);
}

s64 sys_lsetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    struct dentry *d;
    int error = of_link(path, &d);

    return error ? error : xattr_set(d, name, value, size, flags);
}

s64 sys_fsetxattr(int fd, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    struct dentry *d;
    int error = path_of_descriptor(fd, &d);

    return error ? error : xattr_set(d, name, value, size, flags);
}

s64 sys_getxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
    struct dentry *d;
    int error = of_path(path, &d);

    return error ? error : xattr_get(d, name, value, size);
}

s64 sys_lgetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
    struct dentry *d;
    int error = of_link(path, &d);

    return error ? error : xattr_get(d, name, value, size);
}

s64 sys_fgetxattr(int fd, uaddr_t name, uaddr_t value, size_t size)
{
    struct dentry *d;
    int error = path_of_descriptor(fd, &d);

    return error ? error : xattr_get(d, name, value, size);
}

s64 sys_listxattr(uaddr_t path, uaddr_t list, size_t size)
{
    struct dentry *d;
    int error = of_path(path, &d);

    return error ? error : xattr_list(d, list, size);
}

s64 sys_llistxattr(uaddr_t path, uaddr_t list, size_t size)
{
    struct dentry *d;
    int error = of_link(path, &d);

    return error ? error : xattr_list(d, list, size);
}

s64 sys_flistxattr(int fd, uaddr_t list, size_t size)
{
    struct dentry *d;
    int error = path_of_descriptor(fd, &d);

    return error ? error : xattr_list(d, list, size);
}

s64 sys_removexattr(uaddr_t path, uaddr_t name)
{
    struct dentry *d;
    int error = of_path(path, &d);

    return error ? error : xattr_remove(d, name);
}

s64 sys_lremovexattr(uaddr_t path, uaddr_t name)
{
    struct dentry *d;
    int error = of_link(path, &d);

    return error ? error : xattr_remove(d, name);
}

s64 sys_fremovexattr(int fd, uaddr_t name)
{
    struct dentry *d;
    int error = path_of_descriptor(fd, &d);

    return error ? error : xattr_remove(d, name);
}
