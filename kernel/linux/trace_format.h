// SPDX-License-Identifier: BSD-3-Clause
// Arguments and results of system calls in words, as strace(1) has them.
#pragma once

#include "base/types.h"

const char *syscall_name(u64 number); // "unknown" if it has none

struct trace_line {
    char text[480];
    size_t used;
};

printf_like(2, 3) void trace_put(struct trace_line *l, const char *format, ...);
// Argument `index` of arguments[6] by its format letter (syscalls.def). result: NULL before the call.
void trace_argument(struct trace_line *l, char format, const u64 *arguments, int index,
                    const s64 *result);
void trace_result(struct trace_line *l, u64 call, s64 result);
