// SPDX-License-Identifier: BSD-3-Clause
// From a system call's number to its handler. The table is made from syscalls.def, the one list.
#include "base/printf.h"
#include "linux/clock.h"
#include "linux/syscall_filter.h"
#include "linux/trace.h"
#include "linux/trace_format.h"
#include "process/tracing.h"
#include "thread/thread.h"
#include "x86_64/upcall.h"

#define SYSCALL_COUNT 512
_Static_assert(SYSCALL_COUNT == CALLS_COUNTED, "");

typedef s64 (*handler_t)(u64, u64, u64, u64, u64, u64);

// The table holds distances from itself, not addresses: so it needs no relocation, is never copied,
// and costs a start nothing. 0: no handler.
extern const s32 syscall_table[SYSCALL_COUNT];

#define ENTRY(number, name) ".org syscall_table + 4 * " #number "; .long sys_" #name " - syscall_table\n"
#define ENTRY_FULL(number, name) ENTRY(number, name)
#define ENTRY_PART(number, name) ENTRY(number, name)
#define ENTRY_NONE(number, name)
#define SYSCALL(number, name, formats, level, note) ENTRY_##level(number, name)

__asm__(".pushsection .rodata.syscall_table, \"a\", @progbits\n"
        ".balign 64\n"
        ".hidden syscall_table\n"
        "syscall_table:\n"
#include "linux/syscalls.def"
        ".org syscall_table + 4 * 512\n"
        ".popsection");
#undef SYSCALL

static inline handler_t syscall_handler(u64 number)
{
    s64 distance = likely(number < SYSCALL_COUNT) ? syscall_table[number] : 0;

    return distance ? (handler_t)((u64)syscall_table + (u64)distance) : NULL;
}

static s64 syscall_missing(u64 number)
{
    static u64 named[SYSCALL_COUNT / 64]; // bit set: already said

    if (number < SYSCALL_COUNT &&
        !(__atomic_fetch_or(&named[number / 64], 1ull << (number % 64), __ATOMIC_RELAXED) >>
              (number % 64) & 1))
        log_message("system call %s (%lu) is not there yet: ENOSYS", syscall_name(number), number);
    return -ENOSYS;
}

// Somebody looks on: --trace, a filter, or a tracer by ptrace(2), who may have another call made, or none (-1).
static no_inline s64 syscall_watched(struct trap_frame *f)
{
    handler_t handler;
    s64 result;

    tracing_call(f, /*entry=*/true);
    if (f->call >= (u32)-1)
        return (s64)f->rax;
    handler = syscall_handler(f->call);
    if (trace_enabled & TRACE_PRINTS)
        trace_enter(f);
    if (!seccomp_used || seccomp_check(f, &result))
        result = handler ? handler(f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9)
                         : syscall_missing(f->call);
    if (trace_enabled & TRACE_PRINTS)
        trace_leave(f, result);
    return result;
}

// How much of a thread's CPU time is the system's. Two looks at the clock would cost more than most calls, so they are
// samples: of each number the first calls on a vCPU are measured, and one in a while from then on for all since. One that
// took long stands for itself only (the host may have done something else meanwhile), but those behind it are measured.
#define CALLS_EXACT 16
#define CALLS_CYCLE 144
#define CALL_LONG   60000 // ticks

static u64 thread_ticks(const struct thread *t)
{
    return t->cpu_time + clock_tsc() - t->run_since;
}

static no_inline s64 syscall_measured(struct trap_frame *f, handler_t handler, u8 *count)
{
    struct thread *t = thread_current();
    u64 before = thread_ticks(t), ticks, weight = 1;

    if (*count >= CALLS_CYCLE) {
        *count = CALLS_EXACT;
        weight = CALLS_CYCLE - CALLS_EXACT;
    }
    s64 result = handler(f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9);
    ticks = thread_ticks(t) - before;
    if (ticks > CALL_LONG)
        *count = 0;
    t->system_time += ticks > CALL_LONG ? ticks : ticks * weight;
    return result;
}

void syscall_dispatch(struct trap_frame *f)
{
    u8 *count;
    s64 result;

    f->call = (u32)f->call; // the number is eax; and it can't be FRAME_NO_CALL then
    handler_t handler = syscall_handler(f->call);
    thread_current()->held_count = 0; // what an earlier call forgot to take off
    if (unlikely(trace_enabled | seccomp_used))
        result = syscall_watched(f);
    else if (unlikely(!handler))
        result = syscall_missing(f->call);
    else if (unlikely(++*(count = &vcpu_this()->call_counts[f->call]) <= CALLS_EXACT || *count >= CALLS_CYCLE))
        result = syscall_measured(f, handler, count);
    else
        result = handler(f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9);
    // sigreturn and exec have written the whole frame.
    if (likely(f->call != FRAME_NO_CALL))
        f->rax = (u64)result;
    if (unlikely(trace_enabled))
        tracing_call(f, /*entry=*/false);
    if (unlikely(__atomic_load_n(&thread_current()->work, __ATOMIC_ACQUIRE)))
        return_work(f);
}
