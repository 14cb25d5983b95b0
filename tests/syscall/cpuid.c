// SPDX-License-Identifier: BSD-3-Clause
// CPUID with the leaf written in front of it, as compilers write it (a kernel may answer such from memory), says
// what CPUID says, and changes what CPUID changes.
#include "harness.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct result {
    uint32_t r[4];
};

// The instruction by itself: nothing in front of it names the leaf.
static struct result plain(uint32_t leaf, uint32_t subleaf)
{
    struct result a;
    __asm__ volatile("jmp 1f\n1: cpuid"
                     : "=a"(a.r[0]), "=b"(a.r[1]), "=c"(a.r[2]), "=d"(a.r[3])
                     : "a"(leaf), "c"(subleaf));
    return a;
}

#define OUTPUTS(a) "=a"(a.r[0]), "=b"(a.r[1]), "=c"(a.r[2]), "=d"(a.r[3])
#define MOV(leaf)  ".byte 0xb8\n.long " leaf "\n"
#define LEAVES(X)                                                                                     \
    X("0")                                                                                            \
    X("7")                                                                                            \
    X("0xd")                                                                                          \
    X("0x14")                                                                                         \
    X("0x19")                                                                                         \
    X("0x80000000")                                                                                   \
    X("0x80000001")                                                                                   \
    X("0x80000002")                                                                                   \
    X("0x80000003")                                                                                   \
    X("0x80000004")                                                                                   \
    X("0x80000005")                                                                                   \
    X("0x80000006")                                                                                   \
    X("0x80000007")                                                                                   \
    X("0x80000008")                                                                                   \
    X("0x8000001d")

#define COMPARE(leaf)                                                                                 \
    {                                                                                                 \
        struct result a, b = plain((uint32_t)strtoul(leaf, NULL, 0), 0), c;                           \
        __asm__ volatile(MOV(leaf) "cpuid" : OUTPUTS(a) : "2"(0));                                    \
        EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);                                                      \
        __asm__ volatile(MOV(leaf) "xor %%ecx, %%ecx\ncpuid" : OUTPUTS(c));                           \
        EXPECT_EQ(memcmp(&c, &b, sizeof(c)), 0);                                                      \
        b = plain((uint32_t)strtoul(leaf, NULL, 0), 1);                                               \
        __asm__ volatile(MOV(leaf) "mov $1, %%ecx\ncpuid" : OUTPUTS(a));                              \
        EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);                                                      \
    }

CASE(cpuid_leaves)
{
    for (int i = 0; i < 2; i++) { // answered once, then remembered
        LEAVES(COMPARE)
    }
}

CASE(cpuid_subleaves)
{
    for (uint32_t i = 0; i < 8; i++) {
        struct result a, b = plain(0xd, i);
        __asm__ volatile(MOV("0xd") "cpuid" : OUTPUTS(a) : "2"(i));
        EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);
    }
}

// What lies below the stack pointer, the flags and the other registers stay; upper halves of outputs are cleared.
CASE(cpuid_keeps_the_rest)
{
    uint64_t out[8] = {0}, *p = out;
    struct result b = plain(0x80000000, 0);

    __asm__ volatile("lea -512(%%rsp), %%rsp\n"
                     "movq $0x1234567, -8(%%rsp)\n"
                     "movq $0x7654321, -128(%%rsp)\n"
                     "mov $11, %%esi\n"
                     "mov $12, %%edi\n"
                     "mov $13, %%r8d\n"
                     "mov $-1, %%rdx\n"
                     "mov $-1, %%rax\n"
                     "xor %%ecx, %%ecx\n"
                     "stc\n" MOV("0x80000000") "cpuid\n"
                     "mov %%rax, 0(%[p])\n"
                     "mov %%rdx, 8(%[p])\n"
                     "setc %%al\n"
                     "movzbl %%al, %%eax\n"
                     "mov %%rax, 16(%[p])\n"
                     "mov -8(%%rsp), %%rax\n"
                     "mov %%rax, 24(%[p])\n"
                     "mov -128(%%rsp), %%rax\n"
                     "mov %%rax, 32(%[p])\n"
                     "mov %%rsi, 40(%[p])\n"
                     "mov %%rdi, 48(%[p])\n"
                     "mov %%r8, 56(%[p])\n"
                     "lea 512(%%rsp), %%rsp\n"
                     : [p] "+r"(p)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "cc", "memory");
    EXPECT_EQ(out[0], b.r[0]);
    EXPECT_EQ(out[1], b.r[3]);
    EXPECT_EQ(out[2], 1);
    EXPECT_EQ(out[3], 0x1234567);
    EXPECT_EQ(out[4], 0x7654321);
    EXPECT_EQ(out[5], 11);
    EXPECT_EQ(out[6], 12);
    EXPECT_EQ(out[7], 13);
}

// The leaf in a register, behind other instructions: as glibc walks through the caches.
#define SHAPES(X)                                                                                     \
    X("add $1, %%esi\nmov %%edi, %%eax\nmov %%esi, %%ecx\n")                                          \
    X("mov %%edi, %%eax\nlea 1(%%rsi), %%r8d\nmov %%r8d, %%ecx\n")                                    \
    X("mov %%edi, %%r12d\nlea 1(%%rsi), %%ecx\nmov %%r12d, %%eax\n")                                  \
    X("lea 1(%%rsi), %%ecx\nmov %%edi, %%eax\nlea -64(%%rsp), %%rsp\nmovb $0, 15(%%rsp)\ncpuid\n"    \
      "lea 64(%%rsp), %%rsp\njmp 1f\n")                                                              \
    X("lea 1(%%rsi), %%ecx\nmov %%edi, %%eax\nlea -512(%%rsp), %%rsp\nmovl $7, 144(%%rsp)\ncpuid\n"  \
      "lea 512(%%rsp), %%rsp\njmp 1f\n")

#define COMPARE_SHAPE(text)                                                                           \
    {                                                                                                 \
        struct result a;                                                                              \
        uint32_t leaf = leaves[i], before = subleaf - 1;                                              \
        __asm__ volatile(text "cpuid\n1:"                                                             \
                         : OUTPUTS(a), "+D"(leaf), "+S"(before)                                       \
                         :                                                                            \
                         : "r8", "r12", "cc");                                                        \
        EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);                                                      \
    }

CASE(cpuid_with_a_leaf_from_a_register)
{
    static const uint32_t leaves[] = {0, 2, 4, 7, 0xd, 0x14, 0x80000000, 0x80000006, 0x8000001d, 0x40000000};

    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
        for (uint32_t subleaf = 0; subleaf < 4; subleaf++) {
            struct result b = plain(leaves[i], subleaf);
            SHAPES(COMPARE_SHAPE)
        }
}

// A jump to the instruction itself, past the one that names a leaf.
CASE(cpuid_entered_late)
{
    struct result a, b = plain(0x80000001, 0);
    __asm__ volatile("mov $0x80000001, %%eax\n"
                     "jmp 1f\n" MOV("0") "1: cpuid"
                     : OUTPUTS(a)
                     : "2"(0));
    EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);
}

static void *many(void *argument)
{
    struct result first = plain(0x80000002, 0), a;
    long wrong = 0;
    for (int i = 0; i < 2000; i++) {
        __asm__ volatile(MOV("0x80000002") "cpuid" : OUTPUTS(a) : "2"(0));
        wrong += memcmp(&a, &first, sizeof(a)) != 0;
    }
    *(long *)argument = wrong;
    return NULL;
}

CASE(cpuid_of_threads_and_children)
{
    long wrong[3] = {-1, -1, -1};
    pthread_t t[3];
    int status;

    for (int i = 0; i < 3; i++)
        t[i] = thread_start(many, &wrong[i]);
    pid_t pid = fork();
    if (!pid) {
        long mine;
        many(&mine);
        _exit(mine != 0);
    }
    for (int i = 0; i < 3; i++) {
        thread_join(t[i]);
        EXPECT_EQ(wrong[i], 0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    EXPECT_EQ(status, 0);
}

static const struct test_case cases[] = {
    ENTRY(cpuid_leaves),       ENTRY(cpuid_subleaves),
    ENTRY(cpuid_keeps_the_rest), ENTRY(cpuid_with_a_leaf_from_a_register), ENTRY(cpuid_entered_late),
    ENTRY(cpuid_of_threads_and_children),
};
TEST_MAIN(cases)
