// SPDX-License-Identifier: BSD-3-Clause
// One line a call, printed when it returns (output arguments are known then), or, for calls that do not
// return, when it is made. The formats are those of syscalls.def; values are decoded in trace_format.c.
#include "linux/trace.h"

#include <asm/unistd.h>

#include "abi/boot.h"
#include "linux/trace_format.h"
#include "platform/platform.h"
#include "process/process.h"
#include "thread/thread.h"
#include "x86_64/frame.h"

#define SYSCALL_COUNT 512
#define ARGUMENTS_MAX 6

u32 trace_enabled;

// Arrays, not pointers: no relocations at each start.
static const struct {
    char name[24], formats[8];
} calls[SYSCALL_COUNT] = {
#define SYSCALL(number, name, formats, level, note) [number] = { #name, formats },
#include "linux/syscalls.def"
#undef SYSCALL
};

void trace_init(const struct boot_info *boot)
{
    trace_enabled = boot->flags & BOOT_TRACE ? TRACE_PRINTS : 0;
}

const char *syscall_name(u64 number)
{
    return number < SYSCALL_COUNT && calls[number].name[0] ? calls[number].name : "unknown";
}

static void print_line(struct trace_line *l)
{
    l->text[l->used++] = '\n'; // trace_put leaves room for it
    platform_log(l->text, l->used);
}

static void put_call(struct trace_line *l, const struct trap_frame *f, const s64 *result)
{
    const u64 arguments[ARGUMENTS_MAX] = { f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9 };
    bool known = f->call < SYSCALL_COUNT && calls[f->call].name[0];
    const char *formats = known ? calls[f->call].formats : "xxxxxx";

    if (thread_process()->thread_count > 1)
        trace_put(l, "[%d] ", thread_current()->tid);
    if (known)
        trace_put(l, "%s(", calls[f->call].name);
    else
        trace_put(l, "syscall_%#lx(", f->call);
    for (int i = 0; formats[i] && i < ARGUMENTS_MAX; i++) {
        if (i)
            trace_put(l, ", ");
        trace_argument(l, formats[i], arguments, i, result);
    }
    trace_put(l, ")");
}

static bool never_returns(u64 call)
{
    return call == __NR_exit || call == __NR_exit_group || call == __NR_rt_sigreturn;
}

void trace_enter(const struct trap_frame *f)
{
    struct trace_line l = { .used = 0 };

    if (!never_returns(f->call))
        return;
    put_call(&l, f, NULL);
    trace_put(&l, " = ?");
    print_line(&l);
}

void trace_leave(const struct trap_frame *f, s64 result)
{
    struct trace_line l = { .used = 0 };

    if (f->call == FRAME_NO_CALL || never_returns(f->call))
        return;
    put_call(&l, f, &result);
    trace_result(&l, f->call, result);
    print_line(&l);
}
