// SPDX-License-Identifier: BSD-3-Clause
// mount(2), umount2(2), and file handles, which no file system here has.
#include <linux/capability.h>
#include <linux/mount.h>

#include "base/string.h"
#include "file/path.h"
#include "file/root.h"
#include "file/tmpfs.h"
#include "linux/calls.h"
#include "linux/path_argument.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

#define MNT_FORCE       1
#define MNT_DETACH      2
#define MNT_EXPIRE      4
#define UMOUNT_NOFOLLOW 8
#define PROPAGATION     (MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE)

// Reads a string argument into the heap; address 0 gives "".
static int text_read(uaddr_t from, char **out)
{
    *out = NULL;
    if (from)
        return path_read(from, out);
    *out = heap_alloc(1);
    return *out ? 0 : -ENOMEM;
}

// Looks for "key=" in comma-separated options; base 0 means octal. False: not there.
static bool option_number(const char *options, const char *key, u64 *out)
{
    const char *at = strstr(options, key);
    u64 value = 0;
    bool octal = !strcmp(key, "mode=");

    if (!at || (at != options && at[-1] != ','))
        return false;
    for (at += strlen(key); *at >= '0' && *at <= '9'; at++)
        value = value * (octal ? 8 : 10) + (u64)(*at - '0');
    if (*at == 'k' || *at == 'K')
        value <<= 10;
    else if (*at == 'm' || *at == 'M')
        value <<= 20;
    else if (*at == 'g' || *at == 'G')
        value <<= 30;
    *out = value;
    return true;
}

static void tmpfs_configure(struct file_system *fs, const char *options)
{
    struct tmpfs *t = container_of(fs, struct tmpfs, fs);
    struct inode *root = fs->root->inode;
    u64 value;

    if (option_number(options, "size=", &value) && value)
        t->pages_limit = page_round_up(value) >> PAGE_SHIFT;
    if (option_number(options, "mode=", &value))
        root->mode = S_IFDIR | (value & 07777);
    if (option_number(options, "uid=", &value))
        root->uid = (u32)value;
    if (option_number(options, "gid=", &value))
        root->gid = (u32)value;
}

// Another look at a file system that is mounted already is all we have of the others.
static int mount_other(const char *type, struct dentry *at)
{
    static const char *const known[] = {"proc", "sysfs", "devtmpfs", "devpts"};

    for (size_t i = 0; i < array_count(known); i++)
        if (!strcmp(type, known[i]))
            return !strcmp(at->inode->file_system->type, type) ? -EBUSY : -EPERM;
    return -ENODEV;
}

static void flags_set(struct file_system *fs, u64 flags)
{
    fs->read_only = flags & MS_RDONLY;
    fs->flags = (u32)flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

static int remount(struct dentry *at, u64 flags, const char *options)
{
    struct file_system *fs = at->inode->file_system;

    if (fs->root != at)
        return -EINVAL;
    flags_set(fs, flags);
    if (!strcmp(fs->type, "tmpfs") && fs->unmount)
        tmpfs_configure(fs, options);
    mount_list_changed();
    return 0;
}

static int mount_new(const char *type, u64 flags, const char *options, struct dentry *at)
{
    struct file_system *fs;
    int error;

    if (strcmp(type, "tmpfs") && strcmp(type, "ramfs"))
        return mount_other(type, at);
    error = tmpfs_create("tmpfs", NULL, 0, &fs);
    if (error)
        return error;
    tmpfs_configure(fs, options);
    flags_set(fs, flags);
    error = mount_attach(fs, at);
    if (error)
        fs->unmount(fs);
    return error;
}

s64 sys_mount(uaddr_t source, uaddr_t target, uaddr_t user_type, u64 flags, uaddr_t user_options)
{
    char *type = NULL, *options = NULL;
    struct dentry *at;
    int error = inode_capable(CAP_SYS_ADMIN) ? 0 : -EPERM;

    if (error)
        return error;
    error = path_argument(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
    if (error)
        return error;
    error = text_read(user_type, &type);
    if (!error)
        error = text_read(user_options, &options);
    if (error || flags & PROPAGATION)
        ; // one namespace, and all of it is ours already
    else if (flags & MS_REMOUNT)
        error = remount(at, flags, options);
    else if (flags & (MS_BIND | MS_MOVE))
        error = -EPERM;
    else if (!*type)
        error = -EINVAL;
    else
        error = mount_new(type, flags, options, at);
    heap_free(type);
    heap_free(options);
    dentry_put(at);
    return error;
}

s64 sys_umount2(uaddr_t target, u32 flags)
{
    struct dentry *d;
    int error;

    if (flags & ~(u32)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    if (!inode_capable(CAP_SYS_ADMIN))
        return -EPERM;
    error = path_argument(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &d);
    if (error)
        return error;
    error = mount_detach(d, flags & MNT_DETACH);
    dentry_put(d);
    return error;
}

s64 sys_name_to_handle_at(int dirfd, uaddr_t path, uaddr_t handle, uaddr_t mount_id, int flags)
{
    return -EOPNOTSUPP;
}

s64 sys_open_by_handle_at(int mount_fd, uaddr_t handle, int flags)
{
    return inode_capable(CAP_DAC_READ_SEARCH) ? -ESTALE : -EPERM;
}
