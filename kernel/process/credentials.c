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

static int own_copy(struct thread *t, const struct credentials *from)
{
    struct credentials *c = slab_alloc(&credentials_cache);

    if (!c)
        return -ENOMEM;
    *c = *from;
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
        *(t->own ? t->own : &p->credentials) = *new;
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
    if (t->own)
        slab_free(&credentials_cache, t->own);
    t->own = NULL;
}
