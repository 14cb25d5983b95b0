// SPDX-License-Identifier: BSD-3-Clause
// stat(2), statx(2), statfs(2) and their kin.
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/stat.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "file/inode.h"
#include "linux/calls.h"
#include "linux/path_argument.h"
#include "memory/user_copy.h"

// Their bits are those of FS_..._FL. [ioctl_iflags(2)]
#define ATTRIBUTES (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP)

static s64 stat_write(struct inode *i, uaddr_t to)
{
    struct kstat k;
    struct stat s;

    inode_stat(i, &k);
    s = (struct stat){
        .st_dev = k.device,
        .st_ino = k.inode,
        .st_nlink = k.links,
        .st_mode = k.mode,
        .st_uid = k.uid,
        .st_gid = k.gid,
        .st_rdev = k.rdevice,
        .st_size = (s64)k.size,
        .st_blksize = k.block_size,
        .st_blocks = (s64)k.blocks,
        .st_atime = (u64)k.accessed.tv_sec,
        .st_atime_nsec = (u64)k.accessed.tv_nsec,
        .st_mtime = (u64)k.modified.tv_sec,
        .st_mtime_nsec = (u64)k.modified.tv_nsec,
        .st_ctime = (u64)k.changed.tv_sec,
        .st_ctime_nsec = (u64)k.changed.tv_nsec,
    };
    return user_write(to, &s, sizeof(s));
}

s64 sys_newfstatat(int dirfd, uaddr_t path, uaddr_t to, u32 flags)
{
    struct dentry *d;
    s64 result;
    int error;

    if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH && dirfd >= 0 && path_is_empty(path))
        return sys_fstat(dirfd, to); // as glibc asks for it
    error = path_argument(dirfd, path, path_argument_lookup((int)flags), &d);
    if (error)
        return error;
    result = stat_write(d->inode, to);
    dentry_put(d);
    return result;
}

s64 sys_stat(uaddr_t path, uaddr_t to)
{
    return sys_newfstatat(AT_FDCWD, path, to, 0);
}

s64 sys_lstat(uaddr_t path, uaddr_t to)
{
    return sys_newfstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

s64 sys_fstat(int fd, uaddr_t to)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    result = stat_write(f->inode, to);
    file_put(f);
    return result;
}

static struct statx_timestamp statx_time(const struct __kernel_timespec *t)
{
    return (struct statx_timestamp){.tv_sec = t->tv_sec, .tv_nsec = (u32)t->tv_nsec};
}

// Device numbers in the new_encode_dev form.
static u32 device_major(u32 device)
{
    return device >> 8 & 0xfff;
}

static u32 device_minor(u32 device)
{
    return (device & 0xff) | (device >> 12 & 0xfff00);
}

static void statx_fill(const struct dentry *d, u32 mask, struct statx *out)
{
    struct kstat k;
    u64 shown = d->inode->attributes & ATTRIBUTES;

    inode_stat(d->inode, &k);
    *out = (struct statx){
        .stx_mask = STATX_BASIC_STATS | (mask & (STATX_BTIME | STATX_MNT_ID)),
        .stx_blksize = k.block_size,
        .stx_attributes = (d->inode->file_system->root == d ? STATX_ATTR_MOUNT_ROOT : 0) | shown,
        .stx_attributes_mask = STATX_ATTR_MOUNT_ROOT | (d->inode->ops->set_xattr ? (u64)ATTRIBUTES : 0),
        .stx_nlink = k.links,
        .stx_uid = k.uid,
        .stx_gid = k.gid,
        .stx_mode = (u16)k.mode,
        .stx_ino = k.inode,
        .stx_size = k.size,
        .stx_blocks = k.blocks,
        .stx_atime = statx_time(&k.accessed),
        .stx_btime = statx_time(&k.born),
        .stx_ctime = statx_time(&k.changed),
        .stx_mtime = statx_time(&k.modified),
        .stx_rdev_major = device_major(k.rdevice),
        .stx_rdev_minor = device_minor(k.rdevice),
        .stx_dev_major = device_major(k.device),
        .stx_dev_minor = device_minor(k.device),
        .stx_mnt_id = k.device,
    };
}

s64 sys_statx(int dirfd, uaddr_t path, u32 flags, u32 mask, uaddr_t to)
{
    struct statx s;
    struct dentry *d;
    int error;

    if (mask & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    error = path_argument(dirfd, path, path_argument_lookup((int)flags), &d);
    if (error)
        return error;
    statx_fill(d, mask, &s);
    dentry_put(d);
    return user_write(to, &s, sizeof(s));
}

#define ST_VALID    0x20 // the kernel's own, which glibc looks for
#define ST_RELATIME 0x1000

// Files without a name share one file system here; Linux has one a kind.
static u32 anonymous_magic(const struct inode *i)
{
    return S_ISFIFO(i->mode) ? PIPEFS_MAGIC : S_ISSOCK(i->mode) ? SOCKFS_MAGIC : ANON_INODE_FS_MAGIC;
}

static s64 statfs_write(const struct inode *i, uaddr_t to)
{
    struct file_system *fs = i->file_system;
    u64 blocks = 0, left = 0, files = 0;
    struct statfs s;

    if (fs->statfs)
        fs->statfs(fs, &blocks, &left, &files);
    s = (struct statfs){
        .f_type = fs->magic == ANON_INODE_FS_MAGIC ? anonymous_magic(i) : fs->magic,
        .f_bsize = PAGE_SIZE,
        .f_blocks = (s64)blocks,
        .f_bfree = (s64)left,
        .f_bavail = (s64)left,
        .f_files = blocks ? (s64)(files + left) : 0,
        .f_ffree = (s64)left,
        .f_fsid = {.val = {(int)fs->device, 0}},
        .f_namelen = 255,
        .f_frsize = PAGE_SIZE,
        .f_flags = ST_VALID | ST_RELATIME | fs->flags | (fs->read_only ? 1 : 0),
    };
    return user_write(to, &s, sizeof(s));
}

s64 sys_statfs(uaddr_t path, uaddr_t to)
{
    struct dentry *d;
    s64 result;
    int error = path_argument(AT_FDCWD, path, LOOKUP_FOLLOW, &d);

    if (error)
        return error;
    result = statfs_write(d->inode, to);
    dentry_put(d);
    return result;
}

s64 sys_fstatfs(int fd, uaddr_t to)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    result = statfs_write(f->inode, to);
    file_put(f);
    return result;
}
