// SPDX-License-Identifier: BSD-3-Clause
// seccomp(2): a thread gives up system calls for good. Filters are classic BPF programs that run
// over struct seccomp_data; the machine is the network's (net/bpf.h), which reads in network order,
// so each word of the data is stored that way. A thread's filters are a chain, the newest first,
// and threads share the older part. There is no tracer and no notification: their actions refuse
// with ENOSYS.
#include "linux/syscall_filter.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>

#include "linux/calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/bpf.h"
#include "net/packet.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"
#include "x86_64/frame.h"

#define DATA_WORDS (sizeof(struct seccomp_data) / sizeof(u32))
#define CHAIN_MAX  32768u // instructions of a chain, with Linux's penalty of 4 for each filter
#define FLAGS_KNOWN                                                                                \
    (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

struct seccomp_filter {
    u32 references; // atomic: threads, and the newer filter
    u32 count, chain_count;
    struct seccomp_filter *older;
    struct sock_filter code[];
};

bool seccomp_used;

static void filter_put(struct seccomp_filter *f)
{
    while (f && !__atomic_sub_fetch(&f->references, 1, __ATOMIC_ACQ_REL)) { // pairs with itself
        struct seccomp_filter *older = f->older;
        heap_free(f);
        f = older;
    }
}

static struct seccomp_filter *filter_get(struct seccomp_filter *f)
{
    if (f)
        __atomic_add_fetch(&f->references, 1, __ATOMIC_RELAXED); // pairs with filter_put
    return f;
}

void seccomp_inherit(struct thread *t)
{
    const struct thread *maker = thread_current();

    if (!maker || !maker->seccomp_mode)
        return;
    t->seccomp_mode = maker->seccomp_mode;
    t->seccomp = filter_get(maker->seccomp);
}

void seccomp_drop(struct thread *t)
{
    filter_put(t->seccomp);
    t->seccomp = NULL;
}

u32 seccomp_filter_count(const struct thread *t)
{
    u32 n = 0;

    for (const struct seccomp_filter *f = t->seccomp; f; f = f->older)
        n++;
    return n;
}

// What may be in a filter besides what bpf_check wants: aligned words of the data, and nothing of
// packets.
static bool code_allowed(const struct sock_filter *code, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        u32 class = BPF_CLASS(code[i].code), mode = BPF_MODE(code[i].code);
        if (class != BPF_LD && class != BPF_LDX)
            continue;
        if (mode == BPF_IND || mode == BPF_MSH)
            return false;
        if (mode == BPF_ABS && (BPF_SIZE(code[i].code) != BPF_W || code[i].k % 4 ||
                                code[i].k >= sizeof(struct seccomp_data)))
            return false;
    }
    return true;
}

static u32 run(const struct seccomp_filter *chain, const struct trap_frame *f)
{
    const u64 values[DATA_WORDS / 2] = {(u32)f->call | (u64)AUDIT_ARCH_X86_64 << 32,
                                        f->rip,
                                        f->rdi,
                                        f->rsi,
                                        f->rdx,
                                        f->r10,
                                        f->r8,
                                        f->r9};
    u32 words[DATA_WORDS], action = SECCOMP_RET_ALLOW;
    struct packet p; // only what the machine looks at is set

    for (size_t i = 0; i < DATA_WORDS; i++)
        words[i] = __builtin_bswap32((u32)(values[i / 2] >> (i % 2 * 32)));
    p.head = p.data = (u8 *)words;
    p.size = p.total = sizeof(words);
    p.fragment_count = 0;
    p.link_header = 0;
    for (; chain; chain = chain->older) {
        u32 found = bpf_run(chain->code, &p, 0);
        // The most severe action wins: they are in the order of signed numbers.
        if ((s32)(found & SECCOMP_RET_ACTION_FULL) < (s32)(action & SECCOMP_RET_ACTION_FULL))
            action = found;
    }
    return action;
}

static void send_trap(const struct trap_frame *f, u32 data)
{
    siginfo_t info = {.si_signo = SIGSYS};

    info.si_code = SYS_SECCOMP;
    info.si_errno = (int)data;
    info.si_call_addr = (void *)f->rip;
    info.si_syscall = (int)f->call;
    info.si_arch = AUDIT_ARCH_X86_64;
    signal_send_thread(thread_current(), &info, /*force=*/true);
}

static void end(int signal, bool whole)
{
    struct process *p = thread_process();

    if (!whole && __atomic_load_n(&p->thread_count, __ATOMIC_RELAXED) > 1)
        thread_exit(signal);
    process_exit(p, signal); // this thread ends on its way out
}

static bool strict_allows(u64 call)
{
    return call == __NR_read || call == __NR_write || call == __NR_exit ||
           call == __NR_rt_sigreturn;
}

bool seccomp_check(const struct trap_frame *f, s64 *out)
{
    const struct thread *t = thread_current();
    u32 action, data;

    *out = -ENOSYS;
    if (t->seccomp_mode == SECCOMP_MODE_DISABLED)
        return true;
    if (t->seccomp_mode == SECCOMP_MODE_STRICT) {
        if (strict_allows(f->call))
            return true;
        end(SIGKILL, /*whole=*/false);
        return false;
    }
    action = run(t->seccomp, f);
    data = action & SECCOMP_RET_DATA;
    switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
        return true;
    case SECCOMP_RET_ERRNO:
        *out = -(s64)min(data, 4095u);
        return false;
    case SECCOMP_RET_TRAP:
        *out = (s64)f->call; // the registers as they were
        send_trap(f, data);
        return false;
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_USER_NOTIF:
        return false;
    case SECCOMP_RET_KILL_THREAD:
        end(SIGSYS, /*whole=*/false);
        return false;
    default: // KILL_PROCESS, and what nobody knows
        end(SIGSYS, /*whole=*/true);
        return false;
    }
}

static bool is_in_chain(const struct seccomp_filter *f, const struct seccomp_filter *chain)
{
    for (; chain; chain = chain->older)
        if (chain == f)
            return true;
    return !f;
}

// The id of a thread that has filters of its own, or 0. With the process's lock held.
static int other_filters(const struct process *p, const struct thread *me)
{
    const struct thread *t;

    list_for_each(t, &p->threads,
                  process_node) if (t->seccomp_mode == SECCOMP_MODE_STRICT ||
                                    !is_in_chain(t->seccomp, me->seccomp)) return t->tid;
    return 0;
}

// Puts the filter before the thread's, or every thread's. Another's old ones stay alive: they are
// part of the new chain.
static s64 install(struct seccomp_filter *new, bool all)
{
    struct thread *me = thread_current(), *t;
    struct process *p = me->process;
    int tid = 0;

    new->chain_count = new->count + 4 + (me->seccomp ? me->seccomp->chain_count : 0);
    if (new->chain_count > CHAIN_MAX)
        return -ENOMEM;
    lock_acquire(&p->lock);
    if (all)
        tid = other_filters(p, me);
    if (!tid) {
        new->older = me->seccomp;                                // its reference goes over
        __atomic_store_n(&seccomp_used, true, __ATOMIC_RELEASE); // pairs with dispatch
        me->seccomp = new;
        me->seccomp_mode = SECCOMP_MODE_FILTER;
        list_for_each(t, &p->threads, process_node)
        {
            if (!all || t == me)
                continue;
            struct seccomp_filter *old = t->seccomp;
            __atomic_store_n(&t->seccomp, filter_get(new), __ATOMIC_RELEASE);
            t->seccomp_mode = SECCOMP_MODE_FILTER;
            filter_put(old);
        }
    }
    lock_release(&p->lock);
    return tid;
}

static s64 filter_add(uaddr_t from, u32 flags)
{
    struct { // struct sock_fprog
        u16 count;
        uaddr_t code;
    } program;
    struct seccomp_filter *f;
    s64 result;

    if (thread_current()->seccomp_mode == SECCOMP_MODE_STRICT || flags & ~(u32)FLAGS_KNOWN)
        return -EINVAL;
    if (user_read(&program, from, sizeof(program)))
        return -EFAULT;
    if (!program.count || program.count > BPF_COUNT_MAX)
        return -EINVAL;
    if (!credentials_now()->no_new_privs && !capable(CAP_SYS_ADMIN))
        return -EACCES;
    f = heap_alloc(sizeof(*f) + program.count * sizeof(f->code[0]));
    if (!f)
        return -ENOMEM;
    f->references = 1;
    f->count = program.count;
    result = user_read(f->code, program.code, f->count * sizeof(f->code[0])) ? -EFAULT : 0;
    if (!result)
        result = code_allowed(f->code, f->count) ? bpf_check(f->code, f->count) : -EINVAL;
    if (!result)
        result = install(f, flags & SECCOMP_FILTER_FLAG_TSYNC);
    if (result)
        heap_free(f); // errors, or the thread that could not follow: nothing was installed
    return result;
}

s64 seccomp_set(u32 mode, uaddr_t program)
{
    struct thread *t = thread_current();

    if (mode == SECCOMP_MODE_FILTER)
        return filter_add(program, 0);
    if (mode != SECCOMP_MODE_STRICT || t->seccomp_mode == SECCOMP_MODE_FILTER)
        return -EINVAL;
    t->seccomp_mode = SECCOMP_MODE_STRICT;
    __atomic_store_n(&seccomp_used, true, __ATOMIC_RELEASE); // pairs with dispatch
    return 0;
}

static s64 action_available(uaddr_t from)
{
    u32 action;

    if (user_read_u32(&action, from))
        return -EFAULT;
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

s64 sys_seccomp(u32 operation, u32 flags, uaddr_t arguments)
{
    switch (operation) {
    case SECCOMP_SET_MODE_STRICT:
        return flags || arguments ? -EINVAL : seccomp_set(SECCOMP_MODE_STRICT, 0);
    case SECCOMP_SET_MODE_FILTER:
        return filter_add(arguments, flags);
    case SECCOMP_GET_ACTION_AVAIL:
        return flags ? -EINVAL : action_available(arguments);
    default:
        return -EINVAL;
    }
}
