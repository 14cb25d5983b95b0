// SPDX-License-Identifier: BSD-3-Clause
// Sending signals, and the queues they wait in. Delivery is signal_deliver.c, frames are
// x86_64/signal_frame.c, the calls linux/signal.c.
//
// Lock order: process.lock (to walk its threads) -> signal_state.lock -> run locks.
#include "process/signal.h"

#include <asm/signal.h>

#include "base/string.h"
#include "linux/posix_timers.h"
#include "memory/heap.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "process/tracing.h"
#include "thread/thread.h"

#define SIGNAL_COUNT  64
#define SIGNAL_RT_MIN 32

struct pending_signal {
    struct list node;
    siginfo_t info;
};

static struct slab_cache pending_cache = SLAB_CACHE("pending_signal", struct pending_signal);

#define BIT(n) (1ull << ((n) - 1))
const signal_set_t signals_stop = BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU);
const signal_set_t signals_ignored =
    BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT);
const signal_set_t signals_core = BIT(SIGQUIT) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) |
                                  BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGSYS) |
                                  BIT(SIGXCPU) | BIT(SIGXFSZ);
static const signal_set_t signals_synchronous =
    BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGFPE) | BIT(SIGSYS);

int signal_state_create(struct signal_state **out)
{
    struct signal_state *s = heap_alloc(sizeof(*s));

    if (!s)
        return -ENOMEM;
    list_init(&s->shared.infos);
    wait_queue_init(&s->arrived);
    *out = s;
    return 0;
}

void signal_queue_clear(struct signal_queue *q)
{
    struct list *node;

    while (q->infos.next && (node = list_pop_front(&q->infos)) != NULL)
        slab_free(&pending_cache, list_entry(node, struct pending_signal, node));
    q->set = 0;
    q->count = 0;
}

void signal_state_free(struct signal_state *s)
{
    signal_queue_clear(&s->shared);
    heap_free(s);
}

// Drops every pending signal of `set` from the queue.
static void queue_flush(struct signal_queue *q, signal_set_t set)
{
    struct pending_signal *p, *next;

    if (!(q->set & set))
        return;
    list_for_each_safe(p, next, &q->infos, node) {
        if (!(signal_bit(p->info.si_signo) & set))
            continue;
        list_remove(&p->node);
        slab_free(&pending_cache, p);
        q->count--;
    }
    q->set &= ~set;
}

// A timer's signal that is still pending takes the new one in: its overrun count grows.
static bool merge_timer_signal(struct signal_queue *q, const siginfo_t *info)
{
    struct pending_signal *p;

    list_for_each(p, &q->infos, node) {
        if (p->info.si_code != SI_TIMER || p->info.si_tid != info->si_tid ||
            p->info.si_signo != info->si_signo)
            continue;
        if (__builtin_add_overflow(p->info.si_overrun, info->si_overrun + 1, &p->info.si_overrun))
            p->info.si_overrun = INT32_MAX;
        return true;
    }
    return false;
}

static int queue_add(struct process *p, struct signal_queue *q, const siginfo_t *info)
{
    int signal = info->si_signo;
    struct pending_signal *item;

    if (info->si_code == SI_TIMER) {
        if (merge_timer_signal(q, info))
            return 0;
    } else if (signal < SIGNAL_RT_MIN && (q->set & signal_bit(signal))) {
        return 0; // standard signals do not queue
    }
    // Linux counts all of the user's; here it is this queue's.
    item = q->count < p->limits[RLIMIT_SIGPENDING].rlim_cur
               ? slab_alloc(&pending_cache)
               : NULL;
    if (!item || q->set == ~0ull) {
        if (signal >= SIGNAL_RT_MIN && info->si_code != SI_USER)
            return -EAGAIN;
        q->set |= signal_bit(signal); // arrives without its information
        return 0;
    }
    item->info = *info;
    list_push_back(&q->infos, &item->node);
    q->count++;
    q->set |= signal_bit(signal);
    return 0;
}

// Takes the first signal of `wanted` off q: faults first, then the lowest number.
static int queue_take(struct signal_queue *q, signal_set_t wanted, siginfo_t *out)
{
    signal_set_t ready = q->set & wanted;
    struct pending_signal *p, *found = NULL;
    bool more = false;
    int signal;

    if (!ready)
        return 0;
    if (ready & signals_synchronous)
        ready &= signals_synchronous;
    signal = __builtin_ctzll(ready) + 1;
    list_for_each(p, &q->infos, node) {
        if (p->info.si_signo != signal)
            continue;
        if (found) {
            more = true;
            break;
        }
        found = p;
    }
    memset(out, 0, sizeof(*out));
    out->si_signo = signal;
    if (found) {
        *out = found->info;
        list_remove(&found->node);
        slab_free(&pending_cache, found);
        q->count--;
    }
    if (!more)
        q->set &= ~signal_bit(signal);
    return signal;
}

bool signal_is_ignored(const struct signal_state *s, int signal)
{
    uaddr_t handler = s->actions[signal - 1].handler;

    return handler == (uaddr_t)SIG_IGN ||
           (handler == (uaddr_t)SIG_DFL && (signals_ignored & signal_bit(signal)));
}

// Called with signals->lock held: sets WORK_SIGNAL if something is deliverable to t.
void signal_recheck(struct thread *t)
{
    struct signal_state *s = t->process->signals;

    if ((t->pending.set | s->shared.set) & ~t->blocked)
        thread_set_work(t, WORK_SIGNAL);
}

// A thread for a signal sent to the process: the caller's, if it does not block it, or the first that
// does not. NULL: all block it. With process.lock and signals->lock held.
static struct thread *choose_thread(struct process *p, int signal)
{
    struct thread *t, *me = thread_current();

    if (me->process == p && !(me->blocked & signal_bit(signal)) && me->state != THREAD_DEAD)
        return me;
    list_for_each(t, &p->threads, process_node) {
        if (!(t->blocked & signal_bit(signal)))
            return t;
    }
    return NULL;
}

// Stop signals and SIGCONT cancel each other, and SIGCONT continues even when it is blocked.
static void cancel_opposites(struct process *p, int signal)
{
    struct signal_state *s = p->signals;
    signal_set_t flush = 0;
    struct thread *t;

    if (signal_bit(signal) & signals_stop)
        flush = signal_bit(SIGCONT);
    else if (signal == SIGCONT)
        flush = signals_stop;
    if (!flush)
        return;
    queue_flush(&s->shared, flush);
    list_for_each(t, &p->threads, process_node)
        queue_flush(&t->pending, flush);
    if (signal == SIGCONT)
        process_continue(p);
}

// With process.lock and signals->lock held. t: NULL when it is for the whole process.
static int send_locked(struct process *p, struct thread *t, const siginfo_t *info, bool force)
{
    struct signal_state *s = p->signals;
    int signal = info->si_signo;
    bool blocked_somewhere = t && (t->blocked & signal_bit(signal));
    int error;

    cancel_opposites(p, signal);
    if (signal == SIGKILL && !t) {
        process_exit_locked(p, SIGKILL);
        return 0;
    }
    if (!t && !choose_thread(p, signal))
        blocked_somewhere = true;
    if (signal_is_ignored(s, signal) && !force && !blocked_somewhere && !tracing_process(p))
        return 0;
    error = queue_add(p, t ? &t->pending : &s->shared, info);
    if (error)
        return error;
    if (!t)
        t = choose_thread(p, signal);
    if (t && !(t->blocked & signal_bit(signal)))
        thread_set_work(t, WORK_SIGNAL);
    wait_queue_wake(&s->arrived, ~0u);
    return 0;
}

int signal_send_thread(struct thread *t, const siginfo_t *info, bool force)
{
    struct process *p = t->process;
    struct signal_state *s = p->signals;
    int error, signal = info->si_signo;

    lock_acquire(&p->lock);
    lock_acquire(&s->lock);
    if (force) { // a fault that cannot be delivered kills
        struct signal_action *a = &s->actions[signal - 1];
        if ((t->blocked & signal_bit(signal)) || a->handler == (uaddr_t)SIG_IGN)
            a->handler = (uaddr_t)SIG_DFL;
        t->blocked &= ~signal_bit(signal);
    }
    error = send_locked(p, t, info, force);
    lock_release(&s->lock);
    lock_release(&p->lock);
    return error;
}

int signal_send_tid(struct process *p, int tid, const siginfo_t *info)
{
    struct thread *t;
    int error = -ESRCH;

    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node) {
        if (t->tid != tid)
            continue;
        lock_acquire(&p->signals->lock);
        error = send_locked(p, t, info, false);
        lock_release(&p->signals->lock);
        break;
    }
    lock_release(&p->lock);
    return error;
}

int signal_send_process(struct process *p, const siginfo_t *info)
{
    int error;

    lock_acquire(&p->lock);
    lock_acquire(&p->signals->lock);
    error = send_locked(p, NULL, info, false);
    lock_release(&p->signals->lock);
    lock_release(&p->lock);
    return error;
}

struct group_send {
    int pgid;
    const siginfo_t *info;
    int error; // -ESRCH until one member was found; 0 when one was sent to
};

static void send_to_member(struct process *p, void *arg)
{
    struct group_send *g = arg;

    if (p->pgid != g->pgid)
        return;
    if (g->info->si_code <= SI_USER && signal_permission(p, g->info->si_signo)) {
        g->error = g->error == -ESRCH ? -EPERM : g->error;
        return;
    }
    g->error = 0;
    if (g->info->si_signo && signal_send_process(p, g->info))
        return; // the queue of real-time signals is full: others got it
}

int signal_send_group(int pgid, const siginfo_t *info)
{
    struct group_send g = { .pgid = pgid, .info = info, .error = -ESRCH };

    process_visit(send_to_member, &g);
    return g.error;
}

static void send_to_other(struct process *p, void *arg)
{
    struct group_send *g = arg;

    if (p == thread_process() || p == family_first())
        return;
    if (signal_permission(p, g->info->si_signo)) {
        g->error = g->error == -ESRCH ? -EPERM : g->error;
        return;
    }
    g->error = 0;
    if (g->info->si_signo)
        signal_send_process(p, g->info);
}

int signal_send_all(const siginfo_t *info)
{
    struct group_send g = { .info = info, .error = -ESRCH };

    process_visit(send_to_other, &g);
    return g.error;
}

void signal_raise_process(struct process *p, int signal)
{
    siginfo_t info = { .si_signo = signal };

    info.si_code = SI_KERNEL;
    signal_send_process(p, &info);
}

void signal_fault(int signal, int code, uaddr_t address, u64 trap_number, u64 error_code)
{
    struct thread *t = thread_current();
    siginfo_t info = { .si_signo = signal };

    info.si_code = code;
    info.si_addr = (void *)address;
    t->fault_trap = trap_number;
    t->fault_error = error_code;
    if (trap_number == 14)
        t->fault_address = address;
    signal_send_thread(t, &info, true);
}

// Shared signals that t no longer takes go to another thread. With both locks held.
static void retarget(struct thread *t, signal_set_t newly_blocked)
{
    struct signal_state *s = t->process->signals;
    struct thread *other;

    if (!(s->shared.set & newly_blocked))
        return;
    list_for_each(other, &t->process->threads, process_node) {
        if (other != t && (s->shared.set & newly_blocked & ~other->blocked))
            thread_set_work(other, WORK_SIGNAL);
    }
}

void signal_thread_ends(struct thread *t)
{
    struct signal_state *s = t->process->signals;

    lock_acquire(&s->lock);
    retarget(t, ~t->blocked);
    lock_release(&s->lock);
}

void signal_set_blocked(struct thread *t, signal_set_t blocked)
{
    struct process *p = t->process;
    signal_set_t newly;

    blocked &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    if (blocked == t->blocked)
        return;
    lock_acquire(&p->lock);
    lock_acquire(&p->signals->lock);
    newly = blocked & ~t->blocked;
    t->blocked = blocked;
    retarget(t, newly);
    signal_recheck(t);
    lock_release(&p->signals->lock);
    lock_release(&p->lock);
}

void signal_set_blocked_temporarily(signal_set_t blocked)
{
    struct thread *t = thread_current();

    t->saved_blocked = t->blocked;
    t->restore_blocked = true;
    signal_set_blocked(t, blocked);
}

void signal_restore_blocked(struct thread *t)
{
    t->restore_blocked = false;
    signal_set_blocked(t, t->saved_blocked);
}

int signal_dequeue(signal_set_t wanted, siginfo_t *out_info)
{
    struct thread *t = thread_current();
    struct signal_state *s = t->process->signals;
    int signal;

    lock_acquire(&s->lock);
    signal = queue_take(&t->pending, wanted, out_info);
    if (!signal)
        signal = queue_take(&s->shared, wanted, out_info);
    lock_release(&s->lock);
    if (signal && out_info->si_code == SI_TIMER)
        posix_timer_taken(t->process, out_info);
    return signal;
}

signal_set_t signal_pending(struct thread *t)
{
    return t->pending.set | t->process->signals->shared.set;
}

void signal_ignore_changed(struct process *p, int signal)
{
    struct thread *t;

    lock_acquire(&p->lock);
    lock_acquire(&p->signals->lock);
    if (signal_is_ignored(p->signals, signal)) {
        queue_flush(&p->signals->shared, signal_bit(signal));
        list_for_each(t, &p->threads, process_node)
            queue_flush(&t->pending, signal_bit(signal));
    }
    lock_release(&p->signals->lock);
    lock_release(&p->lock);
}
