// SPDX-License-Identifier: BSD-3-Clause
#include "tests/tender/guest.h"

struct boot_info *boot;

no_return void guest_start(struct boot_info *info);

__asm__(".section .text.entry, \"ax\"\n"
        ".globl kernel_entry, upcall_entry\n"
        "kernel_entry:\n"
        "    and $-16, %rsp\n"
        "    xor %ebp, %ebp\n"
        "    call guest_start\n"
        "    ud2\n"
        "upcall_entry:\n"
        "    sub $8, %rsp\n"
        "    call guest_upcall\n"
        "    ud2\n"
        ".text\n");

void guest_start(struct boot_info *info)
{
    boot = info;
    leave(guest_main());
}

u64 length(const char *text)
{
    u64 size = 0;

    while (text[size])
        size++;
    return size;
}

bool equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

void say(const char *text)
{
    waist->log(text, length(text));
}

void say_number(u64 number)
{
    char digits[24], *at = digits + sizeof(digits);

    *--at = 0;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10));
    say(at);
}

const char *argument(u32 index)
{
    const char *text = (const char *)boot + boot->arguments_offset;

    if (index >= boot->argument_count)
        return "";
    while (index--)
        text += length(text) + 1;
    return text;
}

void leave(int code)
{
    waist->exit((u64)code << 8, 0);
    __builtin_trap();
}

static s64 call_at(u64 site, u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = e;
    register u64 r9 __asm__("r9") = f;
    s64 result;

    __asm__ volatile("call *%[site]"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                       "r"(r9), [site] "b"(site)
                     : "rcx", "r11", "memory");
    return result;
}

s64 call_gate(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    const u8 *gate = (const u8 *)boot->gate_base;

    for (u64 i = 0; i + 2 < boot->gate_size; i++)
        if (gate[i] == 0x0f && gate[i + 1] == 0x05 && gate[i + 2] == 0xc3) // syscall; ret
            return call_at((u64)gate + i, number, a, b, c, d, e, f);
    say("no `syscall; ret` in the gate\n");
    leave(99);
}

__asm__("outside: syscall\n"
        "    ret\n");
extern const u8 outside[] __attribute__((visibility("hidden")));

s64 call_outside(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    return call_at((u64)outside, number, a, b, c, d, e, f);
}
