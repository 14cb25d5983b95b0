// SPDX-License-Identifier: BSD-3-Clause
// /proc/slabinfo: the account of kernel objects, for who looks for what is never given back. The
// columns that this heap has nothing for repeat what it has. [slabinfo(5)]
#include "inspect/proc.h"
#include "memory/heap.h"

#define CACHES_MAX 192

struct accounts { // copied first: printing allocates, which a visit must not
    u32 count;
    struct account {
        const char *name;
        u64 live;
        u32 size;
    } caches[CACHES_MAX];
};

static void take(const struct slab_cache *c, void *arg)
{
    struct accounts *a = arg;

    if (a->count < CACHES_MAX)
        a->caches[a->count++] = (struct account){c->name, c->live, c->object_size};
}

int proc_show_slabinfo(struct text *t, const struct proc_node *node)
{
    struct accounts *a = heap_alloc(sizeof(*a));

    if (!a)
        return -ENOMEM;
    slab_visit(take, a);
    text_add(t, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
                "<objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
                "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    for (u32 i = 0; i < a->count; i++)
        text_add(t, "%-17s %6llu %6llu %6u    1    1 : tunables    0    0    0 : slabdata %6llu "
                    "%6llu      0\n",
                 a->caches[i].name, (unsigned long long)a->caches[i].live,
                 (unsigned long long)a->caches[i].live, a->caches[i].size,
                 (unsigned long long)a->caches[i].live, (unsigned long long)a->caches[i].live);
    heap_free(a);
    return 0;
}
