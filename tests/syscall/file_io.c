// SPDX-License-Identifier: BSD-3-Clause
// Reading and writing regular files: offsets, vectors, append, truncation, bad arguments.
#include "harness.h"

#include <sys/uio.h>

CASE(write_then_read_back)
{
    char buffer[16] = "";
    int fd = make_file("f", "");
    EXPECT_EQ(write(fd, "hello", 5), 5);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 5);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(read(fd, buffer, sizeof(buffer)), 5);
    EXPECT_STR(buffer, "hello");
    EXPECT_EQ(read(fd, buffer, sizeof(buffer)), 0);
    close(fd);
}

CASE(lseek_all_whences)
{
    int fd = make_file("f", "0123456789");
    EXPECT_EQ(lseek(fd, 4, SEEK_SET), 4);
    EXPECT_EQ(lseek(fd, 2, SEEK_CUR), 6);
    EXPECT_EQ(lseek(fd, -1, SEEK_END), 9);
    EXPECT_EQ(lseek(fd, 100, SEEK_END), 110);
    EXPECT_ERROR(lseek(fd, -1, SEEK_SET), EINVAL);
    EXPECT_ERROR(lseek(fd, -200, SEEK_CUR), EINVAL);
    EXPECT_ERROR(lseek(fd, 0, 77), EINVAL);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 110);
    close(fd);
}

CASE(write_past_end_leaves_zeros)
{
    char buffer[8] = "xxxxxxx";
    int fd = make_file("f", "ab");
    lseek(fd, 5, SEEK_SET);
    EXPECT_EQ(write(fd, "z", 1), 1);
    EXPECT_EQ(pread(fd, buffer, 8, 0), 6);
    EXPECT(memcmp(buffer, "ab\0\0\0z", 6) == 0);
    close(fd);
}

CASE(pread_pwrite_keep_the_offset)
{
    char buffer[4] = "";
    int fd = make_file("f", "abcdef");
    lseek(fd, 1, SEEK_SET);
    EXPECT_EQ(pread(fd, buffer, 2, 4), 2);
    EXPECT_STR(buffer, "ef");
    EXPECT_EQ(pwrite(fd, "X", 1, 0), 1);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 1);
    EXPECT_EQ(pread(fd, buffer, 2, 100), 0);
    EXPECT_ERROR(pread(fd, buffer, 2, -1), EINVAL);
    EXPECT_ERROR(pwrite(fd, buffer, 2, -1), EINVAL);
    close(fd);
}

CASE(readv_writev_scatter)
{
    char a[3] = "", b[4] = "";
    int fd = make_file("f", "");
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    struct iovec in[2] = {{a, 2}, {b, 3}};
    EXPECT_EQ(writev(fd, out, 3), 5);
    lseek(fd, 0, SEEK_SET);
    EXPECT_EQ(readv(fd, in, 2), 5);
    EXPECT_STR(a, "ab");
    EXPECT_STR(b, "cde");
    EXPECT_EQ(readv(fd, in, 0), 0);
    EXPECT_ERROR(readv(fd, in, -1), EINVAL);
    EXPECT_ERROR(readv(fd, in, 1025), EINVAL);
    close(fd);
}

CASE(preadv_pwritev_at_offset)
{
    char a[3] = "", b[4] = "";
    int fd = make_file("f", "0123456789");
    struct iovec out[2] = {{"AB", 2}, {"CDE", 3}};
    struct iovec in[2] = {{a, 2}, {b, 3}};
    EXPECT_EQ(pwritev(fd, out, 2, 3), 5);
    EXPECT_EQ(preadv(fd, in, 2, 3), 5);
    EXPECT_STR(a, "AB");
    EXPECT_STR(b, "CDE");
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), 10);
    close(fd);
}

CASE(preadv2_minus_one_uses_the_offset)
{
    char a[3] = "";
    int fd = make_file("f", "abcd");
    struct iovec in = {a, 2};
    struct iovec out = {"XY", 2};
    EXPECT_EQ(syscall(SYS_preadv2, fd, &in, 1, -1L, -1L, 0), 2);
    EXPECT_STR(a, "ab");
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 2);
    EXPECT_EQ(syscall(SYS_pwritev2, fd, &out, 1, -1L, -1L, 0), 2);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 4);
    EXPECT_ERROR(syscall(SYS_preadv2, fd, &in, 1, 0L, 0L, 0x40000000), EOPNOTSUPP);
    close(fd);
}

CASE(pwritev2_append_flag)
{
    char buffer[8] = "";
    int fd = make_file("f", "abcd");
    struct iovec out = {"XY", 2};
    EXPECT_EQ(syscall(SYS_pwritev2, fd, &out, 1, 0L, 0L, 0x10 /* RWF_APPEND */), 2);
    EXPECT_EQ(pread(fd, buffer, 8, 0), 6);
    EXPECT_STR(buffer, "abcdXY");
    close(fd);
}

CASE(append_always_writes_at_the_end)
{
    char buffer[16] = "";
    int fd = make_file("f", "abc");
    int appender = open("f", O_WRONLY | O_APPEND);
    lseek(appender, 0, SEEK_SET);
    EXPECT_EQ(write(appender, "de", 2), 2);
    EXPECT_EQ(lseek(appender, 0, SEEK_CUR), 5);
    EXPECT_EQ(pwrite(appender, "f", 1, 0), 1); // Linux appends even here
    EXPECT_EQ(pread(fd, buffer, 16, 0), 6);
    EXPECT_STR(buffer, "abcdef");
    close(fd);
    close(appender);
}

CASE(append_can_be_switched)
{
    int fd = make_file("f", "abc");
    EXPECT_OK(fcntl(fd, F_SETFL, O_APPEND));
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
    EXPECT_EQ(write(fd, "d", 1), 1);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), 4);
    EXPECT_OK(fcntl(fd, F_SETFL, 0));
    lseek(fd, 0, SEEK_SET);
    EXPECT_EQ(write(fd, "X", 1), 1);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), 4);
    close(fd);
}

CASE(access_mode_is_enforced)
{
    char buffer[4];
    close(make_file("f", "abc"));
    int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
    EXPECT_ERROR(write(reader, "x", 1), EBADF);
    EXPECT_ERROR(read(writer, buffer, 1), EBADF);
    EXPECT_ERROR(ftruncate(reader, 0), EINVAL);
    close(reader);
    close(writer);
}

CASE(bad_descriptors)
{
    char buffer[4];
    struct iovec in = {buffer, 4};
    EXPECT_ERROR(read(-1, buffer, 1), EBADF);
    EXPECT_ERROR(write(200, buffer, 1), EBADF);
    EXPECT_ERROR(lseek(200, 0, SEEK_SET), EBADF);
    EXPECT_ERROR(readv(200, &in, 1), EBADF);
    EXPECT_ERROR(pread(200, buffer, 1, 0), EBADF);
    EXPECT_ERROR(fsync(200), EBADF);
    EXPECT_ERROR(ftruncate(200, 0), EBADF);
    EXPECT_ERROR(close(200), EBADF);
}

CASE(bad_buffers_give_efault)
{
    int fd = make_file("f", "abcdef");
    char *hole = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole + PAGE, PAGE);
    EXPECT_ERROR(read(fd, (void *)16, 4), EFAULT);
    EXPECT_ERROR(write(fd, (void *)16, 4), EFAULT);
    EXPECT_ERROR(read(fd, hole + PAGE, 4), EFAULT);
    EXPECT_ERROR(syscall(SYS_read, fd, 0xffff800000000000ul, 4), EFAULT);
    EXPECT_ERROR(syscall(SYS_readv, fd, 16, 1), EFAULT);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
    munmap(hole, PAGE);
    close(fd);
}

CASE(zero_length_io)
{
    int fd = make_file("f", "abc");
    EXPECT_EQ(read(fd, NULL, 0), 0);
    EXPECT_EQ(write(fd, NULL, 0), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
}

CASE(directory_io_is_refused)
{
    char buffer[4];
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT_ERROR(read(fd, buffer, 4), EISDIR);
    EXPECT_ERROR(pread(fd, buffer, 4, 0), EISDIR);
    EXPECT_ERROR(write(fd, buffer, 4), EBADF);
    EXPECT_ERROR(open(".", O_WRONLY), EISDIR);
    EXPECT_ERROR(truncate(".", 0), EISDIR);
    close(fd);
}

CASE(truncate_shrinks_and_grows)
{
    char buffer[16];
    struct stat info;
    int fd = make_file("f", "abcdef");
    EXPECT_OK(ftruncate(fd, 3));
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_size, 3);
    EXPECT_OK(truncate("f", 8));
    EXPECT_EQ(pread(fd, buffer, 16, 0), 8);
    EXPECT(memcmp(buffer, "abc\0\0\0\0\0", 8) == 0);
    EXPECT_ERROR(ftruncate(fd, -1), EINVAL);
    EXPECT_ERROR(truncate("missing", 0), ENOENT);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
}

CASE(large_file_through_every_page)
{
    static unsigned char data[300 * 1000], back[300 * 1000];
    int fd = make_file("f", "");
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 7 + i / 251);
    for (size_t at = 0; at < sizeof(data); at += 10000)
        EXPECT_EQ(write(fd, data + at, 10000), 10000);
    EXPECT_EQ(pread(fd, back, sizeof(back), 0), sizeof(back));
    EXPECT(memcmp(data, back, sizeof(back)) == 0);
    EXPECT_EQ(pread(fd, back, 5000, 123456), 5000);
    EXPECT(memcmp(data + 123456, back, 5000) == 0);
    EXPECT_OK(fsync(fd));
    EXPECT_OK(fdatasync(fd));
    close(fd);
}

CASE(writes_are_seen_through_every_descriptor)
{
    char buffer[4] = "";
    int a = make_file("f", "abc"), b = open("f", O_RDWR);
    EXPECT_EQ(pwrite(a, "X", 1, 1), 1);
    EXPECT_EQ(read(b, buffer, 3), 3);
    EXPECT_STR(buffer, "aXc");
    EXPECT_EQ(lseek(a, 0, SEEK_CUR), 0);
    close(a);
    close(b);
}

CASE(dev_null_and_zero_as_files)
{
    char buffer[64];
    memset(buffer, 1, sizeof(buffer));
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    EXPECT_EQ(write(null, buffer, 64), 64);
    EXPECT_EQ(read(null, buffer, 64), 0);
    EXPECT_EQ(read(zero, buffer, 64), 64);
    EXPECT_EQ(buffer[0] | buffer[63], 0);
    close(null);
    close(zero);
}

static const struct test_case cases[] = {
    ENTRY(write_then_read_back),
    ENTRY(lseek_all_whences),
    ENTRY(write_past_end_leaves_zeros),
    ENTRY(pread_pwrite_keep_the_offset),
    ENTRY(readv_writev_scatter),
    ENTRY(preadv_pwritev_at_offset),
    ENTRY(preadv2_minus_one_uses_the_offset),
    ENTRY(pwritev2_append_flag),
    ENTRY(append_always_writes_at_the_end),
    ENTRY(append_can_be_switched),
    ENTRY(access_mode_is_enforced),
    ENTRY(bad_descriptors),
    ENTRY(bad_buffers_give_efault),
    ENTRY(zero_length_io),
    ENTRY(directory_io_is_refused),
    ENTRY(truncate_shrinks_and_grows),
    ENTRY(large_file_through_every_page),
    ENTRY(writes_are_seen_through_every_descriptor),
    ENTRY(dev_null_and_zero_as_files),
};
TEST_MAIN(cases)
