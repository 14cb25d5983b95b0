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
    u32 work;               // 0x20: copy of the running thread's work, plus upcall's flag (atomic)
    u32 index;              // 0x24: in the family
    u64 idle_stack;         // 0x28
    u64 upcall_pending;     // 0x30: an upcall came while in the kernel

    struct lock run_lock;
    struct list run_queue; // READY threads
    u32 run_count;
    struct thread *idle;   // not a user thread: runs the idle loop
    struct thread *dead;   // to be freed by whoever runs next
    u64 tick_armed;        // deadline of the armed tick, 0: none
};

static inline struct vcpu *vcpu_this(void)
{
    struct vcpu *v;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(v)); // volatile: a thread that slept may have moved
    return v;
}
