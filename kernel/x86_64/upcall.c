// SPDX-License-Identifier: BSD-3-Clause
// Host signals become upcalls; see entry.S for the assembly around these functions. They run on the
// upcall stack until the trap frame is complete, and never sleep there.
#include "x86_64/upcall.h"

#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

#include "abi/boot.h"
#include "abi/calls.h"
#include "base/panic.h"
#include "base/printf.h"
#include "memory/address_space.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/tracing.h"
#include "thread/balance.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "x86_64/offsets.h"
#include "x86_64/patch.h"

_Static_assert(offsetof(struct vcpu, thread) == VCPU_THREAD, "");
_Static_assert(offsetof(struct vcpu, kernel_stack) == VCPU_KERNEL_STACK, "");
_Static_assert(offsetof(struct vcpu, user_rsp) == VCPU_USER_RSP, "");
_Static_assert(offsetof(struct vcpu, index) == VCPU_INDEX, "");
_Static_assert(offsetof(struct vcpu, upcall_pending) == VCPU_UPCALL_PENDING, "");
_Static_assert(offsetof(struct vcpu, cpu) == VCPU_CPU, "");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "");
_Static_assert(offsetof(struct trap_frame, full) == FRAME_FULL, "");
_Static_assert(offsetof(struct trap_frame, rip) == FRAME_RIP, "");
_Static_assert(offsetof(struct trap_frame, rdi) == FRAME_RDI, "");

#define TRAP_PAGE_FAULT   14
#define TRAP_ALIGNMENT    17
#define FAULT_WRITE       2u  // page-fault error code [Intel SDM 3, 4.7]
#define FAULT_INSTRUCTION 16u
#define SYSCALL_SIZE      2   // bytes of the instruction
#define TRAP_FLAG         0x100u // of rflags
#define ALIGNMENT_FLAG    0x40000u

// What the upcalls are told by the assembly.
struct upcall_info *upcall_save(u64 signal, const siginfo_t *info, const struct ucontext *uc,
                                struct trap_frame *frame);
void upcall_dispatch(struct trap_frame *frame, const struct upcall_info *info);
void upcall_kernel(u64 signal, const siginfo_t *info, struct ucontext *uc);
extern const char exit_window_start[], exit_window_end[], user_return_again[];
extern const char kernel_text_start[], kernel_text_end[];

struct upcall_info *upcall_save(u64 signal, const siginfo_t *info, const struct ucontext *uc,
                                struct trap_frame *frame)
{
    const struct sigcontext_64 *c = (const void *)&uc->uc_mcontext;
    struct upcall_info *saved = (void *)((char *)frame - sizeof(*saved) - 8);

    vcpu_this()->user_rsp = c->sp | 1; // not 0: in the kernel
    *frame = (struct trap_frame){
        .r15 = c->r15, .r14 = c->r14, .r13 = c->r13, .r12 = c->r12, .rbp = c->bp, .rbx = c->bx,
        .r11 = c->r11, .r10 = c->r10, .r9 = c->r9, .r8 = c->r8, .rax = c->ax, .rcx = c->cx,
        .rdx = c->dx, .rsi = c->si, .rdi = c->di, .call = FRAME_NO_CALL, .rip = c->ip,
        .cs = USER_CS, .rflags = c->flags, .rsp = c->sp, .ss = USER_SS, .full = 1,
    };
    *saved = (struct upcall_info){
        .signal = (u32)signal,
        .code = info->si_code,
        .address = signal == SIGSYS ? (u64)info->si_call_addr : (u64)info->si_addr,
        .trap = c->trapno,
        .error = c->err,
    };
    return saved;
}

static u32 fault_access(const struct upcall_info *info)
{
    if (info->error & FAULT_INSTRUCTION)
        return AREA_EXEC;
    return info->error & FAULT_WRITE ? AREA_WRITE : AREA_READ;
}

static void upcall_fault(struct trap_frame *frame, const struct upcall_info *info)
{
    int signal = (int)info->signal, code = info->code;

    if (info->trap == TRAP_PAGE_FAULT) {
        signal = address_space_fault(thread_process()->space, info->address, fault_access(info),
                                     /*user=*/true, &thread_current()->fault_again, &code);
        if (!signal)
            return;
    }
    signal_fault(signal, code, info->address, info->trap, info->error);
}

static void upcall_syscall(struct trap_frame *frame, const struct upcall_info *info)
{
    u64 site = frame->rip - SYSCALL_SIZE;

    frame->call = frame->rax;
    syscall_dispatch(frame);
    // The call may have moved the program counter (sigreturn, exec): then it is no site to patch.
    // A tracer wants to see the program's text.
    if (frame->rip == site + SYSCALL_SIZE && frame->call != FRAME_NO_CALL && !tracing_process(thread_process()))
        patch_site(site, frame);
}

void upcall_dispatch(struct trap_frame *frame, const struct upcall_info *info)
{
    struct thread *t = thread_current();

    if (info->signal == SIGSYS)
        upcall_syscall(frame, info);
    else if (info->signal != UPCALL_SIGNAL)
        upcall_fault(frame, info);
    if (info->signal == UPCALL_SIGNAL || __atomic_load_n(&t->work, __ATOMIC_ACQUIRE))
        return_work(frame);
}

static no_return void kernel_fault(u64 signal, const siginfo_t *info, const struct ucontext *uc)
{
    const struct sigcontext_64 *c = (const void *)&uc->uc_mcontext;
    u64 base = (u64)kernel_text_start & PAGE_MASK;
    const u64 *frame = (const u64 *)c->bp;

    log_message("kernel: signal %lu at address %p, pc %#llx (kernel+%#llx), sp %#llx", signal,
                info->si_addr, c->ip, c->ip - base, c->sp);
    log_message("rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx", c->ax, c->bx, c->cx, c->dx,
                c->si, c->di);
    log_message("r8 %llx r9 %llx r10 %llx r12 %llx r13 %llx r14 %llx r15 %llx", c->r8, c->r9,
                c->r10, c->r12, c->r13, c->r14, c->r15);
    for (int i = 0; i < 12 && (u64)frame >= KERNEL_LOW && (u64)frame < TENDER_LOW; i++) {
        log_message("  called from kernel+%#llx", (unsigned long long)(frame[1] - base));
        frame = (const u64 *)frame[0];
    }
    panic("fault in the kernel");
}

void upcall_kernel(u64 signal, const siginfo_t *info, struct ucontext *uc)
{
    struct sigcontext_64 *c = (void *)&uc->uc_mcontext;
    struct vcpu *v = vcpu_this();
    u64 fixup;
    int code;

    if (signal == UPCALL_SIGNAL) {
        __atomic_store_n(&v->upcall_pending, 1, __ATOMIC_RELEASE);
        __atomic_add_fetch(&v->passes, 1, __ATOMIC_SEQ_CST); // pairs with vcpu_await
        if (c->ip >= (u64)exit_window_start && c->ip < (u64)exit_window_end) {
            c->ip = (u64)user_return_again;
            c->sp = v->kernel_stack - FRAME_SIZE;
        }
        return;
    }
    if (signal == SIGBUS && c->trapno == TRAP_ALIGNMENT) { // a patched call left the program's flag set
        c->flags &= ~(u64)ALIGNMENT_FLAG;
        return;
    }
    if (signal == SIGTRAP && (c->flags & TRAP_FLAG)) { // a tracee's single step went into the kernel: tracing_call
        c->flags &= ~(u64)TRAP_FLAG;
        return;
    }
    // User code checks alignment (AC), which the way in keeps as it is: few do, so it is put right when it matters.
    if (c->trapno == TRAP_ALIGNMENT && (c->flags & ALIGNMENT_FLAG)) {
        c->flags &= ~(u64)ALIGNMENT_FLAG;
        return;
    }
    if (signal == SIGSEGV && c->ip >= (u64)exit_window_start && c->ip < (u64)exit_window_end) {
        // The program counter to go on at is no address at all. No lock is held here.
        v->user_rsp |= 1;
        signal_fault(SIGSEGV, SI_KERNEL, 0, c->trapno, c->err);
        c->ip = (u64)user_return_again;
        c->sp = v->kernel_stack - FRAME_SIZE;
        return;
    }
    fixup = user_copy_fixup(c->ip);
    if ((signal == SIGSEGV || signal == SIGBUS) && fixup) {
        struct upcall_info i = { .error = c->err };
        if (c->trapno == TRAP_PAGE_FAULT &&
            !address_space_fault(thread_process()->space, (u64)info->si_addr, fault_access(&i),
                                 /*user=*/false, &thread_current()->fault_again, &code))
            return;
        c->ip = fixup;
        return;
    }
    kernel_fault(signal, info, uc);
}

void return_work(struct trap_frame *frame)
{
    struct vcpu *v = vcpu_this();
    struct thread *t = thread_current();
    u32 work;

    v->user_rsp |= 1; // an upcall may have come when this was 0 already
    __atomic_store_n(&v->upcall_pending, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&v->kicked, 0, __ATOMIC_RELAXED);
    vcpu_stop_here(); // with a barrier: what is looked at below is behind the two stores
    schedule_poll();
    while ((work = __atomic_load_n(&t->work, __ATOMIC_ACQUIRE)) != 0) {
        if (work & WORK_EXIT)
            thread_exit(0);
        if (work & WORK_PATCHED) { // first: the others look at the program counter
            __atomic_and_fetch(&t->work, ~WORK_PATCHED, __ATOMIC_SEQ_CST);
            frame->rip = patch_resolve(frame->rip);
        }
        if (work & WORK_MOVE) {
            __atomic_and_fetch(&t->work, ~WORK_MOVE, __ATOMIC_SEQ_CST);
            balance_move();
        }
        if (work & WORK_RESCHED) {
            __atomic_and_fetch(&t->work, ~WORK_RESCHED, __ATOMIC_RELAXED);
            schedule_preempt();
        }
        if (work & (WORK_SIGNAL | WORK_STOP | WORK_TRACE))
            signal_deliver(frame);
    }
    if (t->restore_blocked)
        signal_restore_blocked(t);
    schedule_tick();
}
