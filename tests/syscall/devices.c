// SPDX-License-Identifier: BSD-3-Clause
// /dev: null, zero, full, random, urandom, tty, fd, shm, and what is there at all.
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

CASE(null_takes_all_and_gives_nothing)
{
    char buffer[8];
    int fd = open("/dev/null", O_RDWR);
    EXPECT_EQ(read(fd, buffer, 8), 0);
    EXPECT_EQ(write(fd, buffer, 8), 8);
    EXPECT_EQ(lseek(fd, 100, SEEK_SET), 0);
    EXPECT_EQ(pread(fd, buffer, 8, 100), 0);
    int truncated = open("/dev/null", O_WRONLY | O_TRUNC);
    EXPECT_OK(truncated);
    EXPECT_ERROR(ftruncate(truncated, 0), EINVAL);
    close(truncated);
    struct pollfd set = {fd, POLLIN | POLLOUT, 0};
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLIN | POLLOUT);
    EXPECT_ERROR(ioctl(fd, TCGETS, buffer), ENOTTY);
    close(fd);
}

CASE(full_is_full)
{
    char buffer[8] = "xxxxxxx";
    int fd = open("/dev/full", O_RDWR);
    EXPECT_ERROR(write(fd, buffer, 8), ENOSPC);
    EXPECT_EQ(read(fd, buffer, 8), 8);
    EXPECT_EQ(buffer[7], 0);
    close(fd);
}

CASE(zero_fills_large_buffers)
{
    static char buffer[100000];
    memset(buffer, 1, sizeof(buffer));
    int fd = open("/dev/zero", O_RDWR);
    EXPECT_EQ(read(fd, buffer, sizeof(buffer)), sizeof(buffer));
    EXPECT_EQ(buffer[0] | buffer[50000] | buffer[99999], 0);
    EXPECT_EQ(write(fd, buffer, 10), 10);
    EXPECT_ERROR(read(fd, (void *)16, 10), EFAULT);
    close(fd);
}

CASE(random_devices)
{
    static const char *const names[] = {"/dev/random", "/dev/urandom"};
    for (size_t i = 0; i < COUNT(names); i++) {
        unsigned char a[32] = {0}, b[32] = {0};
        int fd = open(names[i], O_RDWR);
        EXPECT_EQ(read(fd, a, 32), 32);
        EXPECT_EQ(read(fd, b, 32), 32);
        EXPECT(memcmp(a, b, 32) != 0);
        EXPECT_EQ(write(fd, a, 32), 32);
        close(fd);
    }
}

CASE(device_numbers)
{
    static const struct {
        const char *name;
        unsigned major, minor;
    } table[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
                 {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}};
    for (size_t i = 0; i < COUNT(table); i++) {
        struct stat info;
        EXPECT_OK(stat(table[i].name, &info));
        EXPECT(S_ISCHR(info.st_mode));
        EXPECT_EQ(major(info.st_rdev), table[i].major);
        EXPECT_EQ(minor(info.st_rdev), table[i].minor);
        EXPECT_EQ(info.st_mode & 0666, 0666);
    }
}

CASE(descriptor_directory)
{
    char name[64], buffer[8] = "";
    int fd = make_file("f", "abc");
    snprintf(name, sizeof(name), "/dev/fd/%d", fd);
    int again = open(name, O_RDONLY); // another description, offset 0
    EXPECT_EQ(read(again, buffer, 8), 3);
    EXPECT_STR(buffer, "abc");
    close(again);
    close(fd);
    EXPECT_ERROR(open(name, O_RDONLY), ENOENT);
    EXPECT(readlink("/dev/stdin", name, sizeof(name)) > 0);
    EXPECT(readlink("/dev/stdout", name, sizeof(name)) > 0);
}

CASE(shared_memory_directory)
{
    struct stat info;
    char name[64];
    EXPECT_OK(stat("/dev/shm", &info));
    EXPECT(S_ISDIR(info.st_mode));
    EXPECT_EQ(info.st_mode & 07777, 01777);
    snprintf(name, sizeof(name), "/syscall-test-%d", getpid());
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    REQUIRE_OK(fd);
    EXPECT_OK(ftruncate(fd, PAGE));
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    at[5] = 'x';
    char byte;
    EXPECT_EQ(pread(fd, &byte, 1, 5), 1);
    EXPECT_EQ(byte, 'x');
    munmap(at, PAGE);
    close(fd);
    EXPECT_OK(shm_unlink(name));
    EXPECT_ERROR(shm_open(name, O_RDWR, 0600), ENOENT);
}

CASE(standard_streams_are_open)
{
    struct stat info;
    for (int fd = 0; fd < 3; fd++) {
        EXPECT_OK(fstat(fd, &info));
        EXPECT_OK(fcntl(fd, F_GETFL));
    }
    EXPECT_EQ(fcntl(0, F_GETFL) & O_ACCMODE, O_RDONLY);
    char byte;
    EXPECT_EQ(read(0, &byte, 1), 0); // the runner gives an empty one
}

static const struct test_case cases[] = {
    ENTRY(null_takes_all_and_gives_nothing),
    ENTRY(full_is_full),
    ENTRY(zero_fills_large_buffers),
    ENTRY(random_devices),
    ENTRY(device_numbers),
    ENTRY(descriptor_directory),
    ENTRY(shared_memory_directory),
    ENTRY(standard_streams_are_open),
};
TEST_MAIN(cases)
