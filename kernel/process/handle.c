// SPDX-License-Identifier: BSD-3-Clause
#include "process/handle.h"

#include "memory/heap.h"
#include "process/process.h"

static struct slab_cache handle_cache = SLAB_CACHE("process_handle", struct process_handle);

struct process_handle *process_handle_get(struct process *p)
{
    struct process_handle *h = p->handle;

    if (!h) {
        h = slab_alloc(&handle_cache);
        if (!h)
            return NULL;
        h->references = 1; // the process's
        h->pid = p->pid;
        h->process = p;
        h->ended = p->zombie;
        wait_queue_init(&h->end);
        p->handle = h;
    }
    __atomic_add_fetch(&h->references, 1, __ATOMIC_RELAXED); // pairs with process_handle_put
    return h;
}

void process_handle_put(struct process_handle *h)
{
    if (!__atomic_sub_fetch(&h->references, 1, __ATOMIC_ACQ_REL))
        slab_free(&handle_cache, h);
}

void process_handle_ended(struct process *p)
{
    if (!p->handle)
        return;
    __atomic_store_n(&p->handle->ended, true, __ATOMIC_RELEASE); // pairs with pidfd_poll
    wait_queue_wake(&p->handle->end, ~0u);
}

void process_handle_gone(struct process *p)
{
    struct process_handle *h = p->handle;

    if (!h)
        return;
    __atomic_store_n(&h->process, NULL, __ATOMIC_RELEASE); // pairs with pidfd_poll
    wait_queue_wake(&h->end, ~0u);
    p->handle = NULL;
    process_handle_put(h);
}
