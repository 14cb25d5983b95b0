// SPDX-License-Identifier: BSD-3-Clause
// Process groups and sessions: setpgid(2), setsid(2), credentials(7).
#include "driver/tty.h"
#include "linux/calls.h"
#include "process/process.h"
#include "thread/thread.h"

static struct process *process_or_self(int pid)
{
    return pid ? process_find(pid) : thread_process();
}

s64 sys_getpgid(int pid)
{
    const struct process *p = process_or_self(pid);
    return p ? p->pgid : -ESRCH;
}

s64 sys_getpgrp(void)
{
    return thread_process()->pgid;
}

s64 sys_getsid(int pid)
{
    const struct process *p = process_or_self(pid);
    return p ? p->sid : -ESRCH;
}

s64 sys_setpgid(int pid, int group)
{
    struct process *self = thread_process(), *p = process_or_self(pid);
    if (group < 0)
        return -EINVAL;
    if (!p || (p != self && p->parent != self))
        return -ESRCH;
    if (p != self && p->execed)
        return -EACCES;
    if (p->sid != self->sid || p->sid == p->pid)
        return -EPERM;
    if (!group)
        group = p->pid;
    if (group != p->pid && !process_group_exists(group, self->sid))
        return -EPERM;
    lock_acquire(&p->lock);
    p->pgid = group;
    lock_release(&p->lock);
    return 0;
}

s64 sys_setsid(void)
{
    struct process *p = thread_process();
    if (p->sid == p->pid || process_group_exists(p->pid, 0))
        return -EPERM;
    tty_set_controlling(p, NULL);
    lock_acquire(&p->lock);
    p->sid = p->pgid = p->pid;
    lock_release(&p->lock);
    return p->sid;
}
