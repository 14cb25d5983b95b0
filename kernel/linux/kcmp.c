// SPDX-License-Identifier: BSD-3-Clause
// kcmp(2): do two processes share a kernel object? And vhangup(2).
#include <linux/capability.h>
#include <linux/kcmp.h>

#include "driver/tty.h"
#include "file/fd_table.h"
#include "ipc/sem.h"
#include "linux/calls.h"
#include "process/process.h"
#include "thread/thread.h"

// 0: equal, 1: a < b, 2: a > b: an order that tells nothing about the addresses.
static s64 compare(const void *a, const void *b)
{
    const u64 mask = 0x5bd1e995cafe2917ull;
    u64 x = ((uintptr_t)a ^ mask) * 0x9e3779b97f4a7c15ull,
        y = ((uintptr_t)b ^ mask) * 0x9e3779b97f4a7c15ull;
    return x == y ? 0 : x < y ? 1 : 2;
}

static struct process *process_of(int pid)
{
    struct process *p = process_find(pid);
    return !p && pid > 0 && thread_exists(pid) ? thread_process() : p;
}

// The process, if any of its threads has an I/O priority.
static struct process *io_context(struct process *p)
{
    struct thread *t;
    bool found = false;

    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node)
        found |= t->settings.io_priority != 0;
    lock_release(&p->lock);
    return found ? p : NULL;
}

static s64 compare_files(struct process *a, struct process *b, u64 fd_a, u64 fd_b)
{
    struct file *x = fd_table_get(a->files, (int)fd_a), *y = fd_table_get(b->files, (int)fd_b);
    s64 result = x && y ? compare(x, y) : -EBADF;
    if (x)
        file_put(x);
    if (y)
        file_put(y);
    return result;
}

s64 sys_kcmp(int pid_a, int pid_b, int type, u64 index_a, u64 index_b)
{
    struct process *a = process_of(pid_a), *b = process_of(pid_b);
    if (!a || !b)
        return -ESRCH;
    switch (type) {
    case KCMP_FILE:
        return compare_files(a, b, index_a, index_b);
    case KCMP_VM:
        return compare(a->space, b->space);
    case KCMP_FILES:
        return compare(a->files, b->files);
    case KCMP_FS:
        return compare(a->paths, b->paths);
    case KCMP_SIGHAND:
        return compare(a->signals, b->signals);
    case KCMP_SYSVSEM: // an undo list of one's own, or none
        return compare(sem_undoes(a->pid) ? a : NULL, sem_undoes(b->pid) ? b : NULL);
    case KCMP_IO: // made by ioprio_set(2)
        return compare(io_context(a), io_context(b));
    default:
        return -EINVAL;
    }
}

s64 sys_vhangup(void)
{
    if (!capable(CAP_SYS_TTY_CONFIG))
        return -EPERM;
    struct tty *tty = tty_current();
    if (tty)
        tty_hangup(tty);
    tty_put(tty);
    return 0;
}
