// SPDX-License-Identifier: BSD-3-Clause
// The messages of a POSIX message queue stand in a chain a priority, the highest first:
//
//     levels -> [priority 9: first -> ... -> last] -> [priority 0: first -> last]
//
// Names, and the opening of queues, are mqueue_name.c's.
#include <asm/signal.h>

#include "base/printf.h"
#include "ipc/mqueue_internal.h"
#include "memory/heap.h"
#include "net/netlink.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

struct level {
    struct list node;
    u32 priority;
    struct mqueue_message *first, *last;
};

static struct slab_cache level_cache = SLAB_CACHE("mqueue_level", struct level);

void mqueue_empty(struct mqueue *q)
{
    struct list *node;

    while ((node = list_pop_front(&q->levels)) != NULL) {
        struct level *l = list_entry(node, struct level, node);
        for (struct mqueue_message *m = l->first, *next; m; m = next) {
            next = m->next;
            heap_free(m);
        }
        slab_free(&level_cache, l);
    }
}

static s64 queue_read(struct file *f, struct io *io, u64 *position)
{
    struct mqueue *q = f->data;
    const struct mqueue_notice *n = &q->notice;
    char text[MQUEUE_STATUS_SIZE + 1];
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
    mqueue_put(f->data);
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

const struct file_ops mqueue_ops = {
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
    info.si_uid = credentials_now()->uid;
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
