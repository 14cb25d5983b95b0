// SPDX-License-Identifier: BSD-3-Clause
// signalfd(2): reading takes pending signals of the set off the reading thread's and its process's
// queues. The set is all that the file has; who sends wakes signal_state.arrived.
#include "file/signalfd.h"

#include <asm/signal.h>
#include <linux/signalfd.h>

#include "base/printf.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

// The set stands in file.data itself.
static signal_set_t wanted_of(const struct file *f)
{
    return (signal_set_t)__atomic_load_n(&f->data, __ATOMIC_RELAXED); // pairs with wanted_set
}

static void wanted_set(struct file *f, signal_set_t wanted)
{
    wanted &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    __atomic_store_n(&f->data, (void *)wanted, __ATOMIC_RELAXED);
}

static bool is_pending(void *arg)
{
    return signal_pending(thread_current()) & wanted_of(arg);
}

// Which fields of siginfo_t a signal has, by number and code. [sigaction(2)]
enum layout {
    LAYOUT_KILL,
    LAYOUT_TIMER,
    LAYOUT_POLL,
    LAYOUT_FAULT,
    LAYOUT_CHILD,
    LAYOUT_QUEUE,
    LAYOUT_SYSTEM
};

static enum layout layout_of(const siginfo_t *info)
{
    if (info->si_code == SI_TIMER)
        return LAYOUT_TIMER;
    if (info->si_code == SI_SIGIO)
        return LAYOUT_POLL;
    if (info->si_code < 0)
        return LAYOUT_QUEUE;
    if (info->si_code == SI_USER || info->si_code == SI_KERNEL)
        return LAYOUT_KILL;
    switch (info->si_signo) {
    case SIGILL:
    case SIGFPE:
    case SIGSEGV:
    case SIGBUS:
    case SIGTRAP:
        return LAYOUT_FAULT;
    case SIGCHLD:
        return LAYOUT_CHILD;
    case SIGIO:
        return LAYOUT_POLL;
    case SIGSYS:
        return LAYOUT_SYSTEM;
    default:
        return LAYOUT_KILL;
    }
}

static void fields_fill(struct signalfd_siginfo *out, const siginfo_t *info)
{
    switch (layout_of(info)) {
    case LAYOUT_TIMER:
        out->ssi_tid = (u32)info->si_tid;
        out->ssi_overrun = (u32)info->si_overrun;
        out->ssi_ptr = (u64)info->si_ptr;
        out->ssi_int = info->si_int;
        break;
    case LAYOUT_POLL:
        out->ssi_band = (u32)info->si_band;
        out->ssi_fd = info->si_fd;
        break;
    case LAYOUT_FAULT:
        out->ssi_addr = (u64)info->si_addr;
        break;
    case LAYOUT_CHILD:
        out->ssi_pid = (u32)info->si_pid;
        out->ssi_uid = info->si_uid;
        out->ssi_status = info->si_status;
        out->ssi_utime = (u64)info->si_utime;
        out->ssi_stime = (u64)info->si_stime;
        break;
    case LAYOUT_QUEUE:
        out->ssi_ptr = (u64)info->si_ptr;
        out->ssi_int = info->si_int;
        out->ssi_pid = (u32)info->si_pid;
        out->ssi_uid = info->si_uid;
        break;
    case LAYOUT_SYSTEM:
        out->ssi_call_addr = (u64)info->si_call_addr;
        out->ssi_syscall = info->si_syscall;
        out->ssi_arch = info->si_arch;
        break;
    case LAYOUT_KILL:
        out->ssi_pid = (u32)info->si_pid;
        out->ssi_uid = info->si_uid;
        break;
    }
}

// Takes one signal. 1: it is in *out; 0: none is pending.
static int take(struct file *f, struct signalfd_siginfo *out)
{
    siginfo_t info;

    if (!signal_dequeue(wanted_of(f), &info))
        return 0;
    *out = (struct signalfd_siginfo){
        .ssi_signo = (u32)info.si_signo,
        .ssi_errno = info.si_errno,
        .ssi_code = info.si_code,
    };
    fields_fill(out, &info);
    return 1;
}

static s64 signalfd_read(struct file *f, struct io *io, u64 *position)
{
    struct signalfd_siginfo out;
    s64 done = 0, result = 0;

    if (io->left < sizeof(out))
        return -EINVAL;
    while (!take(f, &out)) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        result = wait_until(&thread_process()->signals->arrived, DEADLINE_NONE, WAIT_INTERRUPTIBLE,
                            is_pending, f);
        if (result)
            return result;
    }
    do {
        result = io_put(io, &out, sizeof(out));
        if (result < 0)
            break;
        done += result;
    } while (io->left >= sizeof(out) && take(f, &out));
    return done ? done : result;
}

static u32 signalfd_poll(struct file *f, struct poll_table *table)
{
    poll_wait(table, &thread_process()->signals->arrived);
    return is_pending(f) ? POLLIN : 0;
}

static void signalfd_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "anon_inode:[signalfd]");
}

static void signalfd_fdinfo(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "sigmask:\t%016lx\n", wanted_of(f));
}

static const struct file_ops signalfd_ops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .describe = signalfd_describe,
    .fdinfo = signalfd_fdinfo,
};

int signalfd_create(signal_set_t wanted, u32 flags, struct file **out)
{
    int error = file_create_anonymous(&signalfd_ops, 0600, NULL, O_RDWR | flags, out);

    if (!error)
        wanted_set(*out, wanted);
    return error;
}

int signalfd_set(struct file *f, signal_set_t wanted)
{
    if (f->ops != &signalfd_ops)
        return -EINVAL;
    wanted_set(f, wanted);
    wait_queue_wake(&thread_process()->signals->arrived, POLLIN);
    return 0;
}
