// SPDX-License-Identifier: BSD-3-Clause
// epoll(7). epoll.c watches files, epoll_wait.c hands out what is ready, epoll_nest.c keeps epolls
// that watch epolls from going in circles.
//
// Locks, outermost first:
//     epoll_links                  a watched file, or an epoll, goes away; an epoll is added to
//     another epoll.lock                   items; a nested epoll's comes behind that of the one
//     which watches it file.epoll_lock, the locks of the files' poll operations, their wait queues'
//     locks epoll.ready_lock             the ready list: taken by wake-ups, which hold the file's
//     queue epoll.waiters, epoll.pollers their queues
#pragma once

#include <linux/eventpoll.h>

#include "base/tree.h"
#include "file/file.h"

struct epoll {
    struct lock lock;
    struct tree items; // of struct epoll_item, by file and descriptor
    struct file *file; // the epoll's own
    struct lock ready_lock;
    struct list ready;         // items that may be ready; asked again when they are handed out
    struct wait_queue waiters; // threads in epoll_wait
    struct wait_queue pollers; // who polls the epoll itself
};

struct epoll_item;

struct epoll_waiter {
    struct waiter waiter;
    struct epoll_item *item;
    struct epoll_waiter *next; // a file with more than one queue
};

struct epoll_item {
    struct tree_node node;
    struct epoll *epoll;
    struct file *file; // no reference: when it goes away epoll_file_gone removes the item
    int fd;
    struct epoll_event event; // events 0 but for the private bits: EPOLLONESHOT has fired
    struct list file_node;    // in file->epoll_items, guarded by file->epoll_lock
    struct list ready_node;   // in epoll->ready, or the batch of epoll_wait; guarded by ready_lock
    struct epoll_waiter first;
};

// Bits of epoll_event.events that say how, not what.
#define EPOLL_PRIVATE ((u32)(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE))

must_check int epoll_create(struct file **out);
struct epoll *epoll_of(const struct file *f); // NULL: another kind of file

// epoll_ctl(2). -EEXIST, -ENOENT, -EPERM, -ELOOP, -EINVAL, -ENOMEM
must_check int epoll_add(struct epoll *e, struct file *f, int fd, const struct epoll_event *event);
must_check int epoll_modify(struct epoll *e, struct file *f, int fd,
                            const struct epoll_event *event);
must_check int epoll_remove(struct epoll *e, struct file *f, int fd);
// epoll_wait(2): writes at most max events to user memory. deadline 0: only looks. A count, -EINTR,
// -EFAULT
must_check s64 epoll_collect(struct epoll *e, uaddr_t events, int max, u64 deadline);

// The last reference to f has gone, and an epoll has watched it.
void epoll_file_gone(struct file *f);

// Between the three files.
extern struct lock epoll_links;
// What the item's file has of what is wanted. epoll->lock is held.
u32 epoll_item_events(struct epoll_item *i, struct poll_table *table);
// Puts the item on the ready list, unless it is on one. True: somebody sleeps in epoll_wait.
bool epoll_item_ready(struct epoll_item *i);
u32 epoll_poll(struct file *f, struct poll_table *table);
// May e watch `inner`? -ELOOP. epoll_links is held.
must_check int epoll_nest_check(struct epoll *e, struct epoll *inner);
