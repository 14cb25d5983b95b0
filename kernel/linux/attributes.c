// SPDX-License-Identifier: BSD-3-Clause
// access(2), chmod(2), chown(2), utimensat(2) and their kin.
#include <linux/capability.h>
#include <linux/inotify.h>
#include <linux/stat.h>
#include <linux/utime.h>

#include "file/fd_table.h"
#include "file/inode.h"
#include "file/root.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/path_argument.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define UTIME_NOW  ((1l << 30) - 1)
#define UTIME_OMIT ((1l << 30) - 2)

static s64 access_at(int dirfd, uaddr_t path, u32 mode, u32 flags)
{
    struct dentry *d;
    int error = path_argument(dirfd, path, path_argument_lookup((int)flags), &d);

    if (error)
        return error;
    if (mode)
        error = inode_permission(d->inode, mode);
    dentry_put(d);
    return error;
}

s64 sys_faccessat2(int dirfd, uaddr_t path, u32 mode, u32 flags)
{
    struct credentials real;
    s64 result;

    if (mode & ~7u || flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EACCESS)
        return access_at(dirfd, path, mode, flags);
    real = *credentials_now(); // the question is for the real user, on the way there too
    real.fsuid = real.uid;
    real.fsgid = real.gid;
    real.cap_effective = real.uid ? 0 : real.cap_permitted;
    thread_current()->acting = &real;
    result = access_at(dirfd, path, mode, flags);
    thread_current()->acting = NULL;
    return result;
}

s64 sys_faccessat(int dirfd, uaddr_t path, u32 mode)
{
    return sys_faccessat2(dirfd, path, mode, 0);
}

s64 sys_access(uaddr_t path, u32 mode)
{
    return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

static int chmod_inode(struct inode *i, u32 mode)
{
    if (i->file_system->read_only)
        return -EROFS;
    if (!inode_is_owner(i) || inode_is_kept(i))
        return -EPERM;
    if (S_ISLNK(i->mode))
        return -EOPNOTSUPP;
    if ((i->mode ^ mode) & 0111 && tmpfs_seals(i) & F_SEAL_EXEC)
        return -EPERM;
    mode &= 07777;
    if (!inode_in_group(i->gid) && !inode_capable(CAP_FSETID))
        mode &= ~(u32)S_ISGID;
    lock_acquire(&i->lock);
    i->mode = (i->mode & S_IFMT) | mode;
    inode_touch(i, false, false, true);
    lock_release(&i->lock);
    return 0;
}

static s64 chmod_dentry(struct dentry *d, u32 mode)
{
    int error = chmod_inode(d->inode, mode);

    if (!error)
        dentry_event(d, IN_ATTRIB);
    dentry_put(d);
    return error;
}

s64 sys_fchmodat2(int dirfd, uaddr_t path, u32 mode, u32 flags)
{
    struct dentry *d;
    int error;

    if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_argument(dirfd, path, path_argument_lookup((int)flags), &d);
    return error ? error : chmod_dentry(d, mode);
}

s64 sys_fchmodat(int dirfd, uaddr_t path, u32 mode)
{
    return sys_fchmodat2(dirfd, path, mode, 0);
}

s64 sys_chmod(uaddr_t path, u32 mode)
{
    return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

s64 sys_fchmod(int fd, u32 mode)
{
    struct dentry *d;
    int error = path_of_descriptor(fd, &d);

    return error ? error : chmod_dentry(d, mode);
}

#define KEEP (~0u) // an id that stays as it is

static int chown_allowed(const struct inode *i, u32 uid, u32 gid)
{
    if (i->file_system->read_only)
        return -EROFS;
    if (inode_is_kept(i))
        return -EPERM;
    if (inode_capable(CAP_CHOWN))
        return 0;
    if (uid != KEEP && (uid != i->uid || !inode_is_owner(i)))
        return -EPERM;
    if (gid != KEEP && (!inode_is_owner(i) || (gid != i->gid && !inode_in_group(gid))))
        return -EPERM;
    return 0;
}

static s64 chown_dentry(struct dentry *d, u32 uid, u32 gid)
{
    struct inode *i = d->inode;
    int error = chown_allowed(i, uid, gid);

    if (!error) {
        lock_acquire(&i->lock);
        if (uid != KEEP)
            i->uid = uid;
        if (gid != KEEP)
            i->gid = gid;
        if (!S_ISDIR(i->mode)) // the new owner did not ask for set-ID
            inode_drop_set_id(i);
        inode_drop_capabilities(i);
        inode_touch(i, false, false, true);
        lock_release(&i->lock);
        dentry_event(d, IN_ATTRIB);
    }
    dentry_put(d);
    return error;
}

s64 sys_fchownat(int dirfd, uaddr_t path, u32 uid, u32 gid, u32 flags)
{
    struct dentry *d;
    int error;

    if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_argument(dirfd, path, path_argument_lookup((int)flags), &d);
    return error ? error : chown_dentry(d, uid, gid);
}

s64 sys_chown(uaddr_t path, u32 uid, u32 gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

s64 sys_lchown(uaddr_t path, u32 uid, u32 gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

s64 sys_fchown(int fd, u32 uid, u32 gid)
{
    struct dentry *d;
    int error = path_of_descriptor(fd, &d);

    return error ? error : chown_dentry(d, uid, gid);
}

static int times_allowed(struct inode *i, const struct __kernel_timespec *times)
{
    bool now = !times || (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW);

    if (i->file_system->read_only)
        return -EROFS;
    if (inode_is_kept(i) && (!now || !inode_append_only(i)))
        return -EPERM;
    if (inode_is_owner(i))
        return 0;
    return !now ? -EPERM : inode_permission(i, /*may=*/2);
}

static void time_set(struct __kernel_timespec *to, const struct __kernel_timespec *from)
{
    if (!from || from->tv_nsec == UTIME_NOW)
        *to = timespec_from_ns(clock_realtime());
    else if (from->tv_nsec != UTIME_OMIT)
        *to = *from;
}

// times: two, or NULL for now. The dentry is put.
static s64 times_dentry(struct dentry *d, const struct __kernel_timespec *times)
{
    struct inode *i = d->inode;
    int error = 0;

    if (times && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT) {
        dentry_put(d);
        return 0;
    }
    error = times_allowed(i, times);
    if (!error) {
        lock_acquire(&i->lock);
        time_set(&i->accessed, times ? &times[0] : NULL);
        time_set(&i->modified, times ? &times[1] : NULL);
        inode_touch(i, false, false, true);
        lock_release(&i->lock);
        dentry_event(d, IN_ATTRIB);
    }
    dentry_put(d);
    return error;
}

static bool nanoseconds_valid(s64 ns)
{
    return (ns >= 0 && ns < 1000000000) || ns == UTIME_NOW || ns == UTIME_OMIT;
}

s64 sys_utimensat(int dirfd, uaddr_t path, uaddr_t user_times, u32 flags)
{
    struct __kernel_timespec times[2];
    struct dentry *d;
    int error;

    if (user_times) {
        if (user_read(times, user_times, sizeof(times)))
            return -EFAULT;
        if (!nanoseconds_valid(times[0].tv_nsec) || !nanoseconds_valid(times[1].tv_nsec))
            return -EINVAL;
    }
    if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!path && dirfd != AT_FDCWD)
        error = flags ? -EINVAL : path_of_descriptor(dirfd, &d);
    else
        error = path_argument(dirfd, path, path_argument_lookup((int)flags), &d);
    return error ? error : times_dentry(d, user_times ? times : NULL);
}

static s64 times_of_path(int dirfd, uaddr_t path, const struct __kernel_timespec *times)
{
    struct dentry *d;
    int error;

    if (!path && dirfd != AT_FDCWD)
        error = path_of_descriptor(dirfd, &d);
    else
        error = path_argument(dirfd, path, LOOKUP_FOLLOW, &d);
    return error ? error : times_dentry(d, times);
}

s64 sys_futimesat(int dirfd, uaddr_t path, uaddr_t user_times)
{
    struct __kernel_timespec times[2];
    s64 values[4];

    if (!user_times)
        return times_of_path(dirfd, path, NULL);
    if (user_read(values, user_times, sizeof(values)))
        return -EFAULT;
    for (int k = 0; k < 2; k++) {
        if (values[2 * k + 1] < 0 || values[2 * k + 1] >= 1000000)
            return -EINVAL;
        times[k].tv_sec = values[2 * k];
        times[k].tv_nsec = values[2 * k + 1] * 1000;
    }
    return times_of_path(dirfd, path, times);
}

s64 sys_utimes(uaddr_t path, uaddr_t user_times)
{
    return sys_futimesat(AT_FDCWD, path, user_times);
}

s64 sys_utime(uaddr_t path, uaddr_t user_times)
{
    struct __kernel_timespec times[2] = {0};
    s64 values[2];

    if (!user_times)
        return times_of_path(AT_FDCWD, path, NULL);
    if (user_read(values, user_times, sizeof(values)))
        return -EFAULT;
    times[0].tv_sec = values[0];
    times[1].tv_sec = values[1];
    return times_of_path(AT_FDCWD, path, times);
}
