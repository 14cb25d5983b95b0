// SPDX-License-Identifier: BSD-3-Clause
// The registers of a thread that does not run, as debuggers see them: struct user_regs_struct of <sys/user.h>.
#pragma once

#include "base/types.h"

struct thread;

struct user_registers {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
    u64 fs_base, gs_base, ds, es, fs, gs;
};

void user_registers_get(const struct thread *t, struct user_registers *out);
void user_registers_set(struct thread *t, const struct user_registers *r); // what no user code may have is left out
