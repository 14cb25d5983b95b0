// SPDX-License-Identifier: BSD-3-Clause
// prctl(2): the operations that programs use. What a Linux without the feature answers with EINVAL,
// this does too.
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "abi/boot.h"
#include "base/string.h"
#include "linux/calls.h"
#include "linux/syscall_filter.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define DEFAULT_SLACK 50000 // ns
#define SIGNAL_MAX    64

static s64 name_set(uaddr_t from)
{
    char name[16];
    struct thread *t = thread_current();
    // Like strncpy: what lies behind the terminator need not be readable.
    for (size_t i = 0; i < sizeof(name); i++) {
        int error = user_read(&name[i], from + i, 1);
        if (error)
            return error;
        if (i == sizeof(name) - 1)
            name[i] = 0;
        if (!name[i])
            break;
    }
    lock_acquire(&t->process->lock);
    strlcpy(t->name, name, sizeof(t->name));
    lock_release(&t->process->lock);
    return 0;
}

static s64 name_get(uaddr_t to)
{
    char name[16] = {0};
    struct thread *t = thread_current();
    strlcpy(name, t->name, sizeof(name));
    return user_write(to, name, sizeof(name));
}

// Capabilities: bounding set, secure bits.
static s64 capability_operation(u32 option, u64 a)
{
    struct credentials c = *credentials_now();

    switch (option) {
    case PR_CAPBSET_READ:
        return a > CAP_LAST_CAP ? -EINVAL : (s64)(c.cap_bounding >> a & 1);
    case PR_CAPBSET_DROP:
        if (!capable(CAP_SETPCAP))
            return -EPERM;
        if (a > CAP_LAST_CAP)
            return -EINVAL;
        c.cap_bounding &= ~(1ull << a);
        return credentials_commit(&c);
    case PR_GET_SECUREBITS:
        return c.securebits;
    case PR_SET_SECUREBITS:
        if (!capable(CAP_SETPCAP) || a & ~(u64)(SECURE_ALL_BITS | SECURE_ALL_LOCKS) ||
            (c.securebits & SECURE_ALL_LOCKS & ~a))
            return -EPERM;
        c.securebits = (u32)a;
        return credentials_commit(&c);
    case PR_GET_KEEPCAPS:
        return !!(c.securebits & issecure_mask(SECURE_KEEP_CAPS));
    case PR_SET_KEEPCAPS:
        if (a > 1)
            return -EINVAL;
        if (c.securebits & issecure_mask(SECURE_KEEP_CAPS_LOCKED))
            return -EPERM;
        c.securebits &= ~issecure_mask(SECURE_KEEP_CAPS);
        c.securebits |= a ? issecure_mask(SECURE_KEEP_CAPS) : 0;
        return credentials_commit(&c);
    default:
        return -EINVAL;
    }
}

static s64 ambient_operation(u64 operation, u64 capability)
{
    struct credentials c = *credentials_now();
    u64 bit = capability > CAP_LAST_CAP ? 0 : 1ull << capability;
    if (operation == PR_CAP_AMBIENT_CLEAR_ALL && !capability) {
        c.cap_ambient = 0;
        return credentials_commit(&c);
    }
    if (!bit || operation < PR_CAP_AMBIENT_IS_SET || operation > PR_CAP_AMBIENT_LOWER)
        return -EINVAL;
    if (operation == PR_CAP_AMBIENT_IS_SET)
        return !!(c.cap_ambient & bit);
    if (operation == PR_CAP_AMBIENT_LOWER)
        c.cap_ambient &= ~bit;
    else if (!(c.cap_permitted & c.cap_inheritable & bit) ||
             c.securebits & issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE))
        return -EPERM;
    else
        c.cap_ambient |= bit;
    return credentials_commit(&c);
}

static s64 process_operation(u32 option, u64 a)
{
    struct thread_settings *s = &thread_current()->settings;
    struct process *p = thread_process();
    switch (option) {
    case PR_SET_PDEATHSIG:
        if (a > SIGNAL_MAX)
            return -EINVAL;
        p->death_signal = (int)a;
        return 0;
    case PR_GET_PDEATHSIG:
        return user_write_u32(a, (u32)p->death_signal);
    case PR_SET_DUMPABLE:
        if (a > 1)
            return -EINVAL;
        p->dumpable = a;
        return 0;
    case PR_GET_DUMPABLE:
        return p->dumpable;
    case PR_SET_CHILD_SUBREAPER:
        p->subreaper = a;
        return 0;
    case PR_GET_CHILD_SUBREAPER:
        return user_write_u32(a, p->subreaper);
    case PR_SET_TIMERSLACK:
        s->timer_slack = (s64)a > 0 ? a : s->timer_slack_default;
        return 0;
    default: // PR_GET_TIMERSLACK
        return s->timer_slack ? (s64)s->timer_slack : DEFAULT_SLACK;
    }
}

static s64 flag_operation(u32 option, u64 a, u64 b, u64 c, u64 d)
{
    struct process *p = thread_process();
    struct credentials now;

    switch (option) {
    case PR_SET_NO_NEW_PRIVS:
        if (a != 1 || b || c || d)
            return -EINVAL;
        now = *credentials_now();
        now.no_new_privs = true;
        return credentials_commit(&now);
    case PR_GET_NO_NEW_PRIVS:
        return a || b || c || d ? -EINVAL : credentials_now()->no_new_privs;
    case PR_SET_THP_DISABLE:
        if (b || c || d)
            return -EINVAL;
        p->huge_pages_disabled = a;
        return 0;
    default: // PR_GET_THP_DISABLE
        return a || b || c || d ? -EINVAL : p->huge_pages_disabled;
    }
}

// PR_SET_MM: where /proc/PID/cmdline and environ read. The other fields of Linux's have nothing here that would look at them.
static s64 memory_field_set(u64 field, uaddr_t to)
{
    struct process *p = thread_process();
    uaddr_t arguments[] = {p->arguments_start, p->arguments_end};
    uaddr_t environment[] = {p->environment_start, p->environment_end};

    if (!capable(CAP_SYS_RESOURCE))
        return -EPERM;
    if (to >= USER_HIGH || to < PAGE_SIZE || field < PR_SET_MM_ARG_START || field > PR_SET_MM_ENV_END)
        return -EINVAL;
    if (field <= PR_SET_MM_ARG_END)
        arguments[field - PR_SET_MM_ARG_START] = to;
    else
        environment[field - PR_SET_MM_ENV_START] = to;
    if (arguments[0] > arguments[1] || environment[0] > environment[1])
        return -EINVAL;
    p->arguments_start = arguments[0];
    p->arguments_end = arguments[1];
    p->environment_start = environment[0];
    p->environment_end = environment[1];
    return 0;
}

s64 sys_prctl(int option, u64 a, u64 b, u64 c, u64 d)
{
    switch (option) {
    case PR_SET_NAME:
        return name_set(a);
    case PR_GET_NAME:
        return name_get(a);
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
    case PR_GET_SECUREBITS:
    case PR_SET_SECUREBITS:
    case PR_GET_KEEPCAPS:
    case PR_SET_KEEPCAPS:
        return capability_operation((u32)option, a);
    case PR_CAP_AMBIENT:
        return c || d ? -EINVAL : ambient_operation(a, b);
    case PR_SET_PDEATHSIG:
    case PR_GET_PDEATHSIG:
    case PR_SET_DUMPABLE:
    case PR_GET_DUMPABLE:
    case PR_SET_CHILD_SUBREAPER:
    case PR_GET_CHILD_SUBREAPER:
    case PR_SET_TIMERSLACK:
    case PR_GET_TIMERSLACK:
        return process_operation((u32)option, a);
    case PR_SET_NO_NEW_PRIVS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_SET_THP_DISABLE:
    case PR_GET_THP_DISABLE:
        return flag_operation((u32)option, a, b, c, d);
    case PR_GET_SECCOMP:
        return thread_current()->seccomp_mode;
    case PR_SET_SECCOMP:
        return seccomp_set((u32)a, b);
    case PR_GET_TIMING:  // PR_TIMING_STATISTICAL
        return 0;
    case PR_SET_TIMING:
        return a == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_GET_TSC:
        return user_write_u32(a, PR_TSC_ENABLE);
    case PR_SET_TSC:
        return a == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_MCE_KILL_GET:
        return a || b || c || d ? -EINVAL : PR_MCE_KILL_DEFAULT;
    case PR_GET_TID_ADDRESS:
        return user_write_u64(a, thread_current()->clear_child_tid);
    case PR_GET_SPECULATION_CTRL:
        return b || c || d ? -EINVAL : a <= PR_SPEC_L1D_FLUSH ? PR_SPEC_NOT_AFFECTED : -ENODEV;
    case PR_SET_SPECULATION_CTRL:
        return a <= PR_SPEC_L1D_FLUSH ? -ENXIO : -ENODEV;
    case PR_SET_MM:
        return c || d ? -EINVAL : memory_field_set(a, b);
    default:
        return -EINVAL;
    }
}
