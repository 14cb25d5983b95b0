// SPDX-License-Identifier: BSD-3-Clause
#include "linux/trace.h"

#include "abi/boot.h"
#include "base/printf.h"
#include "x86_64/frame.h"

bool trace_enabled;

void trace_init(const struct boot_info *boot)
{
    trace_enabled = boot->flags & BOOT_TRACE;
}

void trace_enter(const struct trap_frame *f)
{
    log_message("call %lu(%lx, %lx, %lx, %lx)", f->call, f->rdi, f->rsi, f->rdx, f->r10);
}

void trace_leave(const struct trap_frame *f, s64 result)
{
    log_message(" = %lld", (long long)result);
}
