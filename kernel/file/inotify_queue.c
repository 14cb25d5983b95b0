// SPDX-License-Identifier: BSD-3-Clause
#include "file/inotify_queue.h"

#include <linux/poll.h>

#include "base/string.h"
#include "memory/heap.h"

#define RECORDS_MAX 16384 // Linux's default of max_queued_events

void inotify_queue_init(struct inotify_queue *q)
{
    list_init(&q->records);
    wait_queue_init(&q->wait);
}

void inotify_queue_clear(struct inotify_queue *q)
{
    struct list *node;

    while ((node = list_pop_front(&q->records)))
        heap_free(list_entry(node, struct inotify_record, node));
    q->count = 0;
}

static bool is_last(const struct inotify_queue *q, int wd, u32 mask, const char *name)
{
    const struct inotify_record *last;

    if (list_empty(&q->records) || (mask & IN_IGNORED))
        return false;
    last = list_entry(q->records.previous, struct inotify_record, node);
    if (last->event.wd != wd || last->event.mask != mask)
        return false;
    return name ? last->event.len && !strcmp(last->event.name, name) : !last->event.len;
}

void inotify_queue_add(struct inotify_queue *q, int wd, u32 mask, u32 cookie, const char *name)
{
    struct inotify_record *r;
    size_t size;

    if (q->count >= RECORDS_MAX) {
        wd = -1;
        mask = IN_Q_OVERFLOW;
        cookie = 0;
        name = NULL;
    }
    if (is_last(q, wd, mask, name))
        return;
    // The name's bytes, in units of the struct's size, as on Linux.
    size = name ? (strlen(name) + sizeof(r->event)) / sizeof(r->event) * sizeof(r->event) : 0;
    r = heap_alloc(sizeof(*r) + size);
    if (!r)
        return; // the queue is as good as full
    r->event = (struct inotify_event){.wd = wd, .mask = mask, .cookie = cookie, .len = (u32)size};
    if (name)
        memcpy((char *)r + sizeof(*r), name, strlen(name));
    list_push_back(&q->records, &r->node);
    q->count++;
    wait_queue_wake(&q->wait, POLLIN | POLLRDNORM);
}

struct inotify_record *inotify_queue_take(struct inotify_queue *q, size_t room, int *out_error)
{
    struct inotify_record *r;

    *out_error = -EAGAIN;
    if (list_empty(&q->records))
        return NULL;
    r = list_first(&q->records, struct inotify_record, node);
    *out_error = -EINVAL;
    if (sizeof(r->event) + r->event.len > room)
        return NULL;
    list_remove(&r->node);
    q->count--;
    return r;
}

size_t inotify_queue_bytes(const struct inotify_queue *q)
{
    const struct inotify_record *r;
    size_t size = 0;

    list_for_each(r, &q->records, node) size += sizeof(r->event) + r->event.len;
    return size;
}

bool inotify_queue_empty(const struct inotify_queue *q)
{
    return __atomic_load_n(&q->records.next, __ATOMIC_RELAXED) == &q->records; // pairs with add
}
