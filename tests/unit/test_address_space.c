// SPDX-License-Identifier: BSD-3-Clause
// The address space against a model of one struct a page: random calls, and after each a look at
// what user code would see (the first word of pages) and at what the host has mapped
// (/proc/self/maps).
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "file/file.h"
#include "memory/commit.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/tables.h"

#define PAGES 96 // of the model
#define BASE  (FAKE_USER_BOTTOM + (64ull << 20))
#define RW    (AREA_READ | AREA_WRITE)

struct page {
    bool mapped, shared, own; // own: a private page that was written
    u32 prot;
    struct file *file;
    u64 file_page;
    u64 word; // private contents
};

static struct {
    struct address_space space;
    struct page pages[PAGES];
    struct file *file;
    u64 last_word;
} world;

static uaddr_t address(u64 page)
{
    return BASE + page * PAGE_SIZE;
}

// --- what the host has ---

struct host_map {
    u64 start, end;
    int prot;
};

static size_t host_maps(struct host_map *out, size_t room)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512], r, w, x;
    size_t count = 0;
    u64 start, end;

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx %c%c%c", &start, &end, &r, &w, &x) != 5)
            continue;
        if (start < FAKE_USER_BOTTOM || start >= FAKE_USER_TOP || count == room)
            continue;
        out[count++] =
            (struct host_map){start, end, (r == 'r') | (w == 'w') << 1 | (x == 'x') << 2};
    }
    fclose(f);
    return count;
}

int fake_host_protection(uaddr_t at)
{
    static struct host_map maps[4096];
    size_t count = host_maps(maps, array_count(maps));
    for (size_t i = 0; i < count; i++)
        if (maps[i].start <= at && at < maps[i].end)
            return maps[i].prot;
    return -1;
}

// Adds [start, end) with prot to a sorted list, merging as the host's file does not: by protection
// alone.
static size_t append(struct host_map *list, size_t count, u64 start, u64 end, int prot)
{
    if (count && list[count - 1].end == start && list[count - 1].prot == prot) {
        list[count - 1].end = end;
        return count;
    }
    list[count] = (struct host_map){start, end, prot};
    return count + 1;
}

void fake_host_compare(struct address_space *s)
{
    static struct host_map raw[4096], is[4096], wanted[4096];
    size_t raw_count = host_maps(raw, array_count(raw)), is_count = 0, wanted_count = 0;
    u64 total = 0;

    for (size_t i = 0; i < raw_count; i++)
        is_count = append(is, is_count, raw[i].start, raw[i].end, raw[i].prot);
    for (struct tree_node *n = tree_first(&s->areas); n; n = tree_next(n)) {
        struct area *a = tree_entry(n, struct area, node);
        total += a->end - a->start;
        if (a->source != AREA_SOURCE_NONE)
            wanted_count =
                append(wanted, wanted_count, a->start, a->end, (int)(a->flags & AREA_PROTECTION));
    }
    check_equal(s->total_size, total);
    check_equal(is_count, wanted_count);
    for (size_t i = 0; i < is_count && i < wanted_count; i++) {
        check_equal(is[i].start, wanted[i].start);
        check_equal(is[i].end, wanted[i].end);
        check_equal(is[i].prot, wanted[i].prot);
    }
}

// --- what user code sees ---

// Is there memory behind the page (or is it behind the end of the file)?
static bool model_backed(const struct page *p)
{
    return p->mapped && (!p->file || p->file_page < fake_file_size(p->file));
}

static u64 model_word(const struct page *p)
{
    if (p->own || !p->file)
        return p->word;
    return fake_file_word(p->file, p->file_page);
}

static void check_page(u64 i)
{
    struct page *p = &world.pages[i];
    u64 word = 0;
    int code, error = user_read_u64(&word, address(i));
    bool readable = model_backed(p) && (p->prot & (AREA_READ | AREA_WRITE | AREA_EXEC));

    if (error != (readable ? 0 : -EFAULT) || (readable && word != model_word(p)))
        unit_fail(__FILE__, __LINE__, "page %lu: read %d word %lx, wanted %d %lx", i, error, word,
                  readable, model_word(p));
    if (readable)
        return;
    struct fault_again again = {0};
    int signal = address_space_fault(&world.space, address(i), AREA_READ, false, &again, &code);
    if (!signal) // tried again once: another vCPU might have changed the areas
        signal = address_space_fault(&world.space, address(i), AREA_READ, false, &again, &code);
    check_equal(signal, p->mapped && p->prot ? SIGBUS : SIGSEGV);
    check_equal(code, !p->mapped ? SEGV_MAPERR : p->prot ? BUS_ADRERR : SEGV_ACCERR);
}

// --- the random calls, each on [first, first + count) pages ---

static void model_clear(u64 first, u64 count)
{
    memset(&world.pages[first], 0, count * sizeof(struct page));
}

static void do_map(u64 first, u64 count)
{
    bool shared = unit_random() % 2, file = unit_random() % 2;
    u32 prot = (u32)(unit_random() % 4 ? 3 : unit_random() % 2);
    u64 offset = unit_random() % (FAKE_FILE_PAGES - 8);
    uaddr_t place = 0;

    if (!file)
        shared = false;
    if (file && count > FAKE_FILE_PAGES - offset)
        count = FAKE_FILE_PAGES - offset;
    int error = address_space_map(
        &world.space, address(first), count * PAGE_SIZE, prot | (shared ? AREA_SHARED : 0),
        AREA_PROTECTION, file ? world.file : NULL, offset * PAGE_SIZE, true, true, NULL, &place);
    check_equal(error, 0);
    check_equal(place, address(first));
    model_clear(first, count);
    for (u64 i = 0; i < count; i++)
        world.pages[first + i] = (struct page){.mapped = true,
                                               .shared = shared,
                                               .prot = prot,
                                               .file = file ? world.file : NULL,
                                               .file_page = file ? offset + i : 0};
}

static void do_unmap(u64 first, u64 count)
{
    check_equal(address_space_unmap(&world.space, address(first), count * PAGE_SIZE), 0);
    model_clear(first, count);
}

static void do_protect(u64 first, u64 count)
{
    u32 prot = (u32)(unit_random() % 3 ? 3 : unit_random() % 2);
    int error = address_space_protect(&world.space, address(first), count * PAGE_SIZE, prot);
    u64 i = 0;

    for (; i < count && world.pages[first + i].mapped; i++)
        world.pages[first + i].prot = prot;
    check_equal(error, i < count ? -ENOMEM : 0);
}

static void do_discard(u64 first, u64 count)
{
    bool gap = false;
    int error = address_space_discard(&world.space, address(first), count * PAGE_SIZE);

    for (u64 i = first; i < first + count; i++) {
        struct page *p = &world.pages[i];
        gap = gap || !p->mapped;
        if (p->mapped && !p->shared)
            p->own = false, p->word = 0;
    }
    check_equal(error, gap ? -ENOMEM : 0);
}

static void do_write(u64 first, u64 count)
{
    for (u64 i = first; i < first + count; i++) {
        struct page *p = &world.pages[i];
        bool writable = model_backed(p) && (p->prot & AREA_WRITE);
        u64 word = ++world.last_word;
        check_equal(user_write_u64(address(i), word), writable ? 0 : -EFAULT);
        if (!writable)
            continue;
        if (!p->file || !p->shared)
            p->own = true, p->word = word;
        // a shared page has changed the file already
    }
}

// One mapping for user code: as area_continues.
static bool model_one_mapping(u64 first, u64 count)
{
    for (u64 i = first; i < first + count; i++) {
        struct page *a = &world.pages[i], *b = &world.pages[i + 1];
        if (!a->mapped)
            return false;
        if (i + 1 < first + count &&
            (a->prot != b->prot || a->shared != b->shared || a->file != b->file || !b->mapped ||
             (a->file && a->file_page + 1 != b->file_page)))
            return false;
    }
    return true;
}

// Moves to a fixed place, perhaps changing the size.
static void do_remap(u64 first, u64 count)
{
    u64 to = unit_random() % PAGES, size = 1 + unit_random() % 8;
    bool keep = unit_random() % 4 == 0;
    struct page copy[8] = {{0}};
    uaddr_t place = 0;

    count = count > 8 ? 8 : count;
    if (keep)
        size = count;
    if (to + size > PAGES || first + count > PAGES || (to < first + count && first < to + size))
        return;
    struct page *last = &world.pages[first + (count < size ? count : size) - 1];
    if (size > count && last->file && last->file_page + 1 + size - count > FAKE_FILE_PAGES)
        return;
    u32 flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0);
    bool can = model_one_mapping(first, count < size ? count : size) && world.pages[first].mapped;
    int error = address_space_remap(&world.space, address(first), count * PAGE_SIZE,
                                    size * PAGE_SIZE, flags, address(to), &place);
    if (!world.pages[first].mapped)
        check_equal(error, -EFAULT);
    if (error == -EFAULT && !(can && model_one_mapping(first, count)))
        return;
    check_equal(error, 0);
    check_equal(place, address(to));
    u64 common = count < size ? count : size;
    memcpy(copy, &world.pages[first], common * sizeof(*copy));
    model_clear(to, size);
    for (u64 i = 0; i < size; i++) {
        world.pages[to + i] = i < common ? copy[i] : copy[common - 1];
        if (i < common)
            continue;
        world.pages[to + i].own = false;
        world.pages[to + i].word = 0;
        world.pages[to + i].file_page += i - common + 1;
    }
    if (!keep)
        model_clear(first, count);
    for (u64 i = 0; i < count && keep; i++) { // private memory has moved: as at first
        struct page *p = &world.pages[first + i];
        p->own = p->own && p->shared;
        p->word = p->shared ? p->word : 0;
    }
}

static void do_file(u64 first, u64 count)
{
    u64 page = unit_random() % FAKE_FILE_PAGES, size = fake_file_size(world.file);

    switch (unit_random() % 3) {
    case 0: {
        u64 now = unit_random() % 3 ? FAKE_FILE_PAGES : page;
        fake_file_resize(world.file, now);
        for (u64 i = 0; i < PAGES; i++) // pages behind the end are gone, the private ones too
            if (world.pages[i].file && world.pages[i].file_page >= now)
                world.pages[i].own = false;
        break;
    }
    case 1:
        if (page < size)
            fake_file_move(world.file, page);
        break;
    default:
        if (page < size)
            fake_file_set_word(world.file, page, ++world.last_word);
    }
}

static void random_calls(void)
{
    static void (*const calls[])(u64 first, u64 count) = {
        do_map, do_map, do_unmap, do_protect, do_discard, do_write, do_write, do_remap, do_file,
    };
    uaddr_t place;

    fake_host_start();
    u64 pages_before = pages_allocated();
    address_space_init(&world.space);
    world.space.map_bottom = FAKE_USER_BOTTOM;
    world.space.map_top = FAKE_USER_TOP;
    world.file = fake_file_create(O_RDWR);
    fake_file_resize(world.file, 20);
    for (int step = 0; step < 4000; step++) {
        u64 first = unit_random() % PAGES, count = 1 + unit_random() % 12;
        count = count > PAGES - first ? PAGES - first : count;
        calls[unit_random() % array_count(calls)](first, count);
        for (u64 i = 0; i < PAGES; i++)
            check_page(i);
        if (step % 16 == 0)
            fake_host_compare(&world.space);
    }
    check_equal(
        address_space_map(&world.space, 0, 1 << 20, RW, 7, NULL, 0, false, false, NULL, &place), 0);
    address_space_clear(&world.space);
    fake_host_compare(&world.space);
    check_equal(world.space.total_size, 0);
    check_equal(world.space.committed, 0);
    fake_file_put(world.file);
    u64 grown = pages_allocated() - pages_before;
    check(grown < 16); // slabs of areas that are kept for the next ones; the first come in a run of 8
}

static struct address_space *fresh_space(void)
{
    static struct address_space s;
    fake_host_start();
    address_space_init(&s);
    s.map_bottom = FAKE_USER_BOTTOM;
    s.map_top = FAKE_USER_TOP;
    return &s;
}

static uaddr_t map_some(struct address_space *s, u64 size, u32 flags)
{
    uaddr_t at = 0;
    check_equal(
        address_space_map(s, 0, size, flags, AREA_PROTECTION, NULL, 0, false, false, NULL, &at), 0);
    return at;
}

static void places(void)
{
    struct address_space *s = fresh_space();
    uaddr_t a = map_some(s, PAGE_SIZE, RW), b = map_some(s, PAGE_SIZE, RW), place;

    check_equal(a, FAKE_USER_TOP - PAGE_SIZE); // from the top down, side by side
    check_equal(b, a - PAGE_SIZE);
    check_equal(s->area_count, 1);
    check_equal(address_space_map(s, b, PAGE_SIZE, RW, 7, NULL, 0, true, false, NULL, &place),
                -EEXIST);
    check_equal(address_space_map(s, 4096, PAGE_SIZE, RW, 7, NULL, 0, true, true, NULL, &place),
                -EPERM);
    check_equal(
        address_space_map(s, b + (1 << 22), PAGE_SIZE, RW, 7, NULL, 0, false, false, NULL, &place),
        0); // a hint above the top is none
    check_equal(place, b - PAGE_SIZE);
    check_equal(address_space_unmap(s, a, PAGE_SIZE), 0);
    check_equal(map_some(s, PAGE_SIZE, RW), a); // the hole is found again
    uaddr_t near = address_space_find_near(s, b, 1ull << 31, PAGE_SIZE);
    check(near && near < b && b - near < 1 << 20);
    address_space_clear(s);
}

static void grows_in_place(void)
{
    struct address_space *s = fresh_space();
    u64 size = 1 << 20, moves = 0, calls;
    (void)map_some(s, PAGE_SIZE, RW); // nothing grows over the top
    uaddr_t at = map_some(s, size, RW), other = map_some(s, size, RW), now;

    check_equal(user_write_u64(at + size - 8, 77), 0);
    check(other != at);
    (void)map_some(s, PAGE_SIZE, RW);
    calls = fake_host_calls();
    for (int i = 0; i < 60; i++) {
        u64 next = page_round_up(size + size / 16);
        check_equal(address_space_remap(s, at, size, next, MREMAP_MAYMOVE, 0, &now), 0);
        moves += now != at;
        at = now;
        size = next;
        (void)map_some(s, 2 * PAGE_SIZE, RW | AREA_NORESERVE);
    }
    u64 word;
    check_equal(user_read_u64(&word, at + (1 << 20) - 8), 0);
    check_equal(word, 77);
    check(moves <= 2);
    check(fake_host_calls() - calls < 60 * 2 + 60);
    fake_host_compare(s);
    address_space_clear(s);
}

static void reservations(void)
{
    struct address_space *s = fresh_space();
    u64 calls = fake_host_calls();
    uaddr_t at = map_some(s, 200ull << 30, AREA_NORESERVE); // costs no call

    check_equal(fake_host_calls(), calls);
    check_equal(address_space_protect(s, at + (1 << 30), 1 << 20, RW), 0);
    check_equal(fake_host_calls(), calls + 1);
    check_equal(user_write_u64(at + (1 << 30), 5), 0);
    check_equal(user_write_u64(at, 5), -EFAULT);
    check_equal(address_space_protect(s, at + (1 << 30), 1 << 20, 0), 0);
    check_equal(address_space_protect(s, at + (1 << 30), 1 << 20, AREA_READ), 0);
    u64 word = 0;
    check_equal(user_read_u64(&word, at + (1 << 30)), 0);
    check_equal(word, 5);
    fake_host_compare(s);
    address_space_clear(s);
}

static void heap_break(void)
{
    struct address_space *s = fresh_space();
    uaddr_t start = FAKE_USER_BOTTOM + (1 << 20);

    s->heap_start = s->heap_end = start;
    check_equal(address_space_brk(s, 0, ~0ull), start);
    check_equal(address_space_brk(s, start + 100, ~0ull), start + 100);
    check_equal(address_space_brk(s, start + 100000, ~0ull), start + 100000);
    check_equal(s->area_count, 1);
    check_equal(user_write_u64(start + 99000, 1), 0);
    check_equal(address_space_brk(s, start + 200000, 150000), start + 100000);
    check_equal(address_space_brk(s, start + 10, ~0ull), start + 10);
    check_equal(user_write_u64(start + 99000, 1), -EFAULT);
    fake_host_compare(s);
    address_space_clear(s);
}

static void refused(void)
{
    struct address_space *s = fresh_space();
    uaddr_t at = map_some(s, 16 * PAGE_SIZE, RW), place;

    fake_host_fail_after(0); // the host has no mapping left: nothing half-done stays
    check_equal(
        address_space_map(s, 0, PAGE_SIZE, RW | AREA_EXEC, 7, NULL, 0, false, false, NULL, &place),
        -ENOMEM);
    fake_host_fail_after(0);
    check_equal(address_space_map(s, at, PAGE_SIZE, RW, 7, NULL, 0, true, true, NULL, &place),
                -ENOMEM);
    check_equal(s->total_size, 15 * PAGE_SIZE);
    fake_host_fail_after(~0ull);
    fake_host_compare(s);
    check_equal(s->committed, 15 * PAGE_SIZE);
    fake_boot()->memory_limit = commit_total() + 8 * PAGE_SIZE;
    commit_init(fake_boot());
    check_equal(address_space_map(s, 0, 9 * PAGE_SIZE, RW, 7, NULL, 0, false, false, NULL, &place),
                -ENOMEM);
    at = map_some(s, 9 * PAGE_SIZE, AREA_READ);
    check_equal(address_space_protect(s, at, 9 * PAGE_SIZE, RW), -ENOMEM);
    check_equal(address_space_protect(s, at, 8 * PAGE_SIZE, RW), 0);
    check_equal(address_space_protect(s, at, 8 * PAGE_SIZE, AREA_READ), 0);
    fake_boot()->memory_limit = 0;
    commit_init(fake_boot());
    address_space_clear(s);
    check_equal(commit_total(), 0);
}

static void preloaded(void)
{
    struct address_space *s = fresh_space();
    static char heap[64 * PAGE_SIZE] __attribute__((aligned(4096)));
    uaddr_t place;
    u64 word;

    check_equal(address_space_map(s, FAKE_USER_BOTTOM, sizeof(heap), RW, 7, NULL, 0, true, false,
                                  NULL, &place),
                0);
    static struct address_space p;
    address_space_init(&p);
    fake_boot()->preload_heap = FAKE_USER_BOTTOM;
    fake_boot()->preload_heap_size = sizeof(heap);
    address_space_init_preloaded(&p, fake_boot());
    u64 calls = fake_host_calls();
    check_equal(address_space_brk(&p, FAKE_USER_BOTTOM + 5 * PAGE_SIZE, ~0ull),
                FAKE_USER_BOTTOM + 5 * PAGE_SIZE);
    for (int i = 0; i < 3; i++) {
        uaddr_t at = map_some(&p, 8 * PAGE_SIZE, RW);
        check_equal(user_read_u64(&word, at + PAGE_SIZE), 0);
        check_equal(word, 0);
        check_equal(user_write_u64(at + PAGE_SIZE, 9), 0);
        check_equal(address_space_unmap(&p, at, 8 * PAGE_SIZE), 0);
    }
    uaddr_t at = map_some(&p, 20 * PAGE_SIZE, RW);
    check_equal(user_write_u64(at, 6), 0);
    check_equal(
        address_space_remap(&p, at, 20 * PAGE_SIZE, 30 * PAGE_SIZE, MREMAP_MAYMOVE, 0, &place), 0);
    check_equal(user_read_u64(&word, place), 0);
    check_equal(word, 6);
    check_equal(
        address_space_map(&p, 0, 60 * PAGE_SIZE, RW, 7, NULL, 0, false, false, NULL, &place),
        -ENOMEM);
    check_equal(address_space_map(&p, FAKE_USER_TOP - (1 << 20), PAGE_SIZE, RW, 7, NULL, 0, true,
                                  true, NULL, &place),
                -ENOMEM);
    check_equal(fake_host_calls(), calls);
    address_space_clear(&p);
    address_space_clear(s);
}

const struct unit_test address_space_tests[] = {
    TEST(random_calls), TEST(places),  TEST(grows_in_place), TEST(reservations),
    TEST(heap_break),   TEST(refused), TEST(preloaded),      {0},
};
