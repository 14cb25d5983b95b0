// SPDX-License-Identifier: BSD-3-Clause
// The scheduler: a run queue per vCPU, round robin, and an idle thread that sleeps in the waist.
//
// A switch happens when a thread blocks, yields, ends, or was interrupted in user code by the tick. The
// tick is armed only while another thread waits for this vCPU, or a timer may expire meanwhile.
#pragma once

#include "base/types.h"

struct boot_info;
struct thread;

void schedule_init(const struct boot_info *boot); // for vCPU 0, too
struct vcpu;
must_check int schedule_init_vcpu(struct vcpu *v); // makes its idle thread. -ENOMEM
u64 schedule_idle_stack(struct vcpu *v); // where its idle thread begins, for a new member
void schedule_free_vcpu(struct vcpu *v); // gives that back, when v is not in use
// A new vCPU's first C code, on its idle stack. timer: of its tick
no_return void schedule_enter(struct vcpu *v, u64 timer);
no_return void schedule_start(void); // leaves the boot stack for the first thread

// The current thread goes on on another vCPU (of another member): returns there.
void schedule_move(struct vcpu *to);
// Ends this member: its last thread has left everything but its stack. `status` as for wait(2).
no_return void schedule_end_member(int status);

// Gives the vCPU to another thread. The caller has set its own state; returns when it runs again.
void schedule(void);

// Expired timers, the mailbox, devices: what an upcall or a long run of user code may have left.
void schedule_poll(void);
bool schedule_ticks(const struct vcpu *v); // does busy user code on v come to the kernel now and then?
// Arms the tick if it is needed, before a return to user code.
void schedule_tick(void);
// `t` became READY: to its vCPU's run queue. Called with no run lock held.
void schedule_enqueue(struct thread *t);
// Puts t, which is nowhere, on the queue of v, and has v look.
void schedule_push(struct vcpu *v, struct thread *t);
// The current thread, READY, gives way to those that wait here; spread: and goes on where fewer do.
bool schedule_equal_waits(void); // a thread of the current one's rank, or a higher one, waits at this vCPU
void schedule_yield(bool spread);
// Its turn is over: the same, if one waits that may run instead.
void schedule_preempt(void);
// The current thread goes on on another vCPU of its member where it may run.
void schedule_away(void);
// Takes `t` off its run queue again; false: it was not on one.
bool schedule_dequeue(struct thread *t);
// Frees the thread that ended before this one was switched to; called first by each new thread.
void schedule_finish_switch(void);
