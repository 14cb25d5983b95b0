// SPDX-License-Identifier: BSD-3-Clause
// Sparse files: SEEK_DATA and SEEK_HOLE, fallocate with its modes, blocks counted, huge sizes.
#include "harness.h"

#include <linux/falloc.h>
#include <sys/resource.h>

static long blocks_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) < 0 ? -1 : (long)info.st_blocks;
}

static long size_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) < 0 ? -1 : (long)info.st_size;
}

CASE(hole_between_data)
{
    int fd = make_file("f", "");
    EXPECT_EQ(pwrite(fd, "a", 1, 0), 1);
    EXPECT_EQ(pwrite(fd, "b", 1, 1 << 20), 1);
    EXPECT_EQ(lseek(fd, 0, SEEK_DATA), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 4096);
    EXPECT_EQ(lseek(fd, 4096, SEEK_DATA), 1 << 20);
    EXPECT_EQ(lseek(fd, 5000, SEEK_HOLE), 5000);
    EXPECT_EQ(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 1);
    EXPECT_ERROR(lseek(fd, (1 << 20) + 1, SEEK_DATA), ENXIO);
    EXPECT_ERROR(lseek(fd, (1 << 20) + 1, SEEK_HOLE), ENXIO);
    close(fd);
}

CASE(only_hole)
{
    int fd = make_file("f", "");
    EXPECT_OK(ftruncate(fd, 1 << 20));
    EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 0);
    EXPECT_ERROR(lseek(fd, 0, SEEK_DATA), ENXIO);
    EXPECT_EQ(blocks_of(fd), 0);
    close(fd);
}

CASE(no_hole)
{
    static char data[3 * 4096];
    int fd = make_file("f", "");
    EXPECT_EQ(write(fd, data, sizeof(data)), sizeof(data));
    EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), sizeof(data)); // the end counts as a hole
    EXPECT_EQ(lseek(fd, 100, SEEK_DATA), 100);
    EXPECT_EQ(blocks_of(fd), 24);
    close(fd);
}

CASE(terabyte_file_costs_nothing)
{
    char buffer[4] = "xx";
    int fd = make_file("f", "");
    EXPECT_OK(ftruncate(fd, 1ll << 40));
    EXPECT_EQ(pread(fd, buffer, 2, (1ll << 40) - 2), 2);
    EXPECT_EQ(buffer[0] | buffer[1], 0);
    EXPECT_EQ(pwrite(fd, "z", 1, 1ll << 39), 1);
    EXPECT_EQ(blocks_of(fd), 8);
    EXPECT_EQ(size_of(fd), 1ll << 40);
    close(fd);
}

CASE(offsets_that_overflow)
{
    int fd = make_file("f", "");
    EXPECT_ERROR(pwrite(fd, "x", 1, INT64_MAX), EINVAL);
    EXPECT_ERROR(ftruncate(fd, INT64_MIN), EINVAL);
    EXPECT_EQ(size_of(fd), 0);
    close(fd);
}

CASE(file_size_limit_signals)
{
    struct rlimit old, small;
    char data[200] = "";
    int fd = make_file("f", "");
    on_signal(SIGXFSZ, count_signal, 0);
    EXPECT_OK(getrlimit(RLIMIT_FSIZE, &old));
    small = old;
    small.rlim_cur = 100;
    EXPECT_OK(setrlimit(RLIMIT_FSIZE, &small));
    EXPECT_EQ(write(fd, data, 200), 100);
    EXPECT_EQ(signal_count, 0);
    EXPECT_ERROR(write(fd, data, 1), EFBIG);
    EXPECT_EQ(signal_count, 1);
    EXPECT_ERROR(ftruncate(fd, 101), EFBIG);
    EXPECT_EQ(signal_count, 2);
    EXPECT_OK(setrlimit(RLIMIT_FSIZE, &old));
    close(fd);
}

CASE(fallocate_grows)
{
    int fd = make_file("f", "abc");
    EXPECT_OK(fallocate(fd, 0, 0, 10000));
    EXPECT_EQ(size_of(fd), 10000);
    EXPECT_EQ(blocks_of(fd), 24);
    EXPECT_OK(posix_fallocate(fd, 0, 5));
    EXPECT_EQ(size_of(fd), 10000);
    close(fd);
}

CASE(fallocate_keep_size)
{
    int fd = make_file("f", "abc");
    EXPECT_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000));
    EXPECT_EQ(size_of(fd), 3);
    close(fd);
}

CASE(fallocate_punches_holes)
{
    static char data[4 * 4096], back[4 * 4096];
    int fd = make_file("f", "");
    memset(data, 'x', sizeof(data));
    EXPECT_EQ(write(fd, data, sizeof(data)), sizeof(data));
    EXPECT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4000, 4292));
    EXPECT_EQ(size_of(fd), sizeof(data));
    EXPECT_EQ(pread(fd, back, sizeof(back), 0), sizeof(back));
    EXPECT(back[3999] == 'x' && back[4000] == 0 && back[8291] == 0 && back[8292] == 'x');
    EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 4096);
    EXPECT_EQ(lseek(fd, 4096, SEEK_DATA), 8192);
    EXPECT_EQ(blocks_of(fd), 24);
    close(fd);
}

CASE(fallocate_errors)
{
    int fd = make_file("f", "abc"), reader = open("f", O_RDONLY), p[2];
    EXPECT_ERROR(fallocate(fd, 0, -1, 10), EINVAL);
    EXPECT_ERROR(fallocate(fd, 0, 0, 0), EINVAL);
    EXPECT_ERROR(fallocate(reader, 0, 0, 10), EBADF);
    EXPECT_ERROR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
    EXPECT_ERROR(fallocate(fd, 0, INT64_MAX, 10), EFBIG);
    REQUIRE_OK(pipe(p));
    EXPECT_ERROR(fallocate(p[1], 0, 0, 10), ESPIPE);
    EXPECT_ERROR(lseek(p[0], 0, SEEK_CUR), ESPIPE);
    EXPECT_ERROR(pread(p[0], &fd, 1, 0), ESPIPE);
    close(p[0]);
    close(p[1]);
    close(fd);
    close(reader);
}

CASE(truncate_gives_memory_back_and_zeros)
{
    char back[8];
    static char data[8192];
    int fd = make_file("f", "");
    memset(data, 'x', sizeof(data));
    EXPECT_EQ(write(fd, data, sizeof(data)), sizeof(data));
    EXPECT_OK(ftruncate(fd, 100));
    EXPECT_EQ(blocks_of(fd), 8);
    EXPECT_OK(ftruncate(fd, 8192)); // what was cut off must not come back
    EXPECT_EQ(pread(fd, back, 8, 98), 8);
    EXPECT(memcmp(back, "xx\0\0\0\0\0\0", 8) == 0);
    close(fd);
}

CASE(writing_at_odd_places)
{
    char back[10];
    int fd = make_file("f", "");
    EXPECT_EQ(pwrite(fd, "0123456789", 10, 4091), 10); // across a page
    EXPECT_EQ(pread(fd, back, 10, 4091), 10);
    EXPECT(memcmp(back, "0123456789", 10) == 0);
    EXPECT_EQ(pread(fd, back, 10, 4096), 5);
    EXPECT(memcmp(back, "56789", 5) == 0);
    EXPECT_EQ(pread(fd, back, 10, 0), 10);
    EXPECT_EQ(back[9], 0);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(hole_between_data),
    ENTRY(only_hole),
    ENTRY(no_hole),
    ENTRY(terabyte_file_costs_nothing),
    ENTRY(offsets_that_overflow),
    ENTRY(file_size_limit_signals),
    ENTRY(fallocate_grows),
    ENTRY(fallocate_keep_size),
    ENTRY(fallocate_punches_holes),
    ENTRY(fallocate_errors),
    ENTRY(truncate_gives_memory_back_and_zeros),
    ENTRY(writing_at_odd_places),
};
TEST_MAIN(cases)
