// SPDX-License-Identifier: BSD-3-Clause
// Blocking calls hit by a signal: EINTR without SA_RESTART, restarted with it, or EINTR always.
#include "harness.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <linux/futex.h>

static int p[2], word;

static void *satisfy_read(void *unused)
{
    sleep_ms(90);
    EXPECT_EQ(write(p[1], "x", 1), 1);
    return unused;
}

CASE(read_gives_eintr)
{
    char byte;
    REQUIRE_OK(pipe(p));
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(read(p[0], &byte, 1), EINTR);
    EXPECT_EQ(signal_count, 1);
    signal_me_done();
    close(p[0]);
    close(p[1]);
}

CASE(read_restarts)
{
    char byte;
    REQUIRE_OK(pipe(p));
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 30);
    pthread_t thread = thread_start(satisfy_read, NULL);
    EXPECT_EQ(read(p[0], &byte, 1), 1);
    EXPECT_EQ(signal_count, 1);
    thread_join(thread);
    signal_me_done();
    close(p[0]);
    close(p[1]);
}

CASE(ignored_signals_interrupt_nothing)
{
    char byte;
    REQUIRE_OK(pipe(p));
    signal(SIGUSR1, SIG_IGN);
    signal_me_later(SIGUSR1, 30);
    pthread_t thread = thread_start(satisfy_read, NULL);
    EXPECT_EQ(read(p[0], &byte, 1), 1);
    thread_join(thread);
    signal_me_done();
    close(p[0]);
    close(p[1]);
}

CASE(blocked_signals_interrupt_nothing)
{
    char byte;
    REQUIRE_OK(pipe(p));
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    signal_me_later(SIGUSR1, 30);
    pthread_t thread = thread_start(satisfy_read, NULL);
    EXPECT_EQ(read(p[0], &byte, 1), 1);
    EXPECT_EQ(signal_count, 0);
    thread_join(thread);
    signal_me_done();
    close(p[0]);
    close(p[1]);
}

CASE(write_gives_eintr_or_part)
{
    static char block[100000];
    REQUIRE_OK(pipe(p));
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_EQ(write(p[1], block, sizeof(block)), 65536); // what went in before
    signal_me_done();
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(write(p[1], block, 1), EINTR);
    signal_me_done();
    close(p[0]);
    close(p[1]);
}

CASE(nanosleep_tells_the_rest)
{
    struct timespec request = {5, 0}, rest = {0};
    on_signal(SIGUSR1, count_signal, SA_RESTART); // never restarted after a handler
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(nanosleep(&request, &rest), EINTR);
    EXPECT(rest.tv_sec == 4 || (rest.tv_sec > 0 && rest.tv_sec < 5));
    signal_me_done();
}

CASE(absolute_sleep_keeps_the_rest_alone)
{
    struct timespec until, rest = {77, 77};
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 5;
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &rest), EINTR);
    EXPECT_EQ(rest.tv_sec, 77);
    signal_me_done();
}

static void *wake_word(void *unused)
{
    sleep_ms(120);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
    return unused;
}

CASE(futex_wait_with_timeout_gives_eintr)
{
    struct timespec limit = {5, 0};
    on_signal(SIGUSR1, count_signal, SA_RESTART); // not restarted after a handler
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit), EINTR);
    signal_me_done();
}

CASE(futex_wait_without_timeout_restarts)
{
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 30);
    pthread_t thread = thread_start(wake_word, NULL);
    EXPECT_EQ(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL), 0);
    EXPECT_EQ(signal_count, 1);
    thread_join(thread);
    signal_me_done();
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL), EINTR);
    signal_me_done();
}

CASE(eventfd_read_gives_eintr)
{
    uint64_t value;
    int fd = eventfd(0, 0);
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(read(fd, &value, 8), EINTR);
    signal_me_done();
    close(fd);
}

CASE(timerfd_read_restarts)
{
    uint64_t value = 0;
    struct itimerspec when = {.it_value = {0, 120000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    EXPECT_OK(timerfd_settime(fd, 0, &when, NULL));
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 30);
    EXPECT_EQ(read(fd, &value, 8), 8);
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(value, 1);
    signal_me_done();
    close(fd);
}

CASE(flock_gives_eintr)
{
    int a = make_file("f", ""), b = open("f", O_RDWR);
    EXPECT_OK(flock(a, LOCK_EX));
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(flock(b, LOCK_EX), EINTR);
    signal_me_done();
    close(a);
    close(b);
}

static void *join_me(void *unused)
{
    sleep_ms(100);
    return unused;
}

CASE(pthread_join_survives_signals)
{
    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 30);
    thread_join(thread_start(join_me, NULL));
    EXPECT_EQ(signal_count, 1);
    signal_me_done();
}

static void raise_in_handler(int signal, siginfo_t *info, void *context)
{
    char byte;
    (void)signal, (void)info, (void)context;
    EXPECT_EQ(write(p[1], "x", 1), 1);
    EXPECT_EQ(read(p[0], &byte, 1), 1);
    signal_count++;
}

CASE(handler_may_use_the_same_pipe)
{
    char byte;
    REQUIRE_OK(pipe(p));
    on_signal(SIGUSR1, raise_in_handler, SA_RESTART);
    signal_me_later(SIGUSR1, 30);
    pthread_t thread = thread_start(satisfy_read, NULL);
    EXPECT_EQ(read(p[0], &byte, 1), 1);
    EXPECT_EQ(signal_count, 1);
    thread_join(thread);
    signal_me_done();
    close(p[0]);
    close(p[1]);
}

CASE(arguments_survive_a_restart)
{
    char buffer[8] = "";
    register long r10 __asm__("r10") = 0x1010;
    register long r8 __asm__("r8") = 0x808;
    long result;
    REQUIRE_OK(pipe(p));
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 30);
    pthread_t thread = thread_start(satisfy_read, NULL);
    r10 = 0x1010;
    r8 = 0x808;
    __asm__ volatile("syscall"
                     : "=a"(result), "+r"(r10), "+r"(r8)
                     : "0"(SYS_read), "D"(p[0]), "S"(buffer), "d"(8L)
                     : "rcx", "r11", "memory");
    EXPECT_EQ(r10, 0x1010);
    EXPECT_EQ(r8, 0x808);
    EXPECT_EQ(result, 1);
    EXPECT_EQ(signal_count, 1);
    thread_join(thread);
    signal_me_done();
    close(p[0]);
    close(p[1]);
}

static const struct test_case cases[] = {
    ENTRY(read_gives_eintr),
    ENTRY(read_restarts),
    ENTRY(ignored_signals_interrupt_nothing),
    ENTRY(blocked_signals_interrupt_nothing),
    ENTRY(write_gives_eintr_or_part),
    ENTRY(nanosleep_tells_the_rest),
    ENTRY(absolute_sleep_keeps_the_rest_alone),
    ENTRY(futex_wait_with_timeout_gives_eintr),
    ENTRY(futex_wait_without_timeout_restarts),
    ENTRY(eventfd_read_gives_eintr),
    ENTRY(timerfd_read_restarts),
    ENTRY(flock_gives_eintr),
    ENTRY(pthread_join_survives_signals),
    ENTRY(handler_may_use_the_same_pipe),
    ENTRY(arguments_survive_a_restart),
};
TEST_MAIN(cases)
