// SPDX-License-Identifier: BSD-3-Clause
// ptrace(2): the requests. Stops and hooks are process/tracing.c's.
#include <asm/signal.h>
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/ptrace.h>

#include "abi/boot.h"
#include "base/string.h"
#include "file/io.h"
#include "linux/calls.h"
#include "linux/trace.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "process/tracing.h"
#include "process/visit.h"
#include "thread/thread.h"
#include "x86_64/fpu.h"
#include "x86_64/frame.h"
#include "x86_64/user_registers.h"

#define OPTIONS      (0xffu | PTRACE_O_EXITKILL)
#define DEBUG_OFFSET 848 // of u_debugreg in struct user [<sys/user.h>]
#define DEBUG_COUNT  8
#define FXSAVE_SIZE  512
#define XCR0_OFFSET  464 // where debuggers look for the features [gdb, Linux]

// What a vfork's child has in its memory, its parent has too.
static struct process *memory_of(const struct tracing *x)
{
    struct process *p = x->process;

    return p->shares_memory && p->vfork_waiter ? p->vfork_waiter : p;
}

static s64 peek(const struct tracing *x, uaddr_t at, uaddr_t to)
{
    u64 word;

    if (process_memory_read(memory_of(x), &word, at, sizeof(word)) != sizeof(word))
        return -EIO;
    return user_write_u64(to, word);
}

static s64 poke(const struct tracing *x, uaddr_t at, u64 word)
{
    return process_memory_poke(memory_of(x), at, &word, sizeof(word)) == sizeof(word) ? 0 : -EIO;
}

static s64 peek_user(const struct tracing *x, u64 offset, uaddr_t to)
{
    struct user_registers r;
    u64 word = 0;

    if (offset % 8 || offset >= DEBUG_OFFSET + 8 * DEBUG_COUNT)
        return -EIO;
    user_registers_get(x->thread, &r);
    if (offset < sizeof(r))
        memcpy(&word, (u8 *)&r + offset, sizeof(word));
    return user_write_u64(to, word);
}

static s64 poke_user(const struct tracing *x, u64 offset, u64 word)
{
    struct user_registers r;

    if (offset >= DEBUG_OFFSET && offset < DEBUG_OFFSET + 8 * DEBUG_COUNT)
        return word ? -EINVAL : 0; // there are no debug registers to set
    if (offset % 8 || offset >= sizeof(r))
        return -EIO;
    user_registers_get(x->thread, &r);
    memcpy((u8 *)&r + offset, &word, sizeof(word));
    user_registers_set(x->thread, &r);
    return 0;
}

static s64 registers(const struct tracing *x, uaddr_t user, size_t size, bool write)
{
    struct user_registers r;
    int error;

    user_registers_get(x->thread, &r);
    if (!write)
        return user_write(user, &r, size);
    error = user_read(&r, user, size);
    if (!error)
        user_registers_set(x->thread, &r);
    return error;
}

static s64 vectors(const struct tracing *x, uaddr_t user, size_t size, bool write)
{
    u8 *area = heap_alloc(max(fpu_size(), 4096u));
    u64 features = fpu_features();
    s64 error;

    if (!area)
        return -ENOMEM;
    fpu_peek(x->thread, area);
    if (write) {
        error = user_read(area, user, size);
        if (!error)
            fpu_poke(x->thread, area);
    } else {
        memcpy(area + XCR0_OFFSET, &features, sizeof(features));
        error = user_write(user, area, size);
    }
    heap_free(area);
    return error;
}

static s64 register_set(const struct tracing *x, u64 type, uaddr_t vector, bool write)
{
    struct iovec v;
    size_t whole = type == NT_PRSTATUS ? sizeof(struct user_registers) : type == NT_PRFPREG ? FXSAVE_SIZE : fpu_size();
    s64 error;

    if (type != NT_PRSTATUS && type != NT_PRFPREG && type != NT_X86_XSTATE)
        return -EINVAL;
    if (user_read(&v, vector, sizeof(v)))
        return -EFAULT;
    v.iov_len = min(v.iov_len, whole);
    error = type == NT_PRSTATUS ? registers(x, (uaddr_t)v.iov_base, v.iov_len, write)
                                : vectors(x, (uaddr_t)v.iov_base, v.iov_len, write);
    return error ? error : user_write(vector, &v, sizeof(v));
}

static s64 call_info(const struct tracing *x, u64 size, uaddr_t to)
{
    const struct trap_frame *f = x->thread->frame;
    struct ptrace_syscall_info info = { .op = x->call_op, .arch = AUDIT_ARCH_X86_64 };
    size_t used = offsetof(struct ptrace_syscall_info, entry);

    info.instruction_pointer = f->rip;
    info.stack_pointer = f->rsp;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        const u64 arguments[] = { f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9 };
        info.entry.nr = f->call;
        memcpy(info.entry.args, arguments, sizeof(arguments));
        used += sizeof(info.entry);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        info.exit.rval = (s64)f->rax;
        info.exit.is_error = (s64)f->rax < 0 && (s64)f->rax >= -4095;
        used = offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
    }
    return user_write(to, &info, min(size, (u64)used)) ? -EFAULT : (s64)used;
}

static s64 signal_mask(const struct tracing *x, u64 size, uaddr_t user, bool write)
{
    signal_set_t set = x->thread->blocked;

    if (size != sizeof(set))
        return -EINVAL;
    if (!write)
        return user_write(user, &set, sizeof(set));
    if (user_read(&set, user, sizeof(set)))
        return -EFAULT;
    x->thread->blocked = set & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    x->thread->restore_blocked = false;
    return 0;
}

static s64 go_on(struct tracing *x, int request, u64 signal)
{
    if (signal > 64)
        return -EIO;
    __atomic_or_fetch(&trace_enabled, TRACE_ASKS, __ATOMIC_RELAXED);
    x->calls = request == PTRACE_SYSCALL;
    x->steps = request == PTRACE_SINGLESTEP;
    tracing_resume(x, (int)signal, request == PTRACE_DETACH);
    return 0;
}

// Requests about a tracee that stands still.
static s64 request_stopped(struct tracing *x, int request, u64 address, u64 data)
{
    switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA: return peek(x, address, data);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA: return poke(x, address, data);
    case PTRACE_PEEKUSR: return peek_user(x, address, data);
    case PTRACE_POKEUSR: return poke_user(x, address, data);
    case PTRACE_GETREGS:
    case PTRACE_SETREGS: return registers(x, data, sizeof(struct user_registers), request == PTRACE_SETREGS);
    case PTRACE_GETFPREGS:
    case PTRACE_SETFPREGS: return vectors(x, data, FXSAVE_SIZE, request == PTRACE_SETFPREGS);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET: return register_set(x, address, data, request == PTRACE_SETREGSET);
    case PTRACE_GETSIGINFO: return x->no_info ? -EINVAL : user_write(data, &x->info, sizeof(x->info));
    case PTRACE_SETSIGINFO: return x->no_info ? -EINVAL : user_read(&x->info, data, sizeof(x->info));
    case PTRACE_GETSIGMASK:
    case PTRACE_SETSIGMASK: return signal_mask(x, address, data, request == PTRACE_SETSIGMASK);
    case PTRACE_GETEVENTMSG: return user_write_u64(data, x->message);
    case PTRACE_GET_SYSCALL_INFO: return call_info(x, address, data);
    case PTRACE_SETOPTIONS:
        if (data & ~(u64)OPTIONS)
            return -EINVAL;
        x->options = (u32)data;
        return 0;
    case PTRACE_LISTEN:
        if (!x->seized || x->code >> 8 != PTRACE_EVENT_STOP)
            return -EIO;
        x->listens = true;
        tracing_resume(x, 0, /*detach=*/false);
        return 0;
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
    case PTRACE_DETACH: return go_on(x, request, data);
    }
    return -EIO;
}

static s64 attach(int pid, bool seize, u64 options)
{
    struct process *me = thread_process();
    struct thread *t = pid > 0 ? thread_acquire(pid) : NULL;
    siginfo_t info = { .si_signo = SIGSTOP };
    struct process *p;
    s64 error;

    if (!t)
        return -ESRCH;
    p = t->process;
    error = p == me ? -EPERM : process_access(p);
    if (!error)
        error = tracing_attach(me, t, (u32)options, seize);
    lock_release(&p->lock);
    if (!error)
        process_stopped_attached();
    if (!error && !seize)
        signal_send_tid(p, pid, &info);
    return error;
}

static s64 trace_me(void)
{
    struct process *parent = thread_process()->parent;

    return parent ? tracing_attach(parent, thread_current(), 0, /*seized=*/false) : -EPERM;
}

s64 sys_ptrace(s64 request, int pid, u64 address, u64 data)
{
    bool running = request == PTRACE_INTERRUPT || request == PTRACE_KILL;
    struct tracing *x;
    s64 result = 0;

    switch (request) {
    case PTRACE_TRACEME: return trace_me();
    case PTRACE_ATTACH: return attach(pid, /*seize=*/false, 0);
    case PTRACE_SEIZE: return address || (data & ~(u64)OPTIONS) ? -EIO : attach(pid, /*seize=*/true, data);
    }
    x = tracing_get(pid, !running);
    if (!x)
        return -ESRCH;
    if (request == PTRACE_KILL) {
        signal_raise_process(x->process, SIGKILL);
    } else if (request == PTRACE_INTERRUPT && !x->seized) {
        result = -EIO;
    } else if (request == PTRACE_INTERRUPT) {
        x->interrupt = true;
        thread_set_work(x->thread, WORK_TRACE);
    } else {
        result = request_stopped(x, (int)request, address, data);
    }
    tracing_put(x);
    return result;
}
