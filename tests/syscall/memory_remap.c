// SPDX-License-Identifier: BSD-3-Clause
// Rarer calls about mappings: remap_file_pages(2), process_madvise(2), /proc/PID/pagemap.
#include "harness.h"

#include <sys/uio.h>

CASE(pages_of_a_file_change_places)
{
    int fd = make_file("f", "");
    REQUIRE_OK(ftruncate(fd, 3 * PAGE));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(pwrite(fd, &(char){(char)('a' + i)}, 1, i * (long)PAGE), 1);
    char *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(map != MAP_FAILED);
    EXPECT_OK(remap_file_pages(map, PAGE, 0, 2, 0));
    EXPECT_EQ(map[0], 'c');
    EXPECT_EQ(map[PAGE], 'b');
    EXPECT_EQ(map[2 * PAGE], 'c');
    map[0] = 'x';
    EXPECT_EQ(map[2 * PAGE], 'x');
    EXPECT_ERROR(remap_file_pages(map, PAGE, PROT_READ, 0, 0), EINVAL);
    EXPECT_ERROR(remap_file_pages(map, 0, 0, 0, 0), EINVAL);
    munmap(map, 3 * PAGE);
    EXPECT_ERROR(remap_file_pages(map, PAGE, 0, 0, 0), EINVAL);
    close(fd);
}

CASE(private_pages_keep_their_places)
{
    char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(map != MAP_FAILED);
    EXPECT_ERROR(remap_file_pages(map, PAGE, 0, 1, 0), EINVAL);
    munmap(map, 2 * PAGE);
}

CASE(advice_by_descriptor)
{
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct iovec v[2] = {{map, PAGE}, {map + 2 * PAGE, PAGE}};
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0), fd = make_file("f", "");
    REQUIRE(self >= 0);
    memset(map, 1, 4 * PAGE);
    EXPECT_EQ(syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 0), 2 * PAGE);
    EXPECT_EQ(syscall(SYS_process_madvise, self, v, 1, MADV_WILLNEED, 0), PAGE);
    EXPECT_EQ(map[2 * PAGE], 1);
    EXPECT_ERROR(syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 1), EINVAL);
    EXPECT_ERROR(syscall(SYS_process_madvise, fd, v, 2, MADV_COLD, 0), EBADF);
    EXPECT_ERROR(syscall(SYS_process_madvise, -1, v, 2, MADV_COLD, 0), EBADF);
    EXPECT_ERROR(syscall(SYS_process_madvise, self, v, 2, 12345, 0), EINVAL);
    close(fd);
    close(self);
    munmap(map, 4 * PAGE);
}

CASE(page_map_tells_what_is_there)
{
    char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/pagemap", O_RDONLY);
    uint64_t word = 0;
    REQUIRE(fd >= 0);
    map[0] = 1;
    EXPECT_EQ(pread(fd, &word, 8, (long)((uintptr_t)map / PAGE * 8)), 8);
    EXPECT_EQ(word >> 63, 1);
    EXPECT_EQ(word >> 62 & 1, 0);
    munmap(map, 2 * PAGE);
    EXPECT_EQ(pread(fd, &word, 8, (long)((uintptr_t)map / PAGE * 8)), 8);
    EXPECT_EQ(word >> 63, 0);
    EXPECT_ERROR(pread(fd, &word, 4, 8), EINVAL);
    EXPECT_ERROR(pread(fd, &word, 8, 4), EINVAL);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(pages_of_a_file_change_places),
    ENTRY(private_pages_keep_their_places),
    ENTRY(advice_by_descriptor),
    ENTRY(page_map_tells_what_is_there),
};
TEST_MAIN(cases)
