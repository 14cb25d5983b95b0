// SPDX-License-Identifier: BSD-3-Clause
// The vCPUs of the family, and their sleep. One idle vCPU, the leader, waits for the devices and the
// supervisor on behalf of all; the others sleep on their own doorbells. A leader that finds work steps down. It
// wakes a sleeper to follow it, at once or, where there is a network, if it is still busy some time later: a server of
// short requests will look at the network itself before another vCPU could. As long as it does, the others do not.
#include "cpu/vcpu.h"

#include "abi/boot.h"
#include "abi/calls.h"
#include "base/string.h"
#include "driver/console.h"
#include "driver/network.h"
#include "file/root.h"
#include "memory/heap.h"
#include "net/work.h"
#include "platform/platform.h"
#include "process/killed.h"
#include "thread/balance.h"
#include "thread/schedule.h"
#include "thread/wait.h"
#include "x86_64/cpu.h"

// In TSC ticks, at some GHz: spin at most 20-40 us, if sleeps are shorter than about 100-200 us.
#define SPIN_MAX   80000ull
#define SPIN_WORTH 400000ull

// A vCPU that looked at the network so lately will do so again. The longest nap on the strength of that, in ns.
#define LOOKED_LATELY 750000ull
#define NAP_MIN       50000u
#define NAP_MAX       400000u

#define RELEASE_NS 100000ull // looked at so often, at the end

static u32 silence; // a doorbell that nobody rings
static struct slab_cache vcpu_cache = SLAB_CACHE("vcpu", struct vcpu);
static struct vcpu boot_vcpu;

static large_data struct {
    struct lock lock;
    u64 count;                     // entries that were ever made
    struct vcpu *leader;           // atomic
    u64 leader_interest;           // what it waits for
    struct vcpu *looker;           // atomic; a busy one that looked at the network
    bool may_fork;                 // RIGHT_FORK
    struct vcpu *table[VCPUS_MAX]; // kept for the next one when released
} vcpus;

static void vcpu_reset(struct vcpu *v, u64 index)
{
    v->self = v;
    v->index = index;
    v->group = &v->own;
    v->own.first = v;
    v->own.count = 1;
    v->own.numbers = 1;
    list_init(&v->run_queue);
    v->timers.next = DEADLINE_NONE;
    v->state = VCPU_RUNNING;
    v->used = true;
}

void vcpu_init(const struct boot_info *boot)
{
    vcpu_reset(&boot_vcpu, 0);
    boot_vcpu.host_tid = boot->host_tid;
    vcpus.table[0] = &boot_vcpu;
    vcpus.count = 1;
    vcpus.may_fork = boot->rights & RIGHT_FORK;
    cpu_set_gs_base((u64)&boot_vcpu);
}

// An unused one with an index below `limit`.
static struct vcpu *take_entry(u64 limit)
{
    struct vcpu *v;

    for (u64 i = 1; i < min(vcpus.count, limit); i++) {
        v = vcpus.table[i];
        // Pairs with vcpu_release.
        if (!__atomic_load_n(&v->used, __ATOMIC_ACQUIRE)) {
            struct thread *idle = v->idle;
            *v = (struct vcpu){ .idle = idle };
            vcpu_reset(v, i);
            return v;
        }
    }
    if (vcpus.count >= limit)
        return NULL;
    v = slab_alloc(&vcpu_cache);
    if (v) {
        lock_share();
        vcpu_reset(v, vcpus.count);
        vcpus.table[vcpus.count++] = v;
    }
    return v;
}

int vcpu_create(struct vcpu_group *group, u64 cpu, struct vcpu **out)
{
    int error;

    lock_acquire(&vcpus.lock);
    *out = take_entry(group ? VCPUS_MAX / 2 : VCPUS_MAX); // threads take no room from processes
    lock_release(&vcpus.lock);
    if (!*out)
        return -EAGAIN;
    (*out)->state = VCPU_IDLE; // it looks at its queue before it sleeps
    (*out)->cpu = cpu;
    (*out)->own.numbers = 1ull << cpu;
    memset((*out)->call_counts, 0, sizeof((*out)->call_counts));
    if (group)
        (*out)->group = group;
    error = schedule_init_vcpu(*out);
    if (error)
        vcpu_release(*out);
    return error;
}

// The last thread of the family may have ended on another vCPU: the rest of its work is the first one's.
static void become_first(void)
{
    struct vcpu *v = vcpu_this();

    if (v == &boot_vcpu)
        return;
    boot_vcpu.thread = v->thread;
    cpu_set_gs_base((u64)&boot_vcpu);
    vcpu_release(v);
}

// A member whose process was waited for has a few instructions to go.
static void await_release(const struct vcpu *v)
{
    for (int i = 0; i < 1000 && __atomic_load_n(&v->used, __ATOMIC_ACQUIRE); i++)
        platform_wait(RELEASE_NS, (u64)&silence);
}

void vcpu_free_unused(void)
{
    become_first();
    for (u64 i = 1; i < vcpus.count; i++)
        if (vcpus.table[i])
            await_release(vcpus.table[i]);
    lock_acquire(&vcpus.lock);
    for (u64 i = 1; i < vcpus.count; i++) {
        struct vcpu *v = vcpus.table[i];
        while (v && __atomic_load_n(&v->used, __ATOMIC_ACQUIRE) &&
               __atomic_load_n(&v->ending, __ATOMIC_ACQUIRE)) // its process's parent was faster
            cpu_relax();
        if (!v || __atomic_load_n(&v->used, __ATOMIC_ACQUIRE))
            continue;
        schedule_free_vcpu(v);
        slab_free(&vcpu_cache, v);
        vcpus.table[i] = NULL;
    }
    vcpus.count = 1;
    lock_release(&vcpus.lock);
}

struct vcpu *vcpu_first(void)
{
    return &boot_vcpu;
}

struct vcpu *vcpu_at(u64 index)
{
    struct vcpu *v = index < vcpus.count ? vcpus.table[index] : NULL;

    return v && __atomic_load_n(&v->used, __ATOMIC_ACQUIRE) ? v : NULL;
}

u64 vcpu_count(void)
{
    return vcpus.count;
}

void vcpu_release(struct vcpu *v)
{
    __atomic_store_n(&v->used, false, __ATOMIC_RELEASE); // pairs with take_entry
}

static void kick_now(struct vcpu *v)
{
    switch (__atomic_load_n(&v->state, __ATOMIC_SEQ_CST)) { // pairs with vcpu_sleep
    case VCPU_SLEEPING:
        if (!__atomic_exchange_n(&v->doorbell, 1, __ATOMIC_SEQ_CST))
            platform_ring((u64)&v->doorbell);
        break;
    case VCPU_POLLING:
        platform_ring(RING_DOORBELL);
        break;
    case VCPU_IDLE:
        break;
    case VCPU_RUNNING: // one at a time: they nest on the upcall stack. Pairs with return_work and vcpu_sleep
        if (v->host_tid && !__atomic_exchange_n(&v->kicked, 1, __ATOMIC_SEQ_CST))
            killed_ring(v);
        break;
    }
}

// Is there a reason not to sleep? Looked at behind the store of the state.
static bool has_work(struct vcpu *v)
{
    if (__atomic_load_n(&v->run_count, __ATOMIC_SEQ_CST) || v->upcall_pending)
        return true;
    if (__atomic_load_n(&v->group->count, __ATOMIC_RELAXED) == 1)
        return false;
    return __atomic_load_n(&v->group->ending, __ATOMIC_SEQ_CST) || balance_can_steal(v);
}

void vcpu_barrier_family(void)
{
    struct vcpu *me = vcpu_this();

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (u64 i = 0; i < vcpus.count; i++) {
        struct vcpu *v = vcpus.table[i];
        if (v && v != me && __atomic_load_n(&v->used, __ATOMIC_ACQUIRE))
            vcpu_await(v, __atomic_load_n(&v->passes, __ATOMIC_SEQ_CST));
    }
}

void vcpu_kick(struct vcpu *v)
{
    struct vcpu *me = vcpu_this();

    if (v == me) {
        __atomic_store_n(&v->upcall_pending, 1, __ATOMIC_RELEASE);
        return;
    }
    if (me->held_count && me->kick_count < KICKS_MAX) {
        me->kicks[me->kick_count] = v;
        __atomic_store_n(&me->kick_count, me->kick_count + 1, __ATOMIC_RELEASE);
        return;
    }
    kick_now(v);
}

void vcpu_kick_deferred(struct vcpu *from)
{
    while (from->kick_count) {
        kick_now(from->kicks[from->kick_count - 1]);
        from->kick_count--;
    }
}

static u64 interest_now(void)
{
    return console_interest() | network_interest();
}

// Wakes one sleeper, who will lead.
static void elect(void)
{
    for (u64 i = 0; i < vcpus.count; i++) {
        struct vcpu *v = vcpus.table[i];
        if (__atomic_load_n(&v->used, __ATOMIC_ACQUIRE) &&
            __atomic_load_n(&v->state, __ATOMIC_SEQ_CST) == VCPU_SLEEPING) {
            vcpu_kick(v);
            return;
        }
    }
}

void vcpu_lost(struct vcpu *v)
{
    struct vcpu *leader = v;

    if (__atomic_compare_exchange_n(&vcpus.leader, &leader, NULL, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED) ||
        (v->deputy && !leader))
        elect();
}

void vcpu_step_down(void)
{
    struct vcpu *v = vcpu_this();

    if (!v->deputy)
        return;
    v->deputy = false;
    if (!__atomic_load_n(&vcpus.leader, __ATOMIC_SEQ_CST))
        elect();
}

void vcpu_looks(void)
{
    struct vcpu *v = vcpu_this();

    if (vcpus.count == 1 || v->state != VCPU_RUNNING)
        return;
    __atomic_store_n(&v->looked, cpu_tsc(), __ATOMIC_RELAXED);
    if (__atomic_load_n(&vcpus.looker, __ATOMIC_RELAXED) != v)
        __atomic_store_n(&vcpus.looker, v, __ATOMIC_RELAXED);
}

bool vcpu_is_spared(const struct vcpu *v)
{
    const struct vcpu *w = __atomic_load_n(&vcpus.looker, __ATOMIC_RELAXED);

    return w && w != v && __atomic_load_n(&w->state, __ATOMIC_RELAXED) == VCPU_RUNNING &&
           (s64)(cpu_tsc() - __atomic_load_n(&w->looked, __ATOMIC_RELAXED)) < (s64)LOOKED_LATELY;
}

// While another one looks at the network the leader does not, and sleeps for so long only that it notices the end of that.
static u64 spared_timeout(struct vcpu *v, u64 timeout)
{
    v->nap = v->nap ? min(2 * v->nap, (u64)NAP_MAX) : NAP_MIN;
    return min(timeout, v->nap);
}

static void lead(struct vcpu *v, u64 timeout)
{
    u64 interest = interest_now();
    s64 ready;

    if (vcpu_is_spared(v)) {
        interest &= ~network_interest();
        timeout = spared_timeout(v, timeout);
    } else {
        v->nap = 0;
    }
    vcpus.leader_interest = interest;
    __atomic_store_n(&v->state, VCPU_POLLING, __ATOMIC_SEQ_CST); // pairs with vcpu_kick
    if (has_work(v))
        timeout = 0;
    ready = platform_wait(timeout, interest);
    __atomic_store_n(&v->state, VCPU_IDLE, __ATOMIC_SEQ_CST);
    if (ready > 0 && ((u64)ready & WAIT_DOORBELL))
        platform_ring(RING_DOORBELL_ACK);
    console_mailbox();
    if (ready > 0) {
        console_ready((u64)ready);
        network_ready((u64)ready);
    }
    __atomic_store_n(&vcpus.leader, NULL, __ATOMIC_SEQ_CST);
    if (!v->run_count || !interest_now())
        return;
    v->deputy = network_interest() && schedule_ticks(v);
    if (!v->deputy)
        elect();
}

static void follow(struct vcpu *v, u64 timeout)
{
    struct vcpu *leader = __atomic_load_n(&vcpus.leader, __ATOMIC_SEQ_CST);

    v->nap = 0;
    if (leader && interest_now() & ~vcpus.leader_interest && !vcpu_is_spared(v))
        vcpu_kick(leader); // it waits for less than somebody wants by now
    __atomic_store_n(&v->doorbell, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&v->state, VCPU_SLEEPING, __ATOMIC_SEQ_CST); // pairs with vcpu_kick
    if (!has_work(v) && (__atomic_load_n(&vcpus.leader, __ATOMIC_SEQ_CST) || !interest_now()))
        platform_wait(timeout, (u64)&v->doorbell);
    __atomic_store_n(&v->state, VCPU_IDLE, __ATOMIC_SEQ_CST);
    console_mailbox();
}

// Looks for work a little while. Waking a vCPU on another processor costs tens of microseconds, so this
// pays where members answer each other quickly: as long as sleeps turn out short. A long sleep
// halves the time down to nothing, so an idle vCPU costs nothing. The network's work is done on the
// way; it may arm timers, so the caller must look at those again (true).
static bool spin(struct vcpu *v, u64 timeout)
{
    u64 start = cpu_tsc();
    bool network = network_interest() && !vcpu_is_spared(v);

    do {
        if ((network || net_work_waits()) && net_work_all())
            return true;
        if (has_work(v))
            return true;
        cpu_relax();
    } while (timeout && cpu_tsc() - start < v->spin);
    return false;
}

static void spin_adapt(struct vcpu *v, u64 slept)
{
    if (slept < SPIN_WORTH)
        v->spin = SPIN_MAX;
    else
        v->spin /= 2;
}

void vcpu_sleep(u64 timeout)
{
    struct vcpu *v = vcpu_this(), *nobody = NULL;
    u64 start = cpu_tsc();

    __atomic_store_n(&v->kicked, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&v->upcall_pending, 0, __ATOMIC_SEQ_CST);
    console_mailbox(); // what an upcall before that store may have been for
    v->deputy = false;
    if (!spin(v, timeout)) {
        // Without an interest in devices nobody needs to lead; a member that is alone always does.
        if ((!vcpus.may_fork || interest_now()) &&
            __atomic_compare_exchange_n(&vcpus.leader, &nobody, v, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            lead(v, timeout);
        else
            follow(v, timeout);
        // A nap that ended by itself was not short for want of work.
        spin_adapt(v, v->nap && !v->run_count ? SPIN_WORTH : cpu_tsc() - start);
    }
    // Timers may have been armed meanwhile: the next thread looks at the tick on its way out.
    __atomic_store_n(&v->upcall_pending, 1, __ATOMIC_RELEASE);
}
