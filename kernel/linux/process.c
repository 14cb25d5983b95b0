// SPDX-License-Identifier: BSD-3-Clause
// System calls that make and end threads and programs.
#include <asm/prctl.h>
#include <asm/signal.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "abi/boot.h"
#include "base/string.h"
#include "file/fd_table.h"
#include "file/path.h"
#include "linux/calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/exec.h"
#include "process/member.h"
#include "process/process.h"
#include "process/tracing.h"
#include "process/signal.h"
#include "thread/thread.h"
#include "x86_64/cpu.h"
#include "x86_64/fpu.h"
#include "x86_64/frame.h"

#define NAMESPACES                                                                                 \
    (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |       \
     CLONE_NEWCGROUP)

#define FLAGS_KNOWN (0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)

s64 sys_exit(int status)
{
    struct process *p = thread_process();

    if (__atomic_load_n(&p->thread_count, __ATOMIC_RELAXED) == 1)
        return sys_exit_group(status);
    thread_exit((status & 0xff) << 8);
}

s64 sys_exit_group(int status)
{
    process_exit(thread_process(), (status & 0xff) << 8);
    return 0; // WORK_EXIT ends the thread on its way out
}

static int thread_flags_check(u64 flags)
{
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    if ((flags & CLONE_FS) && (flags & CLONE_NEWNS))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_THREAD | CLONE_DETACHED)))
        return -EINVAL;
    if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID)))
        return -EINVAL;
    return flags & NAMESPACES ? -EPERM : 0;
}

static bool thread_gone(void *arg)
{
    int tid = *(int *)arg;

    return !thread_exists(tid) || thread_current()->work & WORK_EXIT;
}

// The directories that a new thread has for itself, if any.
static int thread_paths(u64 flags, struct path_context **out)
{
    struct thread *me = thread_current();

    *out = NULL;
    if (!(flags & CLONE_FS))
        return path_context_copy(path_context_now(), out);
    if (me->paths)
        *out = path_context_share(me->paths);
    return 0;
}

static s64 clone_thread(const struct clone_args *a)
{
    struct thread *me = thread_current(), *t;
    struct path_context *paths;
    struct trap_frame frame = *me->frame;
    int error = thread_flags_check(a->flags), tid;

    if (error)
        return error;
    if ((a->flags & CLONE_SETTLS) && a->tls >= USER_HIGH)
        return -EPERM;
    if ((a->flags & CLONE_PIDFD) && (a->flags & CLONE_PARENT_SETTID) && a->pidfd == a->parent_tid)
        return -EINVAL;
    if (!(a->flags & CLONE_THREAD))
        return process_fork(a);
    error = family_room(/*process=*/false);
    if (error)
        return error;
    frame.rax = 0;
    frame.call = FRAME_NO_CALL;
    if (a->stack)
        frame.rsp = a->stack + a->stack_size;
    error = thread_paths(a->flags, &paths);
    if (error)
        return error;
    error = thread_create(me->process, &frame,
                          a->flags & CLONE_SETTLS ? a->tls : cpu_fs_base(), &t);
    if (error) {
        if (paths)
            path_context_put(paths);
        return error;
    }
    t->paths = paths;
    tid = t->tid;
    fpu_copy(t);
    strlcpy(t->name, me->name, sizeof(t->name));
    t->blocked = me->blocked;
    if (a->flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = a->child_tid;
    if (a->flags & CLONE_CHILD_SETTID)
        t->set_child_tid = a->child_tid;
    if (a->flags & CLONE_PARENT_SETTID)
        error = user_write_u32(a->parent_tid, (u32)tid); // Linux ignores the error too
    tracing_new_thread(t, PTRACE_EVENT_CLONE);
    __atomic_or_fetch(&t->work, WORK_PATCHED, __ATOMIC_RELAXED); // its frame is older than it
    thread_start(t);
    tracing_event(PTRACE_EVENT_CLONE, (u64)tid);
    if ((a->flags & CLONE_VFORK) &&
        wait_until(&me->process->thread_ended, DEADLINE_NONE, 0, thread_gone, &tid))
        return tid; // cannot be interrupted
    return tid;
}

s64 sys_clone(u64 flags, uaddr_t stack, uaddr_t parent_tid, uaddr_t child_tid, u64 tls)
{
    const struct clone_args a = {
        .flags = flags & ~(u64)CSIGNAL,
        .exit_signal = flags & CSIGNAL,
        .stack = stack,
        .pidfd = parent_tid,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .tls = tls,
    };

    return clone_thread(&a);
}

// Copies a struct that may be shorter or longer than ours; what is longer must be zeros.
static int read_clone_args(struct clone_args *a, uaddr_t from, size_t size)
{
    memset(a, 0, sizeof(*a));
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    for (size_t i = sizeof(*a); i < size; i += 8) {
        u64 word = 0;
        if (user_read(&word, from + i, min(size - i, (size_t)8)))
            return -EFAULT;
        if (word)
            return -E2BIG;
    }
    return user_read(a, from, min(size, sizeof(*a)));
}

s64 sys_clone3(uaddr_t args, size_t size)
{
    struct clone_args a;
    int error = read_clone_args(&a, args, size);

    if (error)
        return error;
    if (!a.stack != !a.stack_size || (a.flags & (CSIGNAL | CLONE_DETACHED)) || a.set_tid_size ||
        a.flags & ~FLAGS_KNOWN)
        return -EINVAL;
    if (a.exit_signal > 64 || (a.exit_signal && (a.flags & (CLONE_THREAD | CLONE_PARENT))))
        return -EINVAL;
    return clone_thread(&a);
}

s64 sys_set_tid_address(uaddr_t address)
{
    thread_current()->clear_child_tid = address;
    return thread_current()->tid;
}

s64 sys_arch_prctl(int code, uaddr_t address)
{
    switch (code) {
    case ARCH_SET_FS:
        if (address >= USER_HIGH)
            return -EPERM;
        cpu_set_fs_base(address);
        return 0;
    case ARCH_GET_FS:
        return user_write_u64(address, cpu_fs_base());
    case ARCH_GET_GS: // GS is the kernel's: docs/limits.md
        return user_write_u64(address, 0);
    case ARCH_SET_GS:
        return -EPERM;
    case 0x1011: // ARCH_GET_CPUID
        return 1;
    case 0x1012: // ARCH_SET_CPUID
        return -ENODEV;
    default:
        return -EINVAL;
    }
}

s64 sys_fork(void)
{
    const struct clone_args a = { .exit_signal = SIGCHLD };

    return process_fork(&a);
}

s64 sys_vfork(void)
{
    const struct clone_args a = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

    return process_fork(&a);
}

s64 sys_restart_syscall(void)
{
    struct thread *t = thread_current();

    return t->restart ? t->restart(t) : -EINTR;
}

// Restartable sequences: as a Linux without CONFIG_RSEQ answers.
s64 sys_rseq(uaddr_t area, u32 size, int flags, u32 signature)
{
    return -ENOSYS;
}
