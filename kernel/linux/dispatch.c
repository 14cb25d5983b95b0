// SPDX-License-Identifier: BSD-3-Clause
// From a system call's number to its handler. The table is made from syscalls.def, the one list.
#include "base/printf.h"
#include "linux/calls.h"
#include "linux/trace.h"
#include "thread/thread.h"
#include "x86_64/upcall.h"

#define SYSCALL_COUNT 512

typedef s64 (*handler_t)(u64, u64, u64, u64, u64, u64);

#define HANDLER_FULL(name) (handler_t)(void (*)(void))sys_##name
#define HANDLER_PART(name) (handler_t)(void (*)(void))sys_##name
#define HANDLER_NONE(name) NULL
#define SYSCALL(number, name, formats, level, note) [number] = HANDLER_##level(name),

static const handler_t handlers[SYSCALL_COUNT] = {
#include "linux/syscalls.def"
};
#undef SYSCALL

#define SYSCALL(number, name, formats, level, note) case number: return #name;

static const char *syscall_name(u64 number)
{
    switch (number) {
#include "linux/syscalls.def"
    default: return "unknown";
    }
}

static s64 syscall_missing(u64 number)
{
    static u64 named[SYSCALL_COUNT / 64]; // bit set: already said

    if (number < SYSCALL_COUNT &&
        !(__atomic_fetch_or(&named[number / 64], 1ull << (number % 64), __ATOMIC_RELAXED) >>
              (number % 64) & 1))
        log_message("system call %s (%llu) is not there yet: ENOSYS", syscall_name(number),
                    (unsigned long long)number);
    return -ENOSYS;
}

static no_inline s64 syscall_traced(struct trap_frame *f, handler_t handler)
{
    s64 result;

    trace_enter(f);
    result = handler ? handler(f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9)
                     : syscall_missing(f->call);
    trace_leave(f, result);
    return result;
}

void syscall_dispatch(struct trap_frame *f)
{
    handler_t handler = likely(f->call < SYSCALL_COUNT) ? handlers[f->call] : NULL;
    s64 result;

    if (unlikely(trace_enabled))
        result = syscall_traced(f, handler);
    else if (likely(handler))
        result = handler(f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9);
    else
        result = syscall_missing(f->call);
    // sigreturn and exec have written the whole frame.
    if (likely(f->call != FRAME_NO_CALL))
        f->rax = (u64)result;
    if (unlikely(__atomic_load_n(&thread_current()->work, __ATOMIC_ACQUIRE)))
        return_work(f);
}
