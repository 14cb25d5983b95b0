// SPDX-License-Identifier: BSD-3-Clause
#include "thread/schedule.h"

#include "abi/boot.h"
#include "abi/calls.h"
#include "base/panic.h"
#include "driver/network.h"
#include "file/root.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "net/work.h"
#include "platform/platform.h"
#include "process/killed.h"
#include "process/process.h"
#include "thread/balance.h"
#include "thread/priority.h"
#include "thread/thread.h"
#include "thread/rollback.h"
#include "x86_64/cpu.h"
#include "x86_64/fpu.h"
#include "x86_64/switch.h"

#define IDLE_STACK    16384
#define POLL_INTERVAL 2000000ull // busy vCPUs look at their devices this often
#define DEPUTY_PATIENCE 200000ull // one that led, and is so long busy, calls the next leader

u64 console_interest(void); // driver/console.h

static bool tick_allowed;
static struct slab_cache idle_cache = SLAB_CACHE("idle thread", struct thread);

static no_return void idle_run(void);

int schedule_init_vcpu(struct vcpu *v)
{
    struct thread *t = v->idle ? v->idle : slab_alloc(&idle_cache);

    if (!t)
        return -ENOMEM;
    if (!t->stack_base)
        t->stack_base = (u64)pages_alloc(IDLE_STACK / PAGE_SIZE);
    v->idle = t; // kept, with its stack, when the vCPU is released
    if (!t->stack_base)
        return -ENOMEM;
    t->state = THREAD_READY;
    t->vcpu = v;
    t->kernel_sp = 0; // see idle_get
    return 0;
}

// The idle thread. Its stack is touched when it first runs: a short-lived program never sleeps.
static struct thread *idle_get(struct vcpu *v)
{
    struct thread *t = v->idle;
    u64 *sp = (u64 *)(t->stack_base + IDLE_STACK);

    if (!t->kernel_sp) {
        sp -= 2;
        *sp = (u64)idle_run; // stack_switch returns there
        sp -= 6;             // the callee-saved registers
        t->kernel_sp = (u64)sp;
    }
    return t;
}

void schedule_free_vcpu(struct vcpu *v)
{
    if (!v->idle)
        return;
    pages_free((void *)v->idle->stack_base, IDLE_STACK / PAGE_SIZE);
    slab_free(&idle_cache, v->idle);
    v->idle = NULL;
}

u64 schedule_idle_stack(struct vcpu *v)
{
    return idle_get(v)->kernel_sp;
}

void schedule_init(const struct boot_info *boot)
{
    tick_allowed = boot->rights & RIGHT_TICK;
    if (schedule_init_vcpu(vcpu_this()))
        panic("no memory for the idle stack");
}

void schedule_enter(struct vcpu *v, u64 timer)
{
    cpu_set_gs_base((u64)v);
    v->timer = timer;
    v->entered = true;
    v->user_rsp = 1; // in the kernel
    v->thread = v->idle;
    v->idle->state = THREAD_RUNNING;
    if (v->forget_memory)
        platform_unmap(USER_LOW, USER_HIGH - USER_LOW);
    idle_run();
}

void schedule_start(void)
{
    static struct thread boot_thread;
    struct vcpu *v = vcpu_this();

    boot_thread.state = THREAD_DEAD;
    v->thread = &boot_thread;
    schedule();
    panic("the boot stack ran again");
}

static struct thread *pick_next(struct vcpu *v)
{
    struct list *node;

    rollback_acquire(&v->run_lock);
    node = v->run_queue.next == &v->run_queue ? NULL : v->run_queue.next;
    if (node) {
        rollback_remove(node);
        rollback_word(&v->run_count);
        rollback_word(&v->next);
        list_remove(node);
        __atomic_sub_fetch(&v->run_count, 1, __ATOMIC_SEQ_CST);
    }
    v->next = node ? list_entry(node, struct thread, run_node) : NULL;
    lock_release(&v->run_lock);
    if (node && !v->run_count && v->group->count < vcpu_limit())
        balance_emptied(v);
    return node ? list_entry(node, struct thread, run_node) : idle_get(v);
}

void schedule_finish_switch(void)
{
    struct vcpu *v = vcpu_this();
    struct thread *t = v->previous;

    v->next = NULL;
    v->previous = NULL;
    if (t)
        __atomic_store_n(&t->on_cpu, false, __ATOMIC_RELEASE); // pairs with balance.c
    t = v->dead;
    v->dead = NULL;
    if (t)
        thread_free(t);
    t = v->handoff;
    v->woken = t; // for killed.c, until it is on a queue
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    v->handoff = NULL;
    if (t)
        schedule_push(balance_choose(t, v->handoff_spread), t);
    // The previous one may be taken by others from now on: balance_help on the way out.
    if (v->run_count && vcpu_limit() > 1)
        __atomic_store_n(&v->upcall_pending, 1, __ATOMIC_RELEASE);
    v->user_rsp |= 1; // it entered the kernel elsewhere, perhaps
}

static void switch_to(struct vcpu *v, struct thread *from, struct thread *to)
{
    u64 now = clock_tsc();
    u64 discard;

    if (from->process) {
        from->cpu_time += now - from->run_since;
        from->run_since = now;
        from->fs_base = cpu_fs_base();
        fpu_save(from);
    }
    to->run_since = now;
    __atomic_store_n(&to->on_cpu, true, __ATOMIC_RELAXED);
    v->previous = from;
    v->rank = priority_rank(to);
    if (to->process) {
        v->kernel_stack = to->stack_base + KERNEL_STACK_SIZE;
        cpu_set_fs_base(to->fs_base);
        if (v->fpu_owner != to || to->fpu_vcpu != v)
            fpu_load(to);
        v->fpu_owner = to;
        to->fpu_vcpu = v;
    }
    stack_switch(from->stack_base ? &from->kernel_sp : &discard, to->kernel_sp, to);
    schedule_finish_switch();
}

void schedule(void)
{
    struct vcpu *v = vcpu_this();
    struct thread *from = v->thread, *to;

    to = pick_next(v);
    __atomic_store_n(&to->state, THREAD_RUNNING, __ATOMIC_SEQ_CST); // pairs with thread_set_work
    if (to != from)
        switch_to(v, from, to);
    else
        v->next = NULL;
}

void schedule_enqueue(struct thread *t)
{
    schedule_push(balance_choose(t, /*spread=*/false), t);
}

// Where t stands in a run queue: behind those of its rank.
static struct list *place_of(struct list *queue, const struct thread *t)
{
    struct list *at = queue->previous;
    u32 rank = priority_rank(t);

    while (at != queue && priority_rank(list_entry(at, struct thread, run_node)) < rank)
        at = at->previous;
    return at;
}

void schedule_push(struct vcpu *v, struct thread *t)
{
    struct vcpu *me = vcpu_this();
    struct list *at;

    t->vcpu = v;
    rollback_acquire(&v->run_lock);
    at = place_of(&v->run_queue, t);
    rollback_insert_after(at);
    rollback_word(&v->run_count);
    rollback_word(&me->woken);
    list_insert_after(at, &t->run_node);
    if (priority_rank(t) > v->rank)
        v->preempt = true; // schedule_poll
    if (!v->run_count && vcpu_limit() > 1)
        __atomic_store_n(&v->queued_since, clock_tsc(), __ATOMIC_RELAXED);
    __atomic_add_fetch(&v->run_count, 1, __ATOMIC_SEQ_CST); // pairs with vcpu_sleep
    if (me->woken == t)
        me->woken = NULL;
    lock_release(&v->run_lock);
    if (v != me)
        vcpu_kick(v);
    else if (!v->tick_armed || vcpu_limit() > 1)
        __atomic_store_n(&v->upcall_pending, 1, __ATOMIC_RELEASE); // schedule_tick on the way out
}

bool schedule_dequeue(struct thread *t)
{
    struct vcpu *v = t->vcpu;
    bool queued;

    rollback_acquire(&v->run_lock);
    queued = t->run_node.next && !list_empty(&t->run_node);
    if (queued) {
        rollback_remove(&t->run_node);
        rollback_word(&v->run_count);
        list_remove(&t->run_node);
        __atomic_sub_fetch(&v->run_count, 1, __ATOMIC_SEQ_CST);
    }
    lock_release(&v->run_lock);
    return queued;
}

bool schedule_ticks(const struct vcpu *v)
{
    return tick_allowed && v->timer != TIMER_NONE;
}

void schedule_tick(void)
{
    struct vcpu *v = vcpu_this();
    u64 deadline = timer_next_deadline();
    u64 now, slice;

    bool later = v->run_count && !balance_help();
    bool shared = v->run_count || network_interest(); // packets must not wait for long user code

    if (!schedule_ticks(v) || (!shared && deadline == DEADLINE_NONE))
        return;
    now = clock_monotonic();
    if (shared) {
        slice = priority_slice(v->thread);
        if (later)
            slice = min(slice, (u64)BALANCE_LATER);
        if (v->deputy)
            slice = min(slice, (u64)DEPUTY_PATIENCE);
        deadline = min(deadline, now + slice);
    }
    if (v->tick_armed > now && v->tick_armed <= deadline)
        return;
    v->tick_armed = max(deadline, now + 1000);
    platform_wait(v->tick_armed - now, WAIT_ARM + v->timer);
}

// While user code is busy nobody waits in the idle loop: look at the devices now and then.
static void poll_devices(u64 now)
{
    struct vcpu *v = vcpu_this();
    s64 ready;

    if (now < v->next_poll)
        return;
    v->next_poll = now + POLL_INTERVAL;
    ready = platform_wait(0, console_interest() | network_interest());
    if (ready <= 0)
        return;
    // The doorbell is the leader's: acknowledged here, its wake-up would be lost.
    console_ready((u64)ready);
    network_ready((u64)ready);
}

// The tick may have come earlier, for balance_help.
static bool turn_is_over(const struct thread *t)
{
    return clock_ticks_to_ns(clock_tsc() - t->run_since) + BALANCE_LATER >= priority_slice(t);
}

void schedule_poll(void)
{
    struct vcpu *v = vcpu_this();
    u64 now = clock_monotonic();

    console_mailbox();
    killed_look();
    timer_expire();
    if (net_work_waits())
        net_work();
    if (v->preempt) {
        v->preempt = false;
        __atomic_or_fetch(&v->thread->work, WORK_RESCHED, __ATOMIC_RELAXED);
    }
    if (!v->tick_armed || now < v->tick_armed)
        return;
    v->tick_armed = 0;
    vcpu_step_down();
    poll_devices(now);
    if (v->run_count && turn_is_over(v->thread))
        __atomic_or_fetch(&v->thread->work, WORK_RESCHED, __ATOMIC_RELAXED);
}

void schedule_move(struct vcpu *to)
{
    struct vcpu *v = vcpu_this();
    struct thread *t = thread_current();

    assert(!v->held_count); // it would be released elsewhere, and its kicks would wait for that
    t->state = THREAD_READY;
    t->vcpu = to;
    if (v->fpu_owner == t)
        v->fpu_owner = NULL;
    v->handoff = t;
    v->handoff_spread = false;
    schedule();
}

void schedule_preempt(void)
{
    struct vcpu *v = vcpu_this();
    bool yields;

    if (!v->run_count)
        return;
    lock_acquire(&v->run_lock);
    yields = !list_empty(&v->run_queue) &&
             priority_yields(v->thread, list_first(&v->run_queue, struct thread, run_node));
    lock_release(&v->run_lock);
    if (yields)
        schedule_yield(/*spread=*/true);
}

bool schedule_equal_waits(void)
{
    struct vcpu *v = vcpu_this();
    bool waits;

    if (!v->run_count)
        return false;
    lock_acquire(&v->run_lock);
    waits = !list_empty(&v->run_queue) &&
            priority_rank(list_first(&v->run_queue, struct thread, run_node)) >= priority_rank(v->thread);
    lock_release(&v->run_lock);
    return waits;
}

void schedule_yield(bool spread)
{
    struct vcpu *v = vcpu_this();

    thread_current()->state = THREAD_READY;
    v->handoff = thread_current();
    v->handoff_spread = spread;
    schedule();
}

void schedule_away(void)
{
    schedule_yield(/*spread=*/true);
}

// On the member's private stack: the last thread's own is given back here.
static no_return void end_member(u64 status)
{
    struct vcpu *v = vcpu_this();
    u64 upcall_stack;

    v->thread = v->idle;
    __atomic_store_n(&v->ending, true, __ATOMIC_RELEASE); // pairs with vcpu_free_unused
    if (v->dead)
        thread_free(v->dead);
    v->dead = NULL;
    vcpu_end_others();
    timer_move_all(v, vcpu_first());
    if (v->finished)
        process_report_end(v->finished);
    v->finished = NULL;
    upcall_stack = vcpu_upcall_stack(v) - platform_boot()->upcall_stack_size;
    vcpu_lost(v);
    vcpu_release(v);
    platform_exit((int)status, upcall_stack);
}

void schedule_end_member(int status)
{
    stack_call(end_member, (u64)status, vcpu_upcall_stack(vcpu_this()));
}

static void idle_sleep(void)
{
    u64 deadline, now, timeout = WAIT_FOREVER;

    killed_look();
    if (vcpu_is_spared(vcpu_this()) ? net_work_waits() && net_work() : net_work_all())
        return; // somebody may be awake now
    deadline = timer_next_deadline();
    now = clock_monotonic();
    if (deadline != DEADLINE_NONE)
        timeout = deadline > now ? deadline - now : 0;
    vcpu_sleep(killed_patience(timeout));
    timer_expire();
}

static void idle_run(void)
{
    struct vcpu *v = vcpu_this();

    schedule_finish_switch();
    for (;;) {
        __atomic_store_n(&v->state, VCPU_IDLE, __ATOMIC_SEQ_CST); // pairs with vcpu_kick
        timer_expire();
        while (!v->run_count && !balance_steal(v)) {
            if (v->group->ending)
                vcpu_leave();
            if (unlikely(v->leave))
                schedule_end_member(0);
            idle_sleep();
        }
        __atomic_store_n(&v->state, VCPU_RUNNING, __ATOMIC_SEQ_CST);
        // By return_work, whatever runs: a stop that took this vCPU for idle is seen there.
        __atomic_store_n(&v->upcall_pending, 1, __ATOMIC_SEQ_CST);
        v->idle->state = THREAD_READY;
        schedule();
    }
}
