// SPDX-License-Identifier: BSD-3-Clause
// The end of a process: what it gives back, who takes its children, and what its parent hears.
#include <asm/siginfo.h>
#include <asm/signal.h>

#include "cpu/vcpu.h"
#include "driver/tty.h"
#include "file/fd_table.h"
#include "file/file.h"
#include "file/path.h"
#include "ipc/ipc.h"
#include "linux/aio.h"
#include "linux/clock.h"
#include "linux/posix_timers.h"
#include "platform/platform.h"
#include "process/exec.h"
#include "process/handle.h"
#include "process/leak.h"
#include "process/member.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/tracing.h"
#include "thread/thread.h"

#define CORE_DUMPED 0x80

// A table on its way out is still the process's, until it is empty: see process_finish.
static void finish_files(struct process *p)
{
    struct fd_table *files;

    lock_acquire(&p->lock); // pidfd_getfd looks under it
    files = p->files;
    p->files = NULL;
    lock_release(&p->lock);
    if (files && fd_table_leave(files))
        p->closing = files;
    files = p->closing;
    if (files) {
        fd_table_close(files);
        p->closing = NULL;
        fd_table_dispose(files);
    }
}

// The exit status of a host process can't say it: the supervisor ends by the same signal.
static void report_signal(int status)
{
    struct boot_mailbox *m = (struct boot_mailbox *)(u64)&platform_boot()->mailbox;

    __atomic_store_n(&m->ended_by, (u32)status & 0x7f, __ATOMIC_RELAXED); // the end itself orders it
}

void process_finish(struct process *p)
{
    struct address_space *space;

    if (p == family_first()) { // the family ends with it
        vcpu_end_others();
        posix_timers_free(p);
        ipc_process_end(p);
        aio_space_end(p->space);
        fd_table_free(p->files);
        ipc_family_end();
        family_lock();
        process_handle_gone(p);
        family_unlock();
        credentials_clear(&p->credentials);
        leak_check(p);
        report_signal(p->exit_status);
        platform_exit(p->exit_status, 0);
    }
    tracing_process_end(p);
    posix_timers_free(p);
    ipc_process_end(p);
    if (!p->shares_memory)
        aio_space_end(p->space);
    finish_files(p);
    if (p->sid == p->pid)
        tty_disassociate(p);
    tty_set_controlling(p, NULL);
    if (p->paths)
        path_context_put(p->paths);
    p->paths = NULL;
    exec_file_put(p->executable);
    p->executable = NULL;
    (void)process_resident_most(p);
    lock_acquire(&p->lock); // who looks at another process's memory holds it
    space = p->space;
    p->space = NULL;
    lock_release(&p->lock);
    p->leaving = space;
    if (space)
        address_space_put(space);
    p->leaving = NULL;
    if (p->shares_memory)
        member_left(p);
    process_vfork_done(p);
}

static void fill_info(siginfo_t *info, const struct process *p)
{
    int status = p->exit_status;

    *info = (siginfo_t){ .si_signo = p->exit_signal };
    info->si_pid = p->pid;
    info->si_uid = p->credentials.uid;
    if (status & 0x7f) {
        info->si_code = status & CORE_DUMPED ? CLD_DUMPED : CLD_KILLED;
        info->si_status = status & 0x7f;
    } else {
        info->si_code = CLD_EXITED;
        info->si_status = status >> 8 & 0xff;
    }
    info->si_utime = (__kernel_clock_t)((p->dead_threads_time - p->dead_threads_system) / 10000000);
    info->si_stime = (__kernel_clock_t)(p->dead_threads_system / 10000000);
}

// A parent that ignores SIGCHLD, or says SA_NOCLDWAIT, wants no zombies. [sigaction(2)]
static bool wants_no_zombies(const struct process *parent)
{
    const struct signal_action *a = &parent->signals->actions[SIGCHLD - 1];

    return a->handler == (uaddr_t)SIG_IGN || (a->flags & SA_NOCLDWAIT);
}

void process_tell_parent(struct process *p)
{
    struct process *parent = p->parent;
    bool reap = p->exit_signal == SIGCHLD && wants_no_zombies(parent);
    siginfo_t info;

    fill_info(&info, p);
    if (info.si_signo)
        signal_send_process(parent, &info);
    wait_queue_wake(&parent->child_exit, ~0u);
    if (reap)
        family_remove(p);
}

void process_report_end(struct process *p)
{
    family_lock();
    p->zombie = true;
    orphan_family_of(p);
    process_handle_ended(p);
    process_tell_parent(p);
    family_unlock();
}
