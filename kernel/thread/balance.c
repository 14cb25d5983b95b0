// SPDX-License-Identifier: BSD-3-Clause
// Threads over the vCPUs of their member.
//
// A woken thread waits at the waker's vCPU if nobody waits there yet: a waker that sleeps next makes room at
// once, and handing over costs no host call. Many go back to user code first, just to call for their sleep: so a
// thread that has only just come is left where it is. One that has waited for some microseconds is taken by a vCPU that
// looks for work; for one that waits when its vCPU's next tick comes an idle vCPU is called (balance_help). A new one is
// started when a queue has not been empty for some milliseconds, or half of a longer time: a server whose threads do
// little beside one that does all keeps one vCPU, which is faster than two. A longer queue is avoided from the start.
//
// thread.on_cpu is true until the context of a thread that was switched away from is saved: nobody else may take
// it before. So a thread with on_cpu set is put on the queue of the vCPU that it is on, where it is not stolen.
#include "thread/balance.h"

#include "abi/calls.h"
#include "cpu/vcpu.h"
#include "thread/priority.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "thread/rollback.h"
#include "x86_64/cpu.h"

// In ticks of the TSC, at some GHz:
#define SETTLED 10000   // two threads that wake each other in turn are faster than that
// a vCPU more is worth its price: while all of CROWDED, or half of WINDOW, somebody waited, not counting short waits
#define CROWDED 10000000
#define WINDOW  40000000ull
#define BRIEF   100000

static struct vcpu *next_of(const struct vcpu *w)
{
    return __atomic_load_n(&w->sibling, __ATOMIC_ACQUIRE);
}

static u32 queued(const struct vcpu *w)
{
    return __atomic_load_n(&w->run_count, __ATOMIC_SEQ_CST);
}

// Has its queue not been empty for that long?
static bool has_waited(const struct vcpu *w, s64 ticks)
{
    return (s64)(cpu_tsc() - __atomic_load_n(&w->queued_since, __ATOMIC_RELAXED)) > ticks;
}

static bool is_settled(const struct vcpu *w)
{
    return has_waited(w, SETTLED);
}

void balance_emptied(struct vcpu *v)
{
    u64 length = cpu_tsc() - __atomic_load_n(&v->queued_since, __ATOMIC_RELAXED);

    if (length > BRIEF) // two threads that wake each other in turn need no second one
        v->waited += length;
}

static bool is_crowded(struct vcpu *v)
{
    u64 window = cpu_tsc() - v->window_start;
    bool crowded = has_waited(v, CROWDED);

    if (window > WINDOW) {
        crowded |= 2 * v->waited > window;
        v->window_start += window;
        v->waited = 0;
    }
    return crowded;
}

static u32 load(const struct vcpu *w)
{
    return queued(w) + (__atomic_load_n(&w->state, __ATOMIC_RELAXED) == VCPU_RUNNING);
}

static bool on_cpu(const struct thread *t)
{
    return __atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE); // pairs with schedule_finish_switch
}

bool balance_allowed(const struct thread *t, const struct vcpu *v)
{
    u64 affinity = __atomic_load_n(&t->settings.affinity, __ATOMIC_RELAXED);

    return !affinity || (affinity >> v->cpu & 1);
}

// What it runs may be interrupted by a thread of a higher rank.
static u32 rank_now(const struct vcpu *w)
{
    return __atomic_load_n(&w->state, __ATOMIC_RELAXED) == VCPU_RUNNING ? w->rank + 1 : 0;
}

// A real-time thread goes where it can run at once, if there is such a place: idle, or with a thread of a lower rank.
static struct vcpu *lowest(struct thread *t, struct vcpu *last)
{
    struct vcpu *best = balance_allowed(t, last) ? last : NULL;

    for (struct vcpu *w = last->group->first; w; w = next_of(w))
        if (balance_allowed(t, w) && (!best || rank_now(w) < rank_now(best)))
            best = w;
    return best ? best : last;
}

struct vcpu *balance_choose(struct thread *t, bool spread)
{
    struct vcpu *me = vcpu_this(), *last = t->vcpu ? t->vcpu : me, *best;

    if (__atomic_load_n(&last->group->count, __ATOMIC_RELAXED) == 1 || on_cpu(t))
        return last;
    if (priority_real_time(t))
        return lowest(t, last);
    if (!spread && me->group == last->group && !me->run_count && balance_allowed(t, me))
        return me;
    best = balance_allowed(t, last) ? last : NULL;
    for (struct vcpu *w = last->group->first; w; w = next_of(w))
        if (w != last && balance_allowed(t, w) && (!best || load(w) < load(best) + spread))
            best = w;
    return best ? best : last; // balance_move will see to it
}

// A thread of from's queue that `to` may run. With from->run_lock held.
static struct thread *candidate(struct vcpu *from, const struct vcpu *to)
{
    struct thread *t;

    list_for_each(t, &from->run_queue, run_node)
        if (!on_cpu(t) && balance_allowed(t, to))
            return t;
    return NULL;
}

static bool has_candidate(struct vcpu *from, const struct vcpu *to)
{
    bool found;

    if (!queued(from))
        return false;
    lock_acquire_clean(&from->run_lock);
    found = candidate(from, to) != NULL;
    lock_release(&from->run_lock);
    return found;
}

bool balance_can_steal(struct vcpu *v)
{
    for (struct vcpu *w = v->group->first; w; w = next_of(w))
        if (w != v && is_settled(w) && has_candidate(w, v))
            return true;
    return false;
}

static struct thread *take(struct vcpu *from, struct vcpu *to)
{
    struct thread *t;

    if (!queued(from) || !is_settled(from))
        return NULL;
    rollback_acquire(&from->run_lock);
    t = candidate(from, to);
    if (t) {
        rollback_remove(&t->run_node);
        rollback_word(&from->run_count);
        rollback_word(&t->vcpu);
        rollback_word(&to->next);
        list_remove(&t->run_node);
        __atomic_sub_fetch(&from->run_count, 1, __ATOMIC_SEQ_CST);
        t->vcpu = to;
        to->next = t; // until it is on that queue
    }
    lock_release(&from->run_lock);
    return t;
}

bool balance_steal(struct vcpu *v)
{
    struct thread *t = NULL;

    if (__atomic_load_n(&v->group->count, __ATOMIC_RELAXED) == 1)
        return false;
    for (struct vcpu *w = v->group->first; w && !t; w = next_of(w))
        if (w != v)
            t = take(w, v);
    if (t)
        schedule_push(v, t);
    v->next = NULL;
    return t != NULL;
}

// The numbers of the vCPUs that threads waiting here may run on.
static u64 wanted_numbers(struct vcpu *v)
{
    u64 numbers = 0;
    struct thread *t;

    lock_acquire(&v->run_lock);
    list_for_each(t, &v->run_queue, run_node)
        numbers |= t->settings.affinity ? t->settings.affinity : ~0ull;
    lock_release(&v->run_lock);
    return numbers;
}

// A sibling that has nothing to run and may run what waits here; NULL: none.
static struct vcpu *idle_sibling(struct vcpu *v)
{
    for (struct vcpu *w = v->group->first; w; w = next_of(w))
        if (w != v && __atomic_load_n(&w->state, __ATOMIC_SEQ_CST) != VCPU_RUNNING && has_candidate(v, w))
            return w;
    return NULL;
}

bool balance_help(void)
{
    struct vcpu *v = vcpu_this(), *w;
    struct vcpu_group *g = v->group;

    if (vcpu_limit() == 1)
        return true;
    w = idle_sibling(v);
    if (w && !is_settled(v) && v->timer != TIMER_NONE)
        return false;
    if (w) {
        vcpu_kick(w);
    } else if (g->count < vcpu_limit() && !g->refused && is_crowded(v)) {
        int error = vcpu_start(wanted_numbers(v));
        (void)error; // they take turns, then
    }
    return true;
}

void balance_move(void)
{
    struct thread *t = thread_current();

    while (!balance_allowed(t, vcpu_this())) {
        if (!(t->settings.affinity & vcpu_this()->group->numbers) &&
            vcpu_start(t->settings.affinity))
            return; // the host has no more: it stays where it is
        schedule_away();
    }
}
