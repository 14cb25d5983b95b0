// SPDX-License-Identifier: BSD-3-Clause
// One virtual CPU: what GS points to. Field offsets are used by x86_64/*.S (see x86_64/offsets.h).
#pragma once

#include "base/list.h"
#include "thread/lock.h"

struct thread;

struct vcpu {
    struct vcpu *self;      // 0x00: gs:0
    struct thread *thread;  // 0x08: running
    u64 kernel_stack;       // 0x10: top of the running thread's kernel stack, where the trap frame ends
    u64 user_rsp;           // 0x18: scratch of the entry
    u64 stub_scratch;       // 0x20: for syscall stubs
    u64 index;              // 0x28: in the family
    u64 upcall_pending;     // 0x30: look for work on the way out; set by upcalls in kernel text

    struct lock run_lock;
    struct list run_queue; // READY threads
    u32 run_count;
    struct thread *idle;   // not a user thread: runs the idle loop
    struct thread *dead;   // to be freed by whoever runs next
    struct thread *fpu_owner; // whose vector registers are live, or NULL
    u64 tick_armed;        // deadline of the armed tick, 0: none
    u64 fault_address;     // of the upcall being handled
};

struct boot_info;

// Makes vCPU 0 and loads GS. Nothing that uses vcpu_this() works before.
void vcpu_init(const struct boot_info *boot);

static inline struct vcpu *vcpu_this(void)
{
    struct vcpu *v;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(v)); // volatile: a thread that slept may have moved
    return v;
}
