// SPDX-License-Identifier: BSD-3-Clause
// Ways to end a process: each case runs in its own and must end with the status in the table
// (128 + N for signal N) and print the same on host and unikernel.
#include "harness.h"

#include <sched.h>
#include <sys/auxv.h>
#include <sys/resource.h>

static void say(const char *text)
{
    ssize_t ignored = write(1, text, strlen(text));
    (void)ignored;
}

static void no_core(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

static void at_exit(void)
{
    say("atexit ran\n");
}

CASE(exit_with_zero)
{
    exit(0);
}

CASE(exit_runs_handlers_and_flushes)
{
    atexit(at_exit);
    printf("buffered ");
    exit(7);
}

CASE(exit_skips_handlers)
{
    atexit(at_exit);
    say("plain\n");
    _exit(8);
}

CASE(exit_status_is_eight_bits)
{
    _exit(0x1234);
}

CASE(exit_group_from_a_thread_ends_all)
{
    thread_join(thread_start((void *(*)(void *))(uintptr_t)_exit, (void *)9));
}

static void *spin_forever(void *unused)
{
    for (;;)
        ;
    return unused;
}

CASE(exit_ends_spinning_threads)
{
    thread_start(spin_forever, NULL);
    sleep_ms(20);
    _exit(10);
}

static void *last_words(void *unused)
{
    sleep_ms(50);
    say("the other thread goes on\n");
    _exit(11);
    return unused;
}

CASE(main_thread_leaves_first)
{
    thread_start(last_words, NULL);
    syscall(SYS_exit, 3);
}

static void *leave_quietly(void *unused)
{
    sleep_ms(30);
    syscall(SYS_exit, 5);
    return unused;
}

CASE(last_thread_leaves_with_its_status)
{
    thread_start(leave_quietly, NULL);
    syscall(SYS_exit, 3);
}

CASE(abort_ends)
{
    no_core();
    abort();
}

CASE(segmentation_fault_ends)
{
    no_core();
    *(volatile int *)16 = 1;
}

CASE(division_by_zero_ends)
{
    no_core();
    __asm__ volatile("xor %%ecx, %%ecx\n\tdivl %%ecx" : : : "rax", "rcx", "rdx");
}

CASE(illegal_instruction_ends)
{
    no_core();
    __builtin_trap();
}

CASE(bus_error_ends)
{
    no_core();
    int fd = (int)syscall(SYS_memfd_create, "x", 0u);
    volatile char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    at[0] = 1;
}

CASE(kill_ends)
{
    kill(getpid(), SIGKILL);
}

CASE(term_ends)
{
    kill(getpid(), SIGTERM);
    sleep_ms(1000);
}

CASE(realtime_signal_ends)
{
    raise(40);
}

CASE(pipe_signal_ends)
{
    int p[2];
    if (pipe(p) == 0) {
        close(p[0]);
        (void)!write(p[1], "x", 1);
    }
}

CASE(alarm_ends)
{
    alarm(1);
    for (;;)
        pause();
}

static void return_nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    raise(SIGSEGV);
}

CASE(blocked_fault_ends)
{
    no_core();
    on_signal(SIGSEGV, return_nothing, 0);
    block_signal(SIGSEGV);
    *(volatile int *)16 = 1;
}

CASE(fault_in_its_own_handler_ends)
{
    no_core();
    on_signal(SIGSEGV, (signal_handler)8, 0);
    *(volatile int *)16 = 1;
}

CASE(no_stack_for_the_handler_ends)
{
    no_core();
    stack_t stack = {.ss_sp = (void *)0x10000, .ss_size = 65536};
    sigaltstack(&stack, NULL);
    on_signal(SIGUSR1, count_signal, SA_ONSTACK);
    raise(SIGUSR1);
}

CASE(bad_return_frame_ends)
{
    no_core();
    __asm__ volatile("mov $0x1000, %esp\n\tmov $15, %eax\n\tsyscall"); // rt_sigreturn
}

CASE(thread_fault_ends_all)
{
    no_core();
    thread_start((void *(*)(void *))8, NULL);
    sleep_ms(2000);
}

CASE(closed_output_is_no_problem)
{
    close(0);
    close(1);
    close(2);
    EXPECT(open("/dev/null", O_RDWR) == 0);
    _exit(test_failed() ? 1 : 12);
}

CASE(output_of_both_kinds)
{
    say("to standard output\n");
    fprintf(stderr, "to standard error\n");
    printf("%d %s %.3f\n", 42, "and stdio", 3.14159);
    exit(0);
}

static const struct test_case cases[] = {
    ENDS(exit_with_zero, 0),
    ENDS(exit_runs_handlers_and_flushes, 7),
    ENDS(exit_skips_handlers, 8),
    ENDS(exit_status_is_eight_bits, 0x34),
    ENDS(exit_group_from_a_thread_ends_all, 9),
    ENDS(exit_ends_spinning_threads, 10),
    ENDS(main_thread_leaves_first, 11),
    ENDS(last_thread_leaves_with_its_status, 5),
    ENDS(abort_ends, 134),
    ENDS(segmentation_fault_ends, 139),
    ENDS(division_by_zero_ends, 136),
    ENDS(illegal_instruction_ends, 132),
    ENDS(bus_error_ends, 135),
    ENDS(kill_ends, 137),
    ENDS(term_ends, 143),
    ENDS(realtime_signal_ends, 168),
    ENDS(pipe_signal_ends, 141),
    ENDS(alarm_ends, 142),
    ENDS(blocked_fault_ends, 139),
    ENDS(fault_in_its_own_handler_ends, 139),
    ENDS(no_stack_for_the_handler_ends, 139),
    ENDS(bad_return_frame_ends, 139),
    ENDS(thread_fault_ends_all, 139),
    ENDS(closed_output_is_no_problem, 12),
    ENDS(output_of_both_kinds, 0),
};
TEST_MAIN(cases)
