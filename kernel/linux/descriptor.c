// SPDX-License-Identifier: BSD-3-Clause
// dup(2), fcntl(2), flock(2), ioctl(2).
#include "linux/descriptor.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>

#include "file/async.h"
#include "file/fd_table.h"
#include "file/file_lock.h"
#include "file/inode.h"
#include "linux/calls.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define ATTRIBUTES     (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL) // as Linux's tmpfs has
#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)

s64 sys_dup(int fd)
{
    struct file *f = fd_get(fd);

    return f ? fd_install(f, false, 0) : -EBADF;
}

s64 sys_dup3(int old_fd, int new_fd, u32 flags)
{
    struct file *f;

    if (flags & ~(u32)O_CLOEXEC || old_fd == new_fd)
        return -EINVAL;
    f = fd_get(old_fd);
    return f ? fd_replace(new_fd, f, flags & O_CLOEXEC) : -EBADF;
}

s64 sys_dup2(int old_fd, int new_fd)
{
    bool unused;

    if (old_fd == new_fd)
        return fd_flags_get(old_fd, &unused) ? -EBADF : new_fd;
    return sys_dup3(old_fd, new_fd, 0);
}

s64 sys_flock(int fd, u32 operation)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    result = f->flags & O_PATH ? -EBADF : file_lock_flock(f, (int)operation);
    file_put(f);
    return result;
}

static s64 fcntl_dup(struct file *f, u64 from, bool close_on_exec)
{
    if (from >= thread_process()->limits[RLIMIT_NOFILE].rlim_cur || from > INT32_MAX)
        return -EINVAL;
    return fd_install(file_get(f), close_on_exec, (int)from);
}

static s64 fcntl_get_descriptor_flags(int fd)
{
    bool close_on_exec;
    int error = fd_flags_get(fd, &close_on_exec);

    return error ? error : close_on_exec ? FD_CLOEXEC : 0;
}

static s64 fcntl_set_flags(struct file *f, int fd, u32 flags)
{
    u32 old = f->flags;
    int error = 0;

    if (flags & O_NOATIME && !(old & O_NOATIME) && !inode_is_owner(f->inode))
        return -EPERM;
    if (old & ~flags & O_APPEND && inode_append_only(f->inode))
        return -EPERM;
    if ((flags ^ old) & FASYNC)
        error = file_async_set(f, fd, flags & FASYNC);
    if (!error)
        f->flags = (old & ~(u32)SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS);
    return error;
}

static s64 fcntl_lock(struct file *f, u32 command, uaddr_t argument)
{
    struct flock lock;
    int error;

    if (user_read(&lock, argument, sizeof(lock)))
        return -EFAULT;
    error = file_lock_control(f, (int)command, &lock);
    if (!error && (command == F_GETLK || command == F_OFD_GETLK))
        error = user_write(argument, &lock, sizeof(lock));
    return error;
}

// id: negative for a process group, 0 for nobody.
static s64 set_owner(struct file *f, int fd, int type, int id)
{
    if (id == INT32_MIN)
        return -EINVAL;
    if (id && !(id < 0 ? process_group_exists(-id, 0) : process_of_thread(id) != NULL))
        return -ESRCH;
    f->owner = id;
    f->owner_type = type;
    return file_async_own(f, fd);
}

static s64 fcntl_owner(struct file *f, int fd, u32 command, u64 argument)
{
    struct f_owner_ex owner;

    switch (command) {
    case F_SETOWN:
        return set_owner(f, fd, F_OWNER_PID, (int)argument);
    case F_GETOWN:
        return f->owner;
    case F_SETOWN_EX:
        if (user_read(&owner, argument, sizeof(owner)))
            return -EFAULT;
        if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP)
            return -EINVAL;
        if (owner.pid < 0)
            return -ESRCH;
        return set_owner(f, fd, owner.type, owner.type == F_OWNER_PGRP ? -owner.pid : owner.pid);
    default:
        owner.type = f->owner < 0 ? F_OWNER_PGRP : f->owner_type;
        owner.pid = f->owner < 0 ? -f->owner : f->owner;
        return user_write(argument, &owner, sizeof(owner));
    }
}

static s64 fcntl_signal(struct file *f, u32 command, u64 argument)
{
    if (command == F_GETSIG)
        return f->owner_signal;
    if (argument > 64)
        return -EINVAL;
    f->owner_signal = (int)argument;
    return 0;
}

static s64 fcntl_query_same(struct file *f, int fd)
{
    struct file *other = fd_get(fd);
    s64 result = other == f;

    if (!other)
        return -EBADF;
    file_put(other);
    return result;
}

// Commands that need an open file, not only a path.
static s64 fcntl_open(struct file *f, int fd, u32 command, u64 argument)
{
    switch (command) {
    case F_SETFL:
        return fcntl_set_flags(f, fd, (u32)argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return fcntl_lock(f, command, argument);
    case F_SETOWN:
    case F_GETOWN:
    case F_SETOWN_EX:
    case F_GETOWN_EX:
        return fcntl_owner(f, fd, command, argument);
    case F_SETSIG:
    case F_GETSIG:
        return fcntl_signal(f, command, argument);
    case F_NOTIFY: // dnotify: only "of nothing" is there
        if (!S_ISDIR(f->inode->mode))
            return -ENOTDIR;
        return argument & ~(u64)DN_MULTISHOT ? -EINVAL : 0;
    case F_GETLEASE:
        return F_UNLCK;
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
        return S_ISFIFO(f->inode->mode) && f->ops->control ? f->ops->control(f, command, argument)
                                                           : -EBADF;
    default:
        return f->ops->control ? f->ops->control(f, command, argument) : -EINVAL;
    }
}

s64 sys_fcntl(int fd, u32 command, u64 argument)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        result = fcntl_dup(f, argument, command == F_DUPFD_CLOEXEC);
        break;
    case F_GETFD:
        result = fcntl_get_descriptor_flags(fd);
        break;
    case F_SETFD:
        result = fd_flags_set(fd, argument & FD_CLOEXEC);
        break;
    case F_GETFL:
        result = f->flags;
        break;
    case F_LINUX_SPECIFIC_BASE + 3: // F_DUPFD_QUERY
        result = fcntl_query_same(f, (int)argument);
        break;
    default:
        result = f->flags & O_PATH ? -EBADF : fcntl_open(f, fd, command, argument);
    }
    file_put(f);
    return result;
}

static s64 ioctl_flag(struct file *f, u32 flag, uaddr_t argument)
{
    u32 on;

    if (user_read_u32(&on, argument))
        return -EFAULT;
    f->flags = on ? f->flags | flag : f->flags & ~flag;
    return 0;
}

static s64 ioctl_async(struct file *f, int fd, uaddr_t argument)
{
    s64 error = ioctl_flag(f, FASYNC, argument);
    return error ? error : file_async_set(f, fd, f->flags & FASYNC);
}

// Bytes left to read in a regular file.
static s64 ioctl_readable(struct file *f, uaddr_t argument)
{
    u64 at = file_position(f);
    struct kstat k;

    inode_stat(f->inode, &k);
    u64 left = k.size > at ? k.size - at : 0;

    return user_write_u32(argument, (u32)left);
}

// F_SETOWN and F_GETOWN of sockets by their older names.
static s64 ioctl_owner(struct file *f, int fd, u32 command, uaddr_t argument)
{
    u32 id;

    if (command == FIOGETOWN || command == SIOCGPGRP)
        return user_write_u32(argument, (u32)f->owner);
    return user_read_u32(&id, argument) ? -EFAULT : set_owner(f, fd, F_OWNER_PID, (int)id);
}

// ioctl_iflags(2), for chattr and lsattr.
static s64 ioctl_attributes(struct inode *i, bool set, uaddr_t argument)
{
    u32 wanted;
    int error = 0;

    if (!i->ops->set_xattr)
        return -ENOTTY; // a file system that keeps no attributes
    if (!set)
        return user_write_u32(argument, i->attributes);
    if (user_read_u32(&wanted, argument))
        return -EFAULT;
    if (i->file_system->read_only)
        return -EROFS;
    if (!inode_is_owner(i))
        return -EPERM;
    lock_acquire(&i->lock);
    if ((wanted ^ i->attributes) & (FS_IMMUTABLE_FL | FS_APPEND_FL) && !inode_capable(CAP_LINUX_IMMUTABLE))
        error = -EPERM;
    else if (wanted & ~(u32)ATTRIBUTES)
        error = -EOPNOTSUPP;
    if (!error) {
        i->attributes = wanted;
        inode_touch(i, false, false, true);
    }
    lock_release(&i->lock);
    return error;
}

s64 sys_ioctl(int fd, u32 command, u64 argument)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        result = -EBADF;
    else if (command == FIOCLEX || command == FIONCLEX)
        result = fd_flags_set(fd, command == FIOCLEX);
    else if (command == FIONBIO)
        result = ioctl_flag(f, O_NONBLOCK, argument);
    else if (command == FIOASYNC)
        result = ioctl_async(f, fd, argument);
    else if (command >= FIOSETOWN && command <= SIOCGPGRP && S_ISSOCK(f->inode->mode))
        result = ioctl_owner(f, fd, command, argument);
    else if (command == FIONREAD && S_ISREG(f->inode->mode))
        result = ioctl_readable(f, argument);
    else if (command == FIGETBSZ && (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode)))
        result = user_write_u32(argument, PAGE_SIZE);
    else if ((command == FS_IOC_GETFLAGS || command == FS_IOC_SETFLAGS) && (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode)))
        result = ioctl_attributes(f->inode, command == FS_IOC_SETFLAGS, argument);
    else if ((command == FICLONE || command == FICLONERANGE || command == FIDEDUPERANGE) && S_ISREG(f->inode->mode))
        result = -EOPNOTSUPP; // as Linux's tmpfs
    else
        result = f->ops->ioctl ? f->ops->ioctl(f, command, argument) : -ENOTTY;
    file_put(f);
    return result;
}

int descriptor_pair(struct file *const files[2], bool close_on_exec, uaddr_t fds)
{
    int error, fd[2] = {fd_install(files[0], close_on_exec, 0), -1};

    if (fd[0] < 0) {
        file_put(files[1]);
        return fd[0];
    }
    fd[1] = fd_install(files[1], close_on_exec, 0);
    error = fd[1] < 0 ? fd[1] : user_write(fds, fd, sizeof(fd));
    if (!error)
        return 0;
    fd_close(fd[0]);
    if (fd[1] >= 0)
        fd_close(fd[1]);
    return error;
}
