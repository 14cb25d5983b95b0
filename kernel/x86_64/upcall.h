// SPDX-License-Identifier: BSD-3-Clause
// Host signals that arrive while this vCPU runs: traps and faults of user code, faults of the kernel's own
// accesses to user memory, and asynchronous calls for attention.
#pragma once

#include "x86_64/frame.h"

// What an upcall from user code was; stands below the trap frame.
struct upcall_info {
    u32 signal;
    s32 code;     // si_code
    u64 address;  // si_addr, or si_call_addr of SIGSYS
    u64 trap;     // x86 exception number
    u64 error;    // and its error code
    u64 mask;
};
_Static_assert(sizeof(struct upcall_info) % 16 == 8, "upcall_save aligns");

// The last thing before user code, entered with what thread.work or upcall_pending asks for.
void return_work(struct trap_frame *frame);

// system call number frame->call; see linux/dispatch.c
void syscall_dispatch(struct trap_frame *frame);

// The way in without a trap, see entry.S: where stubs and the vDSO jump to.
extern const char syscall_entry_fast[];
