// SPDX-License-Identifier: BSD-3-Clause
// --trace: each system call on the host's standard error, as strace(1) prints it.
#pragma once

#include "base/types.h"

struct boot_info;
struct trap_frame;

#define TRACE_PRINTS 1u // --trace
#define TRACE_ASKS   2u // there is or was a tracer: process/tracing.h
extern u32 trace_enabled; // TRACE_*, atomic: who looks at each system call

void trace_init(const struct boot_info *boot);
void trace_enter(const struct trap_frame *f);
void trace_leave(const struct trap_frame *f, s64 result);
