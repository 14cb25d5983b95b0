// SPDX-License-Identifier: BSD-3-Clause
// Signals: handlers, masks, pending sets, flags of sigaction, what a handler may do.
#include "harness.h"

#include <setjmp.h>

static volatile sig_atomic_t order[16], order_count, mask_seen;

static void note_order(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    order[order_count++ & 15] = signal;
}

static int pending(int signal)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, signal);
}

CASE(handler_runs_at_once)
{
    on_signal(SIGUSR1, count_signal, 0);
    EXPECT_EQ(raise(SIGUSR1), 0);
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(kill(getpid(), SIGUSR1));
    EXPECT_EQ(signal_count, 2);
}

CASE(old_action_is_returned)
{
    struct sigaction new = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO | SA_RESTART}, old;
    sigemptyset(&new.sa_mask);
    sigaddset(&new.sa_mask, SIGUSR2);
    EXPECT_OK(sigaction(SIGUSR1, &new, NULL));
    EXPECT_OK(sigaction(SIGUSR1, NULL, &old));
    EXPECT(old.sa_sigaction == count_signal);
    EXPECT_EQ(old.sa_flags & (SA_SIGINFO | SA_RESTART | SA_NODEFER), SA_SIGINFO | SA_RESTART);
    EXPECT(sigismember(&old.sa_mask, SIGUSR2) && !sigismember(&old.sa_mask, SIGHUP));
}

CASE(kill_and_stop_cannot_be_caught)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    EXPECT_ERROR(sigaction(SIGKILL, &action, NULL), EINVAL);
    EXPECT_ERROR(sigaction(SIGSTOP, &action, NULL), EINVAL);
    EXPECT_ERROR(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
    EXPECT_ERROR(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
    EXPECT_ERROR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
    sigset_t all, now;
    sigfillset(&all);
    EXPECT_OK(sigprocmask(SIG_SETMASK, &all, NULL));
    EXPECT_OK(sigprocmask(SIG_SETMASK, NULL, &now));
    EXPECT(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP));
    EXPECT(sigismember(&now, SIGTERM));
}

CASE(blocked_signals_wait)
{
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1); // a standard signal is pending once
    EXPECT_EQ(signal_count, 0);
    EXPECT(pending(SIGUSR1));
    unblock_signal(SIGUSR1);
    EXPECT_EQ(signal_count, 1);
    EXPECT(!pending(SIGUSR1));
}

CASE(mask_operations)
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    EXPECT_OK(sigprocmask(SIG_BLOCK, &set, &old));
    EXPECT(!sigismember(&old, SIGUSR1));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    EXPECT_OK(sigprocmask(SIG_BLOCK, &set, &old));
    EXPECT(sigismember(&old, SIGUSR1) && !sigismember(&old, SIGUSR2));
    EXPECT_OK(sigprocmask(SIG_SETMASK, &set, &old));
    EXPECT(sigismember(&old, SIGUSR1) && sigismember(&old, SIGUSR2));
    EXPECT_OK(sigprocmask(SIG_UNBLOCK, &set, &old));
    EXPECT(!sigismember(&old, SIGUSR1) && sigismember(&old, SIGUSR2));
    EXPECT_ERROR(syscall(SYS_rt_sigprocmask, 77, &set, NULL, 8), EINVAL);
    EXPECT_ERROR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 16, NULL, 8), EFAULT);
    EXPECT_ERROR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 16), EINVAL);
}

CASE(ignored_signals_vanish)
{
    signal(SIGUSR1, SIG_IGN);
    EXPECT_EQ(raise(SIGUSR1), 0);
    EXPECT(!pending(SIGUSR1));
}

CASE(blocked_signals_are_kept_though_ignored)
{
    signal(SIGUSR1, SIG_IGN);
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    EXPECT(pending(SIGUSR1));
    on_signal(SIGUSR1, count_signal, 0);
    unblock_signal(SIGUSR1);
    EXPECT_EQ(signal_count, 1);
}

CASE(ignoring_drops_the_pending)
{
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    EXPECT(!pending(SIGUSR1));
    on_signal(SIGUSR1, count_signal, 0);
    unblock_signal(SIGUSR1);
    EXPECT_EQ(signal_count, 0);
}

CASE(default_ignored_ones_do_nothing)
{
    EXPECT_EQ(raise(SIGCHLD), 0);
    EXPECT_EQ(raise(SIGURG), 0);
    EXPECT_EQ(raise(SIGWINCH), 0);
    EXPECT_EQ(raise(SIGCONT), 0);
}

static void raise_again(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    if (++signal_count < 3) {
        raise(signal);
        mask_seen = signal_count; // deferred: still the same count
    }
}

CASE(own_signal_is_deferred_in_the_handler)
{
    on_signal(SIGUSR1, raise_again, 0);
    raise(SIGUSR1);
    EXPECT_EQ(signal_count, 3);
    EXPECT_EQ(mask_seen, 2);
}

CASE(nodefer_nests)
{
    on_signal(SIGUSR1, raise_again, SA_NODEFER);
    raise(SIGUSR1);
    EXPECT_EQ(signal_count, 3);
    EXPECT_EQ(mask_seen, 3);
}

CASE(resethand_resets)
{
    struct sigaction old;
    on_signal(SIGUSR1, count_signal, SA_RESETHAND);
    raise(SIGUSR1);
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(sigaction(SIGUSR1, NULL, &old));
    EXPECT(old.sa_handler == SIG_DFL);
}

static void look_at_mask(int signal, siginfo_t *info, void *context)
{
    sigset_t now;
    (void)signal, (void)info, (void)context;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    mask_seen = sigismember(&now, SIGUSR1) | sigismember(&now, SIGUSR2) << 1 |
                sigismember(&now, SIGHUP) << 2;
}

CASE(handler_mask_is_applied_and_restored)
{
    struct sigaction action = {.sa_sigaction = look_at_mask, .sa_flags = SA_SIGINFO};
    sigset_t now;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    EXPECT_OK(sigaction(SIGUSR1, &action, NULL));
    block_signal(SIGHUP);
    raise(SIGUSR1);
    EXPECT_EQ(mask_seen, 7);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    EXPECT(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2) && sigismember(&now, SIGHUP));
}

static void change_return_mask(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signal, (void)info;
    sigaddset(&uc->uc_sigmask, SIGHUP);
}

CASE(handler_can_change_the_mask_returned_to)
{
    sigset_t now;
    on_signal(SIGUSR1, change_return_mask, 0);
    raise(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    EXPECT(sigismember(&now, SIGHUP));
}

CASE(lowest_number_first)
{
    order_count = 0;
    sigset_t set;
    sigemptyset(&set);
    int all[] = {SIGRTMIN + 2, SIGUSR2, SIGRTMIN, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < COUNT(all); i++) {
        struct sigaction action = {.sa_sigaction = note_order, .sa_flags = SA_SIGINFO};
        sigfillset(&action.sa_mask); // one after the other
        sigaction(all[i], &action, NULL);
        sigaddset(&set, all[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; i < COUNT(all); i++)
        kill(getpid(), all[i]);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    EXPECT_EQ(order_count, 5);
    EXPECT_EQ(order[0], SIGHUP);
    EXPECT_EQ(order[1], SIGUSR1);
    EXPECT_EQ(order[2], SIGUSR2);
    EXPECT_EQ(order[3], SIGRTMIN);
    EXPECT_EQ(order[4], SIGRTMIN + 2);
}

CASE(unmasked_handlers_stack_up)
{
    order_count = 0;
    sigset_t set;
    sigemptyset(&set);
    on_signal(SIGUSR1, note_order, 0);
    on_signal(SIGUSR2, note_order, 0);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    raise(SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    EXPECT_EQ(order_count, 2);
    EXPECT_EQ(order[0], SIGUSR2); // the frame of the last one built runs first
    EXPECT_EQ(order[1], SIGUSR1);
}

static sigjmp_buf jump;

static void jump_out(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    siglongjmp(jump, 5);
}

CASE(siglongjmp_out_of_a_handler)
{
    sigset_t now;
    on_signal(SIGUSR1, jump_out, 0);
    if (sigsetjmp(jump, 1) == 0) {
        raise(SIGUSR1);
        EXPECT(!"reached");
    }
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    EXPECT(!sigismember(&now, SIGUSR1));
}

CASE(kill_checks)
{
    EXPECT_OK(kill(getpid(), 0));
    EXPECT_ERROR(kill(getpid(), 65), EINVAL);
    EXPECT_ERROR(kill(getpid(), -1), EINVAL);
    EXPECT_ERROR(kill(4000000, 0), ESRCH);
    EXPECT_ERROR(syscall(SYS_tgkill, getpid(), 4000000, 0), ESRCH);
    EXPECT_ERROR(syscall(SYS_tgkill, -1, thread_id(), 0), EINVAL);
    EXPECT_ERROR(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
    EXPECT_OK(syscall(SYS_tkill, thread_id(), 0));
}

static volatile double float_sum;

static void use_floats(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    double a = float_sum + 1;
    for (int i = 1; i < 20; i++)
        a = a * 1.5 + i;
    float_sum = a;
    signal_count++;
}

CASE(floating_point_survives_handlers)
{
    double vector[4] = {1.25, 2.5, 3.75, 5.0};
    on_signal(SIGUSR1, use_floats, 0);
    double got[4];
    __asm__ volatile("movupd (%1), %%xmm6\n\tmovupd 16(%1), %%xmm7\n\t"
                     "mov %2, %%rdi\n\tmov %3, %%rsi\n\tmov $62, %%eax\n\tsyscall\n\t" // kill
                     "movupd %%xmm6, (%0)\n\tmovupd %%xmm7, 16(%0)"
                     :
                     : "r"(got), "r"(vector), "r"((long)getpid()), "r"((long)SIGUSR1)
                     : "rax", "rcx", "rdi", "rsi", "r11", "xmm6", "xmm7", "memory");
    EXPECT_EQ(signal_count, 1);
    EXPECT(memcmp(got, vector, sizeof(got)) == 0);
}

CASE(control_words_of_a_handler_are_fresh)
{
    unsigned mxcsr, rounding_up = 0x1f80 | 0x4000, now;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("ldmxcsr %0" : : "m"(rounding_up));
    on_signal(SIGUSR1, use_floats, 0);
    raise(SIGUSR1);
    __asm__ volatile("stmxcsr %0" : "=m"(now));
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    EXPECT_EQ(now & 0x6000, 0x4000);
}

static void *thread_with_own_mask(void *unused)
{
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    EXPECT(sigismember(&now, SIGUSR2)); // inherited
    block_signal(SIGHUP);
    return unused;
}

CASE(masks_belong_to_threads)
{
    sigset_t now;
    block_signal(SIGUSR2);
    thread_join(thread_start(thread_with_own_mask, NULL));
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    EXPECT(!sigismember(&now, SIGHUP));
}

static const struct test_case cases[] = {
    ENTRY(handler_runs_at_once),
    ENTRY(old_action_is_returned),
    ENTRY(kill_and_stop_cannot_be_caught),
    ENTRY(blocked_signals_wait),
    ENTRY(mask_operations),
    ENTRY(ignored_signals_vanish),
    ENTRY(blocked_signals_are_kept_though_ignored),
    ENTRY(ignoring_drops_the_pending),
    ENTRY(default_ignored_ones_do_nothing),
    ENTRY(own_signal_is_deferred_in_the_handler),
    ENTRY(nodefer_nests),
    ENTRY(resethand_resets),
    ENTRY(handler_mask_is_applied_and_restored),
    ENTRY(handler_can_change_the_mask_returned_to),
    ENTRY(lowest_number_first),
    ENTRY(unmasked_handlers_stack_up),
    ENTRY(siglongjmp_out_of_a_handler),
    ENTRY(kill_checks),
    ENTRY(floating_point_survives_handlers),
    ENTRY(control_words_of_a_handler_are_fresh),
    ENTRY(masks_belong_to_threads),
};
TEST_MAIN(cases)
