// SPDX-License-Identifier: BSD-3-Clause
// Calls whose answer never depends on their arguments: features that a Linux may be built without
// (ENOSYS, without a word on the console: programs probe for them), and acts of an administrator
// that a unikernel never permits (EPERM).
#include <linux/capability.h>
#include <linux/sched.h>

#include "file/fd_table.h"
#include "file/path.h"
#include "linux/calls.h"
#include "process/process.h"
#include "thread/thread.h"

// Sorted by name, as in calls.h.
#define REFUSE(name, error)                                                                        \
    s64 sys_##name(void)                                                                           \
    {                                                                                              \
        return -(error);                                                                           \
    }

REFUSE(_sysctl, ENOSYS)
REFUSE(acct, EPERM)
REFUSE(add_key, ENOSYS)
REFUSE(afs_syscall, ENOSYS)
REFUSE(bpf, ENOSYS)
REFUSE(create_module, ENOSYS)
REFUSE(delete_module, EPERM)
REFUSE(epoll_ctl_old, ENOSYS)
REFUSE(epoll_wait_old, ENOSYS)
REFUSE(fanotify_init, ENOSYS)
REFUSE(fanotify_mark, ENOSYS)
REFUSE(finit_module, EPERM)
REFUSE(fsconfig, EPERM)
REFUSE(fsmount, EPERM)
REFUSE(fsopen, EPERM)
REFUSE(fspick, EPERM)
REFUSE(get_kernel_syms, ENOSYS)
REFUSE(get_mempolicy, ENOSYS)
REFUSE(get_thread_area, ENOSYS)
REFUSE(getpmsg, ENOSYS)
REFUSE(init_module, EPERM)
REFUSE(io_uring_enter, ENOSYS)
REFUSE(io_uring_register, ENOSYS)
REFUSE(io_uring_setup, ENOSYS)
REFUSE(kexec_file_load, EPERM)
REFUSE(kexec_load, EPERM)
REFUSE(keyctl, ENOSYS)
REFUSE(landlock_add_rule, ENOSYS)
REFUSE(landlock_create_ruleset, ENOSYS)
REFUSE(landlock_restrict_self, ENOSYS)
REFUSE(lookup_dcookie, ENOSYS)
REFUSE(mbind, ENOSYS)
REFUSE(memfd_secret, ENOSYS)
REFUSE(migrate_pages, ENOSYS)
REFUSE(modify_ldt, ENOSYS)
REFUSE(mount_setattr, EPERM)
REFUSE(move_mount, EPERM)
REFUSE(move_pages, ENOSYS)
REFUSE(nfsservctl, ENOSYS)
REFUSE(open_tree, EPERM)
REFUSE(perf_event_open, ENOSYS)
REFUSE(pivot_root, EPERM)
REFUSE(process_mrelease, ENOSYS)
REFUSE(putpmsg, ENOSYS)
REFUSE(query_module, ENOSYS)
REFUSE(quotactl, ENOSYS)
REFUSE(quotactl_fd, ENOSYS)
REFUSE(request_key, ENOSYS)
REFUSE(security, ENOSYS)
REFUSE(set_mempolicy, ENOSYS)
REFUSE(set_mempolicy_home_node, ENOSYS)
REFUSE(set_thread_area, ENOSYS)
REFUSE(swapoff, EPERM)
REFUSE(swapon, EPERM)
REFUSE(sysfs, ENOSYS)
REFUSE(tuxcall, ENOSYS)
REFUSE(uselib, ENOSYS)
REFUSE(userfaultfd, EPERM)
REFUSE(ustat, ENOSYS)
REFUSE(vserver, ENOSYS)

// No port is ever given, so to give one back is no work.
s64 sys_ioperm(u64 from, u64 count, int on)
{
    if (from + count <= from || from + count > 65536)
        return -EINVAL;
    return on ? -EPERM : 0;
}

s64 sys_iopl(u32 level)
{
    return level > 3 ? -EINVAL : level ? -EPERM : 0;
}

s64 sys_setns(int fd, int type)
{
    return -EPERM;
}

s64 sys_unshare(u64 flags)
{
    const u64 sharing =
        CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    const u64 namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                           CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME;
    int error;

    if (flags & ~(sharing | namespaces))
        return -EINVAL;
    if (flags & namespaces)
        return -EPERM;
    if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM))
        return thread_process()->thread_count > 1 ? -EINVAL : 0;
    if (thread_process()->thread_count > 1) // they share descriptors: docs/limits.md
        error = flags & CLONE_FILES ? -EINVAL : 0;
    else
        error = flags & CLONE_FILES ? fd_table_unshare() : 0;
    return !error && flags & CLONE_FS ? path_context_unshare() : error;
}
