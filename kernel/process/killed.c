// SPDX-License-Identifier: BSD-3-Clause
// A member that the host has killed, and what becomes of its processes.
//
// Its user memory is gone, and the registers of the vCPU. Everything else of it is the family's memory: the
// kernel stacks of its threads, its run queue, its timers. So the vCPU gets a new body: a member without user
// memory, on which all its threads go on where they were, find that they have to exit, and leave the
// kernel on their usual ways. Descriptors, locks of files, sockets, undos, the parent's SIGCHLD: it is
// the ordinary end of a process, by SIGKILL.
//
//     the host     host_tid becomes MEMBER_DIED, the death bell rings             (tender/process/gate.c)
//     supervisor   mailbox.deaths, and an upcall on the first vCPU                 (tender/deaths.c)
//     first vCPU   killed_look: revive: process_exit for all on it; platform_fork  (here)
//     the body     idle loop; threads end; the last one ends the body
//
// One thread has no saved registers: the one that ran. It starts anew with killed_start, which gives back
// what the thread had noted as its own, and exits. If it was in the kernel something may still refer to its
// stack: then that is kept.
//
// If the vCPU held a lock, what that guards may be torn: the family ends, with a report. Sections
// without a lock that can't be broken off either count as locks (vcpu_critical_begin).
#include "process/killed.h"

#include <asm/signal.h>

#include "abi/boot.h"
#include "abi/calls.h"
#include "base/panic.h"
#include "base/printf.h"
#include "cpu/vcpu.h"
#include "file/fd_table.h"
#include "file/file.h"
#include "linux/futexes.h"
#include "memory/heap.h"
#include "net/work.h"
#include "platform/platform.h"
#include "process/member.h"
#include "process/process.h"
#include "process/visit.h"
#include "thread/lock_order.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "thread/timer.h"
#include "thread/rollback.h"

#define STACK_DEPTH    12
#define NEWBORN_NS     10000000ull // how long a new member may take to its first instruction, unwatched

_Static_assert(offsetof(struct vcpu, host_tid) == offsetof(struct vcpu, host_link) + 8, "abi/calls.h");

extern const char kernel_text_start[], kernel_text_end[];

static struct boot_mailbox *mailbox(void)
{
    return (struct boot_mailbox *)(u64)&platform_boot()->mailbox;
}

static bool is_dead(const struct vcpu *v)
{
    return __atomic_load_n(&v->host_tid, __ATOMIC_ACQUIRE) & MEMBER_DIED; // pairs with the host's mark
}

// The lock around changes of its address space, or of its child's to be: nobody else takes it, and what others
// read has a second one. So it guards nothing that is needed any more.
static bool is_own(const struct vcpu *v, const struct lock *l)
{
    const struct thread *t = v->thread;
    const struct process *p = t ? t->process : NULL, *child = t ? t->making : NULL;

    return (p && p->space && l == &p->space->change) || (p && p->leaving && l == &p->leaving->change) ||
           (child && child->space && l == &child->space->change);
}

static bool holds(const struct vcpu *v, const struct held_lock *h)
{
    return __atomic_load_n(&h->lock->holder, __ATOMIC_RELAXED) == (u32)v->index + 1;
}

static bool is_torn(const struct held_lock *h)
{
    const struct lock_repair *repair = lock_repair_of(h);

    return repair ? !repair->possible(h->lock) : h->state == HELD_TORN || h->state == HELD_TOO_MANY;
}

// Holds it, and what it guards can't be made whole.
static bool holds_torn(const struct vcpu *v, const struct held_lock *h)
{
    return holds(v, h) && is_torn(h) && !is_own(v, h->lock);
}

static bool holds_any(const struct vcpu *v)
{
    bool any = v->critical || v->held_count > LOCKS_HELD;

    for (u32 i = 0; i < v->held_count && i < LOCKS_HELD; i++)
        any |= holds_torn(v, &v->held[i]);
    return any;
}

static void report_stack(const struct thread *t, u64 site, u64 frame)
{
    u64 base = (u64)kernel_text_start & PAGE_MASK, end = t->stack_base + KERNEL_STACK_SIZE;

    for (int i = 0; i < STACK_DEPTH && site >= base && site < (u64)kernel_text_end; i++) {
        log_message("    called from kernel+%#llx", (unsigned long long)(site - base));
        if (frame < t->stack_base || frame > end - 16 || frame % 8)
            break;
        site = ((const u64 *)frame)[1];
        frame = ((const u64 *)frame)[0];
    }
}

static void report_lock(const struct vcpu *v, const struct held_lock *h)
{
    u64 base = (u64)kernel_text_start & PAGE_MASK, at = (u64)h->lock;
    const char *kind = slab_name(h->lock);

    if (!holds_torn(v, h))
        return;
    if (kind)
        log_message("  it holds the lock %#llx, in an object of type %s", (unsigned long long)at, kind);
    else
        log_message("  it holds the lock %#llx, kernel+%#llx", (unsigned long long)at,
                    (unsigned long long)(at - base));
    report_stack(v->thread, h->site, h->frame);
}

void killed_report(const struct vcpu *v, const char *what)
{
    const struct thread *t = v->thread;
    const struct process *p = t ? t->process : NULL;

    if (p)
        log_message("member %llu, process %d (%s), thread %d (%s): %s", (unsigned long long)v->index,
                    p->pid, p->executable_path, t->tid, t->name, what);
    else
        log_message("member %llu, idle: %s", (unsigned long long)v->index, what);
    for (u32 i = 0; i < v->held_count && i < LOCKS_HELD; i++)
        report_lock(v, &v->held[i]);
    if (v->critical)
        log_message("  it was in a section that can't be broken off (kernel/cpu/vcpu.h), begun at kernel+%#llx",
                    (unsigned long long)(v->critical_site - ((u64)kernel_text_start & PAGE_MASK)));
}

static no_return void end_family(const struct vcpu *v)
{
    static bool told; // atomic; others find it, too
    static u32 nobody; // rings

    while (__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
        platform_wait(WAIT_FOREVER, (u64)&nobody); // the supervisor ends us
    killed_report(v, "killed by the host while it held a lock of the kernel");
    panic("the family can't go on without that member");
}

// The locks that it held without harm, or with harm that can be mended. On the first vCPU, which may wait for one of them.
static void release_locks(struct vcpu *v)
{
    rollback_all(v);
    for (u32 i = 0; i < v->held_count && i < LOCKS_HELD; i++) {
        const struct lock_repair *repair = lock_repair_of(&v->held[i]);
        u32 holder = (u32)v->index + 1;
        if (repair && holds(v, &v->held[i]))
            repair->now(v->held[i].lock);
        __atomic_compare_exchange_n((u32 *)(u64)&v->held[i].lock->holder, &holder, 0, false,
                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    }
}

// No lock is held. The thread that it was about to put on a queue goes there; who waits hears of repairs.
static void finish_repairs(struct vcpu *v)
{
    struct thread *t = v->woken;

    v->woken = NULL;
    if (v->handoff == t)
        v->handoff = NULL;
    if (t)
        schedule_push(t->vcpu, t);
    for (u32 i = 0; i < v->held_count && i < LOCKS_HELD; i++) {
        const struct lock_repair *repair = lock_repair_of(&v->held[i]);
        if (repair)
            repair->later(v->held[i].lock);
    }
}

void killed_spin(void)
{
    for (u64 i = 0; i < vcpu_count(); i++) {
        struct vcpu *v = vcpu_at(i);
        if (!v || !is_dead(v))
            continue;
        if (holds_any(v))
            end_family(v);
        if (vcpu_this() == vcpu_first()) // who otherwise comes to it in killed_look
            release_locks(v);
    }
}

void killed_ring(struct vcpu *v)
{
    u32 tid = __atomic_load_n(&v->host_tid, __ATOMIC_ACQUIRE);

    if (platform_ring(RING_THREAD + tid) == -ESRCH && __atomic_load_n(&v->used, __ATOMIC_ACQUIRE))
        killed_mark(v, tid);
}

void killed_mark(struct vcpu *v, u32 tid)
{
    if (!__atomic_compare_exchange_n(&v->host_tid, &tid, MEMBER_DIED, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return;
    __atomic_add_fetch(&mailbox()->deaths, 1, __ATOMIC_RELEASE); // pairs with killed_look
    vcpu_kick(vcpu_first());
}

u64 killed_patience(u64 timeout)
{
    struct vcpu *v = vcpu_this(), *child = v->newborn;

    if (likely(!child))
        return timeout;
    if (child->entered || !child->used) {
        v->newborn = NULL;
        return timeout;
    }
    if (!is_dead(child))
        killed_ring(child);
    return min(timeout, NEWBORN_NS);
}

// Ends the making of a process, by fork or by the exec of vfork's child, that was under way.
static void drop_making(struct thread *t)
{
    struct vcpu *v = t->making_vcpu;

    if (t->making) {
        process_abandon(t->making, v);
    } else if (v && v->host_tid) { // exec's, and it has a body
        v->leave = true;
        vcpu_kick(v);
    } else if (v) {
        vcpu_release(v);
    }
    t->making_vcpu = NULL;
}

// The thread that ran when its vCPU lost its body, on the new one.
static void killed_start(struct thread *t)
{
    while (t->held_count)
        file_closed(t->held[t->held_count - 1]); // takes it off
    if (t->releasing)
        file_release(t->releasing);
    drop_making(t);
    if (t->visits) { // in a member that was killed meanwhile: the call can't go on, so its process does not either
        process_visit_end();
        process_exit(t->process, SIGKILL);
    }
    thread_exit(SIGKILL);
}

static struct vcpu *sibling(const struct vcpu *w)
{
    return __atomic_load_n(&w->sibling, __ATOMIC_ACQUIRE);
}

// Are there threads of p in the member? With the family's lock held.
static bool lives_in(struct process *p, const struct vcpu_group *g)
{
    bool found = false;
    struct thread *t;

    for (const struct vcpu *w = g->first; w; w = sibling(w))
        found |= w->thread->process == p && !w->thread->visits;
    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node) {
        const struct vcpu *its = t->visits ? t->home : t->vcpu;
        found |= its && its->group == g;
        if (found)
            futex_thread_lost(t);
    }
    lock_release(&p->lock);
    return found;
}

// Ends all processes of the member; how many there are.
static u32 end_processes(const struct vcpu_group *g)
{
    struct process *p;
    u32 count = 0;

    family_lock();
    family_for_each(p) {
        if (p->zombie || !lives_in(p, g))
            continue;
        count++;
        log_message("the host has killed process %d (%s)", p->pid, p->executable_path);
        process_exit(p, SIGKILL);
    }
    family_unlock();
    return count;
}

// Everything in *v that was of the old body.
static void reset(struct vcpu *v)
{
    timer_move_all(v, vcpu_first());
    if (DEBUG)
        lock_order_lost(v);
    v->held_count = v->critical = v->kicked = 0;
    v->user_rsp = v->tick_armed = v->spin = 0;
    v->fpu_owner = NULL;
    v->next = v->previous = v->dead = v->handoff = NULL;
    v->newborn = NULL;
    v->upcall_pending = 1;
    v->entered = false;
    v->forget_memory = true;
    v->idle->kernel_sp = 0;
    v->idle->state = THREAD_READY;
    v->thread = v->idle;
    vcpu_lost(v);
    net_work_lost(v);
}

static void push(struct thread *t, struct vcpu *v)
{
    __atomic_store_n(&t->on_cpu, false, __ATOMIC_RELEASE);
    schedule_push(v, t);
}

// The threads that are at no rest on w, and those of its queue, go to `to`, which may be w.
static void settle(struct vcpu *w, struct vcpu *to)
{
    struct thread *t = w->thread, *moved = w->handoff;
    struct list *node;

    if (w->previous)
        w->previous->on_cpu = false;
    if (moved && moved != t)
        push(moved, moved->vcpu->group == w->group ? to : moved->vcpu);
    if (w->next && w->next != t && w->next != moved)
        push(w->next, to);
    if (w->dead && w->dead != t)
        thread_free(w->dead);
    if (t != w->idle && thread_restart(t, to, killed_start, w->user_rsp != 0))
        panic("no memory to end a member that the host has killed");
    while (w != to && (node = list_pop_front(&w->run_queue)) != NULL) {
        w->run_count--;
        push(list_entry(node, struct thread, run_node), to);
    }
}

static void finish_reports(const struct vcpu_group *g)
{
    for (struct vcpu *w = g->first; w; w = sibling(w)) {
        if (w->finished && !w->finished->zombie)
            process_report_end(w->finished);
        w->finished = NULL;
    }
}

// All vCPUs of the member but the first go, and that is as new.
static void dissolve(struct vcpu *first)
{
    struct vcpu *w, *next;

    for (w = first->sibling; w; w = next) {
        next = w->sibling;
        reset(w);
        vcpu_release(w);
    }
    reset(first);
    first->sibling = NULL;
    first->own = (struct vcpu_group){ .first = first, .count = 1, .numbers = 1ull << first->cpu };
}

// One that has left its process is in no other list: it was ending here, and its body was killed once more.
static bool has_threads(const struct vcpu_group *g)
{
    for (const struct vcpu *w = g->first; w; w = sibling(w))
        if (w->thread != w->idle || w->next || w->handoff || w->run_count)
            return true;
    return false;
}

static void revive(struct vcpu *first)
{
    struct vcpu_group *g = first->group;
    struct vcpu *w;
    bool leave = first->leave && first->thread == first->idle;

    for (w = first; w; w = sibling(w)) {
        if (!w->thread) // it had not come to its first instruction
            w->thread = w->idle;
        if (holds_any(w))
            end_family(w);
    }
    for (w = first; w; w = sibling(w)) {
        release_locks(w);
        vcpu_kick_deferred(w);
        __atomic_store_n(&w->state, VCPU_IDLE, __ATOMIC_SEQ_CST);
    }
    for (w = first; w; w = sibling(w))
        finish_repairs(w);
    finish_reports(g);
    if ((!end_processes(g) && !first->awaited && !has_threads(g)) || leave) {
        dissolve(first);
        vcpu_release(first);
        return;
    }
    for (w = first; w; w = sibling(w))
        settle(w, first);
    dissolve(first);
    futex_wake_shared();
    if (member_embody(first))
        panic("the host refuses a process, to end a member that it has killed");
}

// The marks of a member's vCPUs come one after the other.
static bool is_whole_dead(const struct vcpu *first)
{
    for (const struct vcpu *w = first; w; w = sibling(w))
        if (!is_dead(w))
            return false;
    return true;
}

void killed_look(void)
{
    static u32 seen;
    u32 deaths = __atomic_load_n(&mailbox()->deaths, __ATOMIC_ACQUIRE); // pairs with tender/deaths.c

    if (likely(deaths == seen) || vcpu_this() != vcpu_first())
        return;
    seen = deaths;
    for (u64 i = 1; i < vcpu_count(); i++) {
        struct vcpu *v = vcpu_at(i);
        if (v && !v->entered && v->host_tid && !is_dead(v)) // the host does not tell of its death
            killed_ring(v);
        if (v && v->group->first == v && is_whole_dead(v))
            revive(v);
    }
}
