// SPDX-License-Identifier: BSD-3-Clause
// What the CPU says of itself, for /proc/cpuinfo. [Intel SDM vol. 2, CPUID; AMD APM vol. 3,
// appendix E]
#pragma once

#include "base/types.h"

struct cpu_info {
    char vendor[13];
    char model_name[49];
    u32 family, model, stepping;
    u32 level;     // highest leaf
    u32 cache_kib; // of the last level
    u32 line_size; // bytes of a cache line
    u32 physical_bits, virtual_bits;
};

void cpu_info_get(struct cpu_info *out);

// Calls visit with the name of each feature, as Linux names them.
void cpu_feature_visit(void (*visit)(const char *name, void *arg), void *arg);
