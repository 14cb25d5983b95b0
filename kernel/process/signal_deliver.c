// SPDX-License-Identifier: BSD-3-Clause
// Delivery: on the way back to user code the current thread takes its pending signals, one after the
// other, until a handler is entered for each or none is left. Interrupted calls restart here.
#include <asm/signal.h>
#include <asm/unistd.h>

#include "abi/boot.h"
#include "platform/platform.h"
#include "process/core.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "process/tracing.h"
#include "thread/thread.h"
#include "x86_64/frame.h"
#include "x86_64/offsets.h"

#define SYSCALL_SIZE 2

// Sets the frame back so that the call runs again: the two bytes before the program counter are a
// syscall instruction, see x86_64/patch.h.
static void restart(struct trap_frame *frame, u64 call)
{
    frame->rax = call;
    frame->rip -= SYSCALL_SIZE;
    frame->call = FRAME_NO_CALL;
    frame->full = 1;
}

static void restart_without_handler(struct trap_frame *frame)
{
    if (frame->call == FRAME_NO_CALL)
        return;
    switch ((s64)frame->rax) {
    case -ERESTARTSYS:
    case -ERESTARTNOINTR:
    case -ERESTARTNOHAND:
        restart(frame, frame->call);
        break;
    case -ERESTART_RESTARTBLOCK:
        restart(frame, __NR_restart_syscall);
        break;
    }
}

static void restart_with_handler(struct trap_frame *frame, u64 flags)
{
    if (frame->call == FRAME_NO_CALL)
        return;
    switch ((s64)frame->rax) {
    case -ERESTARTNOINTR:
        restart(frame, frame->call);
        break;
    case -ERESTARTSYS:
        if (flags & SA_RESTART) {
            restart(frame, frame->call);
            break;
        }
        frame->rax = (u64)-EINTR;
        break;
    case -ERESTARTNOHAND:
    case -ERESTART_RESTARTBLOCK:
        frame->rax = (u64)-EINTR;
        break;
    }
    frame->call = FRAME_NO_CALL;
}

// The default action of a signal that has no handler. True: go on with the next signal.
static bool default_action(struct process *p, int signal, const siginfo_t *info)
{
    signal_set_t bit = signal_bit(signal);

    if (bit & signals_ignored)
        return true;
    if (bit & signals_stop) {
        if (signal != SIGSTOP && process_group_is_orphaned(p->pgid))
            return true; // nobody could continue it
        if (tracing_stop_signal(signal))
            return true;
        lock_acquire(&p->lock);
        lock_acquire(&p->signals->lock);
        process_stop(p, signal);
        lock_release(&p->signals->lock);
        lock_release(&p->lock);
        process_wait_continued(p);
        return true;
    }
    if (bit & signals_core)
        core_exit(p, info);
    else
        process_exit(p, signal);
    return false;
}

static void enter_handler(struct trap_frame *frame, const siginfo_t *info,
                          const struct signal_action *action)
{
    struct thread *t = thread_current();
    struct process *p = t->process;
    signal_set_t old = t->restore_blocked ? t->saved_blocked : t->blocked;
    signal_set_t blocked;

    restart_with_handler(frame, action->flags);
    t->restore_blocked = false;
    blocked = t->blocked | action->mask;
    if (!(action->flags & SA_NODEFER))
        blocked |= signal_bit(info->si_signo);
    if (signal_frame_push(frame, info, action, old)) {
        // No room for the frame: the thread dies of SIGSEGV, unless that has a handler elsewhere.
        if (info->si_signo == SIGSEGV)
            core_exit(p, info);
        else
            signal_fault(SIGSEGV, SI_KERNEL, 0, 13, 0);
        return;
    }
    signal_set_blocked(t, blocked);
}

// Takes one signal and its action. 0: none is left.
static int take(struct thread *t, siginfo_t *info, struct signal_action *action)
{
    struct signal_state *s = t->process->signals;
    int signal = signal_dequeue(~t->blocked, info);

    lock_acquire(&s->lock);
    if (signal) {
        *action = s->actions[signal - 1];
        if ((action->flags & SA_RESETHAND) && action->handler > (uaddr_t)SIG_IGN)
            s->actions[signal - 1].handler = (uaddr_t)SIG_DFL;
    } else {
        __atomic_and_fetch(&t->work, ~WORK_SIGNAL, __ATOMIC_SEQ_CST);
        signal_recheck(t);
    }
    lock_release(&s->lock);
    return signal;
}

// The signal that the tracer lets through, which may be another one. 0: none.
static int ask_tracer(struct thread *t, siginfo_t *info, struct signal_action *action)
{
    int signal = tracing_signal(info);

    lock_acquire(&t->process->signals->lock);
    if (signal)
        *action = t->process->signals->actions[signal - 1];
    lock_release(&t->process->signals->lock);
    return signal;
}

void signal_deliver(struct trap_frame *frame)
{
    struct thread *t = thread_current();
    struct process *p = t->process;
    struct signal_action action;
    siginfo_t info;
    int signal;

    if (t->work & WORK_STOP)
        process_wait_continued(p);
    if (t->work & WORK_TRACE)
        tracing_interrupted();
    while (!(t->work & WORK_EXIT) && (signal = take(t, &info, &action)) != 0) {
        if (t->tracing && !(signal = ask_tracer(t, &info, &action)))
            continue;
        if (action.handler == (uaddr_t)SIG_IGN)
            continue;
        if (action.handler == (uaddr_t)SIG_DFL) {
            if (!default_action(p, signal, &info))
                return;
            continue;
        }
        enter_handler(frame, &info, &action);
    }
    restart_without_handler(frame);
}
