// SPDX-License-Identifier: BSD-3-Clause
// pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).
#include "file/pidfd.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/capability.h>

#include "file/fd_table.h"
#include "inspect/proc.h"
#include "linux/calls.h"
#include "memory/user_copy.h"
#include "process/handle.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define SIGNAL_MAX    64
#define SIGNAL_SCOPES 7u // PIDFD_SIGNAL_THREAD, _THREAD_GROUP, _PROCESS_GROUP
#define SCOPE_GROUP   4u

s64 sys_pidfd_open(int pid, u32 flags)
{
    struct process_handle *h = NULL;
    struct process *p;
    struct file *f;
    int error = -ESRCH;

    if ((flags & ~(u32)O_NONBLOCK) || pid <= 0)
        return -EINVAL;
    family_lock();
    p = process_find_locked(pid);
    if (p) {
        h = process_handle_get(p);
        error = -ENOMEM;
    }
    family_unlock();
    if (!h)
        return !p && thread_exists(pid) ? -ENOENT : error;
    error = pidfd_create(h, flags, &f);
    return error ? error : fd_install(f, /*close_on_exec=*/true, 0);
}

static int find(int fd, struct file **out, struct process_handle **out_handle)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    *out_handle = pidfd_handle(f);
    if (!*out_handle) {
        file_put(f);
        return -EBADF;
    }
    *out = f;
    return 0;
}

static int read_info(siginfo_t *info, uaddr_t from, int signal, bool to_self)
{
    const struct process *me = thread_process();

    if (!from) {
        *info = (siginfo_t){ .si_signo = signal };
        info->si_code = SI_USER;
        info->si_pid = me->pid;
        info->si_uid = credentials_now()->uid;
        return 0;
    }
    if (user_read(info, from, sizeof(*info)))
        return -EFAULT;
    if (info->si_signo != signal)
        return -EINVAL;
    if (!to_self && (info->si_code >= 0 || info->si_code == SI_TKILL))
        return -EPERM;
    return 0;
}

static int send(struct process_handle *h, const siginfo_t *info, u32 flags)
{
    struct process *p;
    int error = -ESRCH, group = 0;

    family_lock();
    p = h->process;
    if (p)
        error = signal_permission(p, info->si_signo);
    if (!error && (flags & SCOPE_GROUP))
        group = p->pgid;
    else if (!error && info->si_signo)
        error = signal_send_process(p, info);
    family_unlock();
    return group ? signal_send_group(group, info) : error;
}

// A descriptor of /proc/PID will do as well. [pidfd_send_signal(2)]
static struct process_handle *proc_handle(const struct file *f)
{
    struct process *p;
    struct process_handle *h;

    family_lock();
    p = process_find_locked(proc_file_pid(f));
    h = p ? process_handle_get(p) : NULL;
    family_unlock();
    return h;
}

s64 sys_pidfd_send_signal(int fd, int signal, uaddr_t user_info, u32 flags)
{
    struct process_handle *h, *own = NULL;
    struct file *f;
    siginfo_t info;
    int error;

    if ((flags & ~SIGNAL_SCOPES) || (flags & (flags - 1)))
        return -EINVAL;
    f = fd_get(fd);
    if (!f)
        return -EBADF;
    h = pidfd_handle(f);
    if (!h)
        h = own = proc_handle(f);
    error = h ? read_info(&info, user_info, signal, h->pid == thread_process()->pid) : -EBADF;
    if (!error && (signal < 0 || signal > SIGNAL_MAX))
        error = -EINVAL;
    if (!error)
        error = send(h, &info, flags);
    if (own)
        process_handle_put(own);
    file_put(f);
    return error;
}

// As ptrace may attach: the same user, and no more rights. [ptrace(2)]
static bool may_look_into(const struct process *p)
{
    const struct credentials *me = credentials_now(), *c = &p->credentials;

    if (p == thread_process() || (me->cap_effective >> CAP_SYS_PTRACE & 1))
        return true;
    return me->uid == c->uid && me->uid == c->euid && me->uid == c->suid && me->gid == c->gid &&
           me->gid == c->egid && me->gid == c->sgid && p->dumpable &&
           !(c->cap_permitted & ~me->cap_permitted);
}

s64 sys_pidfd_getfd(int fd, int target, u32 flags)
{
    struct process_handle *h;
    struct process *p;
    struct file *f, *found = NULL;
    int error;

    if (flags)
        return -EINVAL;
    error = find(fd, &f, &h);
    if (error)
        return error;
    family_lock();
    p = h->process;
    if (!p || p->zombie) {
        error = -ESRCH;
    } else if (!may_look_into(p)) {
        error = -EPERM;
    } else {
        lock_acquire(&p->lock); // process_finish takes the table away under it
        if (p->files)
            found = fd_table_get(p->files, target);
        error = p->files ? -EBADF : -ESRCH;
        lock_release(&p->lock);
    }
    family_unlock();
    file_put(f);
    return found ? fd_install(found, /*close_on_exec=*/true, 0) : error;
}
