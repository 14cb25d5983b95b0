// SPDX-License-Identifier: BSD-3-Clause
// One virtual CPU: what GS points to. Each is a thread of the host in one member of the family; the
// structs themselves are family memory, so any member sees all of them. Field offsets are used by
// x86_64/*.S (see x86_64/offsets.h).
#pragma once

#include "base/list.h"
#include "base/tree.h"
#include "thread/lock.h"

struct boot_info;
struct process;
struct thread;
struct timer;

#define VCPUS_MAX 4096

// Where a vCPU is, for those who want its attention. Pairs: vcpu_sleep writes it and then looks for
// work once more; vcpu_kick comes behind the new work and reads it.
enum vcpu_state {
    VCPU_RUNNING,  // user code, or the kernel on behalf of a thread
    VCPU_IDLE,     // in the idle loop: looks at its run queue before it sleeps
    VCPU_SLEEPING, // in the waist, on its doorbell
    VCPU_POLLING,  // in the waist, on the devices and the family's doorbell: the leader
};

struct timer_queue { // timers that were armed on this vCPU: thread/timer.c
    struct lock lock;
    struct tree by_deadline;
    struct timer *firing; // its callback runs now; atomic, pairs with timer_cancel
    bool expiring;
    u64 next; // the first deadline, or DEADLINE_NONE; atomic: read without the lock
};

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
    struct thread *handoff; // to be enqueued on its new vCPU by whoever runs next here
    struct process *finished; // the member's process has ended: its parent may hear of it
    struct thread *fpu_owner; // whose vector registers are live, or NULL
    u64 tick_armed;        // deadline of the armed tick, 0: none
    u64 next_poll;         // of devices, while busy
    struct timer_queue timers;

    enum vcpu_state state; // atomic
    u32 doorbell;          // 1: rung; the waist sleeps on it while it is 0
    u32 host_tid;          // of the host's thread, written by the host when that starts
    u64 spin;              // TSC ticks to look for work before the next sleep
    bool forget_memory;    // a new member begins without the user memory of the one that made it
    bool used;             // atomic: a vCPU of the family, from vcpu_create to vcpu_release
};

// Makes vCPU 0 and loads GS. Nothing that uses vcpu_this() works before.
void vcpu_init(const struct boot_info *boot);
// A vCPU with an idle thread, not yet running. -ENOMEM, -EAGAIN: VCPUS_MAX are in use
must_check int vcpu_create(struct vcpu **out);
// Nobody will run on it any more: it may be made again at once.
void vcpu_release(struct vcpu *v);
// For the leak check: what is kept of released vCPUs goes, too. No member may be made afterwards.
void vcpu_free_unused(void);
struct vcpu *vcpu_first(void); // of the first member: it lives as long as the family

// Makes another vCPU look at its run queue and its thread's work soon, wherever it is.
void vcpu_kick(struct vcpu *v);
// The idle loop: sleeps until kicked, a device is ready, or `timeout` ns have passed. Threads that are
// on the run queue before, or come meanwhile, end the sleep.
void vcpu_sleep(u64 timeout);

static inline struct vcpu *vcpu_this(void)
{
    struct vcpu *v;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(v)); // volatile: a thread that slept may have moved
    return v;
}
