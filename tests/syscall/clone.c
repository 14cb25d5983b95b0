// SPDX-License-Identifier: BSD-3-Clause
// clone(2) and clone3(2) as thread libraries use them, without one: ids told to parent and child,
// the word cleared at the end, thread-local storage, combinations that are refused.
#include "harness.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>

#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static unsigned char stack[65536] __attribute__((aligned(16)));

static struct {
    int parent_tid, child_tid; // written by the kernel
    int seen_tid, seen_pid;    // by the thread
    unsigned long tls[8];
    unsigned long seen_tls;
    int ready, go;
} shared;

// The raw thread must not touch the C library: its thread-local storage is the parent's or ours.
static long raw_call(long number, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

__attribute__((noreturn, used, optimize("no-stack-protector"))) static void raw_thread(void)
{
    shared.seen_pid = (int)raw_call(SYS_getpid, 0, 0, 0, 0);
    shared.seen_tid = (int)raw_call(SYS_gettid, 0, 0, 0, 0);
    __asm__ volatile("mov %%fs:8, %0" : "=r"(shared.seen_tls));
    __atomic_store_n(&shared.ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&shared.go, __ATOMIC_ACQUIRE))
        raw_call(SYS_futex, (long)&shared.go, FUTEX_WAIT_PRIVATE, 0, 0);
    for (;;)
        raw_call(SYS_exit, 0, 0, 0, 0);
}

// clone(2) whose child runs raw_thread on `stack`; the thread id or a negative errno.
static long clone_thread(unsigned long flags)
{
    long result;
    register long r10 __asm__("r10") = (long)&shared.child_tid;
    register long r8 __asm__("r8") = (long)shared.tls;
    memset(&shared, 0, sizeof(shared));
    shared.tls[0] = (unsigned long)shared.tls; // as %fs:0 must be
    shared.tls[1] = 0x7777;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\t"
                     "call raw_thread\n1:"
                     : "=a"(result)
                     : "0"(SYS_clone), "D"(flags), "S"(stack + sizeof(stack)),
                       "d"(&shared.parent_tid), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

static void let_go(void)
{
    while (!__atomic_load_n(&shared.ready, __ATOMIC_ACQUIRE))
        sched_yield();
    __atomic_store_n(&shared.go, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &shared.go, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_cleared(void) // CLONE_CHILD_CLEARTID: zero and a wake at the end
{
    for (int tid; (tid = __atomic_load_n(&shared.child_tid, __ATOMIC_ACQUIRE)) != 0;)
        syscall(SYS_futex, &shared.child_tid, FUTEX_WAIT, tid, NULL, NULL, 0);
}

CASE(thread_by_raw_clone)
{
    long tid = clone_thread(THREAD_FLAGS | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                            CLONE_CHILD_CLEARTID);
    REQUIRE(tid > 0);
    EXPECT_EQ(shared.parent_tid, tid);
    let_go();
    wait_cleared();
    EXPECT_EQ(shared.seen_tid, tid);
    EXPECT_EQ(shared.seen_pid, getpid());
    EXPECT_EQ(shared.seen_tls, 0x7777);
}

CASE(ended_thread_is_gone)
{
    long tid = clone_thread(THREAD_FLAGS | CLONE_SETTLS | CLONE_CHILD_SETTID |
                            CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID);
    REQUIRE(tid > 0);
    EXPECT_OK(syscall(SYS_tgkill, getpid(), tid, 0));
    while (!__atomic_load_n(&shared.child_tid, __ATOMIC_ACQUIRE))
        sched_yield();
    let_go();
    wait_cleared();
    for (int i = 0; i < 200 && syscall(SYS_tgkill, getpid(), tid, 0) == 0; i++)
        sleep_ms(1);
    EXPECT_ERROR(syscall(SYS_tgkill, getpid(), tid, 0), ESRCH);
}

CASE(thread_by_clone3)
{
    struct clone_args args = {
        .flags = THREAD_FLAGS | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                 CLONE_CHILD_CLEARTID,
        .child_tid = (uintptr_t)&shared.child_tid,
        .parent_tid = (uintptr_t)&shared.parent_tid,
        .stack = (uintptr_t)stack,
        .stack_size = sizeof(stack),
        .tls = (uintptr_t)shared.tls,
    };
    long result;
    memset(&shared, 0, sizeof(shared));
    shared.tls[0] = (unsigned long)shared.tls;
    shared.tls[1] = 0x8888;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\t"
                     "call raw_thread\n1:"
                     : "=a"(result)
                     : "0"(SYS_clone3), "D"(&args), "S"(sizeof(args))
                     : "rcx", "rdx", "r11", "memory");
    REQUIRE(result > 0);
    EXPECT_EQ(shared.parent_tid, result);
    let_go();
    wait_cleared();
    EXPECT_EQ(shared.seen_tls, 0x8888);
}

CASE(refused_combinations)
{
    EXPECT_EQ(clone_thread(CLONE_THREAD | CLONE_VM), -EINVAL);      // no shared handlers
    EXPECT_EQ(clone_thread(CLONE_THREAD | CLONE_SIGHAND), -EINVAL); // no shared memory
    EXPECT_EQ(clone_thread(CLONE_SIGHAND), -EINVAL);
    EXPECT_EQ(clone_thread(CLONE_FS | CLONE_NEWNS), -EINVAL);
}

CASE(refused_arguments_of_clone3)
{
    struct clone_args args = {.flags = THREAD_FLAGS, .stack = (uintptr_t)stack};
    EXPECT_ERROR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL); // a stack without a size
    args.stack_size = sizeof(stack);
    args.exit_signal = SIGCHLD;
    EXPECT_ERROR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL); // threads send none
    EXPECT_ERROR(syscall(SYS_clone3, &args, 8), EINVAL);
    EXPECT_ERROR(syscall(SYS_clone3, 16, sizeof(args)), EFAULT);
}

CASE(registers_of_the_parent_survive)
{
    uint64_t rbx = 0, r12 = 0;
    register long r10 __asm__("r10") = (long)&shared.child_tid;
    register long r8 __asm__("r8") = (long)shared.tls;
    long result;
    memset(&shared, 0, sizeof(shared));
    shared.tls[0] = (unsigned long)shared.tls;
    __asm__ volatile("mov $0xb0b0, %%rbx\n\tmov $0x1212, %%r12\n\tsyscall\n\ttest %%rax, %%rax\n\t"
                     "jnz 1f\n\txor %%ebp, %%ebp\n\tcall raw_thread\n1:\n\tmov %%rbx, %1\n\t"
                     "mov %%r12, %2"
                     : "=&a"(result), "=&r"(rbx), "=&r"(r12)
                     : "0"(SYS_clone),
                       "D"(THREAD_FLAGS | CLONE_SETTLS | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID |
                           CLONE_PARENT_SETTID),
                       "S"(stack + sizeof(stack)), "d"(&shared.child_tid), "r"(r10), "r"(r8)
                     : "rbx", "rcx", "r11", "r12", "memory");
    REQUIRE(result > 0);
    EXPECT_EQ(rbx, 0xb0b0);
    EXPECT_EQ(r12, 0x1212);
    let_go();
    wait_cleared();
}

CASE(refused_values)
{
    struct clone_args a = {.flags = 1ull << 63, .exit_signal = SIGCHLD};

    EXPECT_ERROR(syscall(SYS_clone3, &a, sizeof(a)), EINVAL); // an unknown flag
    a.flags = CLONE_SETTLS;
    a.tls = 1ull << 63;
    EXPECT_ERROR(syscall(SYS_clone3, &a, sizeof(a)), EPERM);
    EXPECT_ERROR(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0, 1l << 62), EPERM);
}

CASE(sharing_cannot_be_undone_in_part)
{
    EXPECT_OK(unshare(0));
    EXPECT_ERROR(unshare(CLONE_THREAD), EINVAL); // there is a second thread
}

__attribute__((noreturn, used, optimize("no-stack-protector"))) static void late_thread(void)
{
    struct timespec a_little = {0, 20000000};

    raw_call(SYS_nanosleep, (long)&a_little, 0, 0, 0);
    __atomic_store_n(&shared.ready, 1, __ATOMIC_RELEASE);
    for (;;)
        raw_call(SYS_exit, 0, 0, 0, 0);
}

CASE(vfork_of_a_thread_waits_for_its_end)
{
    long result;
    memset(&shared, 0, sizeof(shared));
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\t"
                     "call late_thread\n1:"
                     : "=a"(result)
                     : "0"(SYS_clone), "D"(THREAD_FLAGS | CLONE_VFORK), "S"(stack + sizeof(stack))
                     : "rcx", "r11", "memory");
    EXPECT(result > 0);
    EXPECT_EQ(shared.ready, 1);
}

static const struct test_case cases[] = {
    ENTRY(thread_by_raw_clone),
    ENTRY(ended_thread_is_gone),
    ENTRY(thread_by_clone3),
    ENTRY(refused_combinations),
    ENTRY(refused_arguments_of_clone3),
    ENTRY(registers_of_the_parent_survive),
    ENTRY(refused_values),
    ENTRY(sharing_cannot_be_undone_in_part),
    ENTRY(vfork_of_a_thread_waits_for_its_end),
};
TEST_MAIN(cases)
