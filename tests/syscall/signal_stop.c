// SPDX-License-Identifier: BSD-3-Clause
// Job control: stops and continues of the process itself. Nobody else is there to continue it,
// so a timer sends SIGCONT, which runs even while the process is stopped.
#include "harness.h"

#include <sys/timerfd.h>

static timer_t continue_later(int milliseconds)
{
    timer_t timer = NULL;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    struct itimerspec when = {.it_value = {0, milliseconds * 1000000L}};
    EXPECT_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    EXPECT_OK(timer_settime(timer, 0, &when, NULL));
    return timer;
}

CASE(stop_until_continued)
{
    timer_t timer = continue_later(60);
    uint64_t start = now_ns();
    EXPECT_OK(kill(getpid(), SIGSTOP));
    EXPECT(now_ns() - start >= 50000000);
    EXPECT_OK(timer_delete(timer));
}

CASE(continue_runs_its_handler)
{
    on_signal(SIGCONT, count_signal, 0);
    timer_t timer = continue_later(60);
    EXPECT_OK(kill(getpid(), SIGSTOP));
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(signal_last.si_code, SI_TIMER);
    EXPECT_OK(timer_delete(timer));
}

CASE(blocked_continue_continues_all_the_same)
{
    on_signal(SIGCONT, count_signal, 0);
    block_signal(SIGCONT);
    timer_t timer = continue_later(60);
    EXPECT_OK(kill(getpid(), SIGSTOP));
    EXPECT_EQ(signal_count, 0);
    unblock_signal(SIGCONT);
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(timer_delete(timer));
}

static volatile int ticks, ticking;

static void *tick(void *unused)
{
    while (__atomic_load_n(&ticking, __ATOMIC_ACQUIRE)) {
        ticks++;
        sleep_ms(2);
    }
    return unused;
}

CASE(all_threads_stop)
{
    ticks = 0;
    ticking = 1;
    pthread_t thread = thread_start(tick, NULL);
    sleep_ms(10);
    timer_t timer = continue_later(200);
    EXPECT_OK(kill(getpid(), SIGSTOP));
    EXPECT(ticks < 60); // a free run would make about a hundred
    __atomic_store_n(&ticking, 0, __ATOMIC_RELEASE);
    thread_join(thread);
    EXPECT_OK(timer_delete(timer));
}

CASE(other_signals_wait_for_the_continue)
{
    on_signal(SIGUSR1, count_signal, 0);
    timer_t timer = continue_later(80);
    uint64_t start = now_ns();
    signal_me_later(SIGUSR1, 0);
    EXPECT_OK(kill(getpid(), SIGSTOP));
    EXPECT(now_ns() - start >= 70000000);
    signal_me_done();
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(timer_delete(timer));
}

CASE(continue_drops_pending_stops)
{
    sigset_t pending;
    block_signal(SIGTSTP);
    kill(getpid(), SIGTSTP);
    sigpending(&pending);
    EXPECT(sigismember(&pending, SIGTSTP));
    kill(getpid(), SIGCONT);
    sigpending(&pending);
    EXPECT(!sigismember(&pending, SIGTSTP));
    on_signal(SIGCONT, count_signal, 0);
    block_signal(SIGCONT);
    kill(getpid(), SIGCONT);
    kill(getpid(), SIGTSTP); // and a stop drops pending continues
    sigpending(&pending);
    EXPECT(!sigismember(&pending, SIGCONT));
    kill(getpid(), SIGCONT);
}

CASE(stop_signals_can_be_caught_or_ignored)
{
    on_signal(SIGTSTP, count_signal, 0);
    raise(SIGTSTP);
    EXPECT_EQ(signal_count, 1);
    signal(SIGTSTP, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
}

CASE(sleep_spans_the_stop)
{
    timer_t timer = continue_later(50);
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec when = {.it_value = {0, 10000000}};
    uint64_t count = 0;
    EXPECT_OK(timerfd_settime(fd, 0, &when, NULL));
    EXPECT_OK(kill(getpid(), SIGSTOP));
    EXPECT_EQ(read(fd, &count, 8), 8); // expired meanwhile
    EXPECT_EQ(count, 1);
    close(fd);
    EXPECT_OK(timer_delete(timer));
}

static const struct test_case cases[] = {
    ENTRY(stop_until_continued),
    ENTRY(continue_runs_its_handler),
    ENTRY(blocked_continue_continues_all_the_same),
    ENTRY(all_threads_stop),
    ENTRY(other_signals_wait_for_the_continue),
    ENTRY(continue_drops_pending_stops),
    ENTRY(stop_signals_can_be_caught_or_ignored),
    ENTRY(sleep_spans_the_stop),
};
TEST_MAIN(cases)
