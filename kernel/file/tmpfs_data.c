// SPDX-License-Identifier: BSD-3-Clause
// The bytes of a tmpfs file.
//
//     extents    [0,256)        [512,1024)           runs of family pages, which cost nothing until
//     touched lower      ############################         the image, where no extent covers it
//     hole                   (neither: zeros)                     up to inode->size
//
// Runs grow by doubling: a file written from front to back has O(log size) extents, and so needs as
// few host mappings. A page that no write has reached is not read either (reading it would make the
// host allocate it): `written` tells.
#include "base/bitmap.h"
#include "base/string.h"
#include "file/tmpfs.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "thread/rollback.h"

#define GROWTH_MAX    (1ull << 16) // pages that are reserved at once without being asked for
#define HOLE_RUN_MIN  16ull        // pages that a write into a hole gets
#define LOWER_RUN_MIN 256ull       // pages of a lower file that a write copies

static u64 extent_end(const struct extent *e)
{
    return e->page + e->count;
}

// Index of the first extent that ends behind `page`; extent_count if there is none.
static u32 extent_index(struct tmpfs_data *d, u64 page)
{
    u32 low = 0, high = d->extent_count;

    if (d->last < high && extent_end(&d->extents[d->last]) > page &&
        (!d->last || extent_end(&d->extents[d->last - 1]) <= page))
        return d->last;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (extent_end(&d->extents[middle]) > page)
            high = middle;
        else
            low = middle + 1;
    }
    d->last = low;
    return low;
}

struct extent *data_find(struct tmpfs_data *d, u64 page, u64 *out_next)
{
    u32 index = extent_index(d, page);
    struct extent *e = index < d->extent_count ? &d->extents[index] : NULL;

    if (e && e->page <= page)
        return e;
    *out_next = e ? e->page : ~0ull >> PAGE_SHIFT;
    return NULL;
}

static u64 *written_of(struct extent *e)
{
    return e->written ? e->written : &e->few;
}

// Bytes at `offset` in an extent, up to where written pages change to unwritten ones.
static void piece_of_extent(struct extent *e, u64 offset, u64 size, struct piece *out)
{
    u64 first = (offset >> PAGE_SHIFT) - e->page, end;
    const u64 *written = written_of(e);
    bool data = e->mapped || bitmap_test(written, first);

    if (e->mapped)
        end = e->count;
    else if (data)
        end = bitmap_find_clear(written, e->count, first);
    else
        end = bitmap_find_set(written, e->count, first);
    out->data = data;
    out->bytes = data ? e->memory + (offset - (e->page << PAGE_SHIFT)) : NULL;
    out->size = min(size, ((e->page + end) << PAGE_SHIFT) - offset);
}

int data_piece(struct tmpfs_node *n, u64 offset, u64 size, struct piece *out)
{
    u64 next = 0;
    struct extent *e = data_find(&n->data, offset >> PAGE_SHIFT, &next);

    if (e) {
        piece_of_extent(e, offset, size, out);
        return 0;
    }
    *out = (struct piece){.size = min(size, (next << PAGE_SHIFT) - offset)};
    if (offset < n->data.lower_size) {
        const void *bytes;
        u64 run;
        int error = erofs_data(&tmpfs_of(n->inode)->image, n->lower, offset, &bytes, &run);
        if (error || !run)
            return -EIO;
        out->bytes = bytes;
        out->data = bytes != NULL;
        run = min(run, n->data.lower_size - offset);
        out->size = min(out->size, run);
    }
    return 0;
}

static void pages_account(struct tmpfs_node *n, s64 count)
{
    u64 *used = &tmpfs_of(n->inode)->pages_used;

    __atomic_add_fetch(used, (u64)count, __ATOMIC_RELAXED); // pairs with statfs and data_make
}

// Sets bits [first, first + count), whole words at once; *added counts those that were clear.
static void bits_set(u64 *map, u64 first, u64 count, u64 *added)
{
    u64 end = first + count;

    for (u64 i = first; i < end;) {
        u64 n = min(end - i, 64 - i % 64);
        u64 mask = (n == 64 ? ~0ull : (1ull << n) - 1) << (i % 64);
        *added += bitmap_word_count(mask & ~map[i / 64]);
        map[i / 64] |= mask;
        i += n;
    }
}

u64 data_room(struct tmpfs_node *n, struct extent *e, u64 page, u64 count)
{
    struct tmpfs *t = tmpfs_of(n->inode);
    u64 used = __atomic_load_n(&t->pages_used, __ATOMIC_RELAXED); // pairs with pages_account

    if (likely(used + count <= t->pages_limit))
        return count;
    for (u64 i = 0; i < count; i++)
        if (!bitmap_test(written_of(e), page + i - e->page) && ++used > t->pages_limit)
            return i;
    return count;
}

void data_mark(struct tmpfs_node *n, struct extent *e, u64 page, u64 count)
{
    u64 *written = written_of(e), first = page - e->page, added = 0;

    if (bitmap_find_clear(written, first + count, first) >= first + count)
        return;
    rollback_begin(&n->inode->lock);
    for (u64 i = first / 64; i <= (first + count - 1) / 64; i++)
        rollback_word(&written[i]);
    rollback_word(&n->inode->blocks);
    bits_set(written, first, count, &added);
    n->inode->blocks += added * (PAGE_SIZE / 512);
    pages_account(n, (s64)added); // taken back it is too much, never too little
    rollback_end(&n->inode->lock);
}

// Forgets that pages [first, first + count) of the extent hold data, and drops them.
static void extent_clear(struct tmpfs_node *n, struct extent *e, u64 first, u64 count)
{
    u64 *written = written_of(e), removed = 0;

    for (u64 i = bitmap_find_set(written, first + count, first); i < first + count;
         i = bitmap_find_set(written, first + count, i + 1)) {
        bitmap_clear(written, i);
        removed++;
    }
    n->inode->blocks -= removed * (PAGE_SIZE / 512);
    pages_account(n, -(s64)removed);
}

// Where the run for a write to `page` goes, within the gap [low, high).
static void run_place(struct tmpfs_node *n, u64 page, u64 want, u64 low, u64 high, u64 *out_page,
                      u64 *out_count)
{
    struct tmpfs_data *d = &n->data;
    u64 lower_pages = page_round_up(d->lower_size) >> PAGE_SHIFT;
    u64 size_pages = page_round_up(n->inode->size) >> PAGE_SHIFT;
    u64 start = page, end = page + want;

    if (page < lower_pages) {
        u64 unit = max(LOWER_RUN_MIN, lower_pages / 16);
        start = page / unit * unit;
        end = min(max(end, start + unit), max(end, lower_pages));
    } else if (page < size_pages) {
        u64 unit = min(max(HOLE_RUN_MIN, size_pages / 16), GROWTH_MAX);
        start = max(page / unit * unit, lower_pages);
        end = min(max(end, start + unit), max(end, size_pages));
    } else {
        end = max(end, page + min(d->pages, GROWTH_MAX));
    }
    *out_page = max(start, low);
    *out_count = min(end, high) - *out_page;
}

static int extents_grow(struct tmpfs_data *d, struct lock *lock)
{
    u32 room = d->extent_room ? d->extent_room * 2 : 1;
    struct extent *bigger = heap_alloc(room * sizeof(*bigger)), *old = d->extents;

    if (!bigger)
        return -ENOSPC;
    memcpy(bigger, old, d->extent_count * sizeof(*bigger));
    rollback_begin(lock);
    rollback_word(&d->extents);
    rollback_word(&d->extent_room);
    d->extents = bigger;
    d->extent_room = room;
    rollback_end(lock);
    heap_free(old);
    return 0;
}

static int extent_insert(struct tmpfs_node *n, u32 index, struct extent e)
{
    struct tmpfs_data *d = &n->data;
    struct lock *lock = &n->inode->lock;

    if (d->extent_count == d->extent_room) {
        int error = extents_grow(d, lock);
        if (error)
            return error;
    }
    rollback_begin(lock);
    for (u32 i = index; i < d->extent_count; i++) // more than a few: it can't be taken back
        for (u32 word = 0; word < sizeof(e) / 8; word++)
            rollback_save((u64 *)(void *)&d->extents[i] + word, 8);
    rollback_word(&d->extent_count);
    rollback_word(&d->pages);
    rollback_word(&d->last);
    memmove(&d->extents[index + 1], &d->extents[index], (d->extent_count - index) * sizeof(e));
    d->extents[index] = e;
    d->extent_count++;
    d->pages += e.count;
    d->last = index;
    rollback_end(lock);
    return 0;
}

static int extent_alloc(u64 page, u64 count, struct extent *out)
{
    *out = (struct extent){.page = page, .count = count};
    out->memory = pages_alloc(count);
    if (!out->memory)
        return -ENOSPC;
    if (count > 64) {
        out->written = heap_alloc(BITMAP_WORDS(count) * sizeof(u64));
        if (!out->written) {
            pages_free(out->memory, count);
            return -ENOSPC;
        }
    }
    return 0;
}

static void extent_free(struct tmpfs_data *d, struct extent *e)
{
    d->pages -= e->count;
    pages_free(e->memory, e->count);
    heap_free(e->written);
}

// Copies what the lower file shows in the extent's range.
static int fill_from_lower(struct tmpfs_node *n, struct extent *e)
{
    u64 offset = e->page << PAGE_SHIFT, added = 0;
    u64 end = min(extent_end(e) << PAGE_SHIFT, n->data.lower_size);

    while (offset < end) {
        const void *bytes;
        u64 run, first = (offset >> PAGE_SHIFT) - e->page;
        int error = erofs_data(&tmpfs_of(n->inode)->image, n->lower, offset, &bytes, &run);
        if (error || !run)
            return -EIO;
        run = min(run, end - offset);
        if (bytes) {
            memcpy(e->memory + (offset - (e->page << PAGE_SHIFT)), bytes, run);
            bits_set(written_of(e), first, ((offset + run - 1) >> PAGE_SHIFT) + 1 - e->page - first,
                     &added);
        }
        offset += run;
    }
    pages_account(n, (s64)added); // inode->blocks has them already
    return 0;
}

int data_make(struct tmpfs_node *n, u64 page, u64 want, struct extent **out)
{
    struct tmpfs_data *d = &n->data;
    struct tmpfs *t = tmpfs_of(n->inode);
    u32 index = extent_index(d, page);
    struct extent e;
    u64 low, high, start, count;
    int error;

    if (index < d->extent_count && d->extents[index].page <= page) {
        *out = &d->extents[index];
        return 0;
    }
    if (t->pages_used >= t->pages_limit)
        return -ENOSPC;
    low = index ? extent_end(&d->extents[index - 1]) : 0;
    high = index < d->extent_count ? d->extents[index].page : ~0ull >> PAGE_SHIFT;
    run_place(n, page, want, low, high, &start, &count);
    error = extent_alloc(start, count, &e);
    for (want = min(want, high - page); error && want; want /= 2)
        error = extent_alloc(page, want, &e);
    if (error)
        return error;
    error = fill_from_lower(n, &e);
    if (!error)
        error = extent_insert(n, index, e);
    if (error) {
        pages_free(e.memory, e.count);
        heap_free(e.written);
        return error;
    }
    *out = &d->extents[index];
    return 0;
}

// Zeros within one page, which the file keeps.
static int zero_in_page(struct tmpfs_node *n, u64 offset, u64 size)
{
    u64 page = offset >> PAGE_SHIFT, next;
    struct extent *e = data_find(&n->data, page, &next);
    int error;

    if (!e) {
        if (offset >= n->data.lower_size)
            return 0;
        error = data_make(n, page, 1, &e);
        if (error)
            return error;
    }
    if (e->mapped || bitmap_test(written_of(e), page - e->page))
        memset(e->memory + (offset - (e->page << PAGE_SHIFT)), 0, size);
    return 0;
}

// Whole pages [page, end) read as zeros from now on.
static int punch_pages(struct tmpfs_node *n, u64 page, u64 end)
{
    u64 lower_pages = page_round_up(n->data.lower_size) >> PAGE_SHIFT;

    while (page < end) {
        u64 next = 0, count;
        struct extent *e = data_find(&n->data, page, &next);
        if (!e && page >= lower_pages) {
            page = next;
            continue;
        }
        if (!e) { // the lower file has to be hidden by an extent
            int error = data_make(n, page, min(end, lower_pages) - page, &e);
            if (error)
                return error;
        }
        count = min(end, extent_end(e)) - page;
        pages_discard(e->memory + ((page - e->page) << PAGE_SHIFT), count);
        extent_clear(n, e, page - e->page, count);
        page += count;
    }
    return 0;
}

int data_punch(struct tmpfs_node *n, u64 offset, u64 size)
{
    u64 end = offset + size;
    u64 first = page_round_up(offset), last = page_round_down(end);
    int error = 0;

    if (first > last) // inside one page
        return zero_in_page(n, offset, size);
    if (offset < first)
        error = zero_in_page(n, offset, first - offset);
    if (!error && last < end)
        error = zero_in_page(n, last, end - last);
    if (!error)
        error = punch_pages(n, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
    return error;
}

// The lower file shows less from now on: its pages that no extent hides are no longer counted.
static void lower_cut(struct tmpfs_node *n, u64 size)
{
    struct tmpfs_data *d = &n->data;
    u64 page = page_round_up(size) >> PAGE_SHIFT, end = page_round_up(d->lower_size) >> PAGE_SHIFT;

    while (page < end) {
        u64 next = 0;
        struct extent *e = data_find(d, page, &next);
        u64 to = min(end, e ? extent_end(e) : next);
        if (!e)
            n->inode->blocks -= (to - page) * (PAGE_SIZE / 512);
        page = to;
    }
    d->lower_size = min(d->lower_size, size);
}

// Takes the end of an extent, from `page` on. False: that is all of it.
static bool extent_shorten(struct tmpfs_node *n, struct extent *e, u64 page, struct page_run *out)
{
    u64 keep = page > e->page ? page - e->page : 0;

    extent_clear(n, e, keep, e->count - keep);
    *out = (struct page_run){e->memory + (keep << PAGE_SHIFT), e->count - keep};
    n->data.pages -= e->count - keep;
    e->count = keep;
    return keep != 0;
}

int data_cut(struct tmpfs_node *n, u64 size, struct page_run **out_dead, u32 *out_count)
{
    struct tmpfs_data *d = &n->data;
    u64 page = page_round_up(size) >> PAGE_SHIFT;
    struct page_run *dead = NULL;
    u32 first, count;
    int error = 0;

    if (size % PAGE_SIZE)
        error = zero_in_page(n, size, PAGE_SIZE - size % PAGE_SIZE);
    if (error)
        return error;
    first = extent_index(d, page);
    if (out_dead) {
        dead = heap_alloc((d->extent_count - first + 1) * sizeof(*dead));
        if (!dead)
            return -ENOMEM;
    }
    lower_cut(n, size);
    count = d->extent_count;
    for (u32 i = first; i < count; i++) {
        struct extent *e = &d->extents[i];
        struct page_run run;
        if (!extent_shorten(n, e, page, &run)) {
            heap_free(e->written);
            d->extent_count--;
        }
        if (dead)
            dead[i - first] = run;
        else
            pages_free(run.memory, run.count);
    }
    d->last = 0;
    if (out_dead) {
        *out_dead = dead;
        *out_count = count - first;
    }
    return 0;
}

void data_free(struct tmpfs_node *n)
{
    struct tmpfs_data *d = &n->data;

    for (u32 i = 0; i < d->extent_count; i++) {
        extent_clear(n, &d->extents[i], 0, d->extents[i].count);
        extent_free(d, &d->extents[i]);
    }
    heap_free(d->extents);
    d->extents = NULL;
    d->extent_count = d->extent_room = 0;
}
