// SPDX-License-Identifier: BSD-3-Clause
// Slab caches. A slab is a run of 1 to 4 pages: a header, then objects of one type. Objects that
// were never used are known to be zero and are handed out last; freed ones stand in a list through
// their first word. The owner word of each page of a slab is the address of its header.
//
//     | struct slab | object | object | object | never used ...          |
//
// The first slabs of a cache are small ones, an eighth or a quarter of a page: most caches have a
// handful of objects, and every page that a start touches costs microseconds and memory. Small
// slabs are kept for ever; the owner word of their page has their size, and the header stands at a
// multiple of it.
//
// A cache keeps one empty slab; the others go back at once. Freed objects are filled with a pattern
// in debug builds, and checked for it when they are handed out again.
//
// The host may kill a member at any instant in here, so a cache is whole at each (thread/rollback.h). `used` may be too
// high by an object that is lost then, never too low: it is counted before it is taken, and after it is given back.
// So a slab is in the list if and only if used < capacity, and has at least capacity - used objects.
#include "memory/heap.h"

#include "base/panic.h"
#include "base/string.h"
#include "cpu/magazine.h"
#include "memory/pages.h"
#include "thread/rollback.h"

#define SLAB_PAGES_MAX 4
#define POISON         0x6b

struct slab {
    struct list node; // in cache->partial while there is room
    struct slab_cache *cache;
    void *free; // freed objects, linked by their first word
    u32 used;
    u32 fresh; // objects [fresh, capacity) were never used
    u32 capacity;
    u32 page_count; // 0: a small slab
};

// heap_alloc's caches, and the account of its large objects: owner words of those are
// LARGE_OWNER + their page count.
#define LARGE_OWNER   (1ull << 63)
#define SMALL_OWNER   (1ull << 62) // + the size of the slabs in this page
#define SMALL_SLAB    512u
#define SMALL_SLAB_2  1024u
#define SMALL_FIRST   2 // those of a cache that may be of the smaller size
#define SMALL_COUNT   8 // small slabs of a cache, then whole pages
#define SMALL_RUN     8 // pages of small slabs that stand together: the tender makes these at once (load.c)
#define HEAP_SIZE_MIN 16
#define HEAP_SIZE_MAX 2048
#define HEAP_CACHE(n)                                                                              \
    {                                                                                              \
        .name = "heap-" #n, .object_size = n                                                       \
    }
static struct slab_cache heap_caches[] = {
    HEAP_CACHE(16),  HEAP_CACHE(32),  HEAP_CACHE(64),   HEAP_CACHE(128),
    HEAP_CACHE(256), HEAP_CACHE(512), HEAP_CACHE(1024), HEAP_CACHE(2048),
};
static struct slab_cache large_objects = {.name = "heap-pages", .object_size = PAGE_SIZE};

static struct {
    struct lock lock;
    struct list caches; // of struct slab_cache.caches
    bool ready;
} all_caches;

static struct {
    struct lock lock; // after a cache's
    char *next[2];    // of each size; at the end of a page: none is left
    char *run;        // pages for either
    u32 run_left;
} small_slabs;

static u32 object_stride(const struct slab_cache *c)
{
    u32 align = c->align > 16 ? c->align : 16;
    return (c->object_size + align - 1) & ~(align - 1);
}

static u32 first_object(const struct slab_cache *c)
{
    u32 align = c->align > 16 ? c->align : 16;
    return ((u32)sizeof(struct slab) + align - 1) & ~(align - 1);
}

// The fewest pages of which less than an eighth is wasted, or else those that waste the least.
static u32 slab_pages(const struct slab_cache *c)
{
    u32 best = 0, best_waste = 0;
    for (u32 pages = 1; pages <= SLAB_PAGES_MAX; pages++) {
        u32 room = pages * (u32)PAGE_SIZE - first_object(c);
        u32 waste = room % object_stride(c) * 64 / pages;
        if (room < object_stride(c) || (best && waste >= best_waste))
            continue;
        best = pages;
        best_waste = waste;
        if (waste <= PAGE_SIZE * 64 / 8)
            break;
    }
    assert(best > 0); // objects of more than 4 pages are for pages_alloc
    return best;
}

static void cache_join(struct slab_cache *c)
{
    lock_acquire(&all_caches.lock);
    if (!all_caches.ready)
        list_init(&all_caches.caches);
    all_caches.ready = true;
    list_push_back(&all_caches.caches, &c->caches);
    lock_release(&all_caches.lock);
    list_init(&c->partial);
    c->magazine = magazine_number();
    c->joined = true;
}

// A page for small slabs of this size. Called with small_slabs.lock held.
static char *small_page(u32 size)
{
    if (!small_slabs.run_left) {
        small_slabs.run = pages_alloc(SMALL_RUN);
        __atomic_signal_fence(__ATOMIC_SEQ_CST); // never more than there is, at no instant
        small_slabs.run_left = small_slabs.run ? SMALL_RUN : 0;
    }
    char *page = small_slabs.run;
    if (!page)
        return NULL;
    pages_set_owner(page, 1, SMALL_OWNER + size);
    small_slabs.run_left--;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    small_slabs.run += PAGE_SIZE;
    return page;
}

// One of the cache's first slabs. NULL: its objects are too large, or no memory.
static struct slab *small_slab_create(struct slab_cache *c)
{
    u32 two = first_object(c) + 2 * object_stride(c);
    u32 size = two <= SMALL_SLAB && c->small_count < SMALL_FIRST ? SMALL_SLAB : SMALL_SLAB_2;
    char **next = &small_slabs.next[size == SMALL_SLAB_2];

    if (two - object_stride(c) > size || c->align > size)
        return NULL;
    lock_acquire_clean(&small_slabs.lock);
    char *at = *next;
    if ((u64)at % PAGE_SIZE == 0)
        at = small_page(size);
    struct slab *s = (struct slab *)(void *)at;
    if (s)
        __atomic_store_n(next, at + size, __ATOMIC_RELEASE); // the one change
    lock_release(&small_slabs.lock);
    if (s)
        s->capacity = (size - first_object(c)) / object_stride(c);
    return s;
}

// Counts an object more or less, where that takes the slab into the list or off it.
static void slab_move(struct slab *s, bool enter, s32 change)
{
    rollback_begin(&s->cache->lock);
    rollback_word(&s->used);
    s->used += (u32)change;
    if (enter) {
        rollback_insert_after(&s->cache->partial);
        list_push_front(&s->cache->partial, &s->node);
    } else {
        rollback_remove(&s->node);
        list_remove(&s->node);
    }
    rollback_end(&s->cache->lock);
}

static struct slab *slab_create(struct slab_cache *c)
{
    struct slab *small = c->small_count == SMALL_COUNT ? NULL : small_slab_create(c);
    if (small) {
        small->cache = c;
        c->small_count++;
        slab_move(small, /*enter=*/true, 0);
        return small;
    }
    u32 page_count = slab_pages(c);
    struct slab *s = pages_alloc(page_count);
    if (!s)
        return NULL;
    s->cache = c;
    s->page_count = page_count;
    s->capacity = (page_count * (u32)PAGE_SIZE - first_object(c)) / object_stride(c);
    pages_set_owner(s, page_count, (u64)s);
    slab_move(s, /*enter=*/true, 0);
    return s;
}

// It is off the list.
static void slab_destroy(struct slab *s)
{
    pages_set_owner(s, s->page_count, 0);
    pages_free(s, s->page_count);
}

static struct slab *slab_of(const void *object)
{
    u64 owner = pages_owner(object);

    assert(owner != 0 && !(owner & LARGE_OWNER));
    return (struct slab *)(owner & SMALL_OWNER ? (u64)object & ~(owner - SMALL_OWNER - 1) : owner);
}

const char *slab_name(const void *object)
{
    u64 owner = pages_owner(object);

    if (!owner)
        return NULL;
    return owner & LARGE_OWNER ? large_objects.name : slab_of(object)->cache->name;
}

static void poison_check(const struct slab_cache *c, const void *object)
{
    const u8 *bytes = object;
    for (u32 i = sizeof(void *); i < c->object_size; i++)
        if (bytes[i] != POISON)
            panic("%s at %p: byte %u was written after it was freed", c->name, object, i);
}

// Takes an object off a slab with room; *out_zero says whether it is clear already.
static void *slab_take(struct slab *s, bool *out_zero)
{
    struct slab_cache *c = s->cache;
    void *object = s->free;

    *out_zero = !object;
    if (unlikely(s->used + 1 == s->capacity))
        slab_move(s, /*enter=*/false, 1);
    else
        s->used++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (object)
        s->free = *(void **)object;
    else
        object = (char *)s + first_object(c) + s->fresh++ * object_stride(c);
    return object;
}

static void *cache_take(struct slab_cache *c, bool *out_zero)
{
    lock_acquire_clean(&c->lock);
    if (unlikely(!c->joined)) {
        lock_clean(&c->lock, false);
        cache_join(c);
        lock_clean(&c->lock, true);
    }
    struct slab *s =
        list_empty(&c->partial) ? slab_create(c) : list_first(&c->partial, struct slab, node);
    void *object = s ? slab_take(s, out_zero) : NULL;
    if (object)
        c->live++;
    lock_release(&c->lock);
    return object;
}

void *slab_alloc(struct slab_cache *c)
{
    bool zero = false;
    void *object = magazine_take(c);

    if (!object)
        object = cache_take(c, &zero);
    if (!object || zero)
        return object;
    if (DEBUG)
        poison_check(c, object);
    return memset(object, 0, c->object_size);
}

void slab_free(struct slab_cache *c, void *object)
{
    struct slab *s = slab_of(object);

    assert(s->cache == c);
    assert(((u64)object - (u64)s - first_object(c)) % object_stride(c) == 0);
    if (DEBUG)
        memset(object, POISON, c->object_size);
    if (magazine_give(c, object))
        return;
    lock_acquire_clean(&c->lock);
    assert(s->used > 0);
    c->live--;
    *(void **)object = s->free;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    s->free = object;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    bool full = s->used == s->capacity; // not in the list
    bool alone = full ? list_empty(&c->partial)
                      : c->partial.next == &s->node && c->partial.previous == &s->node;
    bool goes = s->used == 1 && !alone && s->page_count > 0;
    if (unlikely(goes || full))
        slab_move(s, /*enter=*/!goes, -1);
    else
        s->used--;
    lock_release(&c->lock);
    if (goes)
        slab_destroy(s);
}

static void *large_alloc(size_t size)
{
    size_t count = page_round_up(size) / PAGE_SIZE;
    void *pages = count > 0 ? pages_alloc(count) : NULL; // 0: the size overflowed
    if (!pages)
        return NULL;
    pages_set_owner(pages, 1, LARGE_OWNER + count);
    lock_acquire_clean(&large_objects.lock);
    if (!large_objects.joined)
        cache_join(&large_objects);
    large_objects.live++;
    lock_release(&large_objects.lock);
    return pages;
}

static void large_free(void *pages, size_t count)
{
    pages_set_owner(pages, 1, 0);
    pages_free(pages, count);
    lock_acquire_clean(&large_objects.lock);
    large_objects.live--;
    lock_release(&large_objects.lock);
}

void *heap_alloc(size_t size)
{
    if (size > HEAP_SIZE_MAX)
        return large_alloc(size);
    if (size <= HEAP_SIZE_MIN)
        return slab_alloc(&heap_caches[0]);
    return slab_alloc(
        &heap_caches[60 - __builtin_clzll(size - 1)]); // 17..32: [1], 33..64: [2], ...
}

void heap_free(void *object)
{
    if (!object)
        return;
    u64 owner = pages_owner(object);
    assert(owner != 0);
    if (owner & LARGE_OWNER)
        large_free(object, owner - LARGE_OWNER);
    else
        slab_free(slab_of(object)->cache, object);
}

void slab_visit(void (*visit)(const struct slab_cache *c, void *arg), void *arg)
{
    struct slab_cache *c;
    lock_acquire(&all_caches.lock);
    if (all_caches.ready)
        list_for_each(c, &all_caches.caches, caches) visit(c, arg);
    lock_release(&all_caches.lock);
}

u64 heap_place(const void *in_object)
{
    u64 owner = pages_owner(in_object);

    if (!owner || owner & LARGE_OWNER)
        return 0;
    const struct slab *s = slab_of(in_object);
    u64 place = ((u64)in_object - (u64)s - first_object(s->cache)) % object_stride(s->cache);
    return (u64)s->cache | place << 48;
}

const char *heap_place_cache(u64 place)
{
    return place >> 48 ? ((const struct slab_cache *)(place << 16 >> 16))->name : "";
}
