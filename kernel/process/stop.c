// SPDX-License-Identifier: BSD-3-Clause
// Job-control stops: all threads of a process wait until SIGCONT.
#include <asm/siginfo.h>
#include <asm/signal.h>

#include "abi/boot.h"
#include "abi/calls.h"
#include "platform/platform.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "process/tracing.h"
#include "thread/thread.h"

static struct wait_queue continued; // threads of stopped processes

// Tells the supervisor, who stops with its guest (by the same signal; 0: it goes on), so that the shell sees it.
static void report(int signal)
{
    struct boot_mailbox *m = (struct boot_mailbox *)(u64)&platform_boot()->mailbox;

    __atomic_store_n(&m->guest_stopped, (u32)signal, __ATOMIC_RELEASE);
    platform_ring(RING_SUPERVISOR);
}

// The parent may wait for the news, and gets a SIGCHLD unless it said SA_NOCLDSTOP.
static void tell_parent(struct process *p, int code, int signal)
{
    siginfo_t info = { .si_signo = SIGCHLD };

    info.si_code = code;
    info.si_pid = p->pid;
    info.si_uid = p->credentials.uid;
    info.si_status = signal;
    if (!(p->parent->signals->actions[SIGCHLD - 1].flags & SA_NOCLDSTOP))
        signal_send_process(p->parent, &info);
    wait_queue_wake(&p->parent->child_exit, ~0u);
}

void process_stop(struct process *p, int signal)
{
    struct thread *t;

    if (p->stopped || p->exiting)
        return;
    p->stopped = true;
    p->stop_signal = signal;
    p->reported_stop = p->continued = false;
    list_for_each(t, &p->threads, process_node)
        thread_set_work(t, WORK_STOP);
    if (p->parent)
        tell_parent(p, CLD_STOPPED, signal);
    else
        report(signal);
}

void process_continue(struct process *p)
{
    struct thread *t;

    if (!p->stopped)
        return;
    p->stopped = false;
    p->continued = true;
    list_for_each(t, &p->threads, process_node)
        __atomic_and_fetch(&t->work, ~WORK_STOP, __ATOMIC_SEQ_CST);
    if (p->parent)
        tell_parent(p, CLD_CONTINUED, SIGCONT);
    else
        report(0);
    wait_queue_wake(&continued, ~0u);
}

void process_stopped_attached(void)
{
    wait_queue_wake(&continued, ~0u);
}

static bool runs(const struct process *p)
{
    return !__atomic_load_n(&p->stopped, __ATOMIC_ACQUIRE) || p->exiting;
}

static bool runs_or_converts(void *arg)
{
    const struct thread *t = arg;

    return runs(t->process) || tracing_converts(t);
}

void process_wait_continued(struct process *p)
{
    do {
        if (wait_until(&continued, DEADLINE_NONE, 0, runs_or_converts, thread_current()))
            return; // cannot be interrupted
    } while (!runs(p) && tracing_stopped(p->stop_signal));
    __atomic_and_fetch(&thread_current()->work, ~WORK_STOP, __ATOMIC_SEQ_CST);
}
