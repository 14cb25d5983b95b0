// SPDX-License-Identifier: BSD-3-Clause
// getdents(2), getcwd(2), chdir(2), chroot(2), umask(2).
#include <linux/capability.h>
#include <linux/inotify.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "file/path.h"
#include "linux/calls.h"
#include "linux/path_argument.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

struct user_dirent { // of getdents64: struct linux_dirent64
    u64 inode;
    s64 next_position;
    u16 size;
    u8 type;
    char name[];
} __attribute__((packed));
#define DIRENT_NAME     offsetof(struct user_dirent, name)
#define OLD_DIRENT_NAME 18 // of getdents: the type stands in the last byte

struct user_sink {
    struct dir_sink sink;
    uaddr_t at;
    size_t left, done;
    bool old; // getdents
    int error;
};

// The entry is put together here and copied at once. Layout: see getdents(2).
static bool user_sink_add(struct dir_sink *sink, const char *name, size_t name_size, u64 inode,
                          u64 next_position, u8 type)
{
    struct user_sink *s = container_of(sink, struct user_sink, sink);
    u8 buffer[DIRENT_NAME + 256 + 8] __attribute__((aligned(8))) = {0};
    struct user_dirent *e = (struct user_dirent *)buffer;
    size_t name_at = s->old ? OLD_DIRENT_NAME : DIRENT_NAME;
    size_t size = (name_at + name_size + (s->old ? 2 : 1) + 7) & ~7ul;

    if (size > s->left) {
        s->error = s->done ? 0 : -EINVAL;
        return false;
    }
    e->inode = inode;
    e->next_position = (s64)next_position;
    e->size = (u16)size;
    memcpy(buffer + name_at, name, name_size);
    if (s->old)
        buffer[size - 1] = type;
    else
        e->type = type;
    if (user_write(s->at, buffer, size)) {
        s->error = -EFAULT;
        return false;
    }
    s->at += size;
    s->left -= size;
    s->done += size;
    return true;
}

static s64 read_dir(int fd, uaddr_t to, size_t size, bool old)
{
    struct user_sink s = {.sink = {user_sink_add}, .at = to, .left = size, .old = old};
    struct file *f = fd_get(fd);
    int error;

    if (!f)
        return -EBADF;
    if (f->flags & O_PATH)
        error = -EBADF;
    else if (!f->ops->read_dir)
        error = -ENOTDIR;
    else if (f->dentry && f->dentry->deleted)
        error = -ENOENT;
    else {
        lock_acquire(&f->lock);
        error = f->ops->read_dir(f, &s.sink);
        lock_release(&f->lock);
    }
    if (!error && f->dentry)
        dentry_event(f->dentry, IN_ACCESS);
    file_put(f);
    if (s.done)
        return (s64)s.done;
    return error ? error : s.error;
}

s64 sys_getdents64(int fd, uaddr_t to, u32 size)
{
    return read_dir(fd, to, size, /*old=*/false);
}

s64 sys_getdents(int fd, uaddr_t to, u32 size)
{
    return read_dir(fd, to, size, /*old=*/true);
}

#define PATH_BUFFER 4096

s64 sys_getcwd(uaddr_t to, size_t size)
{
    static const char unreachable[] = "(unreachable)";
    struct dentry *root = path_root(), *working = path_working();
    char *path = heap_alloc(PATH_BUFFER);
    size_t prefix = sizeof(unreachable) - 1, length;
    s64 result = path ? 0 : -ENOMEM;

    if (!result && working->deleted)
        result = -ENOENT;
    if (!result)
        result = dentry_path_from(working, root, path + prefix, PATH_BUFFER - prefix);
    if (result >= 0) {
        const char *from = path + prefix;
        if (result == 1) {
            memcpy(path, unreachable, prefix);
            from = path;
        }
        length = strlen(from) + 1;
        if (length > size)
            result = -ERANGE;
        else
            result = user_write(to, from, length) ? -EFAULT : (s64)length;
    }
    heap_free(path);
    dentry_put(root);
    dentry_put(working);
    return result;
}

// Puts a directory into a field of the path context; takes over the reference.
static s64 context_set(struct dentry **field, struct dentry *d)
{
    struct path_context *c = path_context_now();
    struct dentry *old;
    int error = S_ISDIR(d->inode->mode) ? inode_permission(d->inode, /*may=*/1) : -ENOTDIR;

    if (error) {
        dentry_put(d);
        return error;
    }
    lock_acquire(&c->lock);
    old = *field;
    *field = d;
    lock_release(&c->lock);
    dentry_put(old);
    return 0;
}

s64 sys_chdir(uaddr_t path)
{
    struct dentry *d;
    int error = path_argument(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &d);

    return error ? error : context_set(&path_context_now()->working, d);
}

s64 sys_fchdir(int fd)
{
    struct file *f = fd_get(fd);
    s64 result;

    if (!f)
        return -EBADF;
    result = f->dentry ? context_set(&path_context_now()->working, dentry_get(f->dentry))
                       : -ENOTDIR;
    file_put(f);
    return result;
}

s64 sys_chroot(uaddr_t path)
{
    struct dentry *d;
    int error = path_argument(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &d);

    if (error)
        return error;
    error = inode_permission(d->inode, /*may=*/1);
    if (!error && !inode_capable(CAP_SYS_CHROOT))
        error = -EPERM;
    if (error) {
        dentry_put(d);
        return error;
    }
    return context_set(&path_context_now()->root, d);
}

s64 sys_umask(u32 mask)
{
    return __atomic_exchange_n(&path_context_now()->umask, mask & 0777,
                               __ATOMIC_RELAXED); // with path_umask
}
