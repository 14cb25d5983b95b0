// SPDX-License-Identifier: BSD-3-Clause
// Open files: making and releasing them, and the part of read and write that is the same for all
// kinds.
#include "file/file.h"

#include "file/async.h"
#include "file/file_lock.h"
#include "file/held.h"
#include "file/inode.h"
#include "memory/heap.h"

#include <linux/fs.h>
#include <linux/inotify.h>
#include <linux/magic.h>

static struct slab_cache file_cache = SLAB_CACHE("file", struct file);

// Pipes, eventfds, epolls, ... have inodes that no name leads to.
static struct file_system anonymous_fs = {
    .type = "anon_inodefs",
    .source = "none",
    .device = 14,
    .magic = ANON_INODE_FS_MAGIC,
    .next_inode = 1000,
};
static const struct inode_ops anonymous_inode_ops = {.lookup = NULL};

int file_create(const struct file_ops *ops, struct inode *inode, struct dentry *dentry, u32 flags,
                struct file **out)
{
    struct file *f = slab_alloc(&file_cache);

    if (!f) {
        inode_put(inode);
        if (dentry)
            dentry_put(dentry);
        return -ENOMEM;
    }
    f->references = 1;
    f->flags = flags;
    f->ops = ops;
    f->inode = inode;
    f->dentry = dentry;
    *out = f;
    return 0;
}

int file_create_anonymous(const struct file_ops *ops, u32 mode, void *data, u32 flags,
                          struct file **out)
{
    struct inode *inode;
    int error = inode_create(&anonymous_fs, &anonymous_inode_ops, mode, &inode);

    if (error)
        return error;
    error = file_create(ops, inode, NULL, flags, out);
    if (error)
        return error;
    (*out)->data = data;
    return 0;
}

struct file *file_get(struct file *f)
{
    __atomic_add_fetch(&f->references, 1, __ATOMIC_RELAXED); // pairs with file_put
    return f;
}

static void file_event(struct file *f, u32 mask)
{
    if (f->dentry)
        dentry_event(f->dentry, mask);
}

void file_put(struct file *f)
{
    file_not_held(f);
    if (__atomic_sub_fetch(&f->references, 1, __ATOMIC_ACQ_REL)) // pairs with file_get and itself
        return;
    file_release(f);
}

void file_release(struct file *f)
{
    struct thread *t = thread_current();

    t->releasing = f;
    if (f->writes)
        inode_writers_drop(f->inode, 1);
    f->writes = false;
    if (!(f->flags & O_PATH))
        file_event(f, file_writable(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    if (f->async)
        file_async_end(f);
    if (f->epoll_items.next) // an epoll has watched it
        epoll_file_gone(f);
    file_lock_released(f);
    t->releasing = NULL; // from here on it can't be done once more
    if (f->ops->release)
        f->ops->release(f);
    inode_put(f->inode);
    if (f->dentry)
        dentry_put(f->dentry);
    slab_free(&file_cache, f);
}

// Runs the operation at the file's own position. A regular file's is guarded against other readers
// for the whole transfer [read(2): "the file offset is atomic"]; what may sleep can't hold a lock.
static s64 at_own_position(struct file *f, struct io *io,
                           s64 (*operation)(struct file *, struct io *, u64 *))
{
    u64 position;
    s64 result;

    if (!f->ops->seek || f->ops->own_position)
        return operation(f, io, NULL);
    if (S_ISREG(f->inode->mode) && !f->ops->sleeps) {
        lock_acquire_clean(&f->lock); // one word, written at once
        result = operation(f, io, &f->position);
        lock_release(&f->lock);
        return result;
    }
    position = f->position;
    result = operation(f, io, &position);
    f->position = position;
    return result;
}

s64 file_read(struct file *f, struct io *io, u64 *position)
{
    s64 result;

    if (unlikely(!file_readable(f)))
        return -EBADF;
    if (unlikely(!f->ops->read))
        return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
    if (position)
        result = f->ops->read(f, io, position);
    else
        result = at_own_position(f, io, f->ops->read);
    if (result > 0)
        file_event(f, IN_ACCESS);
    return result;
}

s64 file_write(struct file *f, struct io *io, u64 *position)
{
    s64 result;

    if (unlikely(!file_writable(f)))
        return -EBADF;
    if (unlikely(!f->ops->write))
        return -EINVAL;
    if (position)
        result = f->ops->write(f, io, position);
    else
        result = at_own_position(f, io, f->ops->write);
    if (result > 0)
        file_event(f, IN_MODIFY);
    return result;
}

u64 file_position(struct file *f)
{
    s64 position = f->ops->own_position ? f->ops->seek(f, 0, SEEK_CUR) : (s64)f->position;

    return position < 0 ? 0 : (u64)position;
}

void file_position_set(struct file *f, u64 position)
{
    if (!f->ops->own_position)
        f->position = position;
    else if (f->ops->seek(f, (s64)position, SEEK_SET) < 0)
        return; // only who was interrupted by its end is not there
}

u32 file_poll(struct file *f, struct poll_table *table)
{
    if (f->ops->poll)
        return f->ops->poll(f, table);
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}
