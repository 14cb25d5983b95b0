// SPDX-License-Identifier: BSD-3-Clause
// The user registers of a thread that is in the kernel, at the top of its kernel stack.
//
//   high  +--------------------+ vcpu.kernel_stack
//         | struct trap_frame  | <- thread.frame
//         +--------------------+
//         | kernel frames ...  |
//   low   +--------------------+
#pragma once

#include "base/types.h"

struct trap_frame {
    u64 r15, r14, r13, r12, rbp, rbx; // 0x00
    u64 r11, r10, r9, r8;             // 0x30
    u64 rax, rcx, rdx, rsi, rdi;      // 0x50: rax is the result on the way out
    u64 call;                         // 0x78: system call number, or FRAME_NO_CALL
    u64 rip;                          // 0x80: from here the layout of iretq
    u64 cs;                           // 0x88
    u64 rflags;                       // 0x90
    u64 rsp;                          // 0x98
    u64 ss;                           // 0xa0
    u64 full;                         // 0xa8: leave by iretq, restoring every register
};
_Static_assert(sizeof(struct trap_frame) == 0xb0, "entry.S");

#define FRAME_NO_CALL (~0ull)
