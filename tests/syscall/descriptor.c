// SPDX-License-Identifier: BSD-3-Clause
// The descriptor table: dup and its kin, close_range, fcntl, limits, sharing between threads.
#include "harness.h"

#include <sys/ioctl.h>
#include <sys/resource.h>

#define CLOSE_RANGE_CLOEXEC_FLAG 4u

CASE(dup_shares_the_offset)
{
    char buffer[4] = "";
    int a = make_file("f", "abcdef"), b = dup(a);
    EXPECT_EQ(read(a, buffer, 2), 2);
    EXPECT_EQ(read(b, buffer, 2), 2);
    EXPECT_STR(buffer, "cd");
    EXPECT_OK(fcntl(a, F_SETFL, O_APPEND));
    EXPECT_EQ(fcntl(b, F_GETFL) & O_APPEND, O_APPEND); // status flags are shared,
    EXPECT_OK(fcntl(a, F_SETFD, FD_CLOEXEC));
    EXPECT_EQ(fcntl(b, F_GETFD), 0); // descriptor flags are not
    close(a);
    EXPECT_EQ(read(b, buffer, 2), 2);
    close(b);
}

CASE(dup2_places_and_replaces)
{
    int a = make_file("f", "abc"), null = open("/dev/null", O_RDONLY);
    struct stat one, two;
    EXPECT_EQ(dup2(a, 50), 50);
    EXPECT_EQ(dup2(a, null), null);
    EXPECT_OK(fstat(a, &one));
    EXPECT_OK(fstat(null, &two));
    EXPECT_EQ(one.st_ino, two.st_ino);
    EXPECT_EQ(dup2(a, a), a);
    EXPECT_ERROR(dup2(200, 200), EBADF);
    EXPECT_ERROR(dup2(200, 50), EBADF);
    EXPECT_ERROR(dup2(a, -1), EBADF);
    close(50);
    close(null);
    close(a);
}

CASE(dup3_flags)
{
    int a = open("/dev/null", O_RDONLY);
    EXPECT_EQ(dup3(a, 60, O_CLOEXEC), 60);
    EXPECT_EQ(fcntl(60, F_GETFD), FD_CLOEXEC);
    EXPECT_ERROR(dup3(a, a, 0), EINVAL);
    EXPECT_ERROR(dup3(a, 60, O_NONBLOCK), EINVAL);
    close(60);
    close(a);
}

CASE(fcntl_dupfd_from_a_minimum)
{
    int a = open("/dev/null", O_RDONLY);
    EXPECT_EQ(fcntl(a, F_DUPFD, 100), 100);
    EXPECT_EQ(fcntl(a, F_DUPFD_CLOEXEC, 100), 101);
    EXPECT_EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(100, F_GETFD), 0);
    EXPECT_ERROR(fcntl(a, F_DUPFD, -1), EINVAL);
    EXPECT_ERROR(fcntl(a, F_DUPFD, 1 << 30), EINVAL);
    EXPECT_ERROR(fcntl(200, F_DUPFD, 0), EBADF);
    close(100);
    close(101);
    close(a);
}

CASE(close_range_closes)
{
    int a = open("/dev/null", O_RDONLY);
    for (int fd = 100; fd < 110; fd++)
        EXPECT_EQ(dup2(a, fd), fd);
    EXPECT_OK(syscall(SYS_close_range, 102u, 105u, 0u));
    EXPECT_EQ(fcntl(101, F_GETFD), 0);
    EXPECT_ERROR(fcntl(102, F_GETFD), EBADF);
    EXPECT_ERROR(fcntl(105, F_GETFD), EBADF);
    EXPECT_EQ(fcntl(106, F_GETFD), 0);
    EXPECT_OK(syscall(SYS_close_range, 100u, ~0u, 0u));
    EXPECT_ERROR(fcntl(109, F_GETFD), EBADF);
    EXPECT_ERROR(syscall(SYS_close_range, 10u, 5u, 0u), EINVAL);
    EXPECT_ERROR(syscall(SYS_close_range, 100u, 105u, 0x80u), EINVAL);
    close(a);
}

CASE(close_range_can_mark_instead)
{
    int a = open("/dev/null", O_RDONLY);
    EXPECT_EQ(dup2(a, 100), 100);
    EXPECT_OK(syscall(SYS_close_range, 100u, 120u, CLOSE_RANGE_CLOEXEC_FLAG));
    EXPECT_EQ(fcntl(100, F_GETFD), FD_CLOEXEC);
    close(100);
    close(a);
}

CASE(fcntl_flags_that_stay)
{
    int a = make_file("f", "");
    EXPECT_OK(fcntl(a, F_SETFL, O_NONBLOCK | O_WRONLY | O_CREAT)); // only some can change
    EXPECT_EQ(fcntl(a, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
    EXPECT_ERROR(fcntl(a, 9999, 0), EINVAL);
    EXPECT_ERROR(fcntl(200, F_GETFL), EBADF);
    close(a);
}

CASE(fcntl_owner_and_signal)
{
    int p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(fcntl(p[0], F_GETOWN), 0);
    EXPECT_OK(fcntl(p[0], F_SETOWN, getpid()));
    EXPECT_EQ(fcntl(p[0], F_GETOWN), getpid());
    EXPECT_ERROR(fcntl(p[0], F_SETOWN, 12345678), ESRCH);
    EXPECT_ERROR(fcntl(p[0], F_SETOWN, -12345678), ESRCH);
    EXPECT_ERROR(fcntl(p[0], F_SETOWN, INT32_MIN), EINVAL);
    struct f_owner_ex nobody = {F_OWNER_TID, 12345678};
    EXPECT_ERROR(fcntl(p[0], F_SETOWN_EX, &nobody), ESRCH);
    nobody = (struct f_owner_ex){F_OWNER_PGRP, -1};
    EXPECT_ERROR(fcntl(p[0], F_SETOWN_EX, &nobody), ESRCH);
    EXPECT_EQ(fcntl(p[0], F_GETOWN), getpid());
    EXPECT_OK(fcntl(p[0], F_SETOWN, 0));
    EXPECT_EQ(fcntl(p[0], F_GETOWN), 0);
    EXPECT_OK(fcntl(p[0], F_SETOWN, -getpgrp()));
    EXPECT_EQ(fcntl(p[0], F_GETSIG), 0);
    EXPECT_OK(fcntl(p[0], F_SETSIG, SIGUSR1));
    EXPECT_EQ(fcntl(p[0], F_GETSIG), SIGUSR1);
    close(p[0]);
    close(p[1]);
}

CASE(ioctl_cloexec_and_nonblock)
{
    int p[2], on = 1, count = -1;
    REQUIRE_OK(pipe(p));
    EXPECT_OK(ioctl(p[0], FIOCLEX));
    EXPECT_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    EXPECT_OK(ioctl(p[0], FIONCLEX));
    EXPECT_EQ(fcntl(p[0], F_GETFD), 0);
    EXPECT_OK(ioctl(p[0], FIONBIO, &on));
    EXPECT_EQ(fcntl(p[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    EXPECT_EQ(write(p[1], "abc", 3), 3);
    EXPECT_OK(ioctl(p[0], FIONREAD, &count));
    EXPECT_EQ(count, 3);
    EXPECT_ERROR(ioctl(p[0], TIOCGWINSZ, &on), ENOTTY);
    close(p[0]);
    close(p[1]);
}

CASE(closed_while_another_thread_uses_it)
{
    char buffer[4];
    int p[2];
    REQUIRE_OK(pipe(p));
    int copy = dup(p[0]);
    close(p[0]);
    EXPECT_EQ(write(p[1], "x", 1), 1);
    EXPECT_EQ(read(copy, buffer, 4), 1);
    close(copy);
    close(p[1]);
}

static void *open_one(void *argument)
{
    *(int *)argument = open("/dev/null", O_RDONLY);
    return NULL;
}

CASE(threads_share_the_table)
{
    int fd = -1;
    thread_join(thread_start(open_one, &fd));
    EXPECT_OK(fcntl(fd, F_GETFD));
    close(fd);
}

CASE(high_descriptors)
{
    struct rlimit limit;
    EXPECT_OK(getrlimit(RLIMIT_NOFILE, &limit));
    int a = open("/dev/null", O_RDONLY), top = (int)limit.rlim_cur - 1;
    if (top > 5000)
        top = 5000;
    EXPECT_EQ(dup2(a, top), top);
    EXPECT_EQ(fcntl(top, F_GETFD), 0);
    close(top);
    EXPECT_ERROR(dup2(a, (int)limit.rlim_cur), EBADF);
    close(a);
}

CASE(many_descriptors)
{
    int a = open("/dev/null", O_RDONLY), fd[200];
    for (int i = 0; i < 200; i++)
        fd[i] = dup(a);
    for (int i = 1; i < 200; i++)
        EXPECT_EQ(fd[i], fd[i - 1] + 1);
    for (int i = 0; i < 200; i++)
        EXPECT_OK(close(fd[i]));
    close(a);
}

CASE(fadvise_and_readahead_accept)
{
    int fd = make_file("f", "abc"), p[2];
    EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    EXPECT_EQ(posix_fadvise(fd, 0, 0, 77), EINVAL);
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
    close(p[0]);
    close(p[1]);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(dup_shares_the_offset),
    ENTRY(dup2_places_and_replaces),
    ENTRY(dup3_flags),
    ENTRY(fcntl_dupfd_from_a_minimum),
    ENTRY(close_range_closes),
    ENTRY(close_range_can_mark_instead),
    ENTRY(fcntl_flags_that_stay),
    ENTRY(fcntl_owner_and_signal),
    ENTRY(ioctl_cloexec_and_nonblock),
    ENTRY(closed_while_another_thread_uses_it),
    ENTRY(threads_share_the_table),
    ENTRY(high_descriptors),
    ENTRY(many_descriptors),
    ENTRY(fadvise_and_readahead_accept),
};
TEST_MAIN(cases)
