// SPDX-License-Identifier: BSD-3-Clause
#include "process/tracing.h"

#include <asm/signal.h>
#include <linux/ptrace.h>

#include "base/string.h"
#include "memory/heap.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "thread/thread.h"
#include "x86_64/frame.h"
#include "x86_64/patch.h"

#define TRAP_FLAG 0x100u // of rflags

static struct slab_cache tracing_cache = SLAB_CACHE("tracing", struct tracing);
static struct lock tracing_lock;
static const siginfo_t no_signal; // stands for none at all

bool tracing_active(const struct thread *t)
{
    return t->tracing && __atomic_load_n(&t->tracing->tracer, __ATOMIC_ACQUIRE);
}

bool tracing_process(const struct process *p)
{
    return __atomic_load_n(&p->traced_count, __ATOMIC_ACQUIRE);
}

// With the lock held.
static void set_tracer(struct tracing *x, struct process *tracer)
{
    if (x->tracer) {
        list_remove(&x->node);
        if (x->thread)
            __atomic_sub_fetch(&x->process->traced_count, 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&x->tracer, tracer, __ATOMIC_RELEASE);
    if (!tracer)
        return;
    if (!tracer->tracees.next)
        list_init(&tracer->tracees);
    list_push_back(&tracer->tracees, &x->node);
    __atomic_add_fetch(&x->process->traced_count, 1, __ATOMIC_RELEASE);
}

int tracing_attach(struct process *tracer, struct thread *t, u32 options, bool seized)
{
    struct tracing *x = slab_alloc(&tracing_cache);
    int error = 0;

    if (!x)
        return -ENOMEM;
    lock_acquire(&tracing_lock);
    if (!t->tracing) {
        x->thread = t;
        x->process = t->process;
        x->tid = t->tid;
        t->tracing = x;
        x = NULL;
    } else if (t->tracing->tracer) {
        error = -EPERM;
    }
    if (!error) {
        t->tracing->options = options;
        t->tracing->seized = seized;
        t->tracing->calls = t->tracing->steps = t->tracing->interrupt = false;
        __atomic_store_n(&t->tracing->converts, t->process->stopped, __ATOMIC_RELEASE); // pairs with tracing_converts
        set_tracer(t->tracing, tracer);
    }
    lock_release(&tracing_lock);
    if (x)
        slab_free(&tracing_cache, x);
    return error;
}

static void tell_tracer(struct process *tracer, const struct tracing *x, int code, int status)
{
    siginfo_t info = { .si_signo = SIGCHLD };

    info.si_code = code;
    info.si_pid = x->tid;
    info.si_uid = x->process->credentials.uid;
    info.si_status = status;
    if (!(tracer->signals->actions[SIGCHLD - 1].flags & SA_NOCLDSTOP))
        signal_send_process(tracer, &info);
    wait_queue_wake(&tracer->child_exit, ~0u);
}

static bool may_go_on(void *arg)
{
    struct tracing *x = arg;

    if (__atomic_load_n(&x->users, __ATOMIC_ACQUIRE))
        return false;
    return !__atomic_load_n(&x->stopped, __ATOMIC_ACQUIRE) ||
           ((thread_current()->work & WORK_EXIT) && !x->ends);
}

// Programs and debuggers know nothing of stubs: x86_64/patch.h. Only the tracee itself can tell.
static void sleep_stopped(struct tracing *x)
{
    struct trap_frame *f = thread_current()->frame;
    u64 rip = f->rip, shown = patch_original(rip);

    f->rip = shown;
    f->rflags &= ~(u64)TRAP_FLAG;
    lock_acquire(&tracing_lock);
    __atomic_store_n(&x->stopped, x->tracer != NULL, __ATOMIC_RELEASE);
    lock_release(&tracing_lock);
    if (x->stopped)
        tell_tracer(x->tracer, x, CLD_TRAPPED, x->code & 0x7f);
    while (!may_go_on(x))
        if (wait_until(&x->resumed, DEADLINE_NONE, 0, may_go_on, x))
            break; // cannot be interrupted
    f->rip = f->rip == shown ? rip : patch_resolve(f->rip);
}

// The current thread stops until its tracer resumes it. Returns the signal that it is to take then.
static int stop(struct tracing *x, int code, const siginfo_t *info, u64 message, u8 call_op)
{
    struct trap_frame *f = thread_current()->frame;
    int signal;

    lock_acquire(&tracing_lock);
    x->code = code;
    x->message = message;
    x->call_op = call_op;
    x->signal = 0;
    x->reported = x->calls = x->steps = x->listens = x->converts = false;
    x->no_info = info == &no_signal;
    x->info = (siginfo_t){ .si_signo = code & 0x7f };
    x->info.si_code = code;
    x->info.si_pid = x->tid;
    if (info)
        x->info = *info;
    lock_release(&tracing_lock);
    sleep_stopped(x);
    lock_acquire(&tracing_lock);
    x->stopped = false;
    signal = x->signal;
    if (x->steps) {
        f->rflags |= TRAP_FLAG;
        f->full = 1;
    }
    lock_release(&tracing_lock);
    return signal;
}

static void resend(int signal)
{
    siginfo_t info = { .si_signo = signal };

    info.si_code = SI_USER;
    if (signal)
        signal_send_thread(thread_current(), &info, false);
}

void tracing_event(int event, u64 message)
{
    struct tracing *x = thread_current()->tracing;

    if (tracing_active(thread_current()) && (x->options >> event & 1))
        resend(stop(x, SIGTRAP | event << 8, NULL, message, PTRACE_SYSCALL_INFO_NONE));
}

void tracing_call(struct trap_frame *f, bool entry)
{
    struct tracing *x = thread_current()->tracing;
    int code = SIGTRAP;

    if (!tracing_active(thread_current()))
        return;
    if (!entry && x->steps) { // it was a step over the call
        thread_set_work(thread_current(), WORK_TRACE);
        return;
    }
    if (!x->calls)
        return;
    if (entry)
        f->rax = (u64)-ENOSYS;
    if (x->options & PTRACE_O_TRACESYSGOOD)
        code |= 0x80;
    resend(stop(x, code, NULL, 0, entry ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_EXIT));
}

void tracing_exec(int old_tid)
{
    struct thread *t = thread_current();
    siginfo_t info = { .si_signo = SIGTRAP };

    if (!tracing_active(t))
        return;
    lock_acquire(&tracing_lock);
    t->tracing->tid = t->tid;
    lock_release(&tracing_lock);
    if (t->tracing->options & PTRACE_O_TRACEEXEC) {
        tracing_event(PTRACE_EVENT_EXEC, (u64)old_tid);
    } else if (!t->tracing->seized) {
        info.si_pid = t->process->pid;
        signal_send_thread(t, &info, false);
    }
}

// By no_info debuggers tell it from the stop of a signal. [ptrace(2), "Group-stop"]
static void group_stop(struct tracing *x, int signal)
{
    if (x->seized)
        resend(stop(x, signal | PTRACE_EVENT_STOP << 8, NULL, 0, PTRACE_SYSCALL_INFO_NONE));
    else
        resend(stop(x, signal, &no_signal, 0, PTRACE_SYSCALL_INFO_NONE));
}

bool tracing_stop_signal(int signal)
{
    struct tracing *x = thread_current()->tracing;

    if (!tracing_active(thread_current()))
        return false;
    group_stop(x, signal);
    return !x->listens;
}

bool tracing_converts(const struct thread *t)
{
    return t->tracing && __atomic_load_n(&t->tracing->converts, __ATOMIC_ACQUIRE);
}

bool tracing_stopped(int signal)
{
    struct tracing *x = thread_current()->tracing;

    if (!tracing_active(thread_current()))
        return true;
    group_stop(x, signal);
    return x->listens || !x->tracer || x->converts; // converts: let go, and attached once more
}

int tracing_signal(siginfo_t *info)
{
    struct tracing *x = thread_current()->tracing;
    int signal = info->si_signo;

    if (!tracing_active(thread_current()) || signal == SIGKILL)
        return signal;
    signal = stop(x, signal, info, 0, PTRACE_SYSCALL_INFO_NONE);
    if (signal == info->si_signo) {
        *info = x->info; // PTRACE_SETSIGINFO
        return signal;
    }
    *info = (siginfo_t){ .si_signo = signal };
    info->si_code = SI_USER;
    return signal;
}

void tracing_interrupted(void)
{
    struct thread *t = thread_current();
    siginfo_t info = { .si_signo = SIGTRAP };

    __atomic_and_fetch(&t->work, ~WORK_TRACE, __ATOMIC_SEQ_CST);
    if (!tracing_active(t))
        return;
    if (t->tracing->interrupt) {
        t->tracing->interrupt = false;
        resend(stop(t->tracing, SIGTRAP | PTRACE_EVENT_STOP << 8, NULL, 0, PTRACE_SYSCALL_INFO_NONE));
    } else if (t->tracing->steps) {
        info.si_code = TRAP_TRACE;
        signal_send_thread(t, &info, true);
    }
}

void tracing_new_thread(struct thread *t, int event)
{
    struct tracing *x = thread_current()->tracing;
    siginfo_t info = { .si_signo = SIGSTOP };

    if (!tracing_active(thread_current()) || !(x->options >> event & 1) ||
        tracing_attach(x->tracer, t, x->options, x->seized))
        return;
    if (x->seized) {
        t->tracing->interrupt = true;
        __atomic_or_fetch(&t->work, WORK_TRACE, __ATOMIC_RELAXED);
    } else {
        signal_send_thread(t, &info, false);
    }
}

void tracing_thread_end(int status)
{
    struct thread *t = thread_current();
    struct tracing *x = t->tracing;
    struct process *tracer, *p = t->process;

    if (!x)
        return;
    x->ends = true;
    tracing_event(PTRACE_EVENT_EXIT, (u64)(u32)(p->exiting ? p->exit_status : status));
    lock_acquire(&tracing_lock);
    tracer = x->tracer;
    // The end of a process is for its parent to hear, as that of every child.
    if (tracer && t->tid == p->pid && p->parent == tracer)
        tracer = NULL;
    if (tracer) {
        __atomic_sub_fetch(&p->traced_count, 1, __ATOMIC_RELEASE);
        x->code = p->exiting ? p->exit_status : status;
        x->thread = NULL;
        x->reported = false;
    } else {
        set_tracer(x, NULL);
    }
    t->tracing = NULL;
    lock_release(&tracing_lock);
    if (tracer)
        tell_tracer(tracer, x, CLD_EXITED, x->code >> 8);
    else
        slab_free(&tracing_cache, x);
}

void tracing_drop(struct thread *t)
{
    if (!t->tracing)
        return;
    lock_acquire(&tracing_lock);
    set_tracer(t->tracing, NULL);
    lock_release(&tracing_lock);
    slab_free(&tracing_cache, t->tracing);
    t->tracing = NULL;
}

// Frees one tracee. False: there is none left.
static bool release_one(struct process *p)
{
    struct process *kill = NULL;
    struct tracing *x, *dead = NULL;

    lock_acquire(&tracing_lock);
    x = list_empty(&p->tracees) ? NULL : list_first(&p->tracees, struct tracing, node);
    if (x) {
        set_tracer(x, NULL);
        x->signal = 0;
        if (!x->thread)
            dead = x;
        else if (x->options & PTRACE_O_EXITKILL)
            kill = x->process;
        __atomic_store_n(&x->stopped, false, __ATOMIC_RELEASE);
        wait_queue_wake(&x->resumed, ~0u);
    }
    lock_release(&tracing_lock);
    if (dead)
        slab_free(&tracing_cache, dead);
    if (kill)
        signal_raise_process(kill, SIGKILL);
    return x;
}

void tracing_process_end(struct process *p)
{
    while (p->tracees.next && release_one(p))
        ;
}

struct tracing *tracing_get(int tid, bool stopped)
{
    struct process *me = thread_process();
    struct tracing *x, *found = NULL;

    if (!me->tracees.next)
        return NULL;
    lock_acquire(&tracing_lock);
    list_for_each(x, &me->tracees, node) {
        if (x->tid == tid && x->thread && (!stopped || x->stopped))
            found = x;
    }
    if (found)
        __atomic_add_fetch(&found->users, 1, __ATOMIC_RELAXED);
    lock_release(&tracing_lock);
    // It has said that it stops; its registers are saved when it is off the CPU.
    while (found && stopped && __atomic_load_n(&found->thread->on_cpu, __ATOMIC_ACQUIRE))
        thread_yield();
    return found;
}

void tracing_put(struct tracing *x)
{
    lock_acquire(&tracing_lock);
    if (!__atomic_sub_fetch(&x->users, 1, __ATOMIC_RELEASE))
        wait_queue_wake(&x->resumed, ~0u);
    lock_release(&tracing_lock);
}

void tracing_resume(struct tracing *x, int signal, bool detach)
{
    lock_acquire(&tracing_lock);
    x->signal = signal;
    if (detach)
        set_tracer(x, NULL);
    __atomic_store_n(&x->stopped, false, __ATOMIC_RELEASE);
    lock_release(&tracing_lock);
}

bool tracing_wait(struct process *tracer, bool (*wanted)(void *arg, const struct tracing *x), void *arg, bool keep,
                  struct tracing_news *out)
{
    struct tracing *x, *dead = NULL;
    bool found = false;

    if (!tracer->tracees.next)
        return false;
    lock_acquire(&tracing_lock);
    list_for_each(x, &tracer->tracees, node) {
        if (!wanted(arg, x))
            continue;
        out->any = true;
        if (x->reported || (x->thread && !x->stopped))
            continue;
        found = true;
        out->tid = x->tid;
        out->uid = x->thread ? x->process->credentials.uid : 0;
        out->status = x->thread ? x->code << 8 | 0x7f : x->code;
        if (!keep) {
            x->reported = true;
            dead = x->thread ? NULL : x;
        }
        break;
    }
    if (dead)
        set_tracer(dead, NULL);
    lock_release(&tracing_lock);
    if (dead)
        slab_free(&tracing_cache, dead);
    return found;
}
