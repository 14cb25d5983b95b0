// SPDX-License-Identifier: BSD-3-Clause
// Kernel objects: a slab cache per type. Every cache counts its live objects, so that a test can end by
// asking whether all were given back. In debug builds objects are filled with junk.
#pragma once

#include "base/list.h"
#include "thread/lock.h"

struct slab_cache {
    const char *name;
    u32 object_size;
    u32 align; // 0: 16
    struct lock lock;
    struct list partial; // slabs with room
    struct list caches;  // all caches, for the accounts; joined at the first allocation
    bool joined;
    u8 small_count; // of its first slabs, see heap.c
    u64 live; // objects, those that vCPUs keep included
    u8 magazine; // its number there: magazine.h. 0: none
};

// static struct slab_cache inode_cache = SLAB_CACHE("inode", struct inode);
#define SLAB_CACHE(name, type) { name, sizeof(type), _Alignof(type), LOCK_INIT, { 0, 0 }, { 0, 0 }, false, 0, 0 }

must_check void *slab_alloc(struct slab_cache *c); // zeroed; NULL: no memory
void slab_free(struct slab_cache *c, void *object);

// Odd sizes: power-of-two caches up to a page, whole pages above. Zeroed.
must_check void *heap_alloc(size_t size);
void heap_free(void *object); // NULL is fine

// Debug builds: the same for all objects of a cache, at the same place in them; 0: no object of a cache. And its
// cache's name.
u64 heap_place(const void *in_object);
const char *heap_place_cache(u64 place);

// Calls visit for each cache (and each heap_alloc size).
// The type of a living object in family memory; NULL: none of these. For reports.
const char *slab_name(const void *object);
void slab_visit(void (*visit)(const struct slab_cache *c, void *arg), void *arg);
