// SPDX-License-Identifier: BSD-3-Clause
// Syscall instructions in every surrounding that a unikernel may patch, run often enough to be patched:
// results, flags, the red zone, signals in the middle, other threads in the middle, cancellation.
#include "harness.h"

#include <ucontext.h>

#define OFTEN 100 // more than any threshold

// Shape A: `mov $imm, %eax` in front. straight: the syscall instruction itself, eax being the caller's.
__asm__(".text\n"
        "site_a: mov $110, %eax\n" // getppid
        "straight_in: syscall\n"
        "    ret\n"
        "straight: mov %edi, %eax\n"
        "    jmp straight_in\n"
        // Shape B: glibc's read. The result is -1000 - errno or the count.
        "site_b: xor %eax, %eax\n"
        "    syscall\n"
        "    cmp $-4096, %rax\n"
        "    ja 1f\n"
        "    ret\n"
        "1:  sub $1000, %rax\n"
        "    ret\n"
        "site_b_end:\n"
        // Shape C: the number comes from a register; (number, a, b, c).
        "site_c: mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    syscall\n"
        "    cmp $-4096, %rax\n"
        "    ja 1f\n"
        "    ret\n"
        "1:  sub $1000, %rax\n"
        "    ret\n"
        // As C, but the comparison is jumped to.
        "site_jumped: mov %rdi, %rax\n"
        "    test %rsi, %rsi\n"
        "    jnz 2f\n"
        "    mov %rax, %rdi\n"
        "    syscall\n"
        "2:  cmp $-4096, %rax\n"
        "    ja 1f\n"
        "    ret\n"
        "1:  sub $1000, %rax\n"
        "    ret\n"
        // Writes the red zone, calls getppid, returns 0 if all of it is unchanged.
        "site_red_zone: mov %rdi, -8(%rsp)\n"
        "    mov %rdi, -64(%rsp)\n"
        "    mov %rdi, -128(%rsp)\n"
        "    mov %rdi, %rdx\n"
        "    mov $110, %eax\n"
        "    syscall\n"
        "    mov -8(%rsp), %rax\n"
        "    xor %rdx, %rax\n"
        "    mov -64(%rsp), %rcx\n"
        "    xor %rdx, %rcx\n"
        "    or %rcx, %rax\n"
        "    mov -128(%rsp), %rcx\n"
        "    xor %rdx, %rcx\n"
        "    or %rcx, %rax\n"
        "    ret\n"
        // Shape A with a load from the stack: the C library's syscall().
        "site_load: mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 8(%rsp), %r9\n"
        "    syscall\n"
        "    ret\n");
extern long site_a(void), straight(int number), site_b(int fd, void *to, size_t size);
extern long site_c(long number, long a, long b, long c), site_jumped(long number, long skip);
extern long site_red_zone(long value);
extern long site_load(long number, ...);
extern char site_b_end[];

static int p[2];

CASE(results_stay_the_same)
{
    char byte;
    REQUIRE_OK(pipe(p));
    for (int i = 0; i < OFTEN; i++) {
        EXPECT_EQ(site_a(), getppid());
        EXPECT_EQ(straight(SYS_getpid), getpid());
        EXPECT_EQ(site_c(SYS_getpid, 0, 0, 0), getpid());
        EXPECT_EQ(site_c(SYS_close, -1, 0, 0), -1000 - EBADF);
        EXPECT_EQ(site_c(SYS_write, p[1], (long)"x", 1), 1);
        EXPECT_EQ(site_b(p[0], &byte, 1), 1);
        EXPECT_EQ(site_b(-1, &byte, 1), -1000 - EBADF);
        EXPECT_EQ(site_red_zone(i * 7919), 0);
    }
    close(p[0]);
    close(p[1]);
}

CASE(comparison_is_jumped_to)
{
    for (int i = 0; i < OFTEN; i++) {
        EXPECT_EQ(site_jumped(SYS_getpid, 0), getpid());
        EXPECT_EQ(site_jumped(-7, 1), -1007);
        EXPECT_EQ(site_jumped(77, 1), 77);
    }
}

CASE(six_arguments_with_a_load)
{
    for (int i = 0; i < OFTEN; i++) {
        long at = site_load(SYS_mmap, 0l, 2 * PAGE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1l, 0l);
        EXPECT(at > 0);
        *(volatile char *)at = 1;
        EXPECT_EQ(site_load(SYS_munmap, at, 2 * PAGE), 0);
        EXPECT_EQ(site_load(SYS_mmap, 0l, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1l, 5l),
                  -EINVAL);
    }
}

// The sites of this case are copies, so that the first call of each is the interrupted one.
#define COPY(name, kind)                                                                           \
    __asm__(".text\n" #name ": " kind "    cmp $-4096, %rax\n"                                     \
            "    ja 1f\n    ret\n1:  sub $1000, %rax\n    ret\n" #name "_end:\n");                 \
    extern long name(int fd, void *to, size_t size);                                               \
    extern char name##_end[];
#define KIND_B "xor %eax, %eax\n    syscall\n"
#define KIND_C "mov $0, %al\n    movzbl %al, %eax\n    syscall\n"
COPY(eintr_b, KIND_B)
COPY(eintr_c, KIND_C)
COPY(restart_b, KIND_B)
COPY(restart_c, KIND_C)
COPY(other_b, KIND_B)
COPY(other_c, KIND_C)
COPY(shown_b, KIND_B)
COPY(shown_c, KIND_C)

typedef long read_site(int fd, void *to, size_t size);
static struct {
    read_site *site;
    int zero;
    uintptr_t pc;
    _Atomic int ran;
} in_handler;

// Calls the interrupted site often: it is patched while the call outside waits.
static void patch_it(int signal, siginfo_t *info, void *context)
{
    char bytes[8];
    in_handler.pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    for (int i = 0; i < OFTEN; i++)
        if (in_handler.site(in_handler.zero, bytes, 8) != 8)
            _exit(99);
    in_handler.ran++;
}

static void *write_later(void *unused)
{
    for (int i = 0; i < 1000 && !in_handler.ran; i++)
        sleep_ms(10);
    sleep_ms(20);
    EXPECT_EQ(write(p[1], "x", 1), 1);
    return unused;
}

static void interrupt(read_site *site, int restart)
{
    struct sigaction action = {.sa_sigaction = patch_it, .sa_flags = SA_SIGINFO | restart};
    char byte = 0;

    REQUIRE_OK(pipe(p));
    in_handler.site = site;
    in_handler.ran = 0;
    in_handler.zero = open("/dev/zero", O_RDONLY);
    sigaction(SIGUSR1, &action, NULL);
    signal_me_later(SIGUSR1, 30);
    pthread_t thread = thread_start(write_later, NULL);
    EXPECT_EQ(site(p[0], &byte, 1), restart ? 1 : -1000 - EINTR);
    EXPECT_EQ(byte, restart ? 'x' : 0);
    thread_join(thread);
    signal_me_done();
    close(in_handler.zero);
    close(p[0]);
    close(p[1]);
}

CASE(patched_in_a_handler)
{
    interrupt(eintr_b, 0);
    interrupt(eintr_c, 0);
    interrupt(eintr_b, 0); // now that it is patched
    interrupt(eintr_c, 0);
}

CASE(patched_in_a_handler_and_restarted)
{
    interrupt(restart_b, SA_RESTART);
    interrupt(restart_c, SA_RESTART);
    interrupt(restart_b, SA_RESTART);
    interrupt(restart_c, SA_RESTART);
}

CASE(handlers_see_the_original_text)
{
    for (int i = 0; i < 2; i++) {
        interrupt(shown_b, 0);
        EXPECT(in_handler.pc >= (uintptr_t)shown_b && in_handler.pc < (uintptr_t)shown_b_end);
        interrupt(shown_c, 0);
        EXPECT(in_handler.pc >= (uintptr_t)shown_c && in_handler.pc < (uintptr_t)shown_c_end);
    }
}

static void *wait_in_site(void *site)
{
    char byte;
    return (void *)((read_site *)site)(p[0], &byte, 1);
}

static void patch_under_thread(read_site *site)
{
    int zero = open("/dev/zero", O_RDONLY);
    char bytes[8];

    REQUIRE_OK(pipe(p));
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = thread_start(wait_in_site, (void *)site);
    sleep_ms(30);
    for (int i = 0; i < OFTEN; i++)
        EXPECT_EQ(site(zero, bytes, 8), 8);
    EXPECT_EQ(write(p[1], "xyz", 3), 3);
    for (int i = 0; i < 3; i++) {
        void *result = NULL;
        EXPECT_EQ(pthread_join(threads[i], &result), 0);
        EXPECT_EQ((long)result, 1);
    }
    close(zero);
    close(p[0]);
    close(p[1]);
}

CASE(patched_under_other_threads)
{
    patch_under_thread(other_b);
    patch_under_thread(other_c);
}

static int cleaned;

static void clean(void *unused)
{
    cleaned++;
}

static void *wait_to_be_cancelled(void *unused)
{
    char byte;
    pthread_cleanup_push(clean, NULL);
    read(p[0], &byte, 1);
    pthread_cleanup_pop(0);
    return unused;
}

CASE(cancelled_in_a_patched_call)
{
    char byte;
    REQUIRE_OK(pipe(p));
    test_ignore_mappings(); // the unwinder's library is loaded
    for (int i = 0; i < OFTEN; i++) {
        EXPECT_EQ(write(p[1], "x", 1), 1);
        EXPECT_EQ(read(p[0], &byte, 1), 1);
    }
    cleaned = 0;
    for (int i = 0; i < 3; i++) {
        pthread_t thread = thread_start(wait_to_be_cancelled, NULL);
        sleep_ms(20);
        EXPECT_EQ(pthread_cancel(thread), 0);
        void *result = NULL;
        EXPECT_EQ(pthread_join(thread, &result), 0);
        EXPECT(result == PTHREAD_CANCELED);
        EXPECT_EQ(cleaned, i + 1);
    }
    close(p[0]);
    close(p[1]);
}

static const struct test_case cases[] = {
    ENTRY(results_stay_the_same),
    ENTRY(comparison_is_jumped_to),
    ENTRY(six_arguments_with_a_load),
    ENTRY(patched_in_a_handler),
    ENTRY(patched_in_a_handler_and_restarted),
    ENTRY(handlers_see_the_original_text),
    ENTRY(patched_under_other_threads),
    ENTRY(cancelled_in_a_patched_call),
};
TEST_MAIN(cases)
