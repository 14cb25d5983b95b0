// SPDX-License-Identifier: BSD-3-Clause
// What a signal carries and how it queues: siginfo, real-time queues, thread-directed signals,
// waiting for signals (sigwaitinfo, sigtimedwait, sigsuspend, pause).
#include "harness.h"

static volatile int values[64], value_count;

static void note_value(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    values[value_count++ & 63] = info->si_value.sival_int;
}

static sigset_t only(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

CASE(siginfo_of_kill)
{
    on_signal(SIGUSR1, count_signal, 0);
    EXPECT_OK(kill(getpid(), SIGUSR1));
    EXPECT_EQ(signal_last.si_signo, SIGUSR1);
    EXPECT_EQ(signal_last.si_code, SI_USER);
    EXPECT_EQ(signal_last.si_pid, getpid());
    EXPECT_EQ(signal_last.si_uid, getuid());
    EXPECT_EQ(signal_last.si_errno, 0);
}

CASE(siginfo_of_tgkill)
{
    on_signal(SIGUSR1, count_signal, 0);
    EXPECT_OK(syscall(SYS_tgkill, getpid(), thread_id(), SIGUSR1));
    EXPECT_EQ(signal_last.si_code, SI_TKILL);
    EXPECT_EQ(signal_last.si_pid, getpid());
}

CASE(siginfo_of_sigqueue)
{
    on_signal(SIGUSR1, count_signal, 0);
    union sigval value = {.sival_ptr = (void *)0x123456789abcul};
    EXPECT_OK(sigqueue(getpid(), SIGUSR1, value));
    EXPECT_EQ(signal_last.si_code, SI_QUEUE);
    EXPECT_EQ(signal_last.si_pid, getpid());
    EXPECT(signal_last.si_value.sival_ptr == value.sival_ptr);
}

CASE(realtime_signals_queue_in_order)
{
    on_signal(SIGRTMIN, note_value, 0);
    value_count = 0;
    block_signal(SIGRTMIN);
    for (int i = 0; i < 20; i++)
        EXPECT_OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
    struct sigaction action = {.sa_sigaction = note_value, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    sigaction(SIGRTMIN, &action, NULL);
    unblock_signal(SIGRTMIN);
    EXPECT_EQ(value_count, 20);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(values[i], i);
}

CASE(standard_signals_keep_the_first_value)
{
    value_count = 0;
    on_signal(SIGUSR1, note_value, 0);
    block_signal(SIGUSR1);
    EXPECT_OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 1}));
    EXPECT_OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 2}));
    unblock_signal(SIGUSR1);
    EXPECT_EQ(value_count, 1);
    EXPECT_EQ(values[0], 1);
}

CASE(kernel_codes_cannot_be_forged)
{
    siginfo_t info = {.si_code = SI_USER, .si_signo = SIGUSR1};
    block_signal(SIGUSR1); // to oneself Linux allows it
    EXPECT_OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    EXPECT_OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), thread_id(), SIGUSR1, &info));
    EXPECT_ERROR(syscall(SYS_rt_sigqueueinfo, 4000000, SIGUSR1, &info), EPERM);
    info.si_code = SI_QUEUE;
    EXPECT_ERROR(syscall(SYS_rt_sigqueueinfo, 4000000, SIGUSR1, &info), ESRCH);
    EXPECT_ERROR(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 16), EFAULT);
}

CASE(sigwaitinfo_takes_a_pending_one)
{
    sigset_t set = only(SIGUSR1);
    siginfo_t info;
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    EXPECT_EQ(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8), SIGUSR1);
    EXPECT_EQ(info.si_code, SI_TKILL); // glibc's wrapper would say SI_USER
    int signal = 0;
    EXPECT_OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 9}));
    EXPECT_EQ(sigwait(&set, &signal), 0);
    EXPECT_EQ(signal, SIGUSR1);
}

CASE(sigtimedwait_times_out)
{
    sigset_t set = only(SIGUSR1);
    struct timespec brief = {0, 30000000}, zero = {0}, bad = {0, -1};
    block_signal(SIGUSR1);
    uint64_t start = now_ns();
    EXPECT_ERROR(sigtimedwait(&set, NULL, &brief), EAGAIN);
    EXPECT(now_ns() - start >= 30000000);
    EXPECT_ERROR(sigtimedwait(&set, NULL, &zero), EAGAIN);
    EXPECT_ERROR(sigtimedwait(&set, NULL, &bad), EINVAL);
}

CASE(sigwaitinfo_waits)
{
    sigset_t set = only(SIGUSR1);
    siginfo_t info;
    block_signal(SIGUSR1);
    signal_me_later(SIGUSR1, 30);
    EXPECT_EQ(sigwaitinfo(&set, &info), SIGUSR1);
    signal_me_done();
}

CASE(sigtimedwait_is_interrupted_by_others)
{
    sigset_t set = only(SIGUSR2);
    struct timespec limit = {5, 0};
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    block_signal(SIGUSR2);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(sigtimedwait(&set, NULL, &limit), EINTR);
    EXPECT_EQ(signal_count, 1);
    signal_me_done();
}

CASE(sigwait_takes_the_lowest_and_keeps_queues)
{
    sigset_t set = only(SIGRTMIN + 1);
    siginfo_t info;
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1});
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 2});
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 3});
    EXPECT_EQ(sigwaitinfo(&set, &info), SIGUSR1);
    EXPECT_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 1);
    EXPECT_EQ(info.si_value.sival_int, 1);
    EXPECT_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 1);
    EXPECT_EQ(info.si_value.sival_int, 2);
}

CASE(sigsuspend_waits_with_a_mask)
{
    sigset_t none, now;
    sigemptyset(&none);
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(sigsuspend(&none), EINTR);
    EXPECT_EQ(signal_count, 1);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    EXPECT(sigismember(&now, SIGUSR1));
    signal_me_done();
    raise(SIGUSR1); // and with one already pending
    EXPECT_ERROR(sigsuspend(&none), EINTR);
    EXPECT_EQ(signal_count, 2);
}

CASE(pause_returns_after_a_handler)
{
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(pause(), EINTR);
    EXPECT_EQ(signal_count, 1);
    signal_me_done();
}

static volatile int handler_thread;

static void note_thread(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    handler_thread = thread_id();
}

static struct {
    volatile int id, stop;
} target;

static void *wait_to_be_hit(void *unused)
{
    __atomic_store_n(&target.id, thread_id(), __ATOMIC_RELEASE);
    while (!__atomic_load_n(&target.stop, __ATOMIC_ACQUIRE))
        sleep_ms(2);
    return unused;
}

static pthread_t start_target(void)
{
    target.id = target.stop = handler_thread = 0;
    pthread_t thread = thread_start(wait_to_be_hit, NULL);
    while (!__atomic_load_n(&target.id, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    return thread;
}

CASE(thread_directed_signals_hit_that_thread)
{
    on_signal(SIGUSR1, note_thread, 0);
    pthread_t thread = start_target();
    EXPECT_EQ(pthread_kill(thread, SIGUSR1), 0);
    for (int i = 0; i < 200 && !handler_thread; i++)
        sleep_ms(2);
    EXPECT_EQ(handler_thread, target.id);
    target.stop = 1;
    thread_join(thread);
}

CASE(process_signals_find_a_thread_that_takes_them)
{
    on_signal(SIGUSR1, note_thread, 0);
    pthread_t thread = start_target();
    block_signal(SIGUSR1); // here, not there
    EXPECT_OK(kill(getpid(), SIGUSR1));
    for (int i = 0; i < 200 && !handler_thread; i++)
        sleep_ms(2);
    EXPECT_EQ(handler_thread, target.id);
    target.stop = 1;
    thread_join(thread);
}

CASE(process_signals_prefer_the_main_thread)
{
    on_signal(SIGUSR1, note_thread, 0);
    pthread_t thread = start_target();
    EXPECT_OK(kill(getpid(), SIGUSR1));
    EXPECT_EQ(handler_thread, getpid());
    target.stop = 1;
    thread_join(thread);
}

CASE(pending_of_thread_and_process)
{
    sigset_t set;
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    kill(getpid(), SIGUSR1);
    syscall(SYS_tgkill, getpid(), thread_id(), SIGUSR1);
    EXPECT_OK(sigpending(&set));
    EXPECT(sigismember(&set, SIGUSR1));
    unblock_signal(SIGUSR1);
    EXPECT_EQ(signal_count, 2); // one of each queue
}

CASE(queue_limit_is_eagain)
{
    int sent = 0;
    struct timespec zero = {0};
    sigset_t set = only(SIGRTMIN);
    block_signal(SIGRTMIN);
    while (sent < 200 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = sent}) == 0)
        sent++;
    EXPECT_EQ(sent, 200); // far below any sensible limit
    for (int i = 0; i < sent; i++) {
        siginfo_t info;
        EXPECT_EQ(sigtimedwait(&set, &info, &zero), SIGRTMIN);
        EXPECT_EQ(info.si_value.sival_int, i);
    }
}

static const struct test_case cases[] = {
    ENTRY(siginfo_of_kill),
    ENTRY(siginfo_of_tgkill),
    ENTRY(siginfo_of_sigqueue),
    ENTRY(realtime_signals_queue_in_order),
    ENTRY(standard_signals_keep_the_first_value),
    ENTRY(kernel_codes_cannot_be_forged),
    ENTRY(sigwaitinfo_takes_a_pending_one),
    ENTRY(sigtimedwait_times_out),
    ENTRY(sigwaitinfo_waits),
    ENTRY(sigtimedwait_is_interrupted_by_others),
    ENTRY(sigwait_takes_the_lowest_and_keeps_queues),
    ENTRY(sigsuspend_waits_with_a_mask),
    ENTRY(pause_returns_after_a_handler),
    ENTRY(thread_directed_signals_hit_that_thread),
    ENTRY(process_signals_find_a_thread_that_takes_them),
    ENTRY(process_signals_prefer_the_main_thread),
    ENTRY(pending_of_thread_and_process),
    ENTRY(queue_limit_is_eagain),
};
TEST_MAIN(cases)
