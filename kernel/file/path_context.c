// SPDX-License-Identifier: BSD-3-Clause
// Root directory, working directory and umask of a process.
#include "file/path_walk.h"

#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

static struct slab_cache context_cache = SLAB_CACHE("path_context", struct path_context);
static struct path_context boot_context; // until the first process runs

struct path_context *path_context_now(void)
{
    struct thread *t = thread_current();

    if (t && t->paths)
        return t->paths;
    return t && t->process && t->process->paths ? t->process->paths : &boot_context;
}

void path_set_boot_root(struct dentry *root)
{
    boot_context.root = dentry_get(root);
    boot_context.working = dentry_get(root);
    boot_context.umask = 0;
}

int path_context_create(struct dentry *root, u32 umask, struct path_context **out)
{
    struct path_context *c = slab_alloc(&context_cache);

    if (!c)
        return -ENOMEM;
    c->references = 1;
    c->root = dentry_get(root);
    c->working = dentry_get(root);
    c->umask = umask & 0777;
    *out = c;
    return 0;
}

int path_context_copy(const struct path_context *from, struct path_context **out)
{
    struct path_context *c = slab_alloc(&context_cache);
    struct lock *lock = (struct lock *)(uintptr_t)&from->lock; // nothing else of *from changes

    if (!c)
        return -ENOMEM;
    c->references = 1;
    lock_acquire_clean(lock);
    c->root = dentry_get(from->root);
    c->working = dentry_get(from->working);
    c->umask = from->umask;
    lock_release(lock);
    *out = c;
    return 0;
}

struct path_context *path_context_share(struct path_context *c)
{
    __atomic_add_fetch(&c->references, 1, __ATOMIC_RELAXED); // pairs with path_context_put
    return c;
}

int path_context_unshare(void)
{
    struct thread *t = thread_current();
    struct process *p = t->process;
    struct path_context **place = t->paths || p->thread_count > 1 ? &t->paths : &p->paths;
    struct path_context *shared = path_context_now(), *own;
    int error;

    if (shared == *place && __atomic_load_n(&shared->references, __ATOMIC_ACQUIRE) == 1)
        return 0;
    error = path_context_copy(shared, &own);
    if (error)
        return error;
    lock_acquire(&p->lock);
    shared = *place; // NULL: that of the other threads stays theirs
    *place = own;
    lock_release(&p->lock);
    if (shared)
        path_context_put(shared);
    return 0;
}

void path_context_put(struct path_context *c)
{
    if (__atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL)) // pairs with who shares it
        return;
    dentry_put(c->root);
    dentry_put(c->working);
    slab_free(&context_cache, c);
}

struct dentry *path_root(void)
{
    struct path_context *c = path_context_now();
    struct dentry *d;

    lock_acquire_clean(&c->lock);
    d = dentry_get(c->root);
    lock_release(&c->lock);
    return d;
}

struct dentry *path_working(void)
{
    struct path_context *c = path_context_now();
    struct dentry *d;

    lock_acquire_clean(&c->lock);
    d = dentry_get(c->working);
    lock_release(&c->lock);
    return d;
}

u32 path_umask(void)
{
    return path_context_now()->umask;
}
