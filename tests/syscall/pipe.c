// SPDX-License-Identifier: BSD-3-Clause
// Pipes and FIFOs: order, atomic writes, blocking, ends, sizes, polling of them.
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>

#ifndef F_SETPIPE_SZ
#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032
#endif

static void close_both(int p[2])
{
    close(p[0]);
    close(p[1]);
}

static int fill(int fd) // bytes written until EAGAIN
{
    char block[4096] = "";
    int total = 0;
    for (ssize_t got; (got = write(fd, block, sizeof(block))) > 0;)
        total += (int)got;
    EXPECT_EQ(errno, EAGAIN);
    return total;
}

CASE(bytes_come_in_order)
{
    char buffer[16] = "";
    int p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(write(p[1], "abc", 3), 3);
    EXPECT_EQ(write(p[1], "def", 3), 3);
    EXPECT_EQ(read(p[0], buffer, 2), 2);
    EXPECT_EQ(read(p[0], buffer + 2, 14), 4); // one read may take several writes
    EXPECT_STR(buffer, "abcdef");
    close_both(p);
}

CASE(wrong_end)
{
    char buffer[4];
    int p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_ERROR(write(p[0], "x", 1), EBADF);
    EXPECT_ERROR(read(p[1], buffer, 1), EBADF);
    EXPECT_EQ(fcntl(p[0], F_GETFL) & O_ACCMODE, O_RDONLY);
    EXPECT_EQ(fcntl(p[1], F_GETFL) & O_ACCMODE, O_WRONLY);
    close_both(p);
}

CASE(end_of_file_when_writers_are_gone)
{
    char buffer[4];
    int p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(write(p[1], "x", 1), 1);
    int copy = dup(p[1]);
    close(p[1]);
    EXPECT_EQ(read(p[0], buffer, 4), 1);
    close(copy);
    EXPECT_EQ(read(p[0], buffer, 4), 0);
    EXPECT_EQ(read(p[0], buffer, 4), 0);
    close(p[0]);
}

CASE(broken_pipe_signals)
{
    int p[2];
    REQUIRE_OK(pipe(p));
    on_signal(SIGPIPE, count_signal, 0);
    close(p[0]);
    EXPECT_ERROR(write(p[1], "x", 1), EPIPE);
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(signal_last.si_signo, SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    EXPECT_ERROR(write(p[1], "x", 1), EPIPE);
    close(p[1]);
}

CASE(pipe2_flags)
{
    char buffer[4];
    int p[2];
    REQUIRE_OK(pipe2(p, O_NONBLOCK | O_CLOEXEC));
    EXPECT_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(p[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    EXPECT_ERROR(read(p[0], buffer, 1), EAGAIN);
    close_both(p);
    EXPECT_ERROR(pipe2(p, O_APPEND), EINVAL);
    EXPECT_ERROR(pipe((int *)16), EFAULT);
}

CASE(capacity_is_64_kib)
{
    int p[2];
    REQUIRE_OK(pipe2(p, O_NONBLOCK));
    EXPECT_EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
    EXPECT_EQ(fill(p[1]), 65536);
    close_both(p);
}

CASE(capacity_can_change)
{
    int p[2];
    REQUIRE_OK(pipe2(p, O_NONBLOCK));
    EXPECT_EQ(fcntl(p[0], F_SETPIPE_SZ, 5000), 8192); // rounded up to a power of two of pages
    EXPECT_EQ(fill(p[1]), 8192);
    EXPECT_ERROR(fcntl(p[0], F_SETPIPE_SZ, 4096), EBUSY);
    EXPECT_EQ(fcntl(p[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    EXPECT_EQ(fill(p[1]), (1 << 20) - 8192);
    close_both(p);
}

CASE(atomic_write_is_all_or_nothing)
{
    static char block[4096];
    char buffer[100];
    int p[2];
    REQUIRE_OK(pipe2(p, O_NONBLOCK));
    fill(p[1]);
    EXPECT_EQ(read(p[0], buffer, 100), 100);
    EXPECT_ERROR(write(p[1], block, 4096), EAGAIN);
    close_both(p);
}

CASE(big_nonblocking_write_is_partial)
{
    static char block[200000];
    int p[2];
    REQUIRE_OK(pipe2(p, O_NONBLOCK));
    EXPECT_EQ(write(p[1], block, sizeof(block)), 65536);
    close_both(p);
}

static void *drain(void *argument)
{
    static char buffer[10000];
    long total = 0;
    for (ssize_t got; (got = read(*(int *)argument, buffer, sizeof(buffer))) > 0;)
        total += got;
    return (void *)total;
}

CASE(big_blocking_write_is_whole)
{
    static char block[500000];
    int p[2];
    REQUIRE_OK(pipe(p));
    pthread_t reader = thread_start(drain, &p[0]);
    EXPECT_EQ(write(p[1], block, sizeof(block)), sizeof(block));
    close(p[1]);
    thread_join(reader);
    close(p[0]);
}

static void *write_after_a_while(void *argument)
{
    sleep_ms(30);
    EXPECT_EQ(write(*(int *)argument, "late", 4), 4);
    return NULL;
}

CASE(read_waits_for_data)
{
    char buffer[8] = "";
    int p[2];
    REQUIRE_OK(pipe(p));
    pthread_t writer = thread_start(write_after_a_while, &p[1]);
    EXPECT_EQ(read(p[0], buffer, 8), 4);
    EXPECT_STR(buffer, "late");
    thread_join(writer);
    close_both(p);
}

static void *write_records(void *argument)
{
    char record[64];
    for (int i = 0; i < 300; i++) {
        memset(record, 'a' + i % 26, sizeof(record));
        EXPECT_EQ(write(*(int *)argument, record, sizeof(record)), sizeof(record));
    }
    return NULL;
}

CASE(small_writes_of_threads_do_not_mix)
{
    char record[64];
    int p[2], count = 0;
    pthread_t writer[3];
    REQUIRE_OK(pipe(p));
    for (int i = 0; i < 3; i++)
        writer[i] = thread_start(write_records, &p[1]);
    for (; count < 900 && read(p[0], record, sizeof(record)) == sizeof(record); count++)
        for (size_t i = 1; i < sizeof(record); i++)
            if (record[i] != record[0])
                EXPECT_EQ(record[i], record[0]);
    EXPECT_EQ(count, 900);
    for (int i = 0; i < 3; i++)
        thread_join(writer[i]);
    close_both(p);
}

CASE(poll_of_both_ends)
{
    int p[2];
    REQUIRE_OK(pipe2(p, O_NONBLOCK));
    struct pollfd both[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    EXPECT_EQ(poll(both, 2, 0), 1);
    EXPECT_EQ(both[1].revents, POLLOUT);
    fill(p[1]);
    EXPECT_EQ(poll(both, 2, 0), 1);
    EXPECT_EQ(both[0].revents, POLLIN);
    close(p[1]);
    EXPECT_EQ(poll(both, 1, 0), 1);
    EXPECT_EQ(both[0].revents, POLLIN | POLLHUP);
    close(p[0]);
}

CASE(poll_of_widowed_writer)
{
    int p[2];
    REQUIRE_OK(pipe(p));
    close(p[0]);
    struct pollfd writer = {p[1], POLLOUT, 0};
    EXPECT_EQ(poll(&writer, 1, 0), 1);
    EXPECT_EQ(writer.revents & POLLERR, POLLERR);
    close(p[1]);
}

CASE(efault_keeps_the_data)
{
    char buffer[4] = "";
    int p[2];
    REQUIRE_OK(pipe2(p, O_NONBLOCK));
    EXPECT_EQ(write(p[1], "abc", 3), 3);
    EXPECT_ERROR(read(p[0], (void *)16, 3), EFAULT);
    EXPECT_EQ(read(p[0], buffer, 3), 3);
    EXPECT_STR(buffer, "abc");
    EXPECT_ERROR(write(p[1], (void *)16, 3), EFAULT);
    EXPECT_ERROR(read(p[0], buffer, 3), EAGAIN);
    close_both(p);
}

CASE(packets_by_o_direct)
{
    char buffer[16];
    int p[2];
    REQUIRE_OK(pipe2(p, O_DIRECT | O_NONBLOCK));
    EXPECT_EQ(write(p[1], "abc", 3), 3);
    EXPECT_EQ(write(p[1], "defgh", 5), 5);
    EXPECT_EQ(read(p[0], buffer, 16), 3); // one packet each
    EXPECT_EQ(read(p[0], buffer, 2), 2);  // the rest of a packet is lost
    EXPECT_ERROR(read(p[0], buffer, 2), EAGAIN);
    close_both(p);
}

static void *open_writer(void *argument)
{
    sleep_ms(20);
    *(int *)argument = open("fifo", O_WRONLY);
    return NULL;
}

CASE(fifo_open_waits_for_the_other_side)
{
    char buffer[8] = "";
    int writer = -1;
    EXPECT_OK(mkfifo("fifo", 0600));
    pthread_t thread = thread_start(open_writer, &writer);
    int reader = open("fifo", O_RDONLY);
    thread_join(thread);
    EXPECT_EQ(write(writer, "abc", 3), 3);
    EXPECT_EQ(read(reader, buffer, 8), 3);
    close(writer);
    EXPECT_EQ(read(reader, buffer, 8), 0);
    close(reader);
}

CASE(fifo_nonblocking_open)
{
    char buffer[4];
    EXPECT_OK(mkfifo("fifo", 0600));
    EXPECT_ERROR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    EXPECT_OK(reader);
    EXPECT_EQ(read(reader, buffer, 4), 0); // nobody has it open for writing
    int writer = open("fifo", O_WRONLY | O_NONBLOCK);
    EXPECT_OK(writer);
    EXPECT_ERROR(read(reader, buffer, 4), EAGAIN);
    close(reader);
    close(writer);
}

CASE(fifo_open_both_ways)
{
    char buffer[4] = "";
    EXPECT_OK(mkfifo("fifo", 0600));
    int fd = open("fifo", O_RDWR);
    EXPECT_EQ(write(fd, "ab", 2), 2);
    EXPECT_EQ(read(fd, buffer, 4), 2);
    EXPECT_STR(buffer, "ab");
    close(fd);
}

CASE(fifo_open_is_interrupted)
{
    EXPECT_OK(mkfifo("fifo", 0600));
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(open("fifo", O_RDONLY), EINTR);
    signal_me_done();
}

static void *io_signal_writer(void *argument)
{
    EXPECT_EQ(write(*(int *)argument, "x", 1), 1);
    return NULL;
}

CASE(async_signal_on_data)
{
    int p[2];
    REQUIRE_OK(pipe(p));
    on_signal(SIGIO, count_signal, 0);
    EXPECT_OK(fcntl(p[0], F_SETOWN, getpid()));
    EXPECT_OK(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
    thread_join(thread_start(io_signal_writer, &p[1]));
    for (int i = 0; i < 100 && !signal_count; i++)
        sleep_ms(5);
    EXPECT_EQ(signal_count, 1);
    close_both(p);
}

static const struct test_case cases[] = {
    ENTRY(bytes_come_in_order),
    ENTRY(wrong_end),
    ENTRY(end_of_file_when_writers_are_gone),
    ENTRY(broken_pipe_signals),
    ENTRY(pipe2_flags),
    ENTRY(capacity_is_64_kib),
    ENTRY(capacity_can_change),
    ENTRY(atomic_write_is_all_or_nothing),
    ENTRY(big_nonblocking_write_is_partial),
    ENTRY(big_blocking_write_is_whole),
    ENTRY(read_waits_for_data),
    ENTRY(small_writes_of_threads_do_not_mix),
    ENTRY(poll_of_both_ends),
    ENTRY(poll_of_widowed_writer),
    ENTRY(efault_keeps_the_data),
    ENTRY(packets_by_o_direct),
    ENTRY(fifo_open_waits_for_the_other_side),
    ENTRY(fifo_nonblocking_open),
    ENTRY(fifo_open_both_ways),
    ENTRY(fifo_open_is_interrupted),
    ENTRY(async_signal_on_data),
};
TEST_MAIN(cases)
