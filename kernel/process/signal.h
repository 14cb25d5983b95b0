// SPDX-License-Identifier: BSD-3-Clause
// Signals: sending, masks, delivery, stop and continue. signal(7).
#pragma once

#include <asm/siginfo.h>

#include "base/list.h"
#include "process/signal_set.h"
#include "thread/lock.h"
#include "thread/wait.h"

struct process;
struct thread;
struct trap_frame;

struct signal_action { // struct sigaction of the kernel ABI, rt_sigaction(2)
    uaddr_t handler;   // SIG_DFL 0, SIG_IGN 1
    u64 flags;         // SA_*
    uaddr_t restorer;
    signal_set_t mask;
};

struct signal_state {  // of a process
    struct lock lock;  // all of this, and the signal fields of its threads
    struct signal_action actions[64]; // [n-1]: signal n
    struct signal_queue shared;       // sent to the process
    struct wait_queue arrived;        // signalfd and sigtimedwait wait here
};

must_check int signal_state_create(struct signal_state **out);
void signal_state_free(struct signal_state *s);
void signal_queue_clear(struct signal_queue *q);

// Sends; never sleeps. info->si_signo says which. force: a fault, delivered even if blocked or
// ignored (then it kills). 0, -EAGAIN (queue full, real-time signals only), -ESRCH.
int signal_send_thread(struct thread *t, const siginfo_t *info, bool force);
int signal_send_process(struct process *p, const siginfo_t *info);
// To the thread of p with this id. -ESRCH. Signals with SI_TIMER of one timer merge: si_overrun grows.
int signal_send_tid(struct process *p, int tid, const siginfo_t *info);
int signal_send_group(int pgid, const siginfo_t *info);
int signal_send_all(const siginfo_t *info); // kill(-1): all but the first and the current process
// May the current process send it (0: look for) this signal? -EPERM
must_check int signal_permission(const struct process *p, int signal);
// Convenience for signals of the kernel: si_code SI_KERNEL.
void signal_raise_process(struct process *p, int signal);

// Delivers what is pending to the current thread, which is about to return to user code by *frame:
// rewrites *frame to run a handler, or ends or stops the process. Called with no lock held while
// thread.work has WORK_SIGNAL. syscall_result: the frame comes from a system call whose result is in
// frame->rax, perhaps an ERESTART code.
void signal_deliver(struct trap_frame *frame);

// A fault of user code: builds the siginfo and sends it to the current thread, forced.
void signal_fault(int signal, int code, uaddr_t address, u64 trap_number, u64 error_code);

// t ends: signals of the process that it was woken for go to another thread. With process.lock held.
void signal_thread_ends(struct thread *t);
// Sets the thread's mask (never blocks KILL, STOP) and rechecks what is pending.
void signal_set_blocked(struct thread *t, signal_set_t blocked);
// For ppoll, pselect, epoll_pwait, sigsuspend: mask until the return to user code.
void signal_set_blocked_temporarily(signal_set_t blocked);
void signal_restore_blocked(struct thread *t); // undoes it, when no handler has been entered

// Takes one pending signal of `wanted` off the current thread's queues: sigtimedwait, signalfd.
// Returns its number, 0 when there is none.
int signal_dequeue(signal_set_t wanted, siginfo_t *out_info);
signal_set_t signal_pending(struct thread *t); // of thread and process, blocked or not
