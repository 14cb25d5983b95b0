// SPDX-License-Identifier: BSD-3-Clause
// wait4(2) and waitid(2).
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/resource.h>
#include <linux/wait.h>

#include "file/fd_table.h"
#include "file/pidfd.h"
#include "linux/calls.h"
#include "linux/system.h"
#include "memory/user_copy.h"
#include "process/handle.h"
#include "process/process.h"
#include "process/tracing.h"
#include "thread/thread.h"

#define WAIT_OPTIONS (WNOHANG | WUNTRACED | WCONTINUED | __WALL | __WCLONE | __WNOTHREAD)

struct waiting {
    struct process *parent;
    int type, id; // P_ALL, P_PID, P_PGID
    u32 kinds;    // __WALL, __WCLONE, __WNOTHREAD
    int options;  // WEXITED, WSTOPPED, WCONTINUED, WNOWAIT
    // Found:
    int pid;
    u32 uid;
    int status; // as wait(2) has it
    u64 cpu_time, system_time, resident;
    bool trapped; // a tracee's stop
    bool none; // no such child at all
};

static bool matches(const struct waiting *w, const struct process *p)
{
    // A "clone" child is one that does not end with SIGCHLD. [wait(2)]
    if (!(w->kinds & __WALL) && (p->exit_signal != SIGCHLD) != !!(w->kinds & __WCLONE))
        return false;
    if (p->zombie && !(w->options & WEXITED))
        return false; // nothing more will come of it
    if (w->kinds & __WNOTHREAD && p->maker != thread_current()->tid)
        return false;
    if (w->type == P_PID)
        return p->pid == w->id;
    return w->type == P_ALL || p->pgid == w->id;
}

// Takes what there is to report of one child. With the family's lock held.
static bool report(struct waiting *w, struct process *p)
{
    bool keep = w->options & WNOWAIT;

    w->pid = p->pid;
    w->uid = p->credentials.uid;
    w->cpu_time = p->dead_threads_time + p->children_time;
    w->system_time = p->dead_threads_system + p->children_system;
    w->resident = max(p->resident_most, p->children_resident);
    if (p->zombie) {
        w->status = p->exit_status;
        if (!keep) {
            w->parent->children_time += w->cpu_time;
            w->parent->children_system += w->system_time;
            w->parent->children_resident = max(w->parent->children_resident, w->resident);
            family_remove(p);
        }
        return true;
    }
    if (p->stopped && !p->reported_stop && (w->options & WSTOPPED)) {
        w->status = p->stop_signal << 8 | 0x7f;
        p->reported_stop |= !keep;
        return true;
    }
    if (p->continued && (w->options & WCONTINUED)) {
        w->status = 0xffff;
        p->continued = keep;
        return true;
    }
    return false;
}

static bool tracee_matches(void *arg, const struct tracing *x)
{
    const struct waiting *w = arg;

    if (x->tid != x->process->pid && !(w->kinds & (__WALL | __WCLONE)))
        return false;
    if (w->type == P_PID)
        return x->tid == w->id;
    return w->type == P_ALL || (x->thread && x->process->pgid == w->id);
}

// With the family's lock held.
static bool look_at_tracees(struct waiting *w)
{
    struct tracing_news news = { .any = false };
    bool found = tracing_wait(w->parent, tracee_matches, w, w->options & WNOWAIT, &news);

    w->none &= !news.any;
    if (found) {
        w->pid = news.tid;
        w->uid = news.uid;
        w->status = news.status;
        w->trapped = true;
    }
    return found;
}

static bool look(void *arg)
{
    struct waiting *w = arg;
    struct process *p, *next;
    bool found = false;

    w->none = true;
    family_lock();
    list_for_each_safe(p, next, &w->parent->children, sibling) {
        if (!matches(w, p))
            continue;
        w->none = false;
        if (report(w, p)) {
            found = true;
            break;
        }
    }
    found = found || look_at_tracees(w);
    family_unlock();
    return found || w->none;
}

// 1: found; 0: nothing yet (WNOHANG); -ECHILD, -ERESTARTSYS
static int wait_for(struct waiting *w)
{
    int error;

    w->parent = thread_process();
    if (w->options & WNOHANG) {
        if (!look(w))
            return 0;
    } else {
        error = wait_until(&w->parent->child_exit, DEADLINE_NONE, WAIT_INTERRUPTIBLE, look, w);
        if (error)
            return error;
    }
    return w->none ? -ECHILD : 1;
}

// waitid(P_PIDFD). Its process cannot be reused while it is our child; once it is not, nothing matches.
static int wait_for_handle(struct waiting *w, int fd)
{
    struct file *f = fd < 0 ? NULL : fd_get(fd);
    const struct process_handle *h;
    bool nonblocking;
    int result = -EBADF;

    if (!f)
        return fd < 0 ? -EINVAL : -EBADF;
    h = pidfd_handle(f);
    if (h) {
        w->type = P_PID;
        w->id = __atomic_load_n(&h->process, __ATOMIC_ACQUIRE) ? h->pid : 0; // pairs with .._gone
        nonblocking = (f->flags & O_NONBLOCK) && !(w->options & WNOHANG);
        w->options |= nonblocking ? WNOHANG : 0;
        result = wait_for(w);
        if (!result && nonblocking)
            result = -EAGAIN;
    }
    file_put(f);
    return result;
}

static int write_usage(uaddr_t to, const struct waiting *w)
{
    struct rusage usage = { 0 };

    usage.ru_maxrss = (__kernel_long_t)(w->resident >> 10);
    usage_set_times(&usage, cpu_times_of(w->cpu_time, w->system_time));
    return to ? user_write(to, &usage, sizeof(usage)) : 0;
}

s64 sys_wait4(int pid, uaddr_t status, int options, uaddr_t usage)
{
    struct waiting w = { .type = P_ALL };
    int result;

    if (options & ~WAIT_OPTIONS)
        return -EINVAL;
    if (pid == (int)0x80000000)
        return -ESRCH;
    if (pid > 0)
        w.type = P_PID;
    else if (pid != -1)
        w.type = P_PGID;
    w.kinds = (u32)options;
    w.id = pid > 0 ? pid : pid ? -pid : thread_process()->pgid;
    w.options = WEXITED | (options & (WNOHANG | WCONTINUED)) | (options & WUNTRACED ? WSTOPPED : 0);
    result = wait_for(&w);
    if (result <= 0)
        return result;
    if ((status && user_write_u32(status, (u32)w.status)) || write_usage(usage, &w))
        return -EFAULT;
    return w.pid;
}

static void fill_info(siginfo_t *info, const struct waiting *w)
{
    int status = w->status;

    info->si_signo = SIGCHLD;
    info->si_pid = w->pid;
    info->si_uid = w->uid;
    if (status == 0xffff) {
        info->si_code = CLD_CONTINUED;
        info->si_status = SIGCONT;
    } else if ((status & 0xff) == 0x7f) {
        info->si_code = w->trapped ? CLD_TRAPPED : CLD_STOPPED;
        info->si_status = status >> 8;
    } else if (status & 0x7f) {
        info->si_code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
        info->si_status = status & 0x7f;
    } else {
        info->si_code = CLD_EXITED;
        info->si_status = status >> 8 & 0xff;
    }
}

s64 sys_waitid(int type, int id, uaddr_t info, int options, uaddr_t usage)
{
    struct waiting w = { .type = type, .id = id, .options = options, .kinds = (u32)options };
    siginfo_t found = { .si_signo = 0 };
    int result;

    if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WALL | __WCLONE | __WNOTHREAD))
        return -EINVAL;
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if (type != P_ALL && type != P_PID && type != P_PGID && type != P_PIDFD)
        return -EINVAL;
    if ((type == P_PID && id <= 0) || (type == P_PGID && id < 0))
        return -EINVAL;
    if (type == P_PGID && !id)
        w.id = thread_process()->pgid;
    result = type == P_PIDFD ? wait_for_handle(&w, id) : wait_for(&w);
    if (result < 0)
        return result;
    if (result > 0)
        fill_info(&found, &w);
    if ((info && user_write(info, &found, sizeof(found))) || (result > 0 && write_usage(usage, &w)))
        return -EFAULT;
    return 0;
}
