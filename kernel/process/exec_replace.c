// SPDX-License-Identifier: BSD-3-Clause
// The point of no return of execve(2): the old program goes, as "Effect on process attributes" says.
#include <asm/signal.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "file/path.h"
#include "ipc/shm.h"
#include "linux/aio.h"
#include "linux/posix_timers.h"
#include "process/exec.h"
#include "process/member.h"
#include "process/signal_internal.h"
#include "process/visit.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "x86_64/fpu.h"

static bool alone(void *arg)
{
    struct process *p = arg;

    return __atomic_load_n(&p->thread_count, __ATOMIC_ACQUIRE) == 1;
}

// The directories that a thread had for itself become those of the process.
static void keep_paths(struct process *p, struct thread *t)
{
    struct path_context *old = p->paths;

    if (!t->paths)
        return;
    lock_acquire(&p->lock);
    p->paths = t->paths;
    t->paths = NULL;
    lock_release(&p->lock);
    path_context_put(old);
}

// Ends every thread but the current one, which becomes the main thread. -EAGAIN: another one did so, or the
// process ends.
static int end_other_threads(struct process *p)
{
    struct thread *me = thread_current(), *t;

    lock_acquire(&p->lock);
    if (p->exec_thread || p->exiting) {
        lock_release(&p->lock);
        return -EAGAIN;
    }
    p->exec_thread = me; // from here there are no new threads
    list_for_each(t, &p->threads, process_node)
        if (t != me)
            thread_set_work(t, WORK_EXIT);
    lock_release(&p->lock);
    while (!alone(p))
        if (wait_until(&p->thread_ended, DEADLINE_NONE, 0, alone, p))
            break; // not interruptible: does not happen
    me->tid = p->pid;
    keep_paths(p, me);
    __atomic_store_n(&p->exec_thread, NULL, __ATOMIC_RELEASE); // pairs with thread_create
    return 0;
}

static void reset_signals(struct process *p)
{
    struct thread *t = thread_current();

    lock_acquire(&p->signals->lock);
    for (int i = 0; i < 64; i++) {
        struct signal_action *a = &p->signals->actions[i];
        bool ignored = a->handler == (uaddr_t)SIG_IGN;
        *a = (struct signal_action){ .handler = ignored ? (uaddr_t)SIG_IGN : (uaddr_t)SIG_DFL };
    }
    t->altstack_base = t->altstack_size = 0;
    t->altstack_flags = ALTSTACK_DISABLE;
    lock_release(&p->signals->lock);
}

// Who shares the memory of others leaves their member, and its memory, for one of its own. Returns there.
static void move_out(struct process *p, struct vcpu *v, struct address_space *own)
{
    struct address_space *shared = p->space;

    family_lock();
    p->space = own;
    p->shares_memory = false;
    family_unlock();
    address_space_put(shared);
    member_left(p);
    thread_current()->making_vcpu = NULL;
    process_vfork_done(p);
    schedule_move(v);
    v->awaited = false;
}

int exec_replace(struct process *p)
{
    struct thread *t = thread_current();
    struct address_space *own = NULL;
    struct vcpu *v = NULL;
    int error = fd_table_unshare();

    if (!error)
        error = end_other_threads(p);
    if (!error) {
        member_leave(p);
        if (p->leaves)
            process_wait_visitors(p);
    }
    if (!error && p->shares_memory) {
        error = address_space_create(&own);
        if (!error)
            error = member_create(/*forget_memory=*/true, &v);
        if (error && own)
            address_space_put(own);
    }
    if (error) {
        member_left(p);
        return error;
    }
    if (!own)
        shm_leave(p->space);
    futex_thread_exit(t);
    posix_timers_exec(p);
    t->clear_child_tid = t->robust_list = 0;
    t->restart = NULL;
    reset_signals(p);
    fd_table_close_on_exec(p->files);
    if (own) {
        move_out(p, v, own);
    } else {
        aio_space_end(p->space);
        address_space_clear(p->space);
        address_space_init(p->space);
        member_left(p);
    }
    fpu_reset();
    p->execed = true;
    return 0;
}
