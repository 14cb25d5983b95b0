// SPDX-License-Identifier: BSD-3-Clause
// System calls on signals. signal(7), and each call's own page.
#include <asm/signal.h>

#include "base/string.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "thread/thread.h"
#include "x86_64/frame.h"

#define SIGNAL_MAX      64
#define ALTSTACK_MIN    2048

static bool signal_valid(int signal)
{
    return signal >= 1 && signal <= SIGNAL_MAX;
}

s64 sys_rt_sigaction(int signal, uaddr_t new_action, uaddr_t old_action, size_t set_size)
{
    struct process *p = thread_process();
    struct signal_action action, old;

    if (set_size != sizeof(signal_set_t))
        return -EINVAL;
    if (new_action && user_read(&action, new_action, sizeof(action)))
        return -EFAULT;
    if (!signal_valid(signal) || (new_action && (signal == SIGKILL || signal == SIGSTOP)))
        return -EINVAL;
    lock_acquire(&p->signals->lock);
    old = p->signals->actions[signal - 1];
    if (new_action) {
        action.mask &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
        p->signals->actions[signal - 1] = action;
    }
    lock_release(&p->signals->lock);
    if (new_action)
        signal_ignore_changed(p, signal);
    return old_action ? user_write(old_action, &old, sizeof(old)) : 0;
}

s64 sys_rt_sigprocmask(int how, uaddr_t new_set, uaddr_t old_set, size_t set_size)
{
    struct thread *t = thread_current();
    signal_set_t set, old = t->blocked;

    if (set_size != sizeof(set))
        return -EINVAL;
    if (new_set) {
        if (user_read_u64(&set, new_set))
            return -EFAULT;
        switch (how) {
        case SIG_BLOCK:
            set |= old;
            break;
        case SIG_UNBLOCK:
            set = old & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        signal_set_blocked(t, set);
    }
    return old_set ? user_write_u64(old_set, old) : 0;
}

s64 sys_rt_sigreturn(void)
{
    struct thread *t = thread_current();

    if (signal_frame_pop(t->frame)) {
        signal_fault(SIGSEGV, SI_KERNEL, 0, 13, 0);
        t->frame->call = FRAME_NO_CALL;
    }
    return 0;
}

s64 sys_rt_sigpending(uaddr_t out, size_t set_size)
{
    struct thread *t = thread_current();

    if (set_size > sizeof(signal_set_t))
        return -EINVAL;
    const signal_set_t pending = signal_pending(t) & t->blocked;
    return user_write(out, &pending, set_size);
}

static bool never(void *arg)
{
    return false;
}

static s64 wait_for_signal(void)
{
    static struct wait_queue nobody; // nobody wakes it: only a signal ends the sleep

    return wait_until(&nobody, DEADLINE_NONE, WAIT_INTERRUPTIBLE, never, NULL) == -ERESTARTSYS
               ? -ERESTARTNOHAND
               : 0;
}

s64 sys_rt_sigsuspend(uaddr_t mask, size_t set_size)
{
    signal_set_t set;

    if (set_size != sizeof(set))
        return -EINVAL;
    if (user_read_u64(&set, mask))
        return -EFAULT;
    signal_set_blocked_temporarily(set);
    return wait_for_signal();
}

s64 sys_pause(void)
{
    return wait_for_signal();
}

struct timed_wait {
    signal_set_t wanted;
    siginfo_t info;
    int signal; // taken, 0: none yet
};

static bool take_wanted(void *arg)
{
    struct timed_wait *w = arg;

    if (!w->signal)
        w->signal = signal_dequeue(w->wanted, &w->info);
    return w->signal != 0;
}

s64 sys_rt_sigtimedwait(uaddr_t set, uaddr_t info, uaddr_t timeout, size_t set_size)
{
    struct timed_wait w = { 0 };
    u64 ns, deadline = DEADLINE_NONE;
    int error;

    if (set_size != sizeof(w.wanted))
        return -EINVAL;
    if (user_read_u64(&w.wanted, set))
        return -EFAULT;
    if (timeout) {
        error = timespec_read(timeout, &ns);
        if (error)
            return error;
        deadline = clock_monotonic() + ns;
    }
    w.wanted &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    error = wait_until(&thread_process()->signals->arrived, deadline, WAIT_INTERRUPTIBLE,
                       take_wanted, &w);
    if (error)
        return error == -ETIMEDOUT ? -EAGAIN : -EINTR;
    if (info && user_write(info, &w.info, sizeof(w.info)))
        return -EFAULT;
    return w.signal;
}

static void fill_user_info(siginfo_t *info, int signal, int code)
{
    struct process *p = thread_process();

    memset(info, 0, sizeof(*info));
    info->si_signo = signal;
    info->si_code = code;
    info->si_pid = p->pid;
    info->si_uid = credentials_now()->uid;
}

s64 sys_kill(int pid, int signal)
{
    struct process *me = thread_process(), *p;
    siginfo_t info;

    if (signal && !signal_valid(signal))
        return -EINVAL;
    fill_user_info(&info, signal, SI_USER);
    if (pid == 0)
        return signal_send_group(me->pgid, &info);
    if (pid == -1)
        return signal_send_all(&info);
    if (pid < 0)
        return signal_send_group(-pid, &info);
    p = process_find(pid);
    if (!p)
        p = process_of_thread(pid); // any thread's id will do
    if (!p)
        return -ESRCH;
    if (signal_permission(p, signal))
        return -EPERM;
    return signal ? signal_send_process(p, &info) : 0;
}

static s64 send_to_thread(int tgid, int tid, const siginfo_t *info)
{
    struct process *p;

    if (tid <= 0 || tgid == 0 || tgid < -1 || (info->si_signo && !signal_valid(info->si_signo)))
        return -EINVAL;
    if ((tgid < 0 || tgid == thread_process()->pid) && thread_exists(tid))
        return info->si_signo ? signal_send_tid(thread_process(), tid, info) : 0;
    p = process_of_thread(tid);
    if (!p || (tgid > 0 && p->pid != tgid))
        return -ESRCH;
    if (signal_permission(p, info->si_signo))
        return -EPERM;
    return info->si_signo ? signal_send_tid(p, tid, info) : 0;
}

s64 sys_tgkill(int tgid, int tid, int signal)
{
    siginfo_t info;

    if (tgid <= 0)
        return -EINVAL;
    fill_user_info(&info, signal, SI_TKILL);
    return send_to_thread(tgid, tid, &info);
}

s64 sys_tkill(int tid, int signal)
{
    siginfo_t info;

    fill_user_info(&info, signal, SI_TKILL);
    return send_to_thread(-1, tid, &info);
}

// A siginfo from user code may not claim to come from the kernel, unless it is for the caller itself.
static int read_info(siginfo_t *info, uaddr_t from, int signal, bool to_self)
{
    if (user_read(info, from, sizeof(*info)))
        return -EFAULT;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && !to_self)
        return -EPERM;
    info->si_signo = signal;
    return 0;
}

s64 sys_rt_sigqueueinfo(int pid, int signal, uaddr_t user_info)
{
    struct process *p = process_find(pid);
    siginfo_t info;
    int error = read_info(&info, user_info, signal, pid == thread_process()->pid);

    if (!p && pid > 0) // any thread's id will do
        p = process_of_thread(pid);
    if (error)
        return error;
    if (!p)
        return -ESRCH;
    if (signal && !signal_valid(signal))
        return -EINVAL;
    if (signal_permission(p, signal))
        return -EPERM;
    return signal ? signal_send_process(p, &info) : 0;
}

s64 sys_rt_tgsigqueueinfo(int tgid, int tid, int signal, uaddr_t user_info)
{
    siginfo_t info;
    int error;

    if (tgid <= 0)
        return -EINVAL;
    error = read_info(&info, user_info, signal, tgid == thread_process()->pid);
    return error ? error : send_to_thread(tgid, tid, &info);
}

static bool on_altstack(const struct thread *t)
{
    uaddr_t sp = t->frame->rsp;

    return !(t->altstack_flags & (ALTSTACK_DISABLE | ALTSTACK_AUTODISARM)) && sp > t->altstack_base &&
           sp - t->altstack_base <= t->altstack_size;
}

s64 sys_sigaltstack(uaddr_t new_stack, uaddr_t old_stack)
{
    struct thread *t = thread_current();
    stack_t s, old = {
        .ss_sp = (void *)t->altstack_base,
        .ss_flags = (int)t->altstack_flags | (on_altstack(t) ? ALTSTACK_ACTIVE : 0),
        .ss_size = t->altstack_size,
    };

    if (new_stack) {
        u32 mode;
        if (user_read(&s, new_stack, sizeof(s)))
            return -EFAULT;
        if (on_altstack(t))
            return -EPERM;
        mode = (u32)s.ss_flags & ~ALTSTACK_AUTODISARM;
        if (mode != ALTSTACK_DISABLE && mode != ALTSTACK_ACTIVE && mode != 0)
            return -EINVAL;
        if (mode == ALTSTACK_DISABLE) {
            s.ss_sp = NULL;
            s.ss_size = 0;
        } else if (s.ss_size < ALTSTACK_MIN) {
            return -ENOMEM;
        }
        t->altstack_base = (uaddr_t)s.ss_sp;
        t->altstack_size = s.ss_size;
        t->altstack_flags = (u32)s.ss_flags & (ALTSTACK_DISABLE | ALTSTACK_AUTODISARM);
    }
    return old_stack ? user_write(old_stack, &old, sizeof(old)) : 0;
}
