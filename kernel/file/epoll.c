// SPDX-License-Identifier: BSD-3-Clause
// epoll: the watched files. Each item leaves waiters on the queues of its file; a wake-up puts the
// item on the ready list and wakes whoever waits, and does nothing else, as it comes with the
// file's queue locked.
#include "file/epoll.h"

#include <linux/fcntl.h>

#include "base/printf.h"
#include "base/string.h"
#include "memory/heap.h"

static struct slab_cache epoll_cache = SLAB_CACHE("epoll", struct epoll);
static struct slab_cache item_cache = SLAB_CACHE("epoll_item", struct epoll_item);

struct lock epoll_links;

struct adder { // the poll_table of a new item
    struct poll_table table;
    struct epoll_item *item;
    int error;
};

bool epoll_item_ready(struct epoll_item *i)
{
    struct epoll *e = i->epoll;
    bool sleeping;

    lock_acquire(&e->ready_lock);
    if (list_empty(&i->ready_node))
        list_push_back(&e->ready, &i->ready_node);
    lock_release(&e->ready_lock);
    sleeping = !list_empty(&e->waiters.waiters); // a hint, for EPOLLEXCLUSIVE
    wait_queue_wake_one(&e->waiters, POLLIN);
    wait_queue_wake(&e->pollers, POLLIN | POLLRDNORM);
    return sleeping;
}

static bool item_wake(struct waiter *w, u32 events)
{
    struct epoll_item *i = container_of(w, struct epoll_waiter, waiter)->item;
    u32 wanted = __atomic_load_n(&i->event.events, __ATOMIC_RELAXED); // pairs with events_set
    bool sleeping;

    if (!(wanted & ~EPOLL_PRIVATE & events))
        return false;
    sleeping = epoll_item_ready(i);
    return sleeping || !(wanted & (u32)EPOLLEXCLUSIVE);
}

static void item_add_waiter(struct poll_table *table, struct wait_queue *q)
{
    struct adder *a = container_of(table, struct adder, table);
    struct epoll_item *i = a->item;
    struct epoll_waiter *w = &i->first;

    if (w->item) {
        w = heap_alloc(sizeof(*w));
        if (!w) {
            a->error = -ENOMEM;
            return;
        }
        w->next = i->first.next;
        i->first.next = w;
    }
    w->item = i;
    w->waiter.wake = item_wake;
    w->waiter.exclusive = i->event.events & (u32)EPOLLEXCLUSIVE;
    waiter_add(q, &w->waiter);
}

u32 epoll_item_events(struct epoll_item *i, struct poll_table *table)
{
    return file_poll(i->file, table) & i->event.events;
}

static int compare(const struct epoll_item *i, const struct file *f, int fd)
{
    if (i->file != f)
        return i->file < f ? -1 : 1;
    return i->fd < fd ? -1 : i->fd > fd;
}

// Finds the item, or the place for it. epoll->lock is held.
static struct epoll_item *item_find(struct epoll *e, const struct file *f, int fd,
                                    struct tree_node **out_parent, struct tree_node ***out_link)
{
    struct tree_node **link = &e->items.root;

    *out_parent = NULL;
    while (*link) {
        struct epoll_item *i = tree_entry(*link, struct epoll_item, node);
        int order = compare(i, f, fd);
        if (!order)
            return i;
        *out_parent = *link;
        link = order > 0 ? &(*link)->left : &(*link)->right;
    }
    *out_link = link;
    return NULL;
}

static struct epoll_item *item_lookup(struct epoll *e, const struct file *f, int fd)
{
    struct tree_node *parent, **link;
    return item_find(e, f, fd, &parent, &link);
}

// Takes the item out of everything and frees it. epoll->lock is held.
static void item_free(struct epoll_item *i)
{
    struct epoll_waiter *w;

    waiter_remove(&i->first.waiter); // from here on no wake-up finds the item
    while ((w = i->first.next)) {
        waiter_remove(&w->waiter);
        i->first.next = w->next;
        heap_free(w);
    }
    lock_acquire(&i->epoll->ready_lock);
    list_remove(&i->ready_node);
    lock_release(&i->epoll->ready_lock);
    lock_acquire(&i->file->epoll_lock);
    list_remove(&i->file_node);
    lock_release(&i->file->epoll_lock);
    tree_remove(&i->epoll->items, &i->node);
    slab_free(&item_cache, i);
}

static void events_set(struct epoll_item *i, const struct epoll_event *event)
{
    i->event.data = event->data;
    __atomic_store_n(&i->event.events, event->events, __ATOMIC_SEQ_CST); // pairs with item_wake
}

// Puts a new item where it belongs and leaves its waiters. epoll->lock is held.
static int item_insert(struct epoll *e, struct epoll_item *i)
{
    struct adder adder = {.table = {item_add_waiter}, .item = i};
    struct tree_node *parent, **link;
    u32 events;

    if (item_find(e, i->file, i->fd, &parent, &link)) {
        slab_free(&item_cache, i);
        return -EEXIST;
    }
    tree_insert(&e->items, &i->node, parent, link);
    lock_acquire(&i->file->epoll_lock);
    if (!i->file->epoll_items.next)
        list_init(&i->file->epoll_items);
    list_push_back(&i->file->epoll_items, &i->file_node);
    lock_release(&i->file->epoll_lock);
    events = epoll_item_events(i, &adder.table);
    if (adder.error) {
        item_free(i);
        return adder.error;
    }
    if (events)
        epoll_item_ready(i);
    return 0;
}

int epoll_add(struct epoll *e, struct file *f, int fd, const struct epoll_event *event)
{
    struct epoll *inner = epoll_of(f);
    struct epoll_item *i = slab_alloc(&item_cache);
    int error = 0;

    if (!i)
        return -ENOMEM;
    i->epoll = e;
    i->file = f;
    i->fd = fd;
    list_init(&i->file_node);
    list_init(&i->ready_node);
    events_set(i, event);
    if (inner) {
        lock_acquire(&epoll_links);
        error = epoll_nest_check(e, inner);
    }
    if (!error) {
        lock_acquire(&e->lock);
        error = item_insert(e, i);
        lock_release(&e->lock);
    } else {
        slab_free(&item_cache, i);
    }
    if (inner)
        lock_release(&epoll_links);
    return error;
}

int epoll_modify(struct epoll *e, struct file *f, int fd, const struct epoll_event *event)
{
    struct epoll_item *i;
    int error = -ENOENT;

    lock_acquire(&e->lock);
    i = item_lookup(e, f, fd);
    if (i) {
        error = (i->event.events | event->events) & (u32)EPOLLEXCLUSIVE ? -EINVAL : 0;
        if (!error) {
            events_set(i, event);
            if (epoll_item_events(i, NULL))
                epoll_item_ready(i);
        }
    }
    lock_release(&e->lock);
    return error;
}

int epoll_remove(struct epoll *e, struct file *f, int fd)
{
    struct epoll_item *i;

    lock_acquire(&e->lock);
    i = item_lookup(e, f, fd);
    if (i)
        item_free(i);
    lock_release(&e->lock);
    return i ? 0 : -ENOENT;
}

void epoll_file_gone(struct file *f)
{
    lock_acquire(&epoll_links);
    while (!list_empty(&f->epoll_items)) {
        struct epoll_item *i = list_first(&f->epoll_items, struct epoll_item, file_node);
        struct epoll *e = i->epoll;
        lock_acquire(&e->lock);
        item_free(i);
        lock_release(&e->lock);
    }
    lock_release(&epoll_links);
}

static void epoll_release(struct file *f)
{
    struct epoll *e = f->data;
    struct tree_node *node;

    lock_acquire(&epoll_links); // no watched file goes away meanwhile
    lock_acquire(&e->lock);
    while ((node = tree_first(&e->items)))
        item_free(tree_entry(node, struct epoll_item, node));
    lock_release(&e->lock);
    lock_release(&epoll_links);
    slab_free(&epoll_cache, e);
}

static void epoll_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "anon_inode:[eventpoll]");
}

static void epoll_fdinfo(struct file *f, char *out, size_t size)
{
    struct epoll *e = f->data;
    struct tree_node *node;

    *out = 0;
    lock_acquire(&e->lock);
    for (node = tree_first(&e->items); node; node = tree_next(node)) {
        const struct epoll_item *i = tree_entry(node, struct epoll_item, node);
        size_t used = strlen(out);
        snprintf(out + used, size - used, "tfd: %8d events: %8x data: %16llx\n", i->fd,
                 i->event.events, i->event.data);
    }
    lock_release(&e->lock);
}

static const struct file_ops epoll_ops = {
    .poll = epoll_poll,
    .release = epoll_release,
    .describe = epoll_describe,
    .fdinfo = epoll_fdinfo,
};

struct epoll *epoll_of(const struct file *f)
{
    return f->ops == &epoll_ops ? f->data : NULL;
}

int epoll_create(struct file **out)
{
    struct epoll *e = slab_alloc(&epoll_cache);
    int error;

    if (!e)
        return -ENOMEM;
    list_init(&e->ready);
    wait_queue_init(&e->waiters);
    wait_queue_init(&e->pollers);
    error = file_create_anonymous(&epoll_ops, 0600, e, O_RDWR, out);
    if (error)
        slab_free(&epoll_cache, e);
    else
        e->file = *out;
    return error;
}
