// SPDX-License-Identifier: BSD-3-Clause
// Stacks of handlers: sigaltstack, its flags, overflow of the main one, the frame's layout.
#include "harness.h"

#include <setjmp.h>
#include <sys/auxv.h>
#include <ucontext.h>

static unsigned char other_stack[65536] __attribute__((aligned(16)));
static volatile uintptr_t stack_seen, context_seen;
static stack_t during;

static void look_at_stack(int signal, siginfo_t *info, void *context)
{
    char here;
    (void)signal, (void)info;
    stack_seen = (uintptr_t)&here;
    context_seen = (uintptr_t)context;
    sigaltstack(NULL, &during);
    signal_count++;
}

static int on_other_stack(uintptr_t address)
{
    return address >= (uintptr_t)other_stack &&
           address < (uintptr_t)other_stack + sizeof(other_stack);
}

static void use_other_stack(int flags)
{
    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack), .ss_flags = flags};
    EXPECT_OK(sigaltstack(&stack, NULL));
}

CASE(handler_runs_on_the_alternate_stack)
{
    use_other_stack(0);
    on_signal(SIGUSR1, look_at_stack, SA_ONSTACK);
    raise(SIGUSR1);
    EXPECT(on_other_stack(stack_seen));
    EXPECT_EQ(during.ss_flags, SS_ONSTACK);
    on_signal(SIGUSR1, look_at_stack, 0);
    raise(SIGUSR1);
    EXPECT(!on_other_stack(stack_seen));
    EXPECT_EQ(during.ss_flags, 0);
}

CASE(alternate_stack_settings)
{
    stack_t old, small = {.ss_sp = other_stack, .ss_size = 100}, bad = {.ss_flags = 77};
    EXPECT_OK(sigaltstack(NULL, &old));
    EXPECT_EQ(old.ss_flags, SS_DISABLE);
    use_other_stack(0);
    EXPECT_OK(sigaltstack(NULL, &old));
    EXPECT(old.ss_sp == other_stack && old.ss_size == sizeof(other_stack) && old.ss_flags == 0);
    EXPECT_ERROR(sigaltstack(&small, NULL), ENOMEM);
    EXPECT_ERROR(sigaltstack(&bad, NULL), EINVAL);
}

static volatile int change_error;

static void change_stack(int signal, siginfo_t *info, void *context)
{
    stack_t off = {.ss_flags = SS_DISABLE};
    (void)signal, (void)info, (void)context;
    change_error = sigaltstack(&off, NULL) < 0 ? errno : 0;
}

CASE(stack_in_use_cannot_change)
{
    use_other_stack(0);
    on_signal(SIGUSR1, change_stack, SA_ONSTACK);
    raise(SIGUSR1);
    EXPECT_EQ(change_error, EPERM);
}

CASE(autodisarm_flag)
{
    stack_t now;
    use_other_stack((int)(1u << 31)); // SS_AUTODISARM
    on_signal(SIGUSR1, look_at_stack, SA_ONSTACK);
    raise(SIGUSR1);
    EXPECT(on_other_stack(stack_seen));
    EXPECT_EQ(during.ss_flags & SS_DISABLE, SS_DISABLE);
    EXPECT_OK(sigaltstack(NULL, &now));
    EXPECT_EQ(now.ss_flags, (int)(1u << 31)); // armed again
}

CASE(nested_handlers_share_the_stack)
{
    use_other_stack(0);
    on_signal(SIGUSR2, look_at_stack, SA_ONSTACK);
    on_signal(SIGUSR1, look_at_stack, SA_ONSTACK);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    raise(SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    EXPECT_EQ(signal_count, 2);
    EXPECT(on_other_stack(stack_seen));
}

static void fault_again(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    *(volatile int *)8 = 1;
}

// It must not begin at the upper end again.
CASE(stack_walked_off_its_lower_end)
{
    stack_t upper = {.ss_sp = other_stack + sizeof(other_stack) / 2, .ss_size = sizeof(other_stack) / 2};

    sigaltstack(&upper, NULL);
    on_signal(SIGSEGV, fault_again, SA_ONSTACK | SA_NODEFER);
    *(volatile int *)8 = 1;
}

static sigjmp_buf overflow_jump;

static void out_of_overflow(int signal, siginfo_t *info, void *context)
{
    char here;
    (void)signal, (void)info, (void)context;
    stack_seen = (uintptr_t)&here;
    siglongjmp(overflow_jump, 1);
}

static volatile int deep = 1;

static int recurse(volatile char *above)
{
    volatile char frame[4096];
    frame[0] = above ? above[0] : 0;
    return deep ? recurse(frame) + frame[0] : 0;
}

static void *overflow(void *unused)
{
    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
    sigaltstack(&stack, NULL);
    if (sigsetjmp(overflow_jump, 1) == 0)
        recurse(NULL);
    signal_count++;
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    return unused;
}

CASE(stack_overflow_is_caught)
{
    on_signal(SIGSEGV, out_of_overflow, SA_ONSTACK);
    size_t size = 64 * 1024;
    char *stack =
        mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(stack, PAGE, PROT_NONE);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack + PAGE, size);
    EXPECT_EQ(pthread_create(&thread, &attributes, overflow, NULL), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(signal_count, 1);
    EXPECT(on_other_stack(stack_seen));
    munmap(stack, size + PAGE);
}

CASE(red_zone_is_kept)
{
    uint64_t ok;
    on_signal(SIGUSR1, count_signal, 0);
    __asm__ volatile("movq $0x1234, -8(%%rsp)\n\tmovq $0x5678, -120(%%rsp)\n\t"
                     "mov $62, %%eax\n\tsyscall\n\t" // kill(getpid(), SIGUSR1)
                     "xor %%eax, %%eax\n\tcmpq $0x1234, -8(%%rsp)\n\tjne 1f\n\t"
                     "cmpq $0x5678, -120(%%rsp)\n\tjne 1f\n\tinc %%eax\n1:"
                     : "=a"(ok)
                     : "D"((long)getpid()), "S"((long)SIGUSR1)
                     : "rcx", "r11", "memory");
    EXPECT_EQ(ok, 1);
    EXPECT_EQ(signal_count, 1);
}

CASE(frame_is_aligned)
{
    use_other_stack(0);
    on_signal(SIGUSR1, look_at_stack, SA_ONSTACK);
    raise(SIGUSR1);
    EXPECT_EQ(context_seen % 8, 0);
    ucontext_t *uc = (void *)context_seen; // gone, but the memory is ours
    EXPECT_EQ((uintptr_t)uc->uc_mcontext.fpregs % 64, 0);
    EXPECT(on_other_stack((uintptr_t)uc->uc_mcontext.fpregs));
    EXPECT(uc->uc_stack.ss_sp == other_stack);
}

static volatile uint32_t magic_start, magic_end;

static void look_at_xstate(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    const uint32_t *reserved = (const uint32_t *)((const char *)uc->uc_mcontext.fpregs + 464);
    (void)signal, (void)info;
    magic_start = reserved[0];
    if (magic_start == 0x46505853) // the software-reserved bytes: size of all state
        magic_end = *(const uint32_t *)((const char *)uc->uc_mcontext.fpregs + reserved[1] - 4);
}

CASE(extended_state_is_marked)
{
    on_signal(SIGUSR1, look_at_xstate, 0);
    raise(SIGUSR1);
    EXPECT_EQ(magic_start, 0x46505853);
    EXPECT_EQ(magic_end, 0x46505845);
}

CASE(minimum_size_is_told)
{
    unsigned long size = getauxval(51 /* AT_MINSIGSTKSZ */);
    EXPECT(size == 0 || (size >= 1024 && size < 65536));
}

static void *thread_has_none(void *unused)
{
    stack_t now;
    EXPECT_OK(sigaltstack(NULL, &now));
    EXPECT_EQ(now.ss_flags, SS_DISABLE);
    return unused;
}

CASE(new_threads_have_no_alternate_stack)
{
    use_other_stack(0);
    thread_join(thread_start(thread_has_none, NULL));
}

// What SIGSTKSZ has always been: programs that were compiled with it have no more.
CASE(handlers_fit_on_eight_kilobytes)
{
    char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(area != MAP_FAILED);
    EXPECT_OK(mprotect(area, 2 * PAGE, PROT_NONE));
    stack_t stack = {.ss_sp = area + 2 * PAGE, .ss_size = 8192}, old;
    REQUIRE_OK(sigaltstack(&stack, &old));
    on_signal(SIGUSR1, count_signal, SA_ONSTACK);
    signal_count = 0;
    raise(SIGUSR1);
    EXPECT_EQ(signal_count, 1);
    stack.ss_flags = SS_DISABLE;
    EXPECT_OK(sigaltstack(&stack, NULL));
    munmap(area, 4 * PAGE);
}

static const struct test_case cases[] = {
    ENTRY(handlers_fit_on_eight_kilobytes),
    ENTRY(handler_runs_on_the_alternate_stack),
    ENTRY(alternate_stack_settings),
    ENTRY(stack_in_use_cannot_change),
    ENTRY(autodisarm_flag),
    ENTRY(nested_handlers_share_the_stack),
    ENDS(stack_walked_off_its_lower_end, 139),
    ENTRY(stack_overflow_is_caught),
    ENTRY(red_zone_is_kept),
    ENTRY(frame_is_aligned),
    ENTRY(extended_state_is_marked),
    ENTRY(minimum_size_is_told),
    ENTRY(new_threads_have_no_alternate_stack),
};
TEST_MAIN(cases)
