// SPDX-License-Identifier: BSD-3-Clause
// epoll: handing out what is ready.
//
// The ready list holds items that *may* be ready. epoll_wait takes the list as a batch and asks
// each file again. A level-triggered item that is ready goes to the end of the (new) ready list, to
// be asked by the next wait; an edge-triggered one waits for the next wake-up. An item in the batch
// counts as on a list, and is asked after any wake-up that finds it there, so none is lost.
#include "file/epoll.h"

#include "memory/user_copy.h"
#include "net/work.h"

static bool has_ready(void *arg)
{
    struct epoll *e = arg;
    return __atomic_load_n(&e->ready.next, __ATOMIC_ACQUIRE) != &e->ready; // pairs with ready_lock
}

// Moves the list `from` in front of what `to` has. ready_lock is held.
static void list_move_front(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->previous->next = to->next;
    to->next->previous = from->previous;
    from->next->previous = to;
    to->next = from->next;
    list_init(from);
}

static struct epoll_item *batch_next(struct epoll *e, struct list *batch)
{
    struct list *node;

    lock_acquire(&e->ready_lock);
    node = list_pop_front(batch);
    lock_release(&e->ready_lock);
    return node ? list_entry(node, struct epoll_item, ready_node) : NULL;
}

static void ready_push(struct epoll_item *i, bool front)
{
    struct epoll *e = i->epoll;

    lock_acquire(&e->ready_lock);
    if (!list_empty(&i->ready_node))
        list_remove(&i->ready_node);
    if (front)
        list_push_front(&e->ready, &i->ready_node);
    else
        list_push_back(&e->ready, &i->ready_node);
    lock_release(&e->ready_lock);
}

// Hands one item out. 1: written; 0: it was not ready; -EFAULT
static int item_deliver(struct epoll_item *i, uaddr_t to)
{
    struct epoll_event out = {epoll_item_events(i, NULL), i->event.data};

    if (!out.events)
        return 0;
    if (user_write(to, &out, sizeof(out))) {
        ready_push(i, /*front=*/true);
        return -EFAULT;
    }
    if (i->event.events & (u32)EPOLLONESHOT)
        __atomic_store_n(&i->event.events, i->event.events & EPOLL_PRIVATE,
                         __ATOMIC_RELAXED); // pairs with item_wake
    else if (!(i->event.events & (u32)EPOLLET))
        ready_push(i, /*front=*/false);
    return 1;
}

static s64 deliver(struct epoll *e, uaddr_t to, int max)
{
    struct epoll_item *i;
    struct list batch;
    s64 count = 0, result = 0;

    list_init(&batch);
    lock_acquire(&e->lock);
    lock_acquire(&e->ready_lock);
    list_move_front(&batch, &e->ready);
    lock_release(&e->ready_lock);
    while (count < max && (i = batch_next(e, &batch))) {
        result = item_deliver(i, to + (u64)count * sizeof(struct epoll_event));
        if (result < 0)
            break;
        count += result;
    }
    lock_acquire(&e->ready_lock);
    list_move_front(&e->ready, &batch);
    lock_release(&e->ready_lock);
    lock_release(&e->lock);
    if (has_ready(e)) // others may sleep that this wake-up was meant for too
        wait_queue_wake_one(&e->waiters, POLLIN);
    return count ? count : min(result, (s64)0);
}

s64 epoll_collect(struct epoll *e, uaddr_t events, int max, u64 deadline)
{
    bool last = deadline == 0;
    s64 count;
    int error;

    if (last)
        net_work();
    for (;;) {
        count = has_ready(e) ? deliver(e, events, max) : 0;
        if (count || last)
            return count;
        if (net_work_all() && has_ready(e)) // saves the way through the idle loop
            continue;
        error =
            wait_until(&e->waiters, deadline, WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, has_ready, e);
        last = error == -ETIMEDOUT;
        if (error && !last) {
            if (has_ready(e))
                wait_queue_wake_one(&e->waiters, POLLIN);
            return -EINTR; // never restarted [signal(7)]
        }
    }
}

// Drops what is not ready after all, up to the first item that is.
static bool any_ready(struct epoll *e)
{
    struct epoll_item *i;
    struct list batch;
    bool found = false;

    list_init(&batch);
    lock_acquire(&e->lock);
    lock_acquire(&e->ready_lock);
    list_move_front(&batch, &e->ready);
    lock_release(&e->ready_lock);
    while (!found && (i = batch_next(e, &batch))) {
        found = epoll_item_events(i, NULL) != 0;
        if (found)
            ready_push(i, /*front=*/true);
    }
    lock_acquire(&e->ready_lock);
    list_move_front(&e->ready, &batch);
    lock_release(&e->ready_lock);
    lock_release(&e->lock);
    return found;
}

u32 epoll_poll(struct file *f, struct poll_table *table)
{
    struct epoll *e = f->data;

    poll_wait(table, &e->pollers);
    return has_ready(e) && any_ready(e) ? POLLIN | POLLRDNORM : 0;
}
