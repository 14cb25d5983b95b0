// SPDX-License-Identifier: BSD-3-Clause
// poll, ppoll, select and pselect: events, timeouts, masks, errors.
#include "harness.h"

#include <poll.h>
#include <sys/select.h>

static int pipe_pair[2];

static void *write_soon(void *unused)
{
    sleep_ms(30);
    EXPECT_EQ(write(pipe_pair[1], "x", 1), 1);
    return unused;
}

static void close_pair(void)
{
    close(pipe_pair[0]);
    close(pipe_pair[1]);
}

CASE(poll_ready_and_not)
{
    REQUIRE_OK(pipe(pipe_pair));
    struct pollfd set[3] = {
        {pipe_pair[0], POLLIN, 99}, {pipe_pair[1], POLLOUT, 99}, {-1, POLLIN, 99}};
    EXPECT_EQ(poll(set, 3, 0), 1);
    EXPECT_EQ(set[0].revents, 0);
    EXPECT_EQ(set[1].revents, POLLOUT);
    EXPECT_EQ(set[2].revents, 0); // negative descriptors are skipped
    EXPECT_EQ(write(pipe_pair[1], "x", 1), 1);
    EXPECT_EQ(poll(set, 3, -1), 2);
    EXPECT_EQ(set[0].revents, POLLIN);
    close_pair();
}

CASE(poll_bad_descriptor)
{
    struct pollfd set = {200, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 1000), 1);
    EXPECT_EQ(set.revents, POLLNVAL);
    EXPECT_ERROR(syscall(SYS_poll, 16, 1, 0), EFAULT);
    EXPECT_ERROR(syscall(SYS_poll, &set, 1u << 30, 0), EINVAL);
}

CASE(poll_times_out)
{
    REQUIRE_OK(pipe(pipe_pair));
    struct pollfd set = {pipe_pair[0], POLLIN, 0};
    uint64_t start = now_ns();
    EXPECT_EQ(poll(&set, 1, 40), 0);
    uint64_t spent = now_ns() - start;
    EXPECT(spent >= 40000000 && spent < 5000000000);
    EXPECT_EQ(poll(NULL, 0, 10), 0);
    close_pair();
}

CASE(poll_wakes_for_data)
{
    REQUIRE_OK(pipe(pipe_pair));
    struct pollfd set = {pipe_pair[0], POLLIN, 0};
    pthread_t thread = thread_start(write_soon, NULL);
    EXPECT_EQ(poll(&set, 1, 5000), 1);
    EXPECT_EQ(set.revents, POLLIN);
    thread_join(thread);
    close_pair();
}

CASE(poll_regular_files_are_ready)
{
    int fd = make_file("f", "");
    struct pollfd set = {fd, POLLIN | POLLOUT | POLLPRI, 0};
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLIN | POLLOUT);
    close(fd);
}

CASE(poll_same_descriptor_twice)
{
    REQUIRE_OK(pipe(pipe_pair));
    struct pollfd set[2] = {{pipe_pair[1], POLLOUT, 0}, {pipe_pair[1], POLLOUT, 0}};
    EXPECT_EQ(poll(set, 2, 0), 2);
    close_pair();
}

CASE(poll_is_interrupted)
{
    on_signal(SIGUSR1, count_signal, SA_RESTART); // poll is never restarted
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(poll(NULL, 0, 5000), EINTR);
    EXPECT_EQ(signal_count, 1);
    signal_me_done();
}

CASE(ppoll_sets_the_mask)
{
    sigset_t none;
    struct timespec limit = {5, 0};
    sigemptyset(&none);
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    EXPECT_EQ(signal_count, 0);
    EXPECT_ERROR(ppoll(NULL, 0, &limit, &none), EINTR);
    EXPECT_EQ(signal_count, 1);
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    EXPECT(sigismember(&now, SIGUSR1));
}

CASE(ppoll_timeout_is_checked)
{
    struct timespec bad = {0, 1000000000}, brief = {0, 10000000};
    EXPECT_ERROR(syscall(SYS_ppoll, NULL, 0, &bad, NULL, 8), EINVAL);
    EXPECT_EQ(ppoll(NULL, 0, &brief, NULL), 0);
    EXPECT_ERROR(syscall(SYS_ppoll, NULL, 0, &brief, &brief, 3), EINVAL);
}

CASE(select_reads_and_writes)
{
    fd_set reads, writes;
    struct timeval zero = {0, 0};
    REQUIRE_OK(pipe(pipe_pair));
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_SET(pipe_pair[0], &reads);
    FD_SET(pipe_pair[1], &writes);
    EXPECT_EQ(select(pipe_pair[1] + 1, &reads, &writes, NULL, &zero), 1);
    EXPECT(!FD_ISSET(pipe_pair[0], &reads));
    EXPECT(FD_ISSET(pipe_pair[1], &writes));
    EXPECT_EQ(write(pipe_pair[1], "x", 1), 1);
    FD_SET(pipe_pair[0], &reads);
    EXPECT_EQ(select(pipe_pair[1] + 1, &reads, &writes, NULL, NULL), 2);
    close_pair();
}

CASE(select_errors)
{
    fd_set reads;
    struct timeval bad = {-1, 0}, zero = {0, 0};
    FD_ZERO(&reads);
    FD_SET(40, &reads); // Linux does not look behind its table of descriptors, which has room for 64 or more
    close(40);
    EXPECT_ERROR(select(41, &reads, NULL, NULL, &zero), EBADF);
    EXPECT_ERROR(select(-1, NULL, NULL, NULL, &zero), EINVAL);
    EXPECT_ERROR(syscall(SYS_select, 0, NULL, NULL, NULL, &bad), EINVAL);
}

CASE(select_updates_the_timeout)
{
    struct timeval limit = {5, 0};
    REQUIRE_OK(pipe(pipe_pair));
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(pipe_pair[0], &reads);
    pthread_t thread = thread_start(write_soon, NULL);
    EXPECT_EQ(syscall(SYS_select, pipe_pair[0] + 1, &reads, NULL, NULL, &limit), 1);
    EXPECT(limit.tv_sec == 4 || limit.tv_sec == 3);
    thread_join(thread);
    close_pair();
}

CASE(select_times_out_and_clears)
{
    fd_set reads;
    struct timeval limit = {0, 20000};
    REQUIRE_OK(pipe(pipe_pair));
    FD_ZERO(&reads);
    FD_SET(pipe_pair[0], &reads);
    EXPECT_EQ(select(pipe_pair[0] + 1, &reads, NULL, NULL, &limit), 0);
    EXPECT(!FD_ISSET(pipe_pair[0], &reads));
    close_pair();
}

CASE(pselect_sets_the_mask)
{
    sigset_t none;
    struct timespec limit = {5, 0};
    sigemptyset(&none);
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    EXPECT_ERROR(pselect(0, NULL, NULL, NULL, &limit, &none), EINTR);
    EXPECT_EQ(signal_count, 1);
}

CASE(ready_beats_pending_signal)
{
    sigset_t none;
    sigemptyset(&none);
    REQUIRE_OK(pipe(pipe_pair));
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    struct pollfd set = {pipe_pair[1], POLLOUT, 0};
    EXPECT_EQ(ppoll(&set, 1, NULL, &none), 1); // the signal stays pending
    EXPECT_EQ(signal_count, 0);
    close_pair();
}

static void *close_other_end(void *unused)
{
    sleep_ms(30);
    close(pipe_pair[1]);
    return unused;
}

CASE(poll_sees_hangup)
{
    REQUIRE_OK(pipe(pipe_pair));
    struct pollfd set = {pipe_pair[0], 0, 0}; // POLLHUP needs not to be asked for
    pthread_t thread = thread_start(close_other_end, NULL);
    EXPECT_EQ(poll(&set, 1, 5000), 1);
    EXPECT_EQ(set.revents, POLLHUP);
    thread_join(thread);
    close(pipe_pair[0]);
}

static const struct test_case cases[] = {
    ENTRY(poll_ready_and_not),
    ENTRY(poll_bad_descriptor),
    ENTRY(poll_times_out),
    ENTRY(poll_wakes_for_data),
    ENTRY(poll_regular_files_are_ready),
    ENTRY(poll_same_descriptor_twice),
    ENTRY(poll_is_interrupted),
    ENTRY(ppoll_sets_the_mask),
    ENTRY(ppoll_timeout_is_checked),
    ENTRY(select_reads_and_writes),
    ENTRY(select_errors),
    ENTRY(select_updates_the_timeout),
    ENTRY(select_times_out_and_clears),
    ENTRY(pselect_sets_the_mask),
    ENTRY(ready_beats_pending_signal),
    ENTRY(poll_sees_hangup),
};
TEST_MAIN(cases)
