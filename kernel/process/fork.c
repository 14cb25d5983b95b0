// SPDX-License-Identifier: BSD-3-Clause
// New processes. fork makes a new member of the family: the host copies user memory, on write, and the
// kernel copies what it knows of the process. vfork's child first runs in its parent's member, on its
// parent's memory; only when it execs does it move to a member of its own (exec_replace.c).
#include <asm/signal.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#include "abi/boot.h"
#include "base/string.h"
#include "cpu/vcpu.h"
#include "driver/tty.h"
#include "file/fd_table.h"
#include "file/file.h"
#include "file/path.h"
#include "file/pidfd.h"
#include "linux/clock.h"
#include "linux/posix_timers.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/exec.h"
#include "process/handle.h"
#include "process/killed.h"
#include "process/member.h"
#include "process/process.h"
#include "process/tracing.h"
#include "process/signal_internal.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "x86_64/cpu.h"
#include "x86_64/fpu.h"
#include "x86_64/frame.h"

#define STACK_KEPT (CLONE_VM | CLONE_VFORK) // clone(2): otherwise CLONE_VM drops the alternate stack

static void enter_member(void *argument, u64 timer)
{
    schedule_enter(argument, timer);
}

int member_embody(struct vcpu *v)
{
    u64 upcall_stack = vcpu_upcall_stack(v) - platform_boot()->upcall_stack_size;
    int error = platform_fork(enter_member, (void *)schedule_idle_stack(v), v, &v->host_tid,
                              upcall_stack);

    return error == 0 || error == -ENOMEM ? error : -EAGAIN;
}

// The host's part of a new member, which runs what is in the queue of v. On failure v is gone.
static int member_start(struct vcpu *v)
{
    int error = member_embody(v);

    if (error) {
        thread_current()->making_vcpu = NULL;
        vcpu_release(v);
    }
    (void)killed_patience(0); // looks at the one before
    vcpu_this()->newborn = error ? NULL : v;
    return error;
}

int member_create(bool forget_memory, struct vcpu **out)
{
    int error = vcpu_create(/*group=*/NULL, vcpu_this()->cpu, out); // so it suits its affinity

    if (error)
        return error;
    (*out)->forget_memory = forget_memory;
    (*out)->awaited = true;
    thread_current()->making_vcpu = *out;
    return member_start(*out);
}

static int copy_signals(struct process *p, const struct process *from, u64 flags)
{
    int error = signal_state_create(&p->signals);

    if (error)
        return error;
    lock_acquire(&from->signals->lock);
    memcpy(p->signals->actions, from->signals->actions, sizeof(p->signals->actions));
    lock_release(&from->signals->lock);
    for (int i = 0; (flags & CLONE_CLEAR_SIGHAND) && i < 64; i++)
        if (p->signals->actions[i].handler > 1)
            p->signals->actions[i] = (struct signal_action){ 0 };
    return 0;
}

// All that is plain data.
static void copy_plain(struct process *p, const struct process *from)
{
    list_init(&p->threads);
    p->pid = thread_new_id();
    p->pgid = from->pgid;
    p->sid = from->sid;
    credentials_store(&p->credentials, credentials_now());
    memcpy(p->limits, from->limits, sizeof(p->limits));
    memcpy(p->executable_path, from->executable_path, sizeof(p->executable_path));
    p->arguments_start = from->arguments_start;
    p->arguments_end = from->arguments_end;
    p->environment_start = from->environment_start;
    p->environment_end = from->environment_end;
    memcpy(p->auxv, from->auxv, sizeof(p->auxv));
    p->stack_top = from->stack_top;
    p->start_time = clock_monotonic();
    p->dumpable = from->dumpable;
    p->oom_adjust = from->oom_adjust;
    p->huge_pages_disabled = from->huge_pages_disabled;
    p->personality = from->personality;
    if (from->executable) {
        p->executable = file_get(from->executable);
        __atomic_sub_fetch(&p->executable->inode->writers, 1, __ATOMIC_RELAXED); // it is below 0
    }
}

// Gives back what process_copy and copy_thread took, but for what a grave keeps: the struct and its signals. Parts
// may be missing.
static void process_drop(struct process *p, struct thread *t)
{
    thread_current()->making = NULL;
    if (t) {
        list_remove(&t->process_node);
        thread_free(t);
    }
    lock_acquire(&p->lock); // as when a process ends: others may look
    struct fd_table *files = p->files;
    struct address_space *space = p->space;
    p->files = NULL;
    p->space = NULL;
    lock_release(&p->lock);
    if (space)
        address_space_put(space);
    if (p->paths)
        path_context_put(p->paths);
    if (files)
        fd_table_free(files);
    exec_file_put(p->executable);
    p->paths = NULL;
    p->executable = NULL;
}

static void process_drop_whole(struct process *p, struct thread *t)
{
    process_drop(p, t);
    if (p->signals)
        signal_state_free(p->signals);
    process_free(p);
}

static int process_copy(const struct process *from, u64 flags, struct process **out)
{
    struct process *p = process_alloc();
    int error = -ENOMEM;

    if (!p)
        return -ENOMEM;
    thread_current()->making = p;
    copy_plain(p, from);
    error = copy_signals(p, from, flags);
    if (!error && (flags & CLONE_FILES))
        p->files = fd_table_share(from->files);
    else if (!error)
        error = fd_table_copy(from->files, &p->files);
    if (!error && (flags & CLONE_FS))
        p->paths = path_context_share(path_context_now());
    else if (!error)
        error = path_context_copy(path_context_now(), &p->paths);
    if (!error && (flags & CLONE_VM))
        p->space = address_space_get(from->space);
    p->shares_memory = flags & CLONE_VM;
    *out = p;
    if (error)
        process_drop_whole(p, NULL);
    return error;
}

// Starts t in a member of its own. It waits there when the member begins, which need not sleep until it comes. The
// areas and the host's memory are copied as one: no other vCPU changes them in between.
static int start_in_member(struct process *p, struct thread *t, const struct process *from)
{
    struct vcpu *v;
    int error = vcpu_create(/*group=*/NULL, vcpu_this()->cpu, &v);

    if (error)
        return error;
    thread_current()->making_vcpu = v;
    error = address_space_fork(from->space, &p->space);
    if (error) {
        thread_current()->making_vcpu = NULL;
        vcpu_release(v);
        return error;
    }
    thread_start_on(t, v);
    error = member_start(v);
    address_space_fork_end(from->space);
    if (error)
        list_remove(&t->run_node); // nobody else looks at that queue
    return error;
}

// Host mappings that the copy of the memory has and the copy of the process has not.
static void child_start(struct thread *t)
{
    address_space_forked(t->process->space);
}

static int copy_thread(struct process *p, const struct clone_args *a, struct thread **out)
{
    struct thread *me = thread_current(), *t;
    struct trap_frame frame = *me->frame;
    int error;

    frame.rax = 0;
    frame.call = FRAME_NO_CALL;
    if (a->stack)
        frame.rsp = a->stack + a->stack_size;
    error = thread_create(p, &frame, a->flags & CLONE_SETTLS ? a->tls : cpu_fs_base(), &t);
    if (error)
        return error;
    fpu_copy(t);
    strlcpy(t->name, me->name, sizeof(t->name));
    t->blocked = me->restore_blocked ? me->saved_blocked : me->blocked;
    if ((a->flags & STACK_KEPT) != CLONE_VM) {
        t->altstack_base = me->altstack_base;
        t->altstack_size = me->altstack_size;
        t->altstack_flags = me->altstack_flags;
    }
    if (a->flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = a->child_tid;
    if (a->flags & CLONE_CHILD_SETTID)
        t->set_child_tid = a->child_tid;
    if (!(a->flags & CLONE_VM))
        t->first_start = child_start;
    *out = t;
    return 0;
}

static bool vfork_over(void *arg)
{
    struct process *p = arg;

    return __atomic_load_n(&p->vfork_done, __ATOMIC_ACQUIRE); // pairs with process_vfork_done
}

void process_vfork_done(struct process *p)
{
    struct process *waiter = p->vfork_waiter;

    __atomic_store_n(&p->vfork_done, true, __ATOMIC_RELEASE);
    if (waiter)
        wait_queue_wake(&waiter->child_exit, ~0u);
}

// CLONE_PIDFD: before the child runs, or is known.
static int install_pidfd(struct process *p, uaddr_t to, int *out_fd)
{
    struct process_handle *h = process_handle_get(p);
    struct file *f;
    int error = h ? pidfd_create(h, 0, &f) : -ENOMEM;

    if (error)
        return error;
    *out_fd = fd_install(f, /*close_on_exec=*/true, 0);
    if (*out_fd < 0)
        return *out_fd;
    return user_write_u32(to, (u32)*out_fd);
}

static void drop_pidfd(struct process *p, int fd)
{
    if (fd >= 0 && fd_close(fd))
        return; // another thread closed it
    process_handle_gone(p);
}

// Makes the child known to the family. Others see it from here on.
static void publish(struct process *p, const struct clone_args *a)
{
    struct process *me = thread_process();

    p->exit_signal = (int)a->exit_signal;
    if (a->flags & CLONE_PARENT)
        p->exit_signal = me->exit_signal;
    if (a->flags & CLONE_VFORK)
        p->vfork_waiter = me;
    if (me->tty)
        tty_set_controlling(p, me->tty);
    family_lock();
    p->maker = a->flags & CLONE_PARENT ? me->maker : thread_current()->tid;
    family_add(p, a->flags & CLONE_PARENT ? me->parent : me);
    family_unlock();
    if (p->limits[RLIMIT_CPU].rlim_cur != RLIM64_INFINITY)
        cpu_limit_arm(p);
}

static void unpublish(struct process *p)
{
    family_lock();
    family_remove(p);
    family_unlock();
    if (p->tty)
        tty_set_controlling(p, NULL);
    wait_queue_wake(&thread_process()->child_exit, ~0u); // another thread may wait for it
}

static int traced_event(const struct clone_args *a)
{
    if (a->flags & CLONE_VFORK)
        return PTRACE_EVENT_VFORK;
    return a->exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

// What the host left of a fork whose process it has killed. Before the child is known it has never been. After
// that it lives, if it has a member; else it ends as if the host had killed that one, too.
void process_abandon(struct process *p, struct vcpu *v)
{
    bool none = list_empty(&p->threads);
    struct thread *t = none ? NULL : list_first(&p->threads, struct thread, process_node);

    thread_current()->making = NULL;
    if (!p->parent) {
        family_lock();
        process_handle_gone(p);
        family_unlock();
        process_drop_whole(p, t);
    } else if (!t) {
        return; // it has come to its end already
    } else if (t->state == THREAD_STOPPED && !v) {
        unpublish(p);
        posix_timers_free(p);
        process_drop(p, t);
    } else if (v && !v->host_tid) {
        t->first_start = NULL; // there is no memory for it
        t->set_child_tid = 0;
        if (t->state == THREAD_STOPPED)
            thread_start_on(t, v);
        killed_mark(v, 0);
    }
}

// Lets the child run, and with vfork waits for it.
static s64 launch(struct process *p, struct thread *t, const struct clone_args *a)
{
    struct process *me = thread_process();
    int pid = p->pid, error = 0, fd = -1, event = traced_event(a);

    if (a->flags & CLONE_PIDFD)
        error = install_pidfd(p, a->pidfd, &fd);
    if (error) {
        drop_pidfd(p, fd);
        process_drop_whole(p, t);
        return error;
    }
    publish(p, a);
    tracing_new_thread(t, event);
    __atomic_or_fetch(&t->work, WORK_PATCHED, __ATOMIC_RELAXED); // its frame is older than it
    if (a->flags & CLONE_VM)
        thread_start(t);
    else
        error = start_in_member(p, t, me);
    if (error) {
        drop_pidfd(p, fd);
        unpublish(p);
        posix_timers_free(p);
        process_drop(p, t);
        return error; // somebody may look at p still: it lies in a grave
    }
    thread_current()->making_vcpu = NULL;
    thread_current()->making = NULL;
    if (a->flags & CLONE_PARENT_SETTID)
        error = user_write_u32(a->parent_tid, (u32)pid); // as Linux: no matter
    tracing_event(event, (u64)pid);
    if ((a->flags & CLONE_VFORK) &&
        wait_until(&me->child_exit, DEADLINE_NONE, 0, vfork_over, p))
        return pid; // cannot be interrupted
    if (a->flags & CLONE_VFORK)
        tracing_event(PTRACE_EVENT_VFORK_DONE, (u64)pid);
    return pid;
}

s64 process_fork(const struct clone_args *a)
{
    struct process *p;
    struct thread *t;
    int error = family_room(/*process=*/true);

    if ((a->flags & CLONE_PARENT) && !thread_process()->parent)
        return -EINVAL; // the first one has no siblings
    if (!error)
        error = process_copy(thread_process(), a->flags, &p);
    if (error)
        return error;
    error = copy_thread(p, a, &t);
    if (error) {
        process_drop_whole(p, NULL);
        return error;
    }
    return launch(p, t, a);
}
