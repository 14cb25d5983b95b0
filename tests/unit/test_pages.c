// SPDX-License-Identifier: BSD-3-Clause
// Page runs and slabs: what is handed out is zero and nobody else's, and all of it comes back.
#include <string.h>

#include "memory/heap.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/tables.h"

#define RUNS 200

static bool all_bytes(const char *p, char byte, size_t size)
{
    return size == 0 || (p[0] == byte && memcmp(p, p + 1, size - 1) == 0);
}

static void pages_random(void)
{
    static struct {
        char *at;
        size_t count;
        char byte;
    } runs[RUNS];

    fake_host_start();
    u64 before = pages_allocated();
    for (int step = 0; step < 20000; step++) {
        size_t i = unit_random() % RUNS;
        if (runs[i].at) {
            check(all_bytes(runs[i].at, runs[i].byte, runs[i].count * PAGE_SIZE));
            pages_free(runs[i].at, runs[i].count);
            runs[i].at = NULL;
            continue;
        }
        runs[i].count = unit_random() % 3 ? 1 + unit_random() % 5 : 1 + unit_random() % 40;
        runs[i].byte = (char)(1 + i);
        runs[i].at = pages_alloc(runs[i].count);
        check(runs[i].at && all_bytes(runs[i].at, 0, runs[i].count * PAGE_SIZE));
        memset(runs[i].at, runs[i].byte, runs[i].count * PAGE_SIZE);
    }
    for (size_t i = 0; i < RUNS; i++)
        if (runs[i].at)
            pages_free(runs[i].at, runs[i].count);
    check_equal(pages_allocated(), before);
}

static void pages_partial(void)
{
    fake_host_start();
    u64 before = pages_allocated();
    char *run = pages_alloc(64);
    memset(run, 1, 64 * PAGE_SIZE);
    pages_discard(run + PAGE_SIZE, 2);
    check(all_bytes(run + PAGE_SIZE, 0, 2 * PAGE_SIZE) && run[3 * PAGE_SIZE] == 1);
    for (size_t i = 0; i < 64; i += 2) // every second page alone, then the others
        pages_free(run + i * PAGE_SIZE, 1);
    for (size_t i = 1; i < 64; i += 2)
        pages_free(run + i * PAGE_SIZE, 1);
    pages_trim();
    check_equal(pages_allocated(), before);
    check(pages_alloc(1ul << 40) == NULL);
    run = pages_alloc(32768); // the runs have merged again
    check(run != NULL && run[32767 * PAGE_SIZE] == 0);
    pages_free(run, 32768);
}

static void pages_cached(void)
{
    fake_host_start();
    pages_free(pages_alloc(4), 4);
    u64 calls = fake_host_calls();
    for (int i = 0; i < 1000; i++) {
        char *run = pages_alloc(4);
        check(all_bytes(run, 0, 4 * PAGE_SIZE));
        run[5] = 1;
        pages_free(run, 4);
    }
    check_equal(fake_host_calls(), calls);
}

struct odd {
    u64 words[25];
};
static struct slab_cache odd_cache = SLAB_CACHE("odd", struct odd);
struct wide {
    char bytes[3000];
} __attribute__((aligned(64)));
static struct slab_cache wide_cache = SLAB_CACHE("wide", struct wide);

static void slab_random(void)
{
    static struct odd *objects[500];
    static struct wide *wide[50];

    fake_host_start();
    for (int step = 0; step < 50000; step++) {
        size_t i = unit_random() % 500;
        struct odd **o = &objects[i];
        if (*o) {
            check_equal((*o)->words[24], i);
            slab_free(&odd_cache, *o);
            *o = NULL;
        } else {
            *o = slab_alloc(&odd_cache);
            check(all_bytes((char *)*o, 0, sizeof(**o)));
            (*o)->words[24] = i;
        }
        struct wide **w = &wide[i % 50];
        if (*w) {
            slab_free(&wide_cache, *w);
            *w = NULL;
        } else {
            *w = slab_alloc(&wide_cache);
            check((uintptr_t)*w % 64 == 0 && all_bytes((*w)->bytes, 0, sizeof(**w)));
            memset(*w, 7, sizeof(**w));
        }
    }
    for (size_t i = 0; i < 500; i++)
        if (objects[i])
            slab_free(&odd_cache, objects[i]);
    for (size_t i = 0; i < 50; i++)
        if (wide[i])
            slab_free(&wide_cache, wide[i]);
    check_equal(odd_cache.live, 0);
    check_equal(wide_cache.live, 0);
}

static void count_live(const struct slab_cache *c, void *arg)
{
    *(u64 *)arg += c->live;
}

static void heap_sizes(void)
{
    static char *objects[600];
    u64 before = 0, after = 0;

    fake_host_start();
    slab_visit(count_live, &before);
    for (size_t i = 0; i < 600; i++) {
        size_t size = i * i / 20;
        objects[i] = heap_alloc(size);
        check(objects[i] && (uintptr_t)objects[i] % 16 == 0 && all_bytes(objects[i], 0, size));
        memset(objects[i], 0x55, size);
    }
    for (size_t i = 0; i < 600; i++)
        heap_free(objects[i]);
    heap_free(NULL);
    check(heap_alloc(~0ul) == NULL);
    slab_visit(count_live, &after);
    check_equal(after, before);
}

static void user_copies(void)
{
    static char from[3 * PAGE_SIZE], to[3 * PAGE_SIZE], word[9];
    const uaddr_t at = FAKE_USER_BOTTOM + (1 << 20);
    u32 old;

    fake_host_start();
    struct address_space *s = &(struct address_space){0};
    uaddr_t place;
    address_space_init(s);
    s->map_top = FAKE_USER_TOP;
    check_equal(address_space_map(s, at, 2 * PAGE_SIZE, AREA_READ | AREA_WRITE, 7, NULL, 0, true,
                                  false, NULL, &place),
                0);
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (char)(i * 7 + 1);
    for (size_t size = 0; size < 700; size += size < 40 ? 1 : 61) {
        memset(to, 0, sizeof(to));
        check_equal(user_clear(at, 2 * PAGE_SIZE), 0);
        check_equal(user_write(at + 3, from + 1, size), 0);
        check_equal(user_read(to, at + 3, size + 1), 0);
        check(memcmp(to, from + 1, size) == 0 && to[size] == 0);
        uaddr_t edge = at + 2 * PAGE_SIZE - size / 2; // half of it fits
        check_equal(user_write_partial(edge, from, size), size / 2);
        check_equal(user_read_partial(to, edge, size), size / 2);
        check(memcmp(to, from, size / 2) == 0);
        check_equal(user_write(edge, from, size), size ? -EFAULT : 0);
    }
    check_equal(user_read(to, USER_HIGH, 1), -EFAULT);
    check_equal(user_read(to, ~0ull, 2), -EFAULT);
    check_equal(user_read_u64(&(u64){0}, USER_HIGH - 4), -EFAULT);
    check_equal(user_write(at, "a longer string", 16), 0);
    check_equal(user_read_string(to, at, sizeof(to)), 15);
    check_text(to, "a longer string");
    check_equal(user_read_string(word, at + 1, 9), -ENAMETOOLONG);
    check_equal(user_read_string(to, at + 3, sizeof(to)), 12);
    check_equal(user_write(at + 2 * PAGE_SIZE - 9, "unfinishe", 9), 0);
    check_equal(user_read_string(to, at + 2 * PAGE_SIZE - 9, sizeof(to)), -EFAULT);
    check_equal(user_clear(at, PAGE_SIZE), 0);
    check_equal(user_is_zero(at, PAGE_SIZE), 1);
    check_equal(user_compare_exchange_u32(at, 0, 5, &old), 0);
    check_equal(user_is_zero(at, PAGE_SIZE), 0);
    check_equal(old, 0);
    check_equal(user_compare_exchange_u32(at, 0, 6, &old), 0);
    check_equal(old, 5);
    check_equal(user_fetch_add_u32(at, 3, &old) + user_fetch_or_u32(at, 0x10, &old), 0);
    check_equal(old, 8);
    check_equal(user_fetch_and_u32(at, 0x18, &old) + user_fetch_xor_u32(at, 0xff, &old), 0);
    check_equal(old, 0x18);
    check_equal(user_exchange_u32(at, 1, &old), 0);
    check_equal(old, 0xe7);
    check_equal(user_exchange_u32(at - 4, 1, &old), -EFAULT);
    check_equal(user_fetch_xor_u32(at - 4, 1, &old), -EFAULT);
    address_space_clear(s);
}

const struct unit_test pages_tests[] = {
    TEST(pages_random),
    TEST(pages_partial),
    TEST(pages_cached),
    TEST(slab_random),
    TEST(heap_sizes),
    TEST(user_copies),
    {0},
};
