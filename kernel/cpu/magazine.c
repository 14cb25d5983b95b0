// SPDX-License-Identifier: BSD-3-Clause
// Objects stand in a list through their first word. Nobody but its vCPU looks at a magazine, and nothing in the
// kernel interrupts that: so there is nothing to lock.
#include "cpu/magazine.h"

#include "cpu/vcpu.h"
#include "memory/heap.h"

#define MAGAZINES 24u // caches: those that are used first are those of threads, files and memory
#define ROUNDS    8u  // objects

struct magazines {
    struct magazine {
        struct slab_cache *cache;
        void *first;
        u32 count;
    } of[MAGAZINES];
};

static struct slab_cache magazines_cache = SLAB_CACHE("magazines", struct magazines);
static u32 given_out; // numbers, from 1. Atomic

u8 magazine_number(void)
{
    u32 number = __atomic_add_fetch(&given_out, 1, __ATOMIC_RELAXED);

    return number <= MAGAZINES ? (u8)number : 0;
}

static struct magazine *magazine_of(const struct slab_cache *c)
{
    struct magazines *m = vcpu_this()->magazines;

    return m && c->magazine ? &m->of[c->magazine - 1] : NULL;
}

void *magazine_take(const struct slab_cache *c)
{
    struct magazine *m = magazine_of(c);
    void *object = m ? m->first : NULL;

    if (object) {
        m->first = *(void **)object;
        m->count--;
    }
    return object;
}

bool magazine_give(const struct slab_cache *c, void *object)
{
    struct magazine *m = magazine_of(c);

    if (!m || m->count >= ROUNDS)
        return false;
    m->cache = (struct slab_cache *)(uintptr_t)c;
    *(void **)object = m->first;
    m->first = object;
    m->count++;
    return true;
}

void magazines_open(void)
{
    struct vcpu *v = vcpu_this();

    if (!v->magazines)
        v->magazines = slab_alloc(&magazines_cache); // without, it does without
}

void magazines_close(void)
{
    struct vcpu *v = vcpu_this();
    struct magazines *all = v->magazines;

    v->magazines = NULL; // what is freed goes back to the slabs
    if (!all)
        return;
    for (u32 i = 0; i < MAGAZINES; i++) {
        void *next;
        for (void *object = all->of[i].first; object; object = next) {
            next = *(void **)object;
            slab_free(all->of[i].cache, object);
        }
    }
    slab_free(&magazines_cache, all);
}
