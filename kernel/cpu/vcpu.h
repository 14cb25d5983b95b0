// SPDX-License-Identifier: BSD-3-Clause
// One virtual CPU: what GS points to. Each is a thread of the host in one member of the family; the
// structs themselves are family memory, so any member sees all of them. Field offsets are used by
// x86_64/*.S (see x86_64/offsets.h).
#pragma once

#include "base/list.h"
#include "base/tree.h"
#include "thread/lock.h"

struct boot_info;
struct process;
struct thread;
struct timer;

#define VCPUS_MAX 4096 // of the family
#define CPUS_MAX  64   // of a member
#define LOCKS_HELD 6    // locks that a vCPU's record has room for
#define CALLS_COUNTED 512
#define KICKS_MAX 6    // kicks that can wait until they are released

// Where a vCPU is, for those who want its attention. Pairs: vcpu_sleep writes it and then looks for
// work once more; vcpu_kick comes behind the new work and reads it.
enum vcpu_state {
    VCPU_RUNNING,  // user code, or the kernel on behalf of a thread
    VCPU_IDLE,     // in the idle loop: looks at its run queue before it sleeps
    VCPU_SLEEPING, // in the waist, on its doorbell
    VCPU_POLLING,  // in the waist, on the devices and the family's doorbell: the leader
};

struct timer_queue { // timers that were armed on this vCPU: thread/timer.c
    struct lock lock;
    struct tree by_deadline;
    struct timer *firing; // its callback runs now; atomic, pairs with timer_cancel
    bool expiring;
    u32 steps; // of CLOCK_REALTIME that the deadlines are true to
    u64 next; // the first deadline, or DEADLINE_NONE; atomic: read without the lock
};

// The vCPUs of one member: they run the threads of one address space. It stands in the first one's struct.
struct vcpu_group {
    struct lock lock;   // held while one more starts
    struct vcpu *first; // the list by vcpu.sibling only grows: it is walked without the lock
    u32 count;          // of that list, atomic
    u32 stopped;        // atomic: nobody may go to user code; see group.c
    u64 numbers;        // bit n: vcpu.cpu n is given out
    bool refused;       // the host starts no more of them, or the family has enough
    bool ending;        // atomic: the others are to leave
};

#define HELD_TORN       0ull // nobody can
#define HELD_CLEAN      1ull // it is whole: lock_clean
#define HELD_ROLLBACK       2ull // thread/rollback.h; above HELD_ROLLBACK_SHIFT: where its words begin
#define HELD_TOO_MANY   3ull // nobody can, as it has overwritten too much
#define HELD_KIND       7ull
#define HELD_ROLLBACK_SHIFT 8
#define ROLLBACK_MAX        48u

struct rollback_word { // what stood somewhere before a section that can be taken back
    u64 at, size, old;
};

struct held_lock { // for the report when a vCPU ends with a lock: see process/killed.h
    const struct lock *lock;
    u64 state; // HELD_*, or the address of a struct lock_repair: how what it guards can be made whole
    u64 site;  // where it was taken
    u64 frame; // the frame pointer there: the head of the stack's chain
};

struct vcpu {
    struct vcpu *self;      // 0x00: gs:0
    struct thread *thread;  // 0x08: running
    u64 kernel_stack;       // 0x10: top of the running thread's kernel stack, where the trap frame ends
    u64 user_rsp;           // 0x18: scratch of the entry; 0 while user code runs
    u64 stub_scratch;       // 0x20: for syscall stubs
    u64 index;              // 0x28: in the family
    u64 upcall_pending;     // 0x30: look for work on the way out; set by upcalls in kernel text
    u64 cpu;                // 0x38: its number in the member, as getcpu(2) tells

    struct vcpu_group *group; // of its member
    struct vcpu *sibling;     // the next of the group; atomic
    struct vcpu_group own;    // of a member's first vCPU
    struct magazines *magazines; // cpu/magazine.h; NULL: none

    struct lock run_lock;
    struct list run_queue; // READY threads
    u32 run_count;         // atomic
    u64 queued_since;      // TSC when the queue got its first thread; atomic, balance.c
    u64 waited, window_start; // TSC ticks that its queue was not empty since then: balance.c
    u32 rank;              // of the running thread: thread/priority.h
    bool preempt;          // one of a higher rank waits
    struct thread *next;   // taken off the queue, but `thread` may still be its predecessor
    struct thread *idle;   // not a user thread: runs the idle loop
    struct thread *previous; // ran before the current one; its context is saved when that runs
    struct thread *dead;   // to be freed by whoever runs next
    struct thread *handoff; // to be enqueued, perhaps on another vCPU, by whoever runs next here
    bool handoff_spread;    // ... and rather on another one
    struct process *finished; // the member's process has ended: its parent may hear of it
    struct thread *fpu_owner; // whose vector registers are live, or NULL
    u64 tick_armed;        // deadline of the armed tick, 0: none
    u64 timer;             // the waist's number of it
    u64 next_poll;         // of devices, while busy
    struct timer_queue timers;

    enum vcpu_state state; // atomic
    u32 doorbell;          // 1: rung; the waist sleeps on it while it is 0
    u64 host_link;         // the host's, see abi/calls.h; in front of the next
    u32 host_tid;          // of the host's thread, written by the host when that starts
    u32 kicked;            // an upcall is on its way, or has set upcall_pending: no other is needed. Atomic
    u32 passes;            // counts upcalls and ways out with work: proof that it was in the kernel. Atomic
    u64 spin;              // TSC ticks to look for work before the next sleep
    u64 looked;            // TSC when it last looked at the network; atomic
    u64 nap;               // ns of its last sleep as a leader who was spared; 0: it was no such sleep
    bool deputy;           // it led, and has work: the next leader is called if that takes long
    bool forget_memory;    // a new member begins without the user memory of the one that made it
    bool used;             // atomic: a vCPU of the family, from vcpu_create to vcpu_release
    bool left;             // atomic: its host thread will not touch kernel memory any more

    // For those that find it dead. Locks wanted or held; sections that can't be broken off.
    u32 held_count;
    u32 critical;
    u64 critical_site;     // where the last of them begins
    u32 kick_count;        // deferred, see vcpu_kick
    struct held_lock held[LOCKS_HELD];
    struct thread *woken;  // READY, and on no queue yet
    u32 rollback_count;
    struct rollback_word rollback[ROLLBACK_MAX];
    struct vcpu *kicks[KICKS_MAX];
    bool entered;          // its first instruction has run: from here on the host tells of its death
    bool ending;           // and it will be released in a moment
    bool leave;            // its member has no process: it ends
    bool awaited;          // exec has made it, and its thread is still on the way to it
    u8 call_counts[CALLS_COUNTED]; // by number: which calls have their time measured, linux/dispatch.c
    struct vcpu *newborn;  // made by this one, and perhaps not entered yet; or NULL
};

// Makes vCPU 0 and loads GS. Nothing that uses vcpu_this() works before.
void vcpu_init(const struct boot_info *boot);
// A vCPU with an idle thread, not yet running, with the number `cpu`: the first of a new member (group NULL), or
// one more. -ENOMEM, -EAGAIN: VCPUS_MAX are in use
must_check int vcpu_create(struct vcpu_group *group, u64 cpu, struct vcpu **out);
// Nobody will run on it any more: it may be made again at once.
void vcpu_release(struct vcpu *v);
// For the leak check: what is kept of released vCPUs goes, too. No member may be made afterwards.
void vcpu_free_unused(void);
struct vcpu *vcpu_first(void); // of the first member: it lives as long as the family
struct vcpu *vcpu_at(u64 index); // NULL: there is no such one, or it is not used
u64 vcpu_count(void);            // indices are below it
// v's member is gone, or ends: the devices get another leader if it was that.
void vcpu_lost(struct vcpu *v);
// This vCPU looks at the network now.
void vcpu_looks(void);
// Does another one look at the network again and again, between pieces of work? Then this one need not: packets that
// are taken by turns are taken one by one, each by somebody whose caches know nothing of their connection.
bool vcpu_is_spared(const struct vcpu *v);
// This one led, and is busy since: others may lead now. For its tick.
void vcpu_step_down(void);

// Makes another vCPU look at its run queue and its thread's work soon, wherever it is. While this one holds a lock
// that waits: it is a host call, and the other would soon want the lock. vcpu_kick_deferred does it, when
// the last lock is released; and for `from`, when the host has killed that before.
void vcpu_kick(struct vcpu *v);
void vcpu_kick_deferred(struct vcpu *from);
// Returns when every vCPU that runs user code, of this member or of the family, has been in the kernel since the
// call: membarrier(2).
void vcpu_barrier(void);
void vcpu_barrier_family(void);
// The idle loop: sleeps until kicked, a device is ready, or `timeout` ns have passed. Threads that are
// on the run queue before, or come meanwhile, end the sleep.
void vcpu_sleep(u64 timeout);

// group.c: the vCPUs of one member.
u32 vcpu_limit(void); // how many a member may have
// One more vCPU for the current member, with a number out of `numbers`. Not called with a lock held.
// -EAGAIN: none is left, -ENOMEM
must_check int vcpu_start(u64 numbers);
// The other vCPUs of this member leave user code, and none enters it before vcpu_resume. Until then the caller
// must not sleep or wait for them. One stop at a time in a member.
void vcpu_stop_others(void);
void vcpu_resume_others(void);
void vcpu_stop_here(void); // on the way to user code: waits while a stop lasts
// The member ends: its other vCPUs, which have nothing to run any more, leave the kernel's memory for good.
void vcpu_end_others(void);
no_return void vcpu_leave(void); // what they do, in the idle loop
u64 vcpu_upcall_stack(const struct vcpu *v); // its end
// Waits until w was in the kernel: it has passed since `passes`, or runs no user code.
void vcpu_await(struct vcpu *w, u32 passes);

static inline struct vcpu *vcpu_this(void)
{
    struct vcpu *v;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(v)); // volatile: a thread that slept may have moved
    return v;
}

// Around what another vCPU can't finish, and can't leave unfinished either, though it is under no lock: a
// member that the host kills within ends the family, as with a lock. Not across a sleep.
static inline void vcpu_critical_begin(void)
{
    struct vcpu *v = vcpu_this();

    __asm__("lea (%%rip), %0" : "=r"(v->critical_site));
    v->critical++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void vcpu_critical_end(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    vcpu_this()->critical--;
}
