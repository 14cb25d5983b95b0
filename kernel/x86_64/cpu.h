// SPDX-License-Identifier: BSD-3-Clause
// Instructions that C has no words for.
#pragma once

#include "base/types.h"

static inline void cpu_set_gs_base(u64 base)
{
    __asm__ volatile(".byte 0xf3, 0x48, 0x0f, 0xae, 0xd8" : : "a"(base)); // wrgsbase %rax
}

static inline void cpu_set_fs_base(u64 base)
{
    __asm__ volatile(".byte 0xf3, 0x48, 0x0f, 0xae, 0xd0" : : "a"(base)); // wrfsbase %rax
}

static inline u64 cpu_fs_base(void)
{
    u64 base;
    __asm__ volatile(".byte 0xf3, 0x48, 0x0f, 0xae, 0xc0" : "=a"(base)); // rdfsbase %rax
    return base;
}

static inline u64 cpu_tsc(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (u64)high << 32;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause");
}

static inline void cpu_id(u32 leaf, u32 subleaf, u32 out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(subleaf));
}
