// SPDX-License-Identifier: BSD-3-Clause
// Whose credentials are whose: see credentials.h. A process's own are in struct process, so threads that
// all agree, which is nearly every process, cost nothing.
#include "process/credentials.h"

#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

static struct slab_cache credentials_cache = SLAB_CACHE("credentials", struct credentials);

const struct credentials *credentials_of(const struct thread *t)
{
    return t->own ? t->own : &t->process->credentials;
}

const struct credentials *credentials_now(void)
{
    return credentials_of(thread_current());
}

bool capable(u32 capability)
{
    return credentials_now()->cap_effective >> capability & 1;
}

struct group_list *group_list_get(struct group_list *g)
{
    if (g)
        __atomic_add_fetch(&g->references, 1, __ATOMIC_RELAXED); // pairs with group_list_put
    return g;
}

void group_list_put(struct group_list *g)
{
    if (g && !__atomic_sub_fetch(&g->references, 1, __ATOMIC_ACQ_REL)) // pairs with itself
        heap_free(g);
}

bool credentials_in_group(const struct credentials *c, u32 gid)
{
    u32 low = 0, high = c->groups ? c->groups->count : 0;

    while (low < high) {
        u32 middle = (low + high) / 2;
        if (c->groups->ids[middle] == gid)
            return true;
        if (c->groups->ids[middle] < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

void credentials_store(struct credentials *to, const struct credentials *from)
{
    struct group_list *old = to->groups;

    group_list_get(from->groups);
    *to = *from;
    group_list_put(old);
}

void credentials_clear(struct credentials *c)
{
    group_list_put(c->groups);
    c->groups = NULL;
}

static int own_copy(struct thread *t, const struct credentials *from)
{
    struct credentials *c = slab_alloc(&credentials_cache);

    if (!c)
        return -ENOMEM;
    credentials_store(c, from);
    __atomic_store_n(&t->own, c, __ATOMIC_RELEASE); // pairs with t's own reads
    return 0;
}

// The first thread is about to change what the others look at.
static int others_keep(struct process *p)
{
    struct thread *t;

    list_for_each(t, &p->threads, process_node)
    {
        int error = t == thread_current() || t->own ? 0 : own_copy(t, &p->credentials);
        if (error)
            return error;
    }
    return 0;
}

int credentials_commit(const struct credentials *new)
{
    struct thread *t = thread_current();
    struct process *p = t->process;
    int error = 0;

    lock_acquire(&p->lock);
    if (!t->own && p->thread_count > 1)
        error = t->tid == p->pid ? others_keep(p) : own_copy(t, new);
    if (!error)
        credentials_store(t->own ? t->own : &p->credentials, new);
    lock_release(&p->lock);
    return error;
}

int credentials_inherit(struct thread *t)
{
    const struct thread *maker = thread_current();

    assert(lock_held(&t->process->lock));
    return maker && maker->process == t->process && maker->own ? own_copy(t, maker->own) : 0;
}

void credentials_drop(struct thread *t)
{
    if (t->own) {
        credentials_clear(t->own);
        slab_free(&credentials_cache, t->own);
    }
    t->own = NULL;
}
