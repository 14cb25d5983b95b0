// SPDX-License-Identifier: BSD-3-Clause
// Patched syscall sites are executed: each piece of code runs as it was, and again with the jump
// and a stub, whose "kernel" is a few instructions that make the real system call.
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/tables.h"
#include "base/instruction.h"
#include "x86_64/patch_plan.h"

typedef long call_code(long a, long b, long c, long d, long e, long f);

// The entry's contract: rcx is where to go on; it and r11 may be clobbered, nothing else.
extern char fake_entry[];
__asm__(".text\n"
        "fake_entry:\n"
        "    mov %rcx, fake_return(%rip)\n"
        "    incq fake_entries(%rip)\n"
        "    syscall\n"
        "    jmp *fake_return(%rip)\n"
        ".bss\n"
        "fake_return: .quad 0\n"
        ".globl fake_entries\n"
        "fake_entries: .quad 0\n"
        ".text\n");
extern u64 fake_entries;

static u8 *code_pages; // page 0: the code, page 1: the stub and, at its end, the entry's address

#define CODE(...) .code = {__VA_ARGS__}, .size = sizeof((u8[]){__VA_ARGS__})

struct snippet {
    const char *name;
    u8 code[48];
    size_t size;
    u32 site; // offset of the syscall
    int shape;
    struct trap_frame frame; // what the registers are at the trap
    u64 rsi_from_site;       // not 0: rsi is the site's address and this
    long arguments[3];
    long value; // the result of the original code; 0: not checked
};

static const struct snippet snippets[] = {
    {.name = "mov $imm, eax",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3),
     .site = 5,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid}},
    {.name = "mov $imm, rax",
     CODE(0x48, 0xc7, 0xc0, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3),
     .site = 7,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid}},
    {.name = "mov $imm, r10d",
     CODE(0xb8, 0x0e, 0, 0, 0, 0x41, 0xba, 8, 0, 0, 0, 0x0f, 0x05, 0xc3),
     .site = 11,
     .shape = PATCH_A,
     .frame = {.call = SYS_rt_sigprocmask, .r10 = 8}},
    {.name = "mov 8(rsp), r9",
     CODE(0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2,
          0x4d, 0x89, 0xc8, 0x4c, 0x8b, 0x4c, 0x24, 8, 0x0f, 0x05, 0xc3),
     .site = 23,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid, .rsp = 0x1000},
     .arguments = {SYS_getppid}},
    {.name = "mov r11, -8(rsp)",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x4c, 0x89, 0x5c, 0x24, 0xf8, 0x0f, 0x05, 0xc3),
     .site = 10,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid}},
    {.name = "lea -8(rsp), rsi",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x48, 0x8d, 0x74, 0x24, 0xf8, 0x0f, 0x05, 0xc3),
     .site = 10,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid, .rsp = 0x1000, .rsi = 0xff8}},
    {.name = "lea 16(rip), rsi",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x48, 0x8d, 0x35, 16, 0, 0, 0, 0x0f, 0x05, 0x48, 0x89, 0xf0, 0xc3),
     .site = 12,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid},
     .rsi_from_site = 16},
    {.name = "lea 256(rdi), rsi",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x48, 0x8d, 0xb7, 0, 1, 0, 0, 0x0f, 0x05, 0x48, 0x89, 0xf0, 0xc3),
     .site = 12,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid, .rdi = 5, .rsi = 0x105},
     .arguments = {5},
     .value = 0x105},
    {.name = "mov 16(rip), edx",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x8b, 0x15, 16, 0, 0, 0, 0x0f, 0x05, 0x89, 0xd0, 0xc3),
     .site = 11,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid, .rdx = 0xcccccccc},
     .value = 0xcccccccc},
    {.name = "another address",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x48, 0x8d, 0xb7, 0, 1, 0, 0, 0x0f, 0x05, 0xe9, 0, 0, 0, 0, 0xc3),
     .site = 12,
     .shape = -1,
     .frame = {.call = SYS_getppid, .rdi = 5, .rsi = 0x106},
     .arguments = {5}},
    {.name = "read, as glibc has it",
     CODE(0x31, 0xc0, 0x0f, 0x05, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, 1, 0xc3, 0x48, 0x05, 100,
          0, 0, 0, 0xc3),
     .site = 2,
     .shape = PATCH_B,
     .frame = {.call = 0},
     .arguments = {-1},
     .value = -9 + 100},
    {.name = "cmp behind it",
     CODE(0x89, 0xf8, 0x89, 0xf7, 0x0f, 0x05, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, 1, 0xc3, 0x48,
          0x05, 100, 0, 0, 0, 0xc3),
     .site = 4,
     .shape = PATCH_C,
     .frame = {.call = SYS_close},
     .arguments = {SYS_close, -1},
     .value = -9 + 100},
    {.name = "short ones behind it",
     CODE(0x89, 0xf8, 0x89, 0xf7, 0x0f, 0x05, 0x89, 0xc2, 0xf7, 0xda, 0x89, 0xd0, 0xc3),
     .site = 4,
     .shape = PATCH_C,
     .frame = {.call = SYS_close},
     .arguments = {SYS_close, -1},
     .value = 9},
    {.name = "not movable: a jump",
     CODE(0x89, 0xf8, 0x0f, 0x05, 0x85, 0xc0, 0x75, 0, 0xc3),
     .site = 2,
     .shape = -1,
     .frame = {.call = SYS_getppid},
     .arguments = {SYS_getppid}},
    {.name = "not movable: rip-relative",
     CODE(0x89, 0xf8, 0x0f, 0x05, 0x89, 0x05, 16, 0, 0, 0, 0xc3),
     .site = 2,
     .shape = -1,
     .frame = {.call = SYS_getppid},
     .arguments = {SYS_getppid}},
    {.name = "another immediate",
     CODE(0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3),
     .site = 5,
     .shape = -1,
     .frame = {.call = SYS_getpid}},
    {.name = "r8d, not eax",
     CODE(0x89, 0xf8, 0x41, 0xb8, 5, 0, 0, 0, 0x0f, 0x05, 0xc3),
     .site = 8,
     .shape = PATCH_A,
     .frame = {.call = SYS_getppid, .r8 = 5},
     .arguments = {SYS_getppid}},
    {.name = "both fit",
     CODE(0x89, 0xf8, 0x41, 0xb8, 5, 0, 0, 0, 0x0f, 0x05, 0xc3),
     .site = 8,
     .shape = -1,
     .frame = {.call = 5, .r8 = 5},
     .arguments = {SYS_getppid}},
};

static void patch_one(const struct snippet *s, u32 offset)
{
    u8 *code = code_pages + 64 + offset, *stub_at = code_pages + PAGE_SIZE;
    u8 *slot = stub_at + PAGE_SIZE - 8, jump[PATCH_JUMP];
    struct patch_plan plan;
    struct patch_stub stub;
    int shape;
    const long *a = s->arguments;

    memset(code_pages, 0xcc, 2 * PAGE_SIZE);
    memcpy(code, s->code, s->size);
    *(u64 *)(void *)slot = (u64)fake_entry;
    call_code *run = (call_code *)(void *)code;
    long before = run(a[0], a[1], a[2], 0, 0, 0);
    if (s->value)
        check_equal(before, s->value);
    u8 *site = code + s->site;
    struct trap_frame frame = s->frame;
    if (s->rsi_from_site)
        frame.rsi = (u64)site + s->rsi_from_site;
    for (shape = 0; shape < PATCH_SHAPES; shape++)
        if (patch_plan_make(shape, (uaddr_t)site, site - PATCH_BEFORE, &frame, &plan))
            break;
    if (shape == PATCH_SHAPES)
        shape = -1;
    if (shape != s->shape)
        unit_fail(__FILE__, __LINE__, "%s: shape %d, not %d", s->name, shape, s->shape);
    if (shape < 0)
        return;
    check(patch_plan_stub(&plan, (uaddr_t)stub_at, (uaddr_t)slot, &stub));
    memcpy(stub_at, stub.bytes, stub.size);
    if (stub.next)
        check(stub_at[stub.next - 2] == 0x0f && stub_at[stub.next - 1] == 0x05);
    check(patch_plan_jump(&plan, (uaddr_t)stub_at, jump));
    check(patch_plan_atomic(&plan) == (plan.start / 16 == (plan.start + 4) / 16));
    memcpy((void *)plan.start, jump, sizeof(jump));
    u64 entries = fake_entries;
    check_equal(run(a[0], a[1], a[2], 0, 0, 0), before);
    check_equal(fake_entries, entries + 1);
}

static void patched_code_runs(void)
{
    code_pages = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(code_pages != MAP_FAILED);
    for (size_t i = 0; i < array_count(snippets); i++)
        for (u32 offset = 0; offset < 16; offset++)
            patch_one(&snippets[i], offset);
    munmap(code_pages, 2 * PAGE_SIZE);
}

static void too_far(void)
{
    struct patch_plan plan = {
        .shape = PATCH_A, .site = 0x400005, .start = 0x400000, .head_size = 5};
    struct patch_stub stub;
    u8 jump[PATCH_JUMP];

    check(!patch_plan_jump(&plan, 0x400000 + (1ull << 31) + 6, jump));
    check(patch_plan_jump(&plan, 0x400000 + (1ull << 31) - 16, jump));
    check(!patch_plan_stub(&plan, 0x400000 + (1ull << 32), 0x400000 + (1ull << 32) + 100, &stub));
}

static void jumps_in_between(void)
{
    struct patch_plan plan = {.shape = PATCH_C, .site = 0x1000, .start = 0x1000};
    u8 code[64];
    const size_t size = sizeof(code);

    memset(code, 0x90, size);
    code[16] = 0x0f;
    code[17] = 0x05;
    check(!patch_plan_short_target(&plan, 0xff0, code, size));
    code[3] = 0xeb; // jmp to 0x1002
    code[4] = 0x1002 - 0xff0 - 5;
    check(patch_plan_short_target(&plan, 0xff0, code, size));
    code[4] = 0x1000 - 0xff0 - 5; // to the syscall itself: fine
    check(!patch_plan_short_target(&plan, 0xff0, code, size));
    code[3] = 0x90;
    code[4] = 0x90;
    code[30] = 0x75; // jne, backwards
    code[31] = (u8)(0x1002 - 0xff0 - 32);
    check(patch_plan_short_target(&plan, 0xff0, code, size));
    code[29] = 0xb0; // mov $0x75, %al: no jump
    check(!patch_plan_short_target(&plan, 0xff0, code, size));
    check(!patch_plan_far_target(&plan, 0xff0, code, size));
    code[40] = 0x0f; // jne near, backwards
    code[41] = 0x85;
    s32 distance = 0x1002 - (0xff0 + 46);
    memcpy(code + 42, &distance, 4);
    check(patch_plan_far_target(&plan, 0xff0, code, size));
    plan = (struct patch_plan){.shape = PATCH_B, .site = 0x1002, .start = 0x1000};
    check(patch_plan_far_target(&plan, 0xff0, code, size)); // the syscall lies under the jump
}

static void instruction_sizes(void)
{
    static const u8 samples[][16] = {
        {1, 0x90},
        {5, 0xb8, 1, 2, 3, 4},
        {10, 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8},
        {4, 0x66, 0xb8, 1, 2},
        {7, 0x48, 0x8d, 0x35, 1, 2, 3, 4},
        {8, 0x48, 0x8b, 0x84, 0x24, 1, 2, 3, 4},
        {8, 0x48, 0x8b, 0x04, 0x25, 1, 2, 3, 4},
        {3, 0xf6, 0xc1, 1},
        {2, 0xf6, 0xd9},
        {6, 0x0f, 0x84, 1, 2, 3, 4},
        {5, 0xc4, 0xe2, 0x79, 0x18, 0xc0},
        {4, 0xc5, 0xf8, 0x10, 0x00},
        {7, 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x45, 1},
        {6, 0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8},
        {10, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
        {4, 0xc8, 1, 2, 3},
        {0, 0x06},
        {0, 0x48, 0x06},
    };
    for (size_t i = 0; i < array_count(samples); i++) {
        u32 size = samples[i][0];
        check_equal(instruction_size(samples[i] + 1, 15), size);
        for (u32 room = 0; room < size; room++)
            check_equal(instruction_size(samples[i] + 1, room), 0);
    }
}

const struct unit_test patch_tests[] = {
    TEST(patched_code_runs), TEST(too_far), TEST(jumps_in_between), TEST(instruction_sizes), {0},
};
