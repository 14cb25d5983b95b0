// SPDX-License-Identifier: BSD-3-Clause
// Threads: the kernel's own, scheduled over the vCPUs of their member. Each user thread has a kernel
// stack in family memory; at its top is the trap frame with the user's registers (x86_64/frame.h).
#pragma once

#include "base/list.h"
#include "cpu/vcpu.h"
#include "memory/address_space.h"
#include "thread/lock.h"
#include "thread/timer.h"
#include "thread/wait.h"
#include "process/signal_set.h"

#define FILES_HELD_MAX 6

struct credentials;
struct file;
struct process;
struct seccomp_filter;
struct tracing;
struct vcpu;
struct trap_frame;

enum thread_state { THREAD_RUNNING, THREAD_READY, THREAD_SLEEPING, THREAD_STOPPED, THREAD_DEAD };

// Why a thread must not go straight back to user code; bits of thread.work. Set atomically by anyone.
#define WORK_SIGNAL  1u // a signal may be deliverable
#define WORK_RESCHED 2u // another thread should run
#define WORK_EXIT    4u // the process is going away
#define WORK_STOP    8u // job-control stop
#define WORK_PATCHED 16u // text was patched: the program counter may lie under a jump
#define WORK_MOVE    32u // the affinity has changed
#define WORK_TRACE   64u // a stop for the tracer: process/tracing.h

// What sched(7) and prctl(2) keep for a thread, and a new thread takes over from its creator.
struct thread_settings {
    s8 nice;
    u8 policy, priority; // SCHED_*
    bool reset_on_fork;
    u16 io_priority;
    u64 affinity;                    // bit n: vCPU n; 0: all. Atomic
    u64 timer_slack;                 // ns, 0: the default
    u64 timer_slack_default;         // the creator's, 0: the system's
    u64 runtime, deadline, period;   // of SCHED_DEADLINE
};

struct thread {
    struct list run_node;     // on a run queue, guarded by vcpu.run_lock
    struct list process_node; // on process.threads, guarded by process.lock
    struct process *process;
    struct credentials *own;          // its credentials, or NULL: its process's (process/credentials.h)
    const struct credentials *acting; // instead of those, or NULL: access(2)
    struct vcpu *vcpu; // runs or ran on it
    u32 work;          // WORK_*, atomic
    enum thread_state state;
    bool on_cpu; // atomic: runs, or its context is not saved yet; see balance.c
    int tid;

    u64 kernel_sp; // while not running: see switch.S
    u64 fs_base;   // while not running
    u64 stack_base; // of the kernel stack
    struct trap_frame *frame;
    void *fpu; // xsave area, 64-byte aligned
    struct vcpu *fpu_vcpu; // whose registers had its state last
    bool fpu_saved; // else: the initial state, and *fpu is not touched yet

    uaddr_t clear_child_tid; // set_tid_address(2)
    void (*first_start)(struct thread *t); // on its own stack before its first user code, or NULL
    uaddr_t set_child_tid;   // CLONE_CHILD_SETTID: written by the new thread itself; 0: no
    uaddr_t robust_list;     // set_robust_list(2)
    u64 robust_list_size;
    char name[16]; // PR_SET_NAME
    struct thread_settings settings;
    u64 cpu_time;    // TSC ticks in this thread, up to the last switch; thread_cpu_time() gives ns
    u64 system_time; // of these: an estimate of the ticks in system calls
    u64 run_since;   // TSC, when it was switched to

    struct seccomp_filter *seccomp; // linux/seccomp.h, or NULL
    u8 seccomp_mode;                // SECCOMP_MODE_*

    // Signals, guarded by process.signals->lock; see process/signal.h
    signal_set_t blocked;
    signal_set_t saved_blocked; // to restore behind sigsuspend, ppoll, ...
    bool restore_blocked;
    struct signal_queue pending; // sent to this thread
    uaddr_t altstack_base;
    u64 altstack_size;
    u32 altstack_flags;

    // restart_syscall(2): what to call, see process/signal.h
    s64 (*restart)(struct thread *t);
    u64 restart_data[6];

    // What the thread owns in the middle of a call, for killed.c: references to files (file/held.h); a
    // process and a vCPU that it is making.
    struct file *held[FILES_HELD_MAX];
    u32 held_count;
    struct file *releasing; // its last reference has gone
    struct process *making;
    struct vcpu *making_vcpu;
    struct process *visits; // it is in the member of this one (process/visit.h), or NULL
    struct vcpu *home;      // and will be back here
    bool left, left_last;  // thread_exit has taken it off its process, which had no other
    bool quarantined;      // its old kernel stack may be linked to: neither goes back

    // The last fault of user code, as sigcontext shows it.
    u64 fault_trap, fault_error, fault_address;
    struct fault_again fault_again;

    struct path_context *paths; // its own directories and umask, or NULL: its process's (file/path.h)
    struct tracing *tracing;    // process/tracing.h, or NULL
};

static inline struct thread *thread_current(void)
{
    struct thread *t;
    __asm__("mov %%gs:8, %0" : "=r"(t)); // not volatile: the same for all the life of a stack
    return t;
}

int thread_new_id(void); // for threads and processes

#define KERNEL_STACK_SIZE 16384u

// A thread whose vCPU ended while it ran: it starts again on v, by `start`, which does not return. keep: somebody may
// still refer to what is on its kernel stack, so it gets another one. -ENOMEM
must_check int thread_restart(struct thread *t, struct vcpu *v, void (*start)(struct thread *t), bool keep);

u64 thread_cpu_time(struct thread *t); // ns, up to now
u64 thread_system_time(struct thread *t); // ns of it in system calls, as far as was measured; not more than that

// Makes a thread of process `p` with a kernel stack and a copy of *frame; it is not yet runnable.
// fs_base: the new thread's. -ENOMEM, -EAGAIN (too many threads).
must_check int thread_create(struct process *p, const struct trap_frame *frame, u64 fs_base,
                             struct thread **out_thread);
void thread_free(struct thread *t);          // one that never ran, or has ended and runs no more
void thread_start(struct thread *t);         // puts it on a run queue
void thread_start_on(struct thread *t, struct vcpu *v); // on this one's
no_return void thread_exit(int status);       // ends the current thread; the last one ends the process
void thread_yield(void);
bool thread_wake(struct thread *t);          // SLEEPING -> READY; false: it was not asleep
void thread_cancel_sleep(struct thread *t);  // the current thread stays awake after all
void thread_set_work(struct thread *t, u32 work); // and interrupts it: wakes an interruptible sleep
bool thread_exists(int tid);                 // in this process
// A thread of any process, or the current one for 0; NULL: none. With its process's lock held.
struct thread *thread_acquire(int tid);

// True when an interruptible sleep must end: a deliverable signal, exit or stop.
bool thread_interrupted(void);

// linux/futex.c: wakes who waits for this thread's end: clear_child_tid and robust futexes.
void futex_thread_exit(struct thread *t);
