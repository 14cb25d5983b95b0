// SPDX-License-Identifier: BSD-3-Clause
// Signals in the middle of everything: timers at short intervals while the program computes,
// moves data, faults, sleeps and makes threads. What is interrupted must come out the same.
#include "harness.h"

#include <sched.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile double handler_sum;

static void disturb(int signal, siginfo_t *info, void *context)
{
    double x = handler_sum; // uses vector registers, and the stack below
    volatile char below[2000];
    (void)info, (void)context;
    for (int i = 1; i < 10; i++)
        x = x * 0.5 + i * 1.25;
    memset((void *)(uintptr_t)below, signal, sizeof(below));
    handler_sum = x;
    signal_count++;
}

static void start_storm(int microseconds)
{
    struct itimerval repeat = {{0, microseconds}, {0, microseconds}};
    on_signal(SIGALRM, disturb, SA_RESTART);
    setitimer(ITIMER_REAL, &repeat, NULL);
}

static void end_storm(int at_least)
{
    struct itimerval off = {0};
    setitimer(ITIMER_REAL, &off, NULL);
    EXPECT(signal_count >= at_least);
}

CASE(computation_under_a_storm)
{
    uint64_t first = 0, hash = 0;
    start_storm(500);
    uint64_t begin = now_ns();
    for (int round = 0; now_ns() - begin < 300000000u || round < 3; round++) {
        double x = 1.0;
        hash = 1469598103934665603u;
        for (int i = 0; i < 20000; i++) {
            hash = (hash ^ (uint64_t)i) * 1099511628211u;
            x = x * 1.0000001 + 0.5;
        }
        hash ^= (uint64_t)x;
        if (round == 0)
            first = hash;
        EXPECT(hash == first);
    }
    end_storm(20);
}

CASE(system_calls_under_a_storm)
{
    start_storm(300);
    uint64_t begin = now_ns();
    while (now_ns() - begin < 300000000u) {
        EXPECT_EQ(syscall(SYS_getpid), getpid());
        EXPECT_ERROR(close(250), EBADF);
        EXPECT_EQ(umask(022), 022);
    }
    end_storm(20);
}

static int p[2];

static void *feed(void *unused)
{
    unsigned char block[3000];
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    unsigned char value = 0;
    for (int round = 0; round < 500; round++) {
        for (size_t i = 0; i < sizeof(block); i++)
            block[i] = value++;
        for (size_t at = 0; at < sizeof(block);) {
            ssize_t size = write(p[1], block + at, sizeof(block) - at);
            if (size < 0) {
                EXPECT(size >= 0);
                return unused;
            }
            at += (size_t)size;
        }
    }
    close(p[1]);
    return unused;
}

CASE(pipe_transfer_under_a_storm)
{
    unsigned char block[1777], value = 0;
    size_t total = 0;
    REQUIRE_OK(pipe(p));
    start_storm(200);
    pthread_t thread = thread_start(feed, NULL);
    for (ssize_t size; (size = read(p[0], block, sizeof(block))) != 0; total += (size_t)size) {
        REQUIRE(size > 0);
        for (ssize_t i = 0; i < size; i++)
            if (block[i] != value++)
                test_fail(__FILE_NAME__, __LINE__, "wrong byte behind %zu", total);
    }
    thread_join(thread);
    end_storm(0);
    EXPECT_EQ(total, 1500000);
    close(p[0]);
}

static void skip_load(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signal, (void)info;
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    uc->uc_mcontext.gregs[REG_RAX] = 0x5a;
}

CASE(faults_under_a_storm)
{
    int wrong = 0, rounds = 0;
    on_signal(SIGSEGV, skip_load, 0);
    start_storm(300);
    uint64_t begin = now_ns();
    for (; now_ns() - begin < 300000000u; rounds++) {
        unsigned char value;
        __asm__ volatile("movb (%%rdi), %%al" : "=a"(value) : "D"(0x5000ul) : "memory");
        wrong += value != 0x5a;
    }
    end_storm(20);
    EXPECT_EQ(wrong, 0);
    EXPECT(rounds > 100);
}

CASE(sleeps_under_a_storm)
{
    uint64_t begin = now_ns();
    start_storm(700);
    sleep_ms(200); // goes on with the rest after each
    end_storm(20);
    EXPECT(now_ns() - begin >= 200000000u);
}

static void *come_and_go(void *unused)
{
    sched_yield();
    return unused;
}

CASE(threads_under_a_storm)
{
    start_storm(500);
    // With more CPUs than one the clock's own may be late on a busy machine.
    for (int i = 0; i < 300 || (!signal_count && i < 100000); i++) {
        pthread_t a = thread_start(come_and_go, NULL), b = thread_start(come_and_go, NULL);
        thread_join(a);
        thread_join(b);
    }
    end_storm(1);
}

static volatile int stop_hitting;
static int target;

static void *hit(void *unused)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!__atomic_load_n(&stop_hitting, __ATOMIC_ACQUIRE)) {
        syscall(SYS_tgkill, getpid(), target, SIGUSR1);
        sched_yield();
    }
    return unused;
}

CASE(two_threads_hit_a_third)
{
    sigset_t set;
    target = thread_id();
    stop_hitting = 0;
    on_signal(SIGUSR1, disturb, SA_RESTART);
    pthread_t a = thread_start(hit, NULL), b = thread_start(hit, NULL);
    uint64_t begin = now_ns();
    while (now_ns() - begin < 300000000u) {
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        int before = signal_count;
        sched_yield();
        EXPECT_EQ(signal_count, before);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    }
    __atomic_store_n(&stop_hitting, 1, __ATOMIC_RELEASE);
    thread_join(a);
    thread_join(b);
    EXPECT(signal_count > 10);
}

CASE(queued_signals_all_arrive)
{
    int sent = 0;
    on_signal(SIGRTMIN, count_signal, 0);
    for (int round = 0; round < 100; round++) {
        block_signal(SIGRTMIN);
        for (int i = 0; i < 20; i++)
            sent += sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0;
        unblock_signal(SIGRTMIN);
        EXPECT_EQ(signal_count, sent);
    }
}

static const struct test_case cases[] = {
    ENTRY(computation_under_a_storm),   ENTRY(system_calls_under_a_storm),
    ENTRY(pipe_transfer_under_a_storm), ENTRY(faults_under_a_storm),
    ENTRY(sleeps_under_a_storm),        ENTRY(threads_under_a_storm),
    ENTRY(two_threads_hit_a_third),     ENTRY(queued_signals_all_arrive),
};
TEST_MAIN(cases)
