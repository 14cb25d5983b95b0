// SPDX-License-Identifier: BSD-3-Clause
// Locks on files: flock, POSIX record locks, open-file-description locks, and how they meet.
#include "harness.h"

#include <sys/file.h>

static int lock(int fd, int command, int type, long start, long length)
{
    struct flock range = {
        .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &range);
}

static struct flock lock_seen(int fd, int command, int type, long start, long length)
{
    struct flock range = {
        .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, command, &range) < 0)
        test_fail(__FILE_NAME__, __LINE__, "get lock: errno %d", errno);
    return range;
}

CASE(flock_exclusive_excludes)
{
    int a = make_file("f", ""), b = open("f", O_RDWR);
    EXPECT_OK(flock(a, LOCK_EX));
    EXPECT_ERROR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    EXPECT_ERROR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    EXPECT_OK(flock(a, LOCK_UN));
    EXPECT_OK(flock(b, LOCK_EX | LOCK_NB));
    close(a);
    close(b);
}

CASE(flock_shared_and_conversion)
{
    int a = make_file("f", ""), b = open("f", O_RDONLY);
    EXPECT_OK(flock(a, LOCK_SH));
    EXPECT_OK(flock(b, LOCK_SH | LOCK_NB));
    EXPECT_ERROR(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    EXPECT_OK(flock(b, LOCK_UN));
    EXPECT_OK(flock(a, LOCK_EX | LOCK_NB));
    EXPECT_ERROR(flock(a, 77), EINVAL);
    EXPECT_ERROR(flock(200, LOCK_EX), EBADF);
    close(a);
    close(b);
}

CASE(flock_goes_with_the_last_descriptor)
{
    int a = make_file("f", ""), copy = dup(a), b = open("f", O_RDWR);
    EXPECT_OK(flock(a, LOCK_EX));
    close(a);
    EXPECT_ERROR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(copy);
    EXPECT_OK(flock(b, LOCK_EX | LOCK_NB));
    close(b);
}

struct waiter {
    int fd, command, result;
};

static void *wait_for_lock(void *argument)
{
    struct waiter *waiter = argument;
    waiter->result = waiter->command ? lock(waiter->fd, waiter->command, F_WRLCK, 0, 0)
                                     : flock(waiter->fd, LOCK_EX);
    return NULL;
}

CASE(flock_waits)
{
    int a = make_file("f", "");
    struct waiter waiter = {open("f", O_RDWR), 0, 77};
    EXPECT_OK(flock(a, LOCK_EX));
    pthread_t thread = thread_start(wait_for_lock, &waiter);
    sleep_ms(30);
    EXPECT_EQ(__atomic_load_n(&waiter.result, __ATOMIC_ACQUIRE), 77);
    EXPECT_OK(flock(a, LOCK_UN));
    thread_join(thread);
    EXPECT_EQ(waiter.result, 0);
    close(a);
    close(waiter.fd);
}

CASE(flock_wait_is_interrupted)
{
    int a = make_file("f", ""), b = open("f", O_RDWR);
    on_signal(SIGUSR1, count_signal, 0);
    EXPECT_OK(flock(a, LOCK_EX));
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(flock(b, LOCK_EX), EINTR);
    signal_me_done();
    EXPECT_EQ(signal_count, 1);
    close(a);
    close(b);
}

CASE(record_locks_of_one_process_never_conflict)
{
    int a = make_file("f", "0123456789"), b = open("f", O_RDWR);
    EXPECT_OK(lock(a, F_SETLK, F_WRLCK, 0, 5));
    EXPECT_OK(lock(b, F_SETLK, F_WRLCK, 0, 10));
    EXPECT_EQ(lock_seen(b, F_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
    close(a);
    close(b);
}

CASE(record_lock_errors)
{
    int a = make_file("f", ""), reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
    EXPECT_ERROR(lock(reader, F_SETLK, F_WRLCK, 0, 1), EBADF);
    EXPECT_ERROR(lock(writer, F_SETLK, F_RDLCK, 0, 1), EBADF);
    EXPECT_ERROR(lock(a, F_SETLK, F_WRLCK, -1, 1), EINVAL);
    EXPECT_ERROR(lock(a, F_SETLK, 77, 0, 1), EINVAL);
    EXPECT_ERROR(fcntl(a, F_SETLK, (void *)16), EFAULT);
    EXPECT_OK(lock(a, F_SETLK, F_UNLCK, 0, 1));
    close(a);
    close(reader);
    close(writer);
}

CASE(ofd_locks_conflict_between_opens)
{
    int a = make_file("f", "0123456789"), b = open("f", O_RDWR);
    EXPECT_OK(lock(a, F_OFD_SETLK, F_WRLCK, 2, 3));
    EXPECT_ERROR(lock(b, F_OFD_SETLK, F_WRLCK, 4, 2), EAGAIN);
    EXPECT_ERROR(lock(b, F_OFD_SETLK, F_RDLCK, 0, 0), EAGAIN);
    EXPECT_OK(lock(b, F_OFD_SETLK, F_WRLCK, 5, 5));
    EXPECT_OK(lock(b, F_OFD_SETLK, F_WRLCK, 0, 2));
    struct flock seen = lock_seen(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    EXPECT_EQ(seen.l_type, F_WRLCK);
    EXPECT_EQ(seen.l_start, 2);
    EXPECT_EQ(seen.l_len, 3);
    EXPECT_EQ(seen.l_pid, -1);
    close(a);
    close(b);
}

CASE(ofd_locks_split_and_merge)
{
    int a = make_file("f", ""), b = open("f", O_RDWR);
    EXPECT_OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 100));
    EXPECT_OK(lock(a, F_OFD_SETLK, F_UNLCK, 40, 20));
    EXPECT_OK(lock(b, F_OFD_SETLK, F_WRLCK, 40, 20));
    EXPECT_OK(lock(b, F_OFD_SETLK, F_UNLCK, 40, 20));
    struct flock seen = lock_seen(b, F_OFD_GETLK, F_WRLCK, 50, 100);
    EXPECT_EQ(seen.l_start, 60);
    EXPECT_EQ(seen.l_len, 40);
    EXPECT_OK(lock(a, F_OFD_SETLK, F_WRLCK, 40, 20));
    seen = lock_seen(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    EXPECT_EQ(seen.l_start, 0);
    EXPECT_EQ(seen.l_len, 100);
    EXPECT_OK(lock(a, F_OFD_SETLK, F_RDLCK, 30, 10)); // a part becomes shared
    EXPECT_OK(lock(b, F_OFD_SETLK, F_RDLCK, 30, 10));
    EXPECT_ERROR(lock(b, F_OFD_SETLK, F_RDLCK, 29, 1), EAGAIN);
    close(a);
    close(b);
}

CASE(ofd_and_record_locks_conflict)
{
    int a = make_file("f", ""), b = open("f", O_RDWR);
    EXPECT_OK(lock(a, F_SETLK, F_WRLCK, 0, 10));
    EXPECT_ERROR(lock(b, F_OFD_SETLK, F_WRLCK, 0, 10), EAGAIN);
    struct flock seen = lock_seen(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    EXPECT_EQ(seen.l_type, F_WRLCK);
    EXPECT_EQ(seen.l_pid, getpid());
    EXPECT_EQ(seen.l_len, 10);
    EXPECT_OK(flock(b, LOCK_EX | LOCK_NB)); // flock is a world of its own
    close(a);
    close(b);
}

CASE(record_locks_go_at_any_close)
{
    int a = make_file("f", ""), b = open("f", O_RDWR), other = open("f", O_RDONLY);
    EXPECT_OK(lock(a, F_SETLK, F_WRLCK, 0, 0));
    EXPECT_ERROR(lock(b, F_OFD_SETLK, F_WRLCK, 0, 0), EAGAIN);
    close(other);
    EXPECT_OK(lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
    close(a);
    close(b);
}

CASE(ofd_locks_go_at_the_last_close)
{
    int a = make_file("f", ""), copy = dup(a), b = open("f", O_RDWR);
    EXPECT_OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 0));
    close(a);
    EXPECT_ERROR(lock(b, F_OFD_SETLK, F_WRLCK, 0, 0), EAGAIN);
    close(copy);
    EXPECT_OK(lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
    close(b);
}

CASE(ofd_lock_waits)
{
    int a = make_file("f", "");
    struct waiter waiter = {open("f", O_RDWR), F_OFD_SETLKW, 77};
    EXPECT_OK(lock(a, F_OFD_SETLK, F_RDLCK, 0, 0));
    pthread_t thread = thread_start(wait_for_lock, &waiter);
    sleep_ms(30);
    EXPECT_EQ(__atomic_load_n(&waiter.result, __ATOMIC_ACQUIRE), 77);
    EXPECT_OK(lock(a, F_OFD_SETLK, F_UNLCK, 0, 0));
    thread_join(thread);
    EXPECT_EQ(waiter.result, 0);
    close(a);
    close(waiter.fd);
}

CASE(lock_wait_is_interrupted)
{
    int a = make_file("f", ""), b = open("f", O_RDWR);
    on_signal(SIGUSR1, count_signal, 0);
    EXPECT_OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 0));
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(lock(b, F_OFD_SETLKW, F_WRLCK, 0, 0), EINTR);
    signal_me_done();
    close(a);
    close(b);
}

CASE(lock_whence_and_negative_length)
{
    int a = make_file("f", "0123456789"), b = open("f", O_RDWR);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = -3};
    EXPECT_OK(fcntl(a, F_OFD_SETLK, &range)); // 5, 6, 7
    struct flock seen = lock_seen(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    EXPECT_EQ(seen.l_start, 5);
    EXPECT_EQ(seen.l_len, 3);
    lseek(b, 7, SEEK_SET);
    range = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 0, .l_len = 1};
    EXPECT_ERROR(fcntl(b, F_OFD_SETLK, &range), EAGAIN);
    range.l_pid = 5;
    EXPECT_ERROR(fcntl(b, F_OFD_SETLK, &range), EINVAL);
    close(a);
    close(b);
}

static int first_in_the_way(int fd)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_GETLK, &range))
        return -1;
    return range.l_type == F_RDLCK ? (int)range.l_start : -2;
}

CASE(the_first_lock_in_the_way_is_told)
{
    int a = make_file("f", "0123456789"), b = open("f", O_RDWR);
    struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};

    for (int at = 6; at >= 0; at -= 3) {
        range.l_start = at;
        REQUIRE_OK(fcntl(a, F_OFD_SETLK, &range));
        EXPECT_EQ(first_in_the_way(b), at);
    }
    close(a);
    close(b);
}

static const struct test_case cases[] = {
    ENTRY(flock_exclusive_excludes),
    ENTRY(flock_shared_and_conversion),
    ENTRY(flock_goes_with_the_last_descriptor),
    ENTRY(flock_waits),
    ENTRY(flock_wait_is_interrupted),
    ENTRY(record_locks_of_one_process_never_conflict),
    ENTRY(record_lock_errors),
    ENTRY(ofd_locks_conflict_between_opens),
    ENTRY(ofd_locks_split_and_merge),
    ENTRY(ofd_and_record_locks_conflict),
    ENTRY(record_locks_go_at_any_close),
    ENTRY(ofd_locks_go_at_the_last_close),
    ENTRY(ofd_lock_waits),
    ENTRY(lock_wait_is_interrupted),
    ENTRY(lock_whence_and_negative_length),
    ENTRY(the_first_lock_in_the_way_is_told),
};
TEST_MAIN(cases)
