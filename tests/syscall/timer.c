// SPDX-License-Identifier: BSD-3-Clause
// Timers: alarm, setitimer, timer_create with every way of telling, timerfd.
#include "harness.h"

#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void wait_for(int count)
{
    for (int i = 0; i < 1000 && signal_count < count; i++)
        sleep_ms(2);
}

CASE(alarm_fires_and_reports)
{
    on_signal(SIGALRM, count_signal, 0);
    EXPECT_EQ(alarm(100), 0);
    unsigned left = alarm(1);
    EXPECT(left == 100 || left == 99);
    wait_for(1);
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(signal_last.si_signo, SIGALRM);
    EXPECT_EQ(signal_last.si_code, SI_KERNEL);
    EXPECT_EQ(alarm(0), 0);
}

CASE(interval_timer_repeats)
{
    struct itimerval repeat = {{0, 20000}, {0, 20000}}, now, off = {0};
    on_signal(SIGALRM, count_signal, 0);
    EXPECT_OK(setitimer(ITIMER_REAL, &repeat, NULL));
    wait_for(3);
    EXPECT(signal_count >= 3);
    EXPECT_OK(getitimer(ITIMER_REAL, &now));
    EXPECT_EQ(now.it_interval.tv_usec, 20000);
    EXPECT(now.it_value.tv_sec == 0 && now.it_value.tv_usec <= 20000);
    EXPECT_OK(setitimer(ITIMER_REAL, &off, &now));
    EXPECT_EQ(now.it_interval.tv_usec, 20000);
    EXPECT_OK(getitimer(ITIMER_REAL, &now));
    EXPECT(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0);
}

CASE(interval_timer_errors)
{
    struct itimerval bad = {{0, 0}, {0, 1000000}}, good = {{0, 0}, {0, 0}};
    EXPECT_ERROR(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
    EXPECT_ERROR(setitimer(77, &good, NULL), EINVAL);
    EXPECT_ERROR(getitimer(77, &good), EINVAL);
    EXPECT_ERROR(syscall(SYS_getitimer, ITIMER_REAL, 16), EFAULT);
}

CASE(virtual_and_profiling_timers_count_work)
{
    struct itimerval once = {{0, 0}, {0, 20000}};
    on_signal(SIGVTALRM, count_signal, 0);
    EXPECT_OK(setitimer(ITIMER_VIRTUAL, &once, NULL));
    sleep_ms(50);
    EXPECT_EQ(signal_count, 0); // asleep is no work
    uint64_t start = now_ns();
    while (!signal_count && now_ns() - start < 3000000000u)
        ;
    EXPECT_EQ(signal_count, 1);
    on_signal(SIGPROF, count_signal, 0);
    EXPECT_OK(setitimer(ITIMER_PROF, &once, NULL));
    while (signal_count < 2 && now_ns() - start < 6000000000u)
        ;
    EXPECT_EQ(signal_count, 2);
}

static timer_t make_timer(clockid_t clock, int notify, int signal, int value)
{
    timer_t timer = NULL;
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal};
    event.sigev_value.sival_int = value;
    if (notify == SIGEV_THREAD_ID)
        event.sigev_notify_thread_id = thread_id();
    EXPECT_OK(timer_create(clock, &event, &timer));
    return timer;
}

static void arm(timer_t timer, long first_ms, long interval_ms)
{
    struct itimerspec when = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
                              {first_ms / 1000, first_ms % 1000 * 1000000}};
    EXPECT_OK(timer_settime(timer, 0, &when, NULL));
}

CASE(timer_signals_with_its_value)
{
    on_signal(SIGUSR1, count_signal, 0);
    timer_t timer = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1234);
    arm(timer, 20, 0);
    wait_for(1);
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(signal_last.si_code, SI_TIMER);
    EXPECT_EQ(signal_last.si_value.sival_int, 1234);
    EXPECT_EQ(signal_last.si_overrun, 0);
    EXPECT_OK(timer_delete(timer));
}

CASE(timer_repeats)
{
    struct itimerspec now;
    on_signal(SIGRTMIN, count_signal, 0);
    timer_t timer = make_timer(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN, 1);
    arm(timer, 10, 15);
    wait_for(4);
    EXPECT(signal_count >= 4);
    EXPECT_OK(timer_gettime(timer, &now));
    EXPECT_EQ(now.it_interval.tv_nsec, 15000000);
    EXPECT(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 15000000);
    EXPECT_OK(timer_delete(timer));
    int count = signal_count;
    sleep_ms(40);
    EXPECT_EQ(signal_count, count);
}

CASE(timer_overruns_are_counted)
{
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    timer_t timer = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1);
    arm(timer, 5, 5);
    sleep_ms(60);
    unblock_signal(SIGUSR1);
    EXPECT(signal_count >= 1);
    EXPECT(signal_last.si_overrun >= 5 || timer_getoverrun(timer) >= 0);
    EXPECT_OK(timer_delete(timer));
}

CASE(timer_set_far_into_the_past)
{
    timer_t timer;
    sigset_t set;
    int number;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec long_ago = {{0, 1}, {1, 0}}, off = {0};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    REQUIRE_OK(timer_create(CLOCK_REALTIME, &event, &timer));
    REQUIRE_OK(timer_settime(timer, TIMER_ABSTIME, &long_ago, NULL));
    EXPECT_EQ(sigwait(&set, &number), 0);
    EXPECT_EQ(timer_getoverrun(timer), INT32_MAX);
    timer_settime(timer, 0, &off, NULL);
    timer_delete(timer);
    signal(SIGUSR1, SIG_IGN); // drops what is pending
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

CASE(timer_without_notice)
{
    struct itimerspec now;
    timer_t timer = make_timer(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
    arm(timer, 100000, 0);
    EXPECT_OK(timer_gettime(timer, &now));
    EXPECT(now.it_value.tv_sec == 99 || now.it_value.tv_sec == 100);
    EXPECT_OK(timer_delete(timer));
}

CASE(timer_for_one_thread)
{
    on_signal(SIGUSR1, count_signal, 0);
    timer_t timer = make_timer(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 5);
    arm(timer, 20, 0);
    wait_for(1);
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(timer_delete(timer));
}

CASE(timer_default_event)
{
    timer_t timer;
    on_signal(SIGALRM, count_signal, 0);
    EXPECT_OK(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    arm(timer, 10, 0);
    wait_for(1);
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(timer_delete(timer));
}

CASE(timer_absolute)
{
    struct itimerspec when = {0};
    on_signal(SIGUSR1, count_signal, 0);
    timer_t timer = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
    clock_gettime(CLOCK_MONOTONIC, &when.it_value);
    EXPECT_OK(timer_settime(timer, TIMER_ABSTIME, &when, NULL)); // already past: at once
    wait_for(1);
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(timer_delete(timer));
}

CASE(timer_on_cpu_time)
{
    on_signal(SIGUSR1, count_signal, 0);
    timer_t timer = make_timer(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 0);
    arm(timer, 20, 0);
    sleep_ms(50);
    EXPECT_EQ(signal_count, 0);
    uint64_t start = now_ns();
    while (!signal_count && now_ns() - start < 3000000000u)
        ;
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(timer_delete(timer));
}

CASE(timer_errors)
{
    struct sigevent bad = {.sigev_notify = 99, .sigev_signo = SIGUSR1};
    struct itimerspec when = {{0, 0}, {0, 1000000000}};
    long timer = -1;
    EXPECT_ERROR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &bad, &timer), EINVAL);
    bad = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
    EXPECT_ERROR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &bad, &timer), EINVAL);
    EXPECT_ERROR(syscall(SYS_timer_create, 99, NULL, &timer), EINVAL);
    EXPECT_ERROR(syscall(SYS_timer_delete, 12345), EINVAL);
    EXPECT_ERROR(syscall(SYS_timer_settime, 12345, 0, &when, NULL), EINVAL);
    EXPECT_ERROR(syscall(SYS_timer_getoverrun, 12345), EINVAL);
}

CASE(timerfd_counts_expirations)
{
    uint64_t count = 0;
    struct itimerspec when = {{0, 10000000}, {0, 10000000}}, now;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_OK(timerfd_settime(fd, 0, &when, NULL));
    sleep_ms(55);
    EXPECT_EQ(read(fd, &count, 8), 8);
    EXPECT(count >= 5);
    EXPECT_EQ(read(fd, &count, 8), 8);
    EXPECT(count >= 1);
    EXPECT_OK(timerfd_gettime(fd, &now));
    EXPECT_EQ(now.it_interval.tv_nsec, 10000000);
    close(fd);
}

CASE(timerfd_polls)
{
    uint64_t count;
    struct itimerspec when = {.it_value = {0, 30000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct pollfd set = {fd, POLLIN, 0};
    EXPECT_ERROR(read(fd, &count, 8), EAGAIN);
    EXPECT_OK(timerfd_settime(fd, 0, &when, NULL));
    EXPECT_EQ(poll(&set, 1, 0), 0);
    EXPECT_EQ(poll(&set, 1, 5000), 1);
    EXPECT_EQ(set.revents, POLLIN);
    EXPECT_EQ(read(fd, &count, 8), 8);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(poll(&set, 1, 0), 0);
    close(fd);
}

CASE(timerfd_disarm_and_old_value)
{
    struct itimerspec when = {.it_value = {100, 0}}, off = {0}, old;
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    EXPECT_OK(timerfd_settime(fd, 0, &when, &old));
    EXPECT_EQ(old.it_value.tv_sec, 0);
    EXPECT_OK(timerfd_settime(fd, 0, &off, &old));
    EXPECT(old.it_value.tv_sec == 99 || old.it_value.tv_sec == 100);
    EXPECT_OK(timerfd_gettime(fd, &old));
    EXPECT(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    close(fd);
}

CASE(timerfd_absolute_and_errors)
{
    uint64_t count;
    char small[4];
    struct itimerspec when = {0}, bad = {.it_value = {0, -1}};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    clock_gettime(CLOCK_MONOTONIC, &when.it_value);
    EXPECT_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL));
    EXPECT_EQ(read(fd, &count, 8), 8);
    EXPECT_ERROR(read(fd, small, 4), EINVAL);
    EXPECT_ERROR(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
    EXPECT_ERROR(timerfd_settime(0, 0, &when, NULL), EINVAL);
    EXPECT_ERROR(timerfd_create(99, 0), EINVAL);
    EXPECT_ERROR(timerfd_create(CLOCK_MONOTONIC, 0x1000), EINVAL);
    EXPECT_ERROR(write(fd, &count, 8), EINVAL);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(alarm_fires_and_reports),
    ENTRY(interval_timer_repeats),
    ENTRY(interval_timer_errors),
    ENTRY(virtual_and_profiling_timers_count_work),
    ENTRY(timer_signals_with_its_value),
    ENTRY(timer_repeats),
    ENTRY(timer_overruns_are_counted),
    ENTRY(timer_set_far_into_the_past),
    ENTRY(timer_without_notice),
    ENTRY(timer_for_one_thread),
    ENTRY(timer_default_event),
    ENTRY(timer_absolute),
    ENTRY(timer_on_cpu_time),
    ENTRY(timer_errors),
    ENTRY(timerfd_counts_expirations),
    ENTRY(timerfd_polls),
    ENTRY(timerfd_disarm_and_old_value),
    ENTRY(timerfd_absolute_and_errors),
};
TEST_MAIN(cases)
