// SPDX-License-Identifier: BSD-3-Clause
// The vCPUs of one member: how they start, stop for a moment, and end.
//
// A member begins with one. The second starts when a thread waits for a CPU at its first vCPU's way to user code
// (thread/balance.c), and then stays until the member ends: asleep it costs nothing.
//
//     stop    A: stopped = 1; upcall to each B      B in user code: upcall, frame saved, return_work: waits
//             wait until B passed or is idle        B in the kernel: the upcall sets upcall_pending, so it
//             ... change what user code runs ...       comes by return_work before user code: waits
//     resume  A: stopped = 0                        B idle: comes by return_work too
#include "abi/boot.h"
#include "abi/calls.h"
#include "cpu/vcpu.h"
#include "cpu/magazine.h"
#include "platform/platform.h"
#include "thread/schedule.h"
#include "thread/timer.h"
#include "x86_64/cpu.h"
#include "x86_64/switch.h"

#define SPINS    2000
#define SLEEP_NS 20000
#define RESEND   50 // sleeps

static u32 nobody; // a doorbell that nobody rings

// One step of waiting for another vCPU, which the host may have taken off its processor.
static void pause(u32 *spins)
{
    if (++*spins % SPINS == 0)
        platform_wait(SLEEP_NS, (u64)&nobody);
    cpu_relax();
}

u32 vcpu_limit(void)
{
    return platform_boot()->cpu_count;
}

u64 vcpu_upcall_stack(const struct vcpu *v)
{
    const struct boot_info *boot = platform_boot();

    return boot->upcall_stack_base + v->cpu * boot->upcall_stack_stride + boot->upcall_stack_size;
}

static void enter(void *argument, u64 timer)
{
    cpu_set_gs_base((u64)argument);
    magazines_open();
    schedule_enter(argument, timer);
}

// Appended when it runs: until then it looks for work by itself.
static void append(struct vcpu_group *g, struct vcpu *v)
{
    struct vcpu *last = g->first;

    while (last->sibling)
        last = last->sibling;
    g->numbers |= 1ull << v->cpu;
    __atomic_store_n(&last->sibling, v, __ATOMIC_RELEASE); // pairs with walks of the list
    __atomic_add_fetch(&g->count, 1, __ATOMIC_SEQ_CST);
}

static int start_locked(struct vcpu_group *g, u64 numbers)
{
    u64 stack;
    struct vcpu *v;
    int error;

    numbers &= ~g->numbers & (~0ull >> (CPUS_MAX - vcpu_limit()));
    if (!numbers)
        return -EAGAIN;
    error = vcpu_create(g, (u64)__builtin_ctzll(numbers), &v);
    if (error) {
        g->refused = true;
        return error;
    }
    stack = vcpu_upcall_stack(v) - platform_boot()->upcall_stack_size;
    error = platform_start_vcpu(enter, (void *)schedule_idle_stack(v), v, &v->host_tid, stack);
    if (error) {
        g->refused = true;
        vcpu_release(v);
        return -EAGAIN;
    }
    append(g, v);
    return 0;
}

int vcpu_start(u64 numbers)
{
    struct vcpu_group *g = vcpu_this()->group;
    int error = -EAGAIN;

    lock_acquire(&g->lock);
    if (!g->refused)
        error = start_locked(g, numbers);
    lock_release(&g->lock);
    if (!error)
        magazines_open();
    return error;
}

static bool in_user_code(const struct vcpu *w)
{
    return __atomic_load_n(&w->used, __ATOMIC_ACQUIRE) &&
           !(__atomic_load_n(&w->host_tid, __ATOMIC_RELAXED) & MEMBER_DIED) &&
           __atomic_load_n(&w->state, __ATOMIC_SEQ_CST) == VCPU_RUNNING;
}

void vcpu_await(struct vcpu *w, u32 passes)
{
    u32 spins = 0;

    while (in_user_code(w) && __atomic_load_n(&w->passes, __ATOMIC_ACQUIRE) == passes) {
        if (spins % (SPINS * RESEND) == 0)
            platform_ring(RING_THREAD + w->host_tid);
        pause(&spins);
    }
}

void vcpu_barrier(void)
{
    struct vcpu *me = vcpu_this(), *w;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (w = me->group->first; w; w = __atomic_load_n(&w->sibling, __ATOMIC_ACQUIRE))
        if (w != me)
            vcpu_await(w, __atomic_load_n(&w->passes, __ATOMIC_SEQ_CST));
}

void vcpu_stop_others(void)
{
    __atomic_store_n(&vcpu_this()->group->stopped, 1, __ATOMIC_SEQ_CST); // pairs with vcpu_stop_here
    vcpu_barrier();
}

void vcpu_resume_others(void)
{
    __atomic_store_n(&vcpu_this()->group->stopped, 0, __ATOMIC_RELEASE);
}

void vcpu_stop_here(void)
{
    struct vcpu *v = vcpu_this();
    u32 spins = 0;

    __atomic_add_fetch(&v->passes, 1, __ATOMIC_SEQ_CST); // pairs with vcpu_await
    while (__atomic_load_n(&v->group->stopped, __ATOMIC_SEQ_CST))
        pause(&spins);
}

void vcpu_end_others(void)
{
    struct vcpu *me = vcpu_this(), *w, *next;
    struct vcpu_group *g = me->group;
    u32 spins = 0;

    if (g->count == 1)
        return;
    magazines_close();
    __atomic_store_n(&g->ending, true, __ATOMIC_SEQ_CST); // pairs with has_work
    for (w = g->first; w; w = w->sibling) {
        if (w == me)
            continue;
        vcpu_kick(w);
        while (!__atomic_load_n(&w->left, __ATOMIC_ACQUIRE)) // pairs with leave
            pause(&spins);
    }
    for (w = g->first; w; w = next) { // the group goes with the first one
        next = w->sibling;
        if (w != me)
            vcpu_release(w);
    }
    me->group = &me->own;
    me->own = (struct vcpu_group){.first = me, .count = 1, .numbers = 1ull << me->cpu};
    me->sibling = NULL;
}

// On the private upcall stack: the idle stack may be another vCPU's soon.
static no_return void leave(u64 argument)
{
    struct vcpu *v = (struct vcpu *)argument;

    __atomic_store_n(&v->left, true, __ATOMIC_RELEASE);
    for (;;) // until the member ends
        platform_wait(WAIT_FOREVER, (u64)&nobody);
}

void vcpu_leave(void)
{
    struct vcpu *v = vcpu_this();

    magazines_close();
    vcpu_lost(v);
    if (v != vcpu_first()) // whose end is the family's
        timer_move_all(v, vcpu_first());
    stack_call(leave, (u64)v, vcpu_upcall_stack(v));
}
