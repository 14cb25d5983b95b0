// SPDX-License-Identifier: BSD-3-Clause
// Threads come and go here; who runs when is schedule.c's.
#include "thread/thread.h"

#include <linux/sched.h>

#include "base/panic.h"
#include "base/string.h"
#include "file/path.h"
#include "linux/clock.h"
#include "linux/syscall_filter.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "process/core.h"
#include "process/member.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/tracing.h"
#include "process/visit.h"
#include "thread/schedule.h"
#include "x86_64/fpu.h"
#include "x86_64/frame.h"
#include "x86_64/switch.h"

#define TID_MAX     4194304 // Linux's PID_MAX_LIMIT
#define THREADS_MAX 32768
#define CALLEE_SAVED 6      // registers that stack_switch pops

static struct slab_cache thread_cache = SLAB_CACHE("thread", struct thread);

static struct {
    struct lock lock;
    int last;  // thread id given out
    u32 count; // of threads alive
} ids = { .last = 1 }; // which the first process has

void thread_first_run(void);

int thread_new_id(void)
{
    int id;

    lock_acquire(&ids.lock);
    ids.last = ids.last >= TID_MAX ? 300 : ids.last + 1;
    id = ids.last;
    lock_release(&ids.lock);
    return id;
}

// Lays a new kernel stack out so that stack_switch to it "returns" to thread_first_return with the
// stack pointer at the frame.
static void stack_prepare(struct thread *t, const struct trap_frame *frame)
{
    u64 *sp;

    t->frame = (struct trap_frame *)(t->stack_base + KERNEL_STACK_SIZE) - 1;
    *t->frame = *frame;
    t->frame->full = 1;
    sp = (u64 *)(void *)t->frame;
    *--sp = (u64)thread_first_return;
    sp -= CALLEE_SAVED;
    t->kernel_sp = (u64)sp;
}

// From whoever makes the thread, be it for a new process or not. The first one has no maker.
static void settings_inherit(struct thread_settings *s)
{
    const struct thread *maker = thread_current();

    if (!maker)
        return;
    *s = maker->settings;
    s->timer_slack_default = s->timer_slack;
    if (!s->reset_on_fork)
        return;
    s->reset_on_fork = false; // [sched(7)]
    if (s->policy == SCHED_FIFO || s->policy == SCHED_RR || s->policy == SCHED_DEADLINE)
        s->policy = SCHED_NORMAL;
    s->priority = 0;
    s->nice = max(s->nice, (s8)0);
}

int thread_create(struct process *p, const struct trap_frame *frame, u64 fs_base,
                  struct thread **out_thread)
{
    struct thread *t = slab_alloc(&thread_cache);
    int error = -ENOMEM;

    if (!t)
        return -ENOMEM;
    t->stack_base = (u64)pages_alloc(KERNEL_STACK_SIZE / PAGE_SIZE);
    if (!t->stack_base)
        goto free_thread;
    error = fpu_alloc(t);
    if (error)
        goto free_stack;
    list_init(&t->run_node);
    list_init(&t->pending.infos);
    t->process = p;
    t->fs_base = fs_base;
    t->tid = p->thread_count ? thread_new_id() : p->pid;
    t->state = THREAD_STOPPED;
    t->altstack_flags = 2; // SS_DISABLE
    settings_inherit(&t->settings);
    seccomp_inherit(t);
    stack_prepare(t, frame);
    lock_acquire(&p->lock);
    if (p->thread_count >= THREADS_MAX || p->exiting || p->exec_thread) {
        lock_release(&p->lock);
        error = -EAGAIN;
        goto free_fpu;
    }
    error = credentials_inherit(t);
    if (error) {
        lock_release(&p->lock);
        goto free_fpu;
    }
    list_push_back(&p->threads, &t->process_node);
    p->thread_count++;
    lock_release(&p->lock);
    *out_thread = t;
    return 0;

free_fpu:
    seccomp_drop(t);
    fpu_free(t);
free_stack:
    pages_free((void *)t->stack_base, KERNEL_STACK_SIZE / PAGE_SIZE);
free_thread:
    slab_free(&thread_cache, t);
    return error;
}

void thread_free(struct thread *t)
{
    struct vcpu *v = vcpu_this();

    if (v->fpu_owner == t)
        v->fpu_owner = NULL;
    tracing_drop(t);
    signal_queue_clear(&t->pending);
    seccomp_drop(t);
    credentials_drop(t); // if it never ran
    fpu_free(t);
    pages_free((void *)t->stack_base, KERNEL_STACK_SIZE / PAGE_SIZE);
    if (!t->quarantined)
        slab_free(&thread_cache, t);
}

int thread_restart(struct thread *t, struct vcpu *v, void (*start)(struct thread *t), bool keep)
{
    const struct trap_frame frame = { .call = FRAME_NO_CALL };

    if (keep) {
        u64 stack = (u64)pages_alloc(KERNEL_STACK_SIZE / PAGE_SIZE);
        if (!stack)
            return -ENOMEM;
        t->stack_base = stack;
        t->quarantined = true;
    }
    stack_prepare(t, &frame);
    t->first_start = start;
    t->set_child_tid = 0;
    t->acting = NULL;
    // Asleep, or woken already by somebody who then has put it on the run queue: there it is by now.
    if (t->state != THREAD_READY || !schedule_dequeue(t))
        list_init(&t->run_node);
    t->state = THREAD_READY;
    t->on_cpu = false;
    schedule_push(v, t);
    return 0;
}

void thread_start(struct thread *t)
{
    t->state = THREAD_READY;
    schedule_enqueue(t);
}

void thread_start_on(struct thread *t, struct vcpu *v)
{
    t->state = THREAD_READY;
    schedule_push(v, t);
}

// On a new thread's own stack, before it enters user code for the first time.
void thread_first_run(void)
{
    struct thread *t = thread_current();

    schedule_finish_switch();
    if (t->first_start)
        t->first_start(t);
    if (t->set_child_tid)
        process_report_child_tid(t);
    __atomic_store_n(&vcpu_this()->upcall_pending, 1, __ATOMIC_RELEASE); // look at work first
}

static void leave_process(struct thread *t, int status)
{
    struct process *p = t->process;

    lock_acquire(&p->lock);
    list_remove(&t->process_node);
    credentials_drop(t); // nobody finds it any more
    signal_thread_ends(t);
    p->dead_threads_system += thread_system_time(t);
    p->dead_threads_time += thread_cpu_time(t);
    t->left_last = --p->thread_count == 0;
    t->left = true;
    if (t->left_last && !p->exiting)
        p->exit_status = status;
    lock_release(&p->lock);
}

void thread_exit(int status)
{
    struct thread *t = thread_current();
    struct process *p = t->process;

    if (unlikely(__atomic_load_n(&p->dumper, __ATOMIC_ACQUIRE))) // pairs with core.c
        core_wait(t);
    if (!t->left) {
        tracing_thread_end(status);
        futex_thread_exit(t);
        leave_process(t, status);
        if (t->paths)
            path_context_put(t->paths);
        t->paths = NULL;
        if (!t->left_last && !list_empty(&p->children))
            orphan_children_of(t);
    }
    wait_queue_wake(&p->thread_ended, ~0u);
    if (t->left_last) {
        strlcpy(p->last_name, t->name, sizeof(p->last_name));
        process_wait_visitors(p);
    }
    t->state = THREAD_DEAD;
    vcpu_this()->dead = t;
    if (t->left_last) {
        member_leave(p);
        process_finish(p);
        if (!p->shares_memory) {
            vcpu_this()->finished = p;
            schedule_end_member(0);
        }
        process_report_end(p);
        t->left_last = false;
    }
    schedule();
    panic("a dead thread ran");
}

void thread_yield(void)
{
    if (!vcpu_this()->run_count)
        return;
    schedule_yield(/*spread=*/false);
}

bool thread_wake(struct thread *t)
{
    enum thread_state expected = THREAD_SLEEPING;
    bool woken;

    vcpu_critical_begin();
    woken = __atomic_compare_exchange_n(&t->state, &expected, THREAD_READY, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED);
    if (woken)
        vcpu_this()->woken = t; // until it is on a queue
    vcpu_critical_end();
    if (woken)
        schedule_enqueue(t);
    return woken;
}

void thread_cancel_sleep(struct thread *t)
{
    enum thread_state expected = THREAD_SLEEPING;

    assert(t == thread_current());
    if (__atomic_compare_exchange_n(&t->state, &expected, THREAD_RUNNING, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
        return;
    // A waker was faster: it put the thread on the run queue, or is about to.
    while (!schedule_dequeue(t))
        ;
    t->state = THREAD_RUNNING;
}

void thread_set_work(struct thread *t, u32 work)
{
    __atomic_or_fetch(&t->work, work, __ATOMIC_SEQ_CST);
    if (t == thread_current() || thread_wake(t))
        return;
    // In user code of another member it would not look at its work for as long as it likes.
    if (__atomic_load_n(&t->state, __ATOMIC_SEQ_CST) == THREAD_RUNNING && t->vcpu != vcpu_this())
        vcpu_kick(t->vcpu);
}

bool thread_interrupted(void)
{
    return __atomic_load_n(&thread_current()->work, __ATOMIC_ACQUIRE) &
           (WORK_SIGNAL | WORK_EXIT | WORK_STOP | WORK_TRACE);
}

bool thread_exists(int tid)
{
    struct process *p = thread_process();
    struct thread *t;
    bool found = false;

    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node)
        found |= t->tid == tid;
    lock_release(&p->lock);
    return found;
}

u64 thread_cpu_time(struct thread *t)
{
    u64 ticks = t->cpu_time, since = t->run_since, now = clock_tsc();

    if (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE) && now > since)
        ticks += now - since;
    return clock_ticks_to_ns(ticks);
}

u64 thread_system_time(struct thread *t)
{
    return min(clock_ticks_to_ns(t->system_time), thread_cpu_time(t));
}
