// SPDX-License-Identifier: BSD-3-Clause
// POSIX message queues. A queue lives while it has a name or an open file. Its messages stand in a
// chain a priority, the highest first:
//
//     levels -> [priority 9: first -> ... -> last] -> [priority 0: first -> last]
#include "ipc/mqueue.h"

#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/stat.h>

#include "base/printf.h"
#include "base/string.h"
#include "file/file.h"
#include "file/inode.h"
#include "file/path.h"
#include "memory/heap.h"
#include "net/netlink.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define DEFAULT_COUNT 10
#define DEFAULT_SIZE  8192
#define COUNT_MAX     65536 // with CAP_SYS_RESOURCE; without it the defaults are the limits
#define SIZE_MAX_HARD (16 << 20)
#define QUEUES_MAX    256
#define STATUS_SIZE   80 // st_size: what read(2) may give
#define LEVEL_COST    48 // on RLIMIT_MSGQUEUE: Linux's nodes and pointers
#define MESSAGE_COST  8

struct level {
    struct list node;
    u32 priority;
    struct mqueue_message *first, *last;
};

struct mqueue {
    struct list node; // on mqueues.all, this and the next three: guarded by mqueues.lock
    u32 references;   // the name's, and each file's
    bool linked;      // has its name still
    u64 cost;         // on the account of `uid`
    u32 uid;
    struct inode *inode; // rights, owner, times
    u64 count_max, size_max;

    struct lock lock;
    struct list levels;
    u64 count, bytes;
    u32 receivers; // that wait
    struct wait_queue room, arrived;
    struct mqueue_notice notice;

    char name[];
};

static struct {
    struct lock lock;
    bool initialised;
    struct list all; // of struct mqueue.node
    u32 count;       // with a name
} mqueues;

static struct slab_cache level_cache = SLAB_CACHE("mqueue_level", struct level);

static void queue_put(struct mqueue *q)
{
    struct list *node;
    bool last;

    lock_acquire(&mqueues.lock);
    last = !--q->references;
    if (last)
        list_remove(&q->node);
    lock_release(&mqueues.lock);
    if (!last)
        return;
    while ((node = list_pop_front(&q->levels)) != NULL) {
        struct level *l = list_entry(node, struct level, node);
        for (struct mqueue_message *m = l->first, *next; m; m = next) {
            next = m->next;
            heap_free(m);
        }
        slab_free(&level_cache, l);
    }
    inode_put(q->inode);
    heap_free(q);
}

static s64 queue_read(struct file *f, struct io *io, u64 *position)
{
    struct mqueue *q = f->data;
    const struct mqueue_notice *n = &q->notice;
    char text[STATUS_SIZE + 1];
    int size;

    lock_acquire(&q->lock);
    size = snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                    (unsigned long)q->bytes, n->pid ? n->event.sigev_notify : 0,
                    n->pid && n->event.sigev_notify == SIGEV_SIGNAL ? n->event.sigev_signo : 0,
                    n->pid);
    lock_release(&q->lock);
    if (!position || *position >= (u64)size)
        return 0;
    s64 done = io_put(io, text + *position, min((u64)size - *position, (u64)io->left));
    if (done > 0)
        *position += (u64)done;
    return done;
}

static u32 queue_poll(struct file *f, struct poll_table *table)
{
    struct mqueue *q = f->data;
    u32 events = 0;

    poll_wait(table, &q->arrived);
    poll_wait(table, &q->room);
    lock_acquire(&q->lock);
    if (q->count)
        events |= POLLIN | POLLRDNORM;
    if (q->count < q->count_max)
        events |= POLLOUT | POLLWRNORM;
    lock_release(&q->lock);
    return events;
}

// Tells a SIGEV_THREAD's socket, and gives it back. With no lock held.
static void notice_end(struct mqueue_notice *n, u8 why)
{
    if (!n->pid || !n->socket)
        return;
    n->cookie[NOTIFY_COOKIE_LEN - 1] = why;
    if (netlink_post(socket_of(n->socket), n->cookie, NOTIFY_COOKIE_LEN))
        panic("a notice without a netlink socket");
    file_put(n->socket);
}

// The current process wants no notice any more, if it wanted one.
static void notice_remove(struct mqueue *q)
{
    struct mqueue_notice n = { 0 };

    lock_acquire(&q->lock);
    if (q->notice.pid == thread_process()->pid) {
        n = q->notice;
        q->notice.pid = 0;
    }
    lock_release(&q->lock);
    notice_end(&n, NOTIFY_REMOVED);
}

// Whoever asked to be told and closes any descriptor of the queue takes that back.
static void queue_flush(struct file *f)
{
    notice_remove(f->data);
}

static void queue_release(struct file *f)
{
    queue_put(f->data);
}

static void queue_describe(struct file *f, char *out, size_t size)
{
    const struct mqueue *q = f->data;

    snprintf(out, size, "/%s%s", q->name, q->linked ? "" : " (deleted)");
}

static s64 queue_seek(struct file *f, s64 offset, int whence)
{
    return whence == 0 && offset >= 0 ? offset : -EINVAL;
}

static const struct file_ops mqueue_ops = {
    .read = queue_read,
    .seek = queue_seek,
    .poll = queue_poll,
    .flush = queue_flush,
    .release = queue_release,
    .describe = queue_describe,
};

struct mqueue *mqueue_of(const struct file *f)
{
    return f->ops == &mqueue_ops ? f->data : NULL;
}

u64 mqueue_message_size(const struct mqueue *q)
{
    return q->size_max;
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
    q->uid = thread_process()->credentials.uid;
    q->count_max = (u64)a->mq_maxmsg;
    q->size_max = (u64)a->mq_msgsize;
    q->cost = q->count_max * (q->size_max + MESSAGE_COST) +
              min(q->count_max, (u64)MQ_PRIO_MAX) * LEVEL_COST;
    list_init(&q->levels);
    list_init(&q->node);
    wait_queue_init(&q->room);
    wait_queue_init(&q->arrived);
    mode = S_IFREG | (mode & 0777 & ~thread_process()->paths->umask);
    error = file_create_anonymous(&mqueue_ops, mode, q, flags, out);
    if (error) {
        heap_free(q);
        return error;
    }
    q->inode = inode_get((*out)->inode);
    q->inode->size = STATUS_SIZE;
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
        queue_put(q);
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
        queue_put(q);
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
            queue_put(q);
            lock_acquire(&mqueues.lock);
        }
    lock_release(&mqueues.lock);
}

// Puts m at the end of its level, which is made if need be. With the lock held.
static int insert(struct mqueue *q, struct mqueue_message *m)
{
    struct list *at = q->levels.previous; // most messages have the lowest priority
    struct level *l;

    while (at != &q->levels && list_entry(at, struct level, node)->priority < m->priority)
        at = at->previous;
    l = list_entry(at, struct level, node);
    m->next = NULL;
    if (at == &q->levels || l->priority != m->priority) {
        l = slab_alloc(&level_cache);
        if (!l)
            return -ENOMEM;
        l->priority = m->priority;
        l->first = m;
        list_insert_after(at, &l->node);
    } else {
        l->last->next = m;
    }
    l->last = m;
    q->count++;
    q->bytes += m->size;
    return 0;
}

static struct mqueue_message *take(struct mqueue *q)
{
    struct level *l = list_first(&q->levels, struct level, node);
    struct mqueue_message *m = l->first;

    l->first = m->next;
    if (!l->first) {
        list_remove(&l->node);
        slab_free(&level_cache, l);
    }
    q->count--;
    q->bytes -= m->size;
    return m;
}

static bool has_room(void *arg)
{
    const struct mqueue *q = arg;
    return q->count < q->count_max;
}

static bool has_messages(void *arg)
{
    const struct mqueue *q = arg;
    return q->count > 0;
}

static void tell(struct mqueue_notice *n)
{
    const struct process *me = thread_process();
    struct process *p = n->pid ? process_find(n->pid) : NULL;
    siginfo_t info = { .si_signo = n->event.sigev_signo };

    notice_end(n, NOTIFY_WOKENUP);
    if (!p || n->event.sigev_notify != SIGEV_SIGNAL || !info.si_signo)
        return;
    info.si_code = SI_MESGQ;
    info.si_pid = me->pid;
    info.si_uid = me->credentials.uid;
    info.si_value = n->event.sigev_value;
    signal_send_process(p, &info);
}

int mqueue_send(struct mqueue *q, struct mqueue_message *m, bool nonblock, u64 deadline)
{
    struct mqueue_notice notice = { 0 };
    int error = 0;

    lock_acquire(&q->lock);
    if (!has_room(q))
        error = nonblock ? -EAGAIN
                         : wait_until_locked(&q->room, &q->lock, deadline, WAIT_INTERRUPTIBLE,
                                             has_room, q);
    if (!error)
        error = insert(q, m);
    if (!error && q->count == 1 && !q->receivers) {
        notice = q->notice;
        q->notice.pid = 0; // once
    }
    lock_release(&q->lock);
    if (error)
        return error;
    wait_queue_wake(&q->arrived, POLLIN | POLLRDNORM);
    if (notice.pid)
        tell(&notice);
    return 0;
}

int mqueue_receive(struct mqueue *q, bool nonblock, u64 deadline, struct mqueue_message **out)
{
    int error = 0;

    lock_acquire(&q->lock);
    if (!has_messages(q) && nonblock)
        error = -EAGAIN;
    if (!has_messages(q) && !nonblock) {
        q->receivers++;
        error = wait_until_locked(&q->arrived, &q->lock, deadline, WAIT_INTERRUPTIBLE, has_messages,
                                  q);
        q->receivers--;
    }
    if (!error)
        *out = take(q);
    lock_release(&q->lock);
    if (!error)
        wait_queue_wake(&q->room, POLLOUT | POLLWRNORM);
    return error;
}

int mqueue_notify(struct mqueue *q, const struct mqueue_notice *n)
{
    int error = 0;

    if (!n) {
        notice_remove(q);
        return 0;
    }
    lock_acquire(&q->lock);
    if (q->notice.pid)
        error = -EBUSY;
    else
        q->notice = *n;
    lock_release(&q->lock);
    return error;
}

void mqueue_attributes(struct mqueue *q, struct mq_attr *out)
{
    lock_acquire(&q->lock);
    *out = (struct mq_attr){
        .mq_maxmsg = (long)q->count_max,
        .mq_msgsize = (long)q->size_max,
        .mq_curmsgs = (long)q->count,
    };
    lock_release(&q->lock);
}
