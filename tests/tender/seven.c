// SPDX-License-Identifier: BSD-3-Clause
// A program for the minimal profile: no dynamic memory, no fork, no libc. With an argument it
// sleeps.
#include <asm/unistd.h>
#include <linux/time_types.h>

static long call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static char zeros[100000] = {0}; // .bss, over several pages

__attribute__((noreturn, used)) static void start(long *stack)
{
    struct __kernel_timespec hour = {3600, 0};

    for (unsigned i = 0; i < sizeof(zeros); i++)
        zeros[i] += (char)(zeros[i] + 1);
    call(__NR_write, 1, (long)"seven calls\n", 12);
    if (stack[0] > 1)
        call(__NR_nanosleep, (long)&hour, 0, 0);
    for (;;)
        call(__NR_exit_group, zeros[99999] == 1 ? 7 : 8, 0, 0);
}

__asm__(".globl _start\n"
        "_start:\n"
        "    mov %rsp, %rdi\n"
        "    xor %ebp, %ebp\n"
        "    and $-16, %rsp\n"
        "    call start\n");
