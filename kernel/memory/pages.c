// SPDX-License-Identifier: BSD-3-Clause
// The page pool of the family: [family_free, family_size) of family memory, page numbers counted
// from the start of it.
//
//     0        family_free                                family_size
//     | kernel | allocated and free runs         | owner words |
//
// The owner words of the first pages are in .bss: so all that a short-lived guest touches stands in
// one area of 2 MiB, and shares a page table; those of the very first among what each start touches.
//
// A freed run is discarded, so that the host has its pages back and they read as zeros again. Runs
// of 1 to SMALL_MAX pages stay a while in a small cache instead (a discard costs a host call, and a
// page fault at the next use); those are cleared when they are handed out. Where the host takes
// nothing back (an image without RIGHT_MEMORY) runs are kept as dirty, and cleared too.
#include "memory/pages.h"

#include "abi/boot.h"
#include "base/panic.h"
#include "base/string.h"
#include "memory/extents.h"
#include "platform/platform.h"
#include "thread/lock.h"

#define SMALL_MAX   4  // pages in a run that the cache takes
#define SMALL_DEPTH 12 // runs of each length
#define START_PAGES 48
#define FIRST_PAGES 512

static struct {
    u64 base;  // the address of page 0
    u64 first; // the number of the first page of the pool
    u64 page_count;
    u64 *owners; // one a page; those of the pool's first are in start_owners and first_owners

    struct lock lock; // all below
    struct extents free;
    u64 allocated;
    u64 small[SMALL_MAX][SMALL_DEPTH]; // page numbers of cached runs of 1 + index pages
    unsigned small_count[SMALL_MAX];
    char first_nodes[2048] __attribute__((aligned(16)));
} page_pool;

static u64 start_owners[START_PAGES];
static large_data u64 first_owners[FIRST_PAGES];

void pages_init(const struct boot_info *boot)
{
    u64 first = page_round_up(boot->family_free) / PAGE_SIZE;

    page_pool.base = boot->family_base;
    page_pool.first = first;
    page_pool.page_count = boot->family_size / PAGE_SIZE;
    u64 end = page_pool.page_count - page_round_up(page_pool.page_count * sizeof(u64)) / PAGE_SIZE;
    assert(first < end);
    page_pool.owners = pages_at(end * PAGE_SIZE);
    extents_init(&page_pool.free);
    extents_add_nodes(&page_pool.free, page_pool.first_nodes, sizeof(page_pool.first_nodes));
    extents_put(&page_pool.free, first, end - first, false);
}

u64 pages_offset(const void *address)
{
    u64 offset = (u64)address - page_pool.base;
    assert(offset < page_pool.page_count * PAGE_SIZE);
    return offset;
}

void *pages_at(u64 offset)
{
    assert(offset < page_pool.page_count * PAGE_SIZE);
    return (void *)(page_pool.base + offset); // NOLINT: the one place where an address is made
}

static u64 page_number(const void *pages)
{
    u64 offset = pages_offset(pages);
    assert(offset % PAGE_SIZE == 0);
    return offset / PAGE_SIZE;
}

// Feeds the set of free runs with a page for nodes when it may run out. Called with the lock held.
static void feed_nodes(void)
{
    u64 first;
    bool dirty;
    if (!extents_hungry(&page_pool.free) || !extents_take(&page_pool.free, 1, &first, &dirty))
        return;
    extents_add_nodes(&page_pool.free, pages_at(first * PAGE_SIZE), PAGE_SIZE);
}

static bool small_take(size_t count, u64 *out_first)
{
    if (count > SMALL_MAX || page_pool.small_count[count - 1] == 0)
        return false;
    *out_first = page_pool.small[count - 1][--page_pool.small_count[count - 1]];
    return true;
}

static bool small_put(size_t count, u64 first)
{
    if (count > SMALL_MAX || page_pool.small_count[count - 1] == SMALL_DEPTH)
        return false;
    page_pool.small[count - 1][page_pool.small_count[count - 1]] = first;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); // it counts when it is there: the host may kill us in between
    page_pool.small_count[count - 1]++;
    return true;
}

void *pages_alloc(size_t count)
{
    u64 first;
    bool dirty = true;

    assert(count > 0);
    lock_acquire_clean(&page_pool.lock); // what is taken is on its way: if the host kills us it is lost, no more
    bool found = small_take(count, &first);
    if (!found) {
        lock_clean(&page_pool.lock, false);
        feed_nodes();
        found = extents_take(&page_pool.free, count, &first, &dirty);
        lock_clean(&page_pool.lock, true);
    }
    if (found)
        page_pool.allocated += count;
    lock_release(&page_pool.lock);
    if (!found)
        return NULL;
    void *pages = pages_at(first * PAGE_SIZE);
    if (dirty)
        memset(pages, 0, count * PAGE_SIZE);
    return pages;
}

// Puts pages that nobody uses into the set. A set without nodes takes one of the pages for them.
static void put_free(u64 first, size_t count)
{
    void *pages = pages_at(first * PAGE_SIZE);
    bool dirty = platform_discard_family(pages, count * PAGE_SIZE) < 0;

    lock_acquire(&page_pool.lock);
    feed_nodes();
    if (extents_hungry(&page_pool.free)) {
        extents_add_nodes(&page_pool.free, pages, PAGE_SIZE);
        first++;
        count--;
    }
    if (count > 0)
        extents_put(&page_pool.free, first, count, dirty);
    lock_release(&page_pool.lock);
}

void pages_free(void *pages, size_t count)
{
    u64 first = page_number(pages);

    assert(count > 0 && count <= page_pool.page_count - first);
    if (DEBUG && count <= SMALL_MAX)
        memset(pages, 0x6b, count * PAGE_SIZE); // whoever still reads it shall see that
    lock_acquire_clean(&page_pool.lock);
    assert(page_pool.allocated >= count);
    page_pool.allocated -= count;
    bool cached = small_put(count, first);
    lock_release(&page_pool.lock);
    if (!cached)
        put_free(first, count);
}

void pages_discard(void *pages, size_t count)
{
    (void)page_number(pages);
    if (count > 0 && platform_discard_family(pages, count * PAGE_SIZE) < 0)
        memset(pages, 0, count * PAGE_SIZE);
}

void pages_trim(void)
{
    for (size_t count = 1; count <= SMALL_MAX; count++) {
        for (;;) {
            u64 first;
            lock_acquire_clean(&page_pool.lock);
            bool found = small_take(count, &first);
            lock_release(&page_pool.lock);
            if (!found)
                break;
            put_free(first, count);
        }
    }
}

static u64 *owner_of(u64 number)
{
    u64 n = number - page_pool.first;
    if (n < START_PAGES)
        return &start_owners[n];
    return n < FIRST_PAGES ? &first_owners[n] : &page_pool.owners[number];
}

void pages_set_owner(void *pages, size_t count, u64 owner)
{
    u64 first = page_number(pages);
    for (size_t i = 0; i < count; i++)
        *owner_of(first + i) = owner;
}

u64 pages_owner(const void *address)
{
    return *owner_of(pages_offset(address) / PAGE_SIZE);
}

u64 pages_allocated(void)
{
    return __atomic_load_n(&page_pool.allocated, __ATOMIC_RELAXED);
}
