// SPDX-License-Identifier: BSD-3-Clause
// Long random runs against a model: mappings with their protections and contents, a file written
// in every way at once, and memory calls of several threads. Seeds are fixed.
#include "harness.h"

#include <linux/falloc.h>
#include <sched.h>

#define RW (PROT_READ | PROT_WRITE)

static uint64_t seed;

static unsigned next_random(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

enum { ARENA_PAGES = 64 };

static struct {
    int mapped, protection;
    unsigned char value; // of all bytes at the page's start
} model[ARENA_PAGES];

static void check_page(char *arena, unsigned i)
{
    char *page = arena + i * PAGE;
    int readable = model[i].mapped && model[i].protection & PROT_READ;
    int writable = model[i].mapped && model[i].protection & PROT_WRITE;
    EXPECT_EQ(fault_of_read(page), readable ? 0 : SIGSEGV);
    if (readable)
        EXPECT_EQ((unsigned char)page[0], model[i].value);
    if (writable) {
        model[i].value = (unsigned char)next_random(256);
        page[0] = (char)model[i].value;
    } else {
        EXPECT_EQ(fault_of_write(page), SIGSEGV);
    }
}

// Maps, unmaps, protects or moves `count` pages from `first` on, in memory and model.
static void change_pages(char *arena, unsigned first, unsigned count)
{
    static const int protections[] = {PROT_NONE, PROT_READ, RW, RW, RW | PROT_EXEC};
    int protection = protections[next_random(COUNT(protections))], whole = 1;
    char *at = arena + first * PAGE;
    switch (next_random(4)) {
    case 0:
        EXPECT(mmap(at, count * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
               at);
        for (unsigned i = first; i < first + count; i++)
            model[i].mapped = 1, model[i].protection = protection, model[i].value = 0;
        break;
    case 1:
        EXPECT_OK(munmap(at, count * PAGE));
        for (unsigned i = first; i < first + count; i++)
            model[i].mapped = 0;
        break;
    case 2:
        for (unsigned i = first; i < first + count; i++)
            whole &= model[i].mapped;
        if (whole)
            EXPECT_OK(mprotect(at, count * PAGE, protection));
        else
            break;
        for (unsigned i = first; i < first + count; i++)
            model[i].protection = protection;
        break;
    default:
        for (unsigned i = first; i < first + count; i++)
            whole &= model[i].mapped;
        if (!whole)
            break;
        EXPECT_OK(madvise(at, count * PAGE, MADV_DONTNEED));
        for (unsigned i = first; i < first + count; i++)
            model[i].value = 0;
    }
}

CASE(random_mappings_follow_the_model)
{
    char *arena = mmap(NULL, ARENA_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    seed = 1;
    for (unsigned i = 0; i < ARENA_PAGES; i++)
        model[i].mapped = 1, model[i].protection = PROT_NONE, model[i].value = 0;
    for (int step = 0; step < 4000 && !test_failed(); step++) {
        unsigned first = next_random(ARENA_PAGES);
        change_pages(arena, first, 1 + next_random(ARENA_PAGES - first));
        for (int i = 0; i < 3; i++)
            check_page(arena, next_random(ARENA_PAGES));
    }
    munmap(arena, ARENA_PAGES * PAGE);
}

enum { FILE_MAX = 300000 };

static unsigned char expected[FILE_MAX], got[FILE_MAX];
static size_t file_size;

static void resize_model(size_t size)
{
    if (size > file_size)
        memset(expected + file_size, 0, size - file_size);
    file_size = size;
}

static void write_somehow(int fd, char *view, size_t at, size_t size)
{
    unsigned char value = (unsigned char)(1 + next_random(255));
    if (at + size > file_size)
        resize_model(at + size);
    memset(expected + at, value, size);
    memset(got, value, size);
    if (next_random(2)) {
        EXPECT_EQ(pwrite(fd, got, size, (off_t)at), size);
    } else {
        struct stat info;
        EXPECT_OK(fstat(fd, &info));
        if ((size_t)info.st_size < at + size)
            EXPECT_OK(ftruncate(fd, (off_t)(at + size)));
        memset(view + at, value, size);
    }
}

static void change_file(int fd, char *view)
{
    size_t at = next_random(FILE_MAX - 20000), size = 1 + next_random(20000);
    switch (next_random(6)) {
    case 0:
        resize_model(at);
        EXPECT_OK(ftruncate(fd, (off_t)at));
        break;
    case 1:
        EXPECT_OK(
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)size));
        if (at < file_size)
            memset(expected + at, 0, at + size < file_size ? size : file_size - at);
        break;
    case 2:
        EXPECT_OK(fallocate(fd, 0, (off_t)at, (off_t)size));
        if (at + size > file_size)
            resize_model(at + size);
        break;
    default:
        write_somehow(fd, view, at, size);
    }
}

CASE(random_file_contents_follow_the_model)
{
    struct stat info;
    int fd = make_file("f", "");
    char *view = mmap(NULL, FILE_MAX, RW, MAP_SHARED, fd, 0);
    seed = 2;
    file_size = 0;
    for (int step = 0; step < 1200 && !test_failed(); step++) {
        change_file(fd, view);
        EXPECT_OK(fstat(fd, &info));
        EXPECT_EQ(info.st_size, file_size);
        if (step % 7)
            continue;
        EXPECT_EQ(pread(fd, got, FILE_MAX, 0), file_size);
        EXPECT(memcmp(got, expected, file_size) == 0);
        EXPECT(memcmp(view, expected, file_size) == 0);
        if (file_size % PAGE) // the rest of the last page reads as zeros
            EXPECT_EQ(view[file_size / PAGE * PAGE + PAGE - 1], 0);
    }
    munmap(view, FILE_MAX);
    close(fd);
}

CASE(random_remaps_keep_contents)
{
    enum { N = 12 };
    static struct {
        unsigned *at;
        size_t pages;
        unsigned value;
    } region[N];
    seed = 3;
    memset(region, 0, sizeof(region));
    for (int step = 0; step < 3000 && !test_failed(); step++) {
        unsigned i = next_random(N);
        size_t pages = 1 + next_random(20);
        if (!region[i].at) {
            region[i].at = mmap(NULL, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        } else if (next_random(4) == 0) {
            munmap(region[i].at, region[i].pages * PAGE);
            region[i].at = NULL;
            continue;
        } else {
            EXPECT_EQ(region[i].at[0], region[i].value);
            region[i].at =
                mremap(region[i].at, region[i].pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
            EXPECT_EQ(region[i].at[0], region[i].value);
            if (pages > region[i].pages)
                EXPECT_EQ(region[i].at[region[i].pages * PAGE / 4], 0);
        }
        REQUIRE(region[i].at != MAP_FAILED);
        region[i].pages = pages;
        region[i].value = region[i].at[0] = next_random(1u << 30);
    }
    for (unsigned i = 0; i < N; i++)
        if (region[i].at)
            munmap(region[i].at, region[i].pages * PAGE);
}

static void *map_and_unmap(void *argument)
{
    unsigned char mine = (unsigned char)(uintptr_t)argument;
    for (int i = 0; i < 300; i++) {
        unsigned char *at = mmap(NULL, 5 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) {
            EXPECT(at != MAP_FAILED);
            return NULL;
        }
        memset(at, mine, 5 * PAGE);
        if (i % 3 == 0)
            sched_yield();
        EXPECT_OK(mprotect(at + PAGE, PAGE, PROT_READ));
        for (size_t k = 0; k < 5; k++)
            EXPECT_EQ(at[k * PAGE + 77], mine);
        EXPECT_OK(munmap(at, 5 * PAGE));
    }
    return NULL;
}

CASE(threads_map_at_once)
{
    pthread_t thread[8];
    for (uintptr_t i = 0; i < 8; i++)
        thread[i] = thread_start(map_and_unmap, (void *)(i + 1));
    for (int i = 0; i < 8; i++)
        thread_join(thread[i]);
}

static int stop, transfer[2];

static void *flip_protection(void *argument)
{
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        EXPECT_OK(mprotect(argument, PAGE, PROT_NONE));
        EXPECT_OK(mprotect(argument, PAGE, RW));
        sched_yield();
    }
    return NULL;
}

CASE(system_calls_on_changing_memory)
{
    char *at = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int done = 0, failed = 0;
    REQUIRE_OK(pipe2(transfer, O_NONBLOCK));
    stop = 0;
    pthread_t thread = thread_start(flip_protection, at);
    for (int i = 0; i < 3000; i++) {
        ssize_t size = write(transfer[1], at, 100);
        EXPECT(size == 100 || (size == -1 && errno == EFAULT));
        size == 100 ? done++ : failed++;
        if (size == 100) {
            char back[100];
            EXPECT_EQ(read(transfer[0], back, 100), 100);
        }
        if (i % 8 == 0)
            sched_yield();
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    thread_join(thread);
    EXPECT_EQ(done + failed, 3000);
    munmap(at, PAGE);
    close(transfer[0]);
    close(transfer[1]);
}

CASE(allocator_storm)
{
    enum { N = 400 };
    static unsigned char *block[N];
    static size_t size[N];
    seed = 4;
    test_ignore_mappings(); // the allocator keeps what it likes
    for (int step = 0; step < 20000; step++) {
        unsigned i = next_random(N);
        if (block[i]) {
            EXPECT(block[i][0] == (unsigned char)i && block[i][size[i] - 1] == (unsigned char)i);
            free(block[i]);
            block[i] = NULL;
        } else {
            size[i] = 1 + next_random(next_random(20) ? 4000 : 400000);
            block[i] = malloc(size[i]);
            REQUIRE(block[i] != NULL);
            block[i][0] = block[i][size[i] - 1] = (unsigned char)i;
        }
    }
    for (unsigned i = 0; i < N; i++) {
        free(block[i]);
        block[i] = NULL;
    }
}

static const struct test_case cases[] = {
    ENTRY(random_mappings_follow_the_model), ENTRY(random_file_contents_follow_the_model),
    ENTRY(random_remaps_keep_contents),      ENTRY(threads_map_at_once),
    ENTRY(system_calls_on_changing_memory),  ENTRY(allocator_storm),
};
TEST_MAIN(cases)
