// SPDX-License-Identifier: BSD-3-Clause
// What all code of the gate is made of: its section, and the host's system call. See gate.c.
#pragma once

#include "base/types.h"

#define GATE       __attribute__((section("gate"), visibility("hidden"), used))
#define GATE_LOCAL __attribute__((section("gate"), noinline)) // of static functions

static inline __attribute__((always_inline)) s64 host(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e,
                                                      u64 f)
{
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = e;
    register u64 r9 __asm__("r9") = f;
    s64 result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
