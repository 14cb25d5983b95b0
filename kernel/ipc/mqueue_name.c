// SPDX-License-Identifier: BSD-3-Clause
// The names of POSIX message queues. A queue lives while it has a name or an open file.
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/stat.h>

#include "base/string.h"
#include "file/inode.h"
#include "file/path.h"
#include "ipc/mqueue_internal.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

#define DEFAULT_COUNT 10
#define DEFAULT_SIZE  8192
#define COUNT_MAX     65536 // with CAP_SYS_RESOURCE; without it the defaults are the limits
#define SIZE_MAX_HARD (16 << 20)
#define QUEUES_MAX    256
#define LEVEL_COST    48 // on RLIMIT_MSGQUEUE: Linux's nodes and pointers
#define MESSAGE_COST  8

static struct {
    struct lock lock;
    bool initialised;
    struct list all; // of struct mqueue.node
    u32 count;       // with a name
} mqueues;

void mqueue_put(struct mqueue *q)
{
    bool last;

    lock_acquire(&mqueues.lock);
    last = !--q->references;
    if (last)
        list_remove(&q->node);
    lock_release(&mqueues.lock);
    if (!last)
        return;
    mqueue_empty(q);
    inode_put(q->inode);
    heap_free(q);
}

// With mqueues.lock held.
static struct mqueue *find(const char *name)
{
    struct mqueue *q;

    if (!mqueues.initialised)
        list_init(&mqueues.all);
    mqueues.initialised = true;
    list_for_each(q, &mqueues.all, node)
        if (q->linked && !strcmp(q->name, name))
            return q;
    return NULL;
}

static int check_attributes(const struct mq_attr *a)
{
    bool privileged = inode_capable(CAP_SYS_RESOURCE);

    if (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0)
        return -EINVAL;
    if (a->mq_maxmsg > (privileged ? COUNT_MAX : DEFAULT_COUNT) ||
        a->mq_msgsize > (privileged ? SIZE_MAX_HARD : DEFAULT_SIZE))
        return -EINVAL;
    return 0;
}

// RLIMIT_MSGQUEUE counts all queues of a user. With mqueues.lock held.
static int check_cost(const struct mqueue *new)
{
    u64 total = new->cost;
    struct mqueue *q;

    list_for_each(q, &mqueues.all, node)
        if (q->uid == new->uid)
            total += q->cost;
    return total > thread_process()->limits[RLIMIT_MSGQUEUE].rlim_cur ? -EMFILE : 0;
}

// Makes a queue with a file that is open on it, both with no lock held.
static int queue_create(const char *name, u32 flags, u32 mode, const struct mq_attr *a,
                        struct file **out)
{
    struct mqueue *q = heap_alloc(sizeof(*q) + strlen(name) + 1);
    int error;

    if (!q)
        return -ENOMEM;
    memcpy(q->name, name, strlen(name) + 1);
    q->references = 1;
    q->uid = credentials_now()->uid;
    q->count_max = (u64)a->mq_maxmsg;
    q->size_max = (u64)a->mq_msgsize;
    q->cost = q->count_max * (q->size_max + MESSAGE_COST) +
              min(q->count_max, (u64)MQ_PRIO_MAX) * LEVEL_COST;
    list_init(&q->levels);
    list_init(&q->node);
    wait_queue_init(&q->room);
    wait_queue_init(&q->arrived);
    mode = S_IFREG | (mode & 0777 & ~path_umask());
    error = file_create_anonymous(&mqueue_ops, mode, q, flags, out);
    if (error) {
        heap_free(q);
        return error;
    }
    q->inode = inode_get((*out)->inode);
    q->inode->size = MQUEUE_STATUS_SIZE;
    return 0;
}

static int open_new(const char *name, u32 flags, u32 mode, const struct mq_attr *attributes,
                    struct file **out)
{
    static const struct mq_attr defaults = { .mq_maxmsg = DEFAULT_COUNT, .mq_msgsize = DEFAULT_SIZE };
    struct mqueue *q;
    int error = attributes ? check_attributes(attributes) : 0;

    if (!error)
        error = queue_create(name, flags, mode, attributes ? attributes : &defaults, out);
    if (error)
        return error;
    q = (*out)->data;
    lock_acquire(&mqueues.lock);
    if (find(name))
        error = -EAGAIN; // another was faster
    else if (mqueues.count >= QUEUES_MAX && !inode_capable(CAP_SYS_RESOURCE))
        error = -ENOSPC;
    else
        error = check_cost(q);
    list_push_back(&mqueues.all, &q->node);
    if (error)
        q->cost = 0;
    else
        q->references++;
    q->linked = !error;
    mqueues.count += !error;
    lock_release(&mqueues.lock);
    if (error)
        file_put(*out);
    return error;
}

static int open_old(struct mqueue *q, u32 flags, struct file **out)
{
    static const u32 may[] = { 4, 2, 6 };
    int error = -EINVAL;

    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        error = -EEXIST;
    else if ((flags & O_ACCMODE) != O_ACCMODE)
        error = inode_permission(q->inode, may[flags & O_ACCMODE]);
    if (!error)
        error = file_create(&mqueue_ops, inode_get(q->inode), NULL,
                            flags & (O_ACCMODE | O_NONBLOCK), out);
    if (error)
        mqueue_put(q);
    else
        (*out)->data = q;
    return error;
}

int mqueue_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attributes,
                struct file **out)
{
    struct mqueue *q;
    int error;

    do {
        lock_acquire(&mqueues.lock);
        q = find(name);
        if (q)
            q->references++;
        lock_release(&mqueues.lock);
        if (q)
            return open_old(q, flags, out);
        if (!(flags & O_CREAT))
            return -ENOENT;
        if ((flags & O_ACCMODE) == O_ACCMODE)
            return -EINVAL;
        error = open_new(name, flags & (O_ACCMODE | O_NONBLOCK), mode, attributes, out);
    } while (error == -EAGAIN);
    return error;
}

int mqueue_unlink(const char *name)
{
    struct mqueue *q;
    int error = 0;

    lock_acquire(&mqueues.lock);
    q = find(name);
    if (!q)
        error = -ENOENT;
    else if (!inode_is_owner(q->inode)) // as in a sticky directory
        error = -EPERM;
    if (!error) {
        q->linked = false;
        mqueues.count--;
    }
    lock_release(&mqueues.lock);
    if (!error)
        mqueue_put(q);
    return error;
}

void mqueue_end(void)
{
    struct mqueue *q, *next;

    lock_acquire(&mqueues.lock);
    if (mqueues.initialised)
        list_for_each_safe(q, next, &mqueues.all, node) {
            if (!q->linked)
                continue;
            q->linked = false;
            lock_release(&mqueues.lock); // nobody else is left
            mqueue_put(q);
            lock_acquire(&mqueues.lock);
        }
    lock_release(&mqueues.lock);
}
