// SPDX-License-Identifier: BSD-3-Clause
// What the signal files share among themselves and with process.c.
#pragma once

#include "process/signal.h"

struct process;
struct thread;

// stack_t.ss_flags, sigaltstack(2); the UAPI headers leave them to libc.
#define ALTSTACK_ACTIVE     1u // SS_ONSTACK
#define ALTSTACK_DISABLE    2u // SS_DISABLE
#define ALTSTACK_AUTODISARM (1u << 31)

// Default actions, signal(7); a signal in none of them ends the process.
extern const signal_set_t signals_stop, signals_ignored, signals_core;

// With signals->lock held.
bool signal_is_ignored(const struct signal_state *s, int signal);
void signal_recheck(struct thread *t);

// rt_sigaction: pending signals that are now ignored are dropped.
void signal_ignore_changed(struct process *p, int signal);

// Job control. process_stop and process_continue are called with process.lock and signals->lock held.
void process_stop(struct process *p, int signal);
void process_continue(struct process *p);
void process_wait_continued(struct process *p); // the current thread sleeps while it is stopped
void process_stopped_attached(void);            // a tracer attached to threads that may sleep so: they look
void process_exit_locked(struct process *p, int status); // as process_exit, with process.lock held

// x86_64/signal_frame.c: pushes a frame for `action` on the user stack and points *frame at the handler.
// -EFAULT: the stack cannot be written.
must_check int signal_frame_push(struct trap_frame *frame, const siginfo_t *info,
                                 const struct signal_action *action, signal_set_t old_blocked);
// rt_sigreturn(2): restores *frame, mask, vector registers and alternate stack. -EFAULT: bad frame.
must_check int signal_frame_pop(struct trap_frame *frame);
