// SPDX-License-Identifier: BSD-3-Clause
// The system-call instruction itself: what it clobbers and what it keeps, unknown numbers, calls
// from odd places (shapes that the kernel patches), the vDSO, restartable sequences.
#include "harness.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

CASE(clobbers_rcx_and_r11_only)
{
    uint64_t in[12], out[12], rcx, r11, flags_in, after;
    for (size_t i = 0; i < COUNT(in); i++)
        in[i] = 0x1111111111111111u * (i + 1);
    __asm__ volatile("mov 0(%4), %%rbx\n\tmov 8(%4), %%rdx\n\tmov 16(%4), %%rsi\n\t"
                     "mov 24(%4), %%rdi\n\tmov 32(%4), %%r8\n\tmov 40(%4), %%r9\n\t"
                     "mov 48(%4), %%r10\n\tmov 56(%4), %%r12\n\tmov 64(%4), %%r13\n\t"
                     "stc\n\tpushfq\n\tpopq %3\n\tstc\n\tmov $39, %%eax\n\tsyscall\n"
                     "1:\tmov %%rbx, 0(%5)\n\tmov %%rdx, 8(%5)\n\tmov %%rsi, 16(%5)\n\t"
                     "mov %%rdi, 24(%5)\n\tmov %%r8, 32(%5)\n\tmov %%r9, 40(%5)\n\t"
                     "mov %%r10, 48(%5)\n\tmov %%r12, 56(%5)\n\tmov %%r13, 64(%5)\n\t"
                     "mov %%rax, 72(%5)\n\tmov %%rcx, %0\n\tmov %%r11, %1\n\t"
                     "lea 1b(%%rip), %%rax\n\tmov %%rax, %2"
                     : "=m"(rcx), "=m"(r11), "=m"(after), "=m"(flags_in)
                     : "r"(&in[0]), "r"(&out[0])
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
                       "r13", "memory", "cc");
    for (size_t i = 0; i < 9; i++)
        EXPECT(out[i] == in[i]);
    EXPECT_EQ(out[9], getpid());
    EXPECT(rcx == after);
    EXPECT_EQ(r11 & 0x8d5, flags_in & 0x8d5);
}

CASE(keeps_vector_registers)
{
    static unsigned char in[16 * 32] __attribute__((aligned(32))), out[sizeof(in)];
    if (!__builtin_cpu_supports("avx"))
        SKIP("no AVX");
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (unsigned char)(i * 13 + 7);
    for (int round = 0; round < 50; round++) {
        memset(out, 0, sizeof(out));
        __asm__ volatile("vmovdqu 0(%0), %%ymm0\n\tvmovdqu 32(%0), %%ymm1\n\t"
                         "vmovdqu 160(%0), %%ymm5\n\tvmovdqu 256(%0), %%ymm8\n\t"
                         "vmovdqu 480(%0), %%ymm15\n\t"
                         "mov $24, %%eax\n\tsyscall\n\t" // sched_yield
                         "vmovdqu %%ymm0, 0(%1)\n\tvmovdqu %%ymm1, 32(%1)\n\t"
                         "vmovdqu %%ymm5, 160(%1)\n\tvmovdqu %%ymm8, 256(%1)\n\t"
                         "vmovdqu %%ymm15, 480(%1)\n\tvzeroupper"
                         :
                         : "r"(in), "r"(out)
                         : "rax", "rcx", "r11", "xmm0", "xmm1", "xmm5", "xmm8", "xmm15", "memory");
        EXPECT(memcmp(in, out, 64) == 0);
        EXPECT(memcmp(in + 160, out + 160, 32) == 0);
        EXPECT(memcmp(in + 256, out + 256, 32) == 0);
        EXPECT(memcmp(in + 480, out + 480, 32) == 0);
    }
}

static void *churn_vectors(void *argument)
{
    volatile int *stop = argument;
    while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
        __asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n\tpxor %%xmm6, %%xmm6" : : : "xmm5", "xmm6");
        syscall(SYS_sched_yield);
    }
    return NULL;
}

CASE(vector_registers_survive_switches)
{
    int stop = 0;
    pthread_t thread = thread_start(churn_vectors, &stop);
    uint64_t in[2] = {0x0123456789abcdefu, 0xfedcba9876543210u}, out[2];
    for (int round = 0; round < 300; round++) {
        __asm__ volatile("movdqu (%0), %%xmm5\n\tmov $24, %%eax\n\tsyscall\n\tmovdqu %%xmm5, (%1)"
                         :
                         : "r"(in), "r"(out)
                         : "rax", "rcx", "r11", "xmm5", "memory");
        EXPECT(memcmp(in, out, 16) == 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    thread_join(thread);
}

static long call(long number)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number) : "rcx", "r11", "memory");
    return result;
}

CASE(unknown_numbers)
{
    EXPECT_EQ(call(5000), -ENOSYS);
    EXPECT_EQ(call(-1), -ENOSYS);
    EXPECT_EQ(call(1000000), -ENOSYS);
    EXPECT_EQ(call(0x7fffffff), -ENOSYS);
    EXPECT_EQ(call(400), -ENOSYS); // in the gap between the tables
}

CASE(upper_half_of_the_number_is_ignored)
{
    EXPECT_EQ(call(0x100000000l | SYS_getpid), getpid());
}

static long getpid_by_register(void)
{
    long number = SYS_getpid, result;
    __asm__ volatile("mov %1, %0\n\tsyscall"
                     : "=&a"(result)
                     : "r"(number)
                     : "rcx", "r11", "memory");
    return result;
}

static long getpid_by_xor(void)
{
    long result;
    __asm__ volatile("xor %%eax, %%eax\n\tadd $39, %%eax\n\tsyscall"
                     : "=a"(result)
                     :
                     : "rcx", "r11", "memory", "cc");
    return result;
}

static long read_by_xor(int fd, void *buffer, long size)
{
    long result;
    __asm__ volatile("xor %%eax, %%eax\n\tsyscall\n\tcmp $-4096, %%rax\n\tja 1f\n1:"
                     : "=&a"(result)
                     : "D"(fd), "S"(buffer), "d"(size)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

CASE(many_shapes_of_call)
{
    int fd = make_file("f", "abcdefghijklmnopqrstuvwxyz");
    for (int i = 0; i < 20; i++) {
        char byte = 0;
        EXPECT_EQ(call(SYS_getpid), getpid());
        EXPECT_EQ(getpid_by_register(), getpid());
        EXPECT_EQ(getpid_by_xor(), getpid());
        EXPECT_EQ(read_by_xor(fd, &byte, 1), 1);
        EXPECT_EQ(byte, 'a' + i);
    }
    EXPECT_EQ(read_by_xor(200, NULL, 1), -EBADF);
    close(fd);
}

CASE(comparison_behind_the_call_is_right)
{
    unsigned char above, equal;
    char byte;
    int fd = make_file("f", "xyz");
    for (int i = 0; i < 8; i++) {
        long descriptor = i % 2 ? 200 : fd, result;
        __asm__ volatile("xor %%eax, %%eax\n\tsyscall\n\tcmp $-4096, %%rax\n\tseta %1\n\tsete %2"
                         : "=&a"(result), "=&r"(above), "=&r"(equal)
                         : "D"(descriptor), "S"(&byte), "d"(0L)
                         : "rcx", "r11", "memory", "cc");
        EXPECT_EQ(above, i % 2);
        EXPECT_EQ(equal, 0);
        EXPECT_EQ(result, i % 2 ? -EBADF : 0);
    }
    close(fd);
}

CASE(jump_straight_to_the_instruction)
{
    for (int i = 0; i < 10; i++) {
        long direct, result;
        // every other time the jump skips the mov, with rax already set
        direct = i % 2;
        __asm__ volatile("mov $39, %%eax\n\ttest %1, %1\n\tjnz 1f\n\tmov $39, %%eax\n1:\tsyscall"
                         : "=&a"(result)
                         : "r"(direct)
                         : "rcx", "r11", "memory", "cc");
        EXPECT_EQ(result, getpid());
    }
}

CASE(code_made_at_run_time)
{
    static const unsigned char code[] = {0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3};
    unsigned char *at =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at, code, sizeof(code));
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(((long (*)(void))(uintptr_t)at)(), getpid());
    at[1] = (unsigned char)SYS_gettid; // self-modifying: must not be a stale copy
    if (memcmp(at, code, 1) == 0)
        EXPECT_EQ(((long (*)(void))(uintptr_t)at)(), thread_id());
    memcpy(at, code, sizeof(code));
    EXPECT_EQ(((long (*)(void))(uintptr_t)at)(), getpid());
    munmap(at, PAGE);
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at + 100, code, sizeof(code));
    at[101] = (unsigned char)SYS_getuid;
    EXPECT_OK(mprotect(at, PAGE, PROT_READ | PROT_EXEC));
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(((long (*)(void))(uintptr_t)(at + 100))(), getuid());
    munmap(at, PAGE);
}

CASE(call_across_a_page_boundary)
{
    static const unsigned char code[] = {0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3};
    unsigned char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t before = 1; before < sizeof(code); before++) {
        unsigned char *start = at + PAGE - before;
        memcpy(start, code, sizeof(code));
        EXPECT_EQ(((long (*)(void))(uintptr_t)start)(), getpid());
        EXPECT_EQ(((long (*)(void))(uintptr_t)start)(), getpid());
        memset(at, 0x90, 2 * PAGE);
    }
    munmap(at, 2 * PAGE);
}

CASE(stack_pointer_may_be_anything_valid)
{
    long result;
    static char tiny[64] __attribute__((aligned(16)));
    __asm__ volatile("mov %%rsp, %%rbx\n\tlea 8(%1), %%rsp\n\tmov $39, %%eax\n\tsyscall\n\t"
                     "mov %%rbx, %%rsp"
                     : "=&a"(result)
                     : "r"(tiny)
                     : "rbx", "rcx", "r11", "memory");
    EXPECT_EQ(result, getpid());
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov $0x10, %%esp\n\tmov $39, %%eax\n\tsyscall\n\t"
                     "mov %%rbx, %%rsp" // nothing at all is mapped there
                     : "=&a"(result)
                     :
                     : "rbx", "rcx", "r11", "memory");
    EXPECT_EQ(result, getpid());
}

CASE(direction_flag_survives)
{
    uint64_t flags;
    __asm__ volatile("std\n\tmov $39, %%eax\n\tsyscall\n\tpushfq\n\tpopq %0\n\tcld"
                     : "=r"(flags)
                     :
                     : "rax", "rcx", "r11", "memory", "cc");
    EXPECT_EQ(flags & 0x400, 0x400);
}

// One system call with the alignment check (AC) of user code on, as the flags say.
static long aligned_call(long number, long a, long b, long c)
{
    long result;
    register long d __asm__("r10") = 0;
    __asm__ volatile("pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\tsyscall\n\t"
                     "pushfq\n\tandl $0xfffbffff, (%%rsp)\n\tpopfq"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(d)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

CASE(alignment_check_is_for_user_code_only)
{
    static char buffer[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    REQUIRE(fd >= 0);
    for (int round = 0; round < 20; round++) {
        EXPECT_EQ(aligned_call(SYS_uname, (long)buffer + 1, 0, 0), 0);
        EXPECT_EQ(aligned_call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)buffer + 3, 0), 0);
        EXPECT(aligned_call(SYS_getcwd, (long)buffer + 5, 4000, 0) > 0);
        EXPECT(aligned_call(SYS_read, fd, (long)buffer + 7, 4000) >= 0);
        EXPECT_EQ(aligned_call(SYS_lseek, fd, 0, SEEK_SET), 0);
    }
    close(fd);
}

CASE(thread_pointer_by_arch_prctl)
{
    unsigned long base = 0, old = 0;
    EXPECT_OK(syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &old));
    __asm__ volatile("mov %%fs:0, %0" : "=r"(base));
    EXPECT(base == old);
    EXPECT_OK(syscall(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, old));
    EXPECT_ERROR(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
    EXPECT_ERROR(syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000ul), EPERM);
}

CASE(vdso_is_an_elf_with_the_clock)
{
    const Elf64_Ehdr *header = (void *)getauxval(AT_SYSINFO_EHDR);
    if (!header)
        SKIP("no vDSO");
    EXPECT(memcmp(header->e_ident, ELFMAG, 4) == 0);
    EXPECT_EQ(header->e_type, ET_DYN);
    EXPECT_EQ(header->e_machine, EM_X86_64);
    EXPECT(header->e_phnum >= 2);
}

CASE(restartable_sequences_are_registered)
{
    struct {
        uint32_t words[8];
    } area __attribute__((aligned(32))) = {{0}};
    // the C library has one already, or none is supported
    long got = syscall(334 /* rseq */, &area, 7, 0, 0x53053053);
    EXPECT(got == -1 && (errno == EINVAL || errno == ENOSYS));
}

static const struct test_case cases[] = {
    ENTRY(clobbers_rcx_and_r11_only),
    ENTRY(keeps_vector_registers),
    ENTRY(vector_registers_survive_switches),
    ENTRY(unknown_numbers),
    ENTRY(upper_half_of_the_number_is_ignored),
    ENTRY(many_shapes_of_call),
    ENTRY(comparison_behind_the_call_is_right),
    ENTRY(jump_straight_to_the_instruction),
    ENTRY(code_made_at_run_time),
    ENTRY(call_across_a_page_boundary),
    ENTRY(stack_pointer_may_be_anything_valid),
    ENTRY(direction_flag_survives),
    ENTRY(alignment_check_is_for_user_code_only),
    ENTRY(thread_pointer_by_arch_prctl),
    ENTRY(vdso_is_an_elf_with_the_clock),
    ENTRY(restartable_sequences_are_registered),
};
TEST_MAIN(cases)
