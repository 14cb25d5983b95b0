// SPDX-License-Identifier: BSD-3-Clause
// ptrace(2): a process, the tracer, hears of and steers threads of others, its tracees. The calls themselves are
// linux/ptrace.c's; here are the stops, and the hooks that lead to them.
//
// Each stop happens in the tracee itself, on its way between user code and kernel, with its frame complete: it tells
// the tracer, who finds it by wait(2), and sleeps until it is resumed. A struct tracing lives as long as its thread, or
// until the tracer has waited for that thread's end; its tracer comes and goes.
//
// One lock guards all of it; family's lock -> tracing lock.
#pragma once

#include <asm/siginfo.h>

#include "base/list.h"
#include "thread/wait.h"

struct process;
struct thread;
struct trap_frame;

struct tracing {
    struct list node;       // on tracer->tracees
    struct process *tracer; // NULL: nobody
    struct thread *thread;  // NULL: it has ended, and `code` is its status
    struct process *process;
    int tid;
    u32 options;        // PTRACE_O_*
    bool seized;        // PTRACE_SEIZE
    bool stopped;       // atomic
    bool reported;      // wait(2) has told of it
    bool calls, steps;  // goes on to the next system call's stop, or one instruction
    bool listens;       // PTRACE_LISTEN: goes on into the stop of the process
    bool ends;          // the thread ends: its last stop does not end by that
    bool converts;      // attached while its process was stopped: that is to become a stop for the tracer
    bool no_info;       // the stop is not a signal's: PTRACE_GETSIGINFO fails
    bool interrupt;     // PTRACE_INTERRUPT, or a new thread's first stop
    u8 call_op;         // PTRACE_SYSCALL_INFO_*: where it stands
    u32 users;          // tracers that look into it now: it stays asleep
    int code;           // of the stop: wait's status >> 8
    int signal;         // for the tracee when it goes on
    u64 message;        // PTRACE_GETEVENTMSG
    siginfo_t info;     // PTRACE_GETSIGINFO
    struct wait_queue resumed;
};

// Hooks, called by the tracee with no lock held. Each returns at once for a thread that nobody traces.
void tracing_event(int event, u64 message);    // a stop if the options ask for PTRACE_EVENT_...
void tracing_call(struct trap_frame *f, bool entry);
void tracing_exec(int old_tid);
int tracing_signal(siginfo_t *info);           // a signal is to be delivered: which one, 0: none
// The signal stops the process. True: the tracee has stopped for its tracer instead, and goes on.
bool tracing_stop_signal(int signal);
bool tracing_converts(const struct thread *t);
// The process is stopped, and the tracer wants to hear of it. True: it stays stopped.
bool tracing_stopped(int signal);
void tracing_interrupted(void);                // WORK_TRACE
void tracing_new_thread(struct thread *t, int event); // t is made, and does not run yet
void tracing_thread_end(int status);           // the current thread ends
void tracing_process_end(struct process *p);   // p's tracees are free
void tracing_drop(struct thread *t);           // t never ran

bool tracing_active(const struct thread *t);
bool tracing_process(const struct process *p); // some thread of it is traced

// For ptrace(2). -EPERM, -ENOMEM
must_check int tracing_attach(struct process *tracer, struct thread *t, u32 options, bool seized);
// The stopped tracee `tid` of the current process; it stays stopped until tracing_put. NULL: none.
must_check struct tracing *tracing_get(int tid, bool stopped);
void tracing_put(struct tracing *x);
// Lets it go on, with a signal (0: none). detach: for good.
void tracing_resume(struct tracing *x, int signal, bool detach);

// For wait(2), with the family's lock held: what is new of one tracee that `wanted` says yes to.
struct tracing_news {
    int tid, status;
    u32 uid;
    bool any; // there is a tracee to wait for
};
bool tracing_wait(struct process *tracer, bool (*wanted)(void *arg, const struct tracing *x), void *arg, bool keep,
                  struct tracing_news *out);
