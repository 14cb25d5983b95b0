// SPDX-License-Identifier: BSD-3-Clause
// inotify: watches and what they report. A watch does not hold its inode: the inode's end is an
// event, and ends the watch. Queues of records are inotify_queue.c's.
//
// One lock for all watches and queues: events on unwatched files, which is nearly all, never take
// it. It stands inside inode.lock and outside the instances' wait queues' locks.
#include "file/inotify.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>

#include "base/printf.h"
#include "base/string.h"
#include "file/inode.h"
#include "file/inotify_queue.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

#define WATCHES_MAX 65536 // of an instance
#define EVENT_BITS  ((u32)(IN_ALL_EVENTS | IN_UNMOUNT))

struct inotify {
    struct list watches; // of struct inotify_watch.instance_node
    u32 watch_count;
    int last_wd;
    struct inotify_queue queue;
};

struct inotify_watch {
    struct list instance_node;
    struct list inode_node; // in inode->watches
    struct inotify *instance;
    struct inode *inode;
    int wd;
    u32 mask;
};

static struct slab_cache inotify_cache = SLAB_CACHE("inotify", struct inotify);
static struct slab_cache watch_cache = SLAB_CACHE("inotify_watch", struct inotify_watch);

static struct lock inotify_lock; // watches and queues of all instances

static void watch_free(struct inotify_watch *w)
{
    list_remove(&w->instance_node);
    list_remove(&w->inode_node);
    w->instance->watch_count--;
    slab_free(&watch_cache, w);
}

static void watch_end(struct inotify_watch *w)
{
    inotify_queue_add(&w->instance->queue, w->wd, IN_IGNORED, 0, NULL);
    watch_free(w);
}

static void watch_report(struct inotify_watch *w, u32 mask, const char *name, u32 cookie)
{
    if (!(w->mask & mask & EVENT_BITS))
        return;
    if (mask & w->mask & INOTIFY_UNLINKED)
        return;
    inotify_queue_add(&w->instance->queue, w->wd,
                      (mask & (w->mask | IN_UNMOUNT) & EVENT_BITS) | (mask & IN_ISDIR), cookie,
                      name);
    if (w->mask & IN_ONESHOT)
        watch_end(w);
}

void inotify_event(struct inode *i, u32 mask, const char *name, u32 cookie)
{
    struct inotify_watch *w, *next;

    if (list_empty(&i->watches))
        return;
    lock_acquire(&inotify_lock);
    list_for_each_safe(w, next, &i->watches, inode_node) watch_report(w, mask, name, cookie);
    lock_release(&inotify_lock);
}

void inotify_inode_gone(struct inode *i)
{
    u32 mask = i->links ? 0 : IN_DELETE_SELF;
    struct inotify_watch *w, *next;

    lock_acquire(&inotify_lock);
    list_for_each_safe(w, next, &i->watches, inode_node) watch_report(w, mask, NULL, 0);
    list_for_each_safe(w, next, &i->watches, inode_node) watch_end(w);
    lock_release(&inotify_lock);
}

static struct inotify_watch *find_by_inode(struct inotify *n, struct inode *i)
{
    struct inotify_watch *w;

    list_for_each(w, &i->watches, inode_node) if (w->instance == n) return w;
    return NULL;
}

static int watch_add(struct inotify *n, struct inode *i, u32 mask)
{
    struct inotify_watch *w;

    if (n->watch_count >= WATCHES_MAX)
        return -ENOSPC;
    w = slab_alloc(&watch_cache);
    if (!w)
        return -ENOMEM;
    n->last_wd = n->last_wd == INT32_MAX ? 1 : n->last_wd + 1;
    *w = (struct inotify_watch){.instance = n, .inode = i, .wd = n->last_wd, .mask = mask};
    n->watch_count++;
    i->watched = true;
    list_push_back(&n->watches, &w->instance_node);
    list_push_back(&i->watches, &w->inode_node);
    return w->wd;
}

int inotify_watch(struct inotify *n, struct inode *i, u32 mask)
{
    u32 kept = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK);
    struct inotify_watch *w;
    int result;

    lock_acquire(&inotify_lock);
    w = find_by_inode(n, i);
    if (!w) {
        result = watch_add(n, i, kept);
    } else if (mask & IN_MASK_CREATE) {
        result = -EEXIST;
    } else {
        w->mask = kept | (mask & IN_MASK_ADD ? w->mask : 0);
        result = w->wd;
    }
    lock_release(&inotify_lock);
    return result;
}

int inotify_unwatch(struct inotify *n, int wd)
{
    struct inotify_watch *w, *found = NULL;

    lock_acquire(&inotify_lock);
    list_for_each(w, &n->watches, instance_node) if (w->wd == wd) found = w;
    if (found)
        watch_end(found);
    lock_release(&inotify_lock);
    return found ? 0 : -EINVAL;
}

static bool has_records(void *arg)
{
    const struct inotify *n = arg;
    return !inotify_queue_empty(&n->queue);
}

// The next record, if it has room in `room` bytes: NULL and -EAGAIN (none) or -EINVAL (no room).
static struct inotify_record *record_take(struct inotify *n, size_t room, int *out_error)
{
    struct inotify_record *r;

    lock_acquire(&inotify_lock);
    r = inotify_queue_take(&n->queue, room, out_error);
    lock_release(&inotify_lock);
    return r;
}

static s64 record_put(struct io *io, struct inotify_record *r)
{
    s64 result = io_put(io, &r->event, sizeof(r->event) + r->event.len);
    heap_free(r);
    return result;
}

static s64 inotify_read(struct file *f, struct io *io, u64 *position)
{
    struct inotify *n = f->data;
    struct inotify_record *r;
    s64 done = 0, result;
    int error;

    while (!(r = record_take(n, io->left, &error))) {
        if (error != -EAGAIN || (f->flags & O_NONBLOCK))
            return error;
        error = wait_until(&n->queue.wait, DEADLINE_NONE, WAIT_INTERRUPTIBLE, has_records, n);
        if (error)
            return error;
    }
    do {
        result = record_put(io, r);
        if (result < 0)
            return done ? done : result;
        done += result;
    } while ((r = record_take(n, io->left, &error)));
    return done;
}

static u32 inotify_poll(struct file *f, struct poll_table *table)
{
    struct inotify *n = f->data;

    poll_wait(table, &n->queue.wait);
    return has_records(n) ? POLLIN | POLLRDNORM : 0;
}

static s64 inotify_ioctl(struct file *f, u32 command, u64 argument)
{
    struct inotify *n = f->data;
    size_t size;

    if (command != FIONREAD)
        return -ENOTTY;
    lock_acquire(&inotify_lock);
    size = inotify_queue_bytes(&n->queue);
    lock_release(&inotify_lock);
    return user_write_u32(argument, (u32)size);
}

static void inotify_release(struct file *f)
{
    struct inotify *n = f->data;
    struct inotify_watch *w, *next;

    lock_acquire(&inotify_lock);
    list_for_each_safe(w, next, &n->watches, instance_node) watch_free(w);
    lock_release(&inotify_lock);
    inotify_queue_clear(&n->queue);
    slab_free(&inotify_cache, n);
}

static void inotify_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "anon_inode:inotify");
}

static void inotify_fdinfo(struct file *f, char *out, size_t size)
{
    struct inotify *n = f->data;
    struct inotify_watch *w;

    *out = 0;
    lock_acquire(&inotify_lock);
    list_for_each(w, &n->watches, instance_node)
    {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0\n",
                 (u32)w->wd, w->inode->number, w->inode->file_system->device, w->mask);
    }
    lock_release(&inotify_lock);
}

static const struct file_ops inotify_ops = {
    .read = inotify_read,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .release = inotify_release,
    .describe = inotify_describe,
    .fdinfo = inotify_fdinfo,
};

struct inotify *inotify_of(const struct file *f)
{
    return f->ops == &inotify_ops ? f->data : NULL;
}

int inotify_create(u32 flags, struct file **out)
{
    struct inotify *n = slab_alloc(&inotify_cache);
    int error;

    if (!n)
        return -ENOMEM;
    list_init(&n->watches);
    inotify_queue_init(&n->queue);
    error =
        file_create_anonymous(&inotify_ops, 0600, n, O_RDONLY | (flags & (u32)IN_NONBLOCK), out);
    if (error)
        slab_free(&inotify_cache, n);
    return error;
}
