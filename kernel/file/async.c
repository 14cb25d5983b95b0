// SPDX-License-Identifier: BSD-3-Clause
// O_ASYNC: a waiter on each of the file's queues sends the signal. A socket that has an owner has them in any case,
// for SIGURG. It runs with the queue locked, so the
// locks that sending takes (process, signals, signal_state.arrived) stand inside those of such queues; files
// whose queue is one of those, like signalfd, are left out.
#include "file/async.h"

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "file/inode.h"
#include "file/inotify.h"
#include "memory/heap.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define QUEUES_MAX 2

struct file_async {
    struct poll_table table;
    struct file *file;
    int fd;
    u32 used;
    struct async_waiter {
        struct waiter waiter;
        struct file_async *async;
    } waiters[QUEUES_MAX];
};

static struct slab_cache async_cache = SLAB_CACHE("file_async", struct file_async);

static void signal_send_owner(const struct file *f, const siginfo_t *info)
{
    struct process *p;

    if (f->owner < 0) {
        signal_send_group(-f->owner, info);
    } else if (f->owner_type == F_OWNER_TID) {
        p = process_of_thread(f->owner);
        if (p)
            signal_send_tid(p, f->owner, info);
    } else if (f->owner) {
        p = process_find(f->owner);
        if (p)
            signal_send_process(p, info);
    }
}

static bool async_wake(struct waiter *w, u32 events)
{
    struct file_async *a = container_of(w, struct async_waiter, waiter)->async;
    const struct file *f = a->file;
    siginfo_t info = {.si_signo = SIGURG, .si_code = SI_KERNEL};

    if (events != ~0u && events & WAKE_URGENT)
        signal_send_owner(f, &info);
    if (!(f->flags & FASYNC))
        return false;
    info.si_signo = SIGIO;
    if (f->owner_signal) {
        info.si_signo = f->owner_signal;
        info.si_code = events & POLLIN ? POLL_IN : events & POLLOUT ? POLL_OUT : POLL_HUP;
        info.si_band = (long)(events & 0xffff);
        info.si_fd = a->fd;
    }
    signal_send_owner(f, &info);
    return false;
}

static void async_add(struct poll_table *table, struct wait_queue *q)
{
    struct file_async *a = container_of(table, struct file_async, table);
    struct async_waiter *w = &a->waiters[a->used];

    if (a->used == QUEUES_MAX)
        return;
    a->used++;
    w->async = a;
    w->waiter.wake = async_wake;
    waiter_add(q, &w->waiter);
}

void file_async_end(struct file *f)
{
    struct file_async *a = __atomic_exchange_n(&f->async, NULL, __ATOMIC_ACQ_REL);

    if (!a)
        return;
    for (u32 i = 0; i < a->used; i++)
        waiter_remove(&a->waiters[i].waiter);
    slab_free(&async_cache, a);
}

int file_async_own(struct file *f, int fd)
{
    return S_ISSOCK(f->inode->mode) && f->owner ? file_async_set(f, fd, true) : 0;
}

int file_async_set(struct file *f, int fd, bool on)
{
    u32 mode = f->inode->mode;
    struct file_async *a, *none = NULL;

    if (!on && !(S_ISSOCK(mode) && f->owner))
        file_async_end(f);
    if (!on || f->async || !f->ops->poll)
        return 0;
    if (!S_ISFIFO(mode) && !S_ISSOCK(mode) && !S_ISCHR(mode) && !inotify_of(f))
        return 0;
    a = slab_alloc(&async_cache);
    if (!a)
        return -ENOMEM;
    a->table.add = async_add;
    a->file = f;
    a->fd = fd;
    if (__atomic_compare_exchange_n(&f->async, &none, a, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        (void)file_poll(f, &a->table);
    else
        slab_free(&async_cache, a); // another thread was faster
    return 0;
}
