// SPDX-License-Identifier: BSD-3-Clause
// The queue of an inotify instance: bounded; the same event twice in a row is one; an overflow is
// an event. Called with inotify's lock held, but for the wait queue.
#pragma once

#include <linux/inotify.h>

#include "base/list.h"
#include "thread/wait.h"

struct inotify_record {
    struct list node;
    struct inotify_event
        event; // as the user reads it: with event.len bytes of name, padded with zeros
};

struct inotify_queue {
    struct list records;
    u32 count;
    struct wait_queue wait; // for records
};

void inotify_queue_init(struct inotify_queue *q);
void inotify_queue_clear(struct inotify_queue *q);
void inotify_queue_add(struct inotify_queue *q, int wd, u32 mask, u32 cookie, const char *name);
// Takes the first record off if it has room in `room` bytes. NULL: *out_error is -EAGAIN (there is
// none) or -EINVAL (no room). Free it with heap_free.
struct inotify_record *inotify_queue_take(struct inotify_queue *q, size_t room, int *out_error);
size_t inotify_queue_bytes(const struct inotify_queue *q);
bool inotify_queue_empty(const struct inotify_queue *q); // a hint without the lock
