// SPDX-License-Identifier: BSD-3-Clause
// Signal frames on the user stack, exactly as Linux lays them out for x86-64:
//
//   high  red zone of the interrupted code (128 bytes)
//         xsave area, 64-byte aligned, standard format, with FP_XSTATE_MAGIC2 behind it
//         siginfo
//         ucontext (registers, mask, alternate stack)
//   low   return address: sa_restorer           <- rsp in the handler, 16 n + 8
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

#include "abi/boot.h"
#include "base/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "thread/thread.h"
#include "x86_64/fpu.h"
#include "x86_64/frame.h"
#include "x86_64/patch.h"
#include "x86_64/offsets.h"

#define RED_ZONE        128
#define SW_BYTES_OFFSET 464
#define LOWER_HALF_END  0x800000000000ull // where addresses end to be canonical
#define FLAGS_CLEARED   (0x400u | 0x100u | 0x10000u)  // DF, TF, RF in a handler
#define FLAGS_RESTORED  0x240dd5u // what user code may set: ID AC OF DF TF SF ZF AF PF CF

struct signal_frame {
    uaddr_t return_address;
    struct ucontext context;
    siginfo_t info;
};

static bool on_altstack(const struct thread *t, uaddr_t sp)
{
    return !(t->altstack_flags & (ALTSTACK_DISABLE | ALTSTACK_AUTODISARM)) && sp > t->altstack_base &&
           sp - t->altstack_base <= t->altstack_size;
}

static uaddr_t frame_place(const struct thread *t, const struct trap_frame *frame, u64 flags,
                           uaddr_t *out_fpstate)
{
    uaddr_t sp = frame->rsp - RED_ZONE;

    if ((flags & SA_ONSTACK) && !(t->altstack_flags & ALTSTACK_DISABLE) && !on_altstack(t, frame->rsp))
        sp = t->altstack_base + t->altstack_size;
    sp = (sp - fpu_size() - 4) & ~63ull;
    *out_fpstate = sp;
    sp -= sizeof(struct signal_frame);
    return (sp & ~15ull) - 8;
}

static int fpstate_push(uaddr_t at)
{
    u32 size = fpu_size(), magic2 = FP_XSTATE_MAGIC2;
    struct _fpx_sw_bytes sw = {
        .magic1 = FP_XSTATE_MAGIC1,
        .extended_size = size + 4,
        .xfeatures = fpu_features(),
        .xstate_size = size,
    };
    u8 *area = heap_alloc(max(size, 4096u)); // a page: aligned
    int error;

    if (!area)
        return -EFAULT;
    fpu_store(area);
    memcpy(area + SW_BYTES_OFFSET, &sw, sizeof(sw));
    error = user_write(at, area, size);
    if (!error)
        error = user_write(at + size, &magic2, 4);
    heap_free(area);
    return error;
}

static void context_fill(struct ucontext *uc, const struct thread *t, const struct trap_frame *f,
                         uaddr_t fpstate, signal_set_t blocked)
{
    struct sigcontext_64 *c = (void *)&uc->uc_mcontext;

    uc->uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    uc->uc_stack.ss_sp = (void *)t->altstack_base;
    uc->uc_stack.ss_size = t->altstack_size;
    uc->uc_stack.ss_flags = (int)t->altstack_flags;
    if (on_altstack(t, f->rsp))
        uc->uc_stack.ss_flags |= ALTSTACK_ACTIVE;
    *c = (struct sigcontext_64){
        .r8 = f->r8, .r9 = f->r9, .r10 = f->r10, .r11 = f->r11, .r12 = f->r12, .r13 = f->r13,
        .r14 = f->r14, .r15 = f->r15, .di = f->rdi, .si = f->rsi, .bp = f->rbp, .bx = f->rbx,
        .dx = f->rdx, .ax = f->rax, .cx = f->rcx, .sp = f->rsp, .ip = patch_original(f->rip), .flags = f->rflags,
        .cs = USER_CS, .ss = USER_SS, .err = t->fault_error, .trapno = t->fault_trap,
        .oldmask = blocked, .cr2 = t->fault_address, .fpstate = fpstate,
    };
    memcpy(&uc->uc_sigmask, &blocked, sizeof(blocked));
}

int signal_frame_push(struct trap_frame *frame, const siginfo_t *info,
                      const struct signal_action *action, signal_set_t old_blocked)
{
    struct thread *t = thread_current();
    struct signal_frame s = { .return_address = action->restorer, .info = *info };
    uaddr_t fpstate, sp = frame_place(t, frame, action->flags, &fpstate);
    bool alternate = on_altstack(t, fpstate) || on_altstack(t, frame->rsp);

    if (!(action->flags & SA_RESTORER))
        return -EFAULT;
    if (alternate && !on_altstack(t, sp)) // it would leave the stack by its lower end, and begin anew at the upper one
        return -EFAULT;
    context_fill(&s.context, t, frame, fpstate, old_blocked);
    if (user_write(sp, &s, sizeof(s)) || fpstate_push(fpstate))
        return -EFAULT;
    if (t->altstack_flags & ALTSTACK_AUTODISARM) {
        t->altstack_base = t->altstack_size = 0;
        t->altstack_flags = ALTSTACK_DISABLE;
    }
    fpu_reset();
    frame->rdi = (u64)info->si_signo;
    frame->rsi = sp + offsetof(struct signal_frame, info);
    frame->rdx = sp + offsetof(struct signal_frame, context);
    frame->rax = 0;
    frame->rip = action->handler;
    frame->rsp = sp;
    frame->rflags &= ~(u64)FLAGS_CLEARED;
    frame->call = FRAME_NO_CALL;
    frame->full = 1;
    return 0;
}

static int fpstate_pop(uaddr_t at)
{
    u32 size = fpu_size();
    struct _fpx_sw_bytes sw;
    u64 features = 3; // x87 and SSE: what an area without the magic has
    u8 *area;
    int error;

    if (!at) {
        fpu_reset();
        return 0;
    }
    area = heap_alloc(max(size, 4096u));
    if (!area)
        return -EFAULT;
    error = user_read(area, at, 512 + 64);
    memcpy(&sw, area + SW_BYTES_OFFSET, sizeof(sw));
    if (!error && sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == size) {
        error = user_read(area, at, size);
        features = sw.xfeatures;
    } else {
        memset(area + 512, 0, 64);
        area[512] = 3;
    }
    if (!error)
        error = fpu_restore_checked(area, features);
    heap_free(area);
    return error ? -EFAULT : 0;
}

int signal_frame_pop(struct trap_frame *f)
{
    struct thread *t = thread_current();
    struct ucontext uc;
    const struct sigcontext_64 *c = (const void *)&uc.uc_mcontext;
    signal_set_t blocked;

    if (user_read(&uc, f->rsp - 8 + offsetof(struct signal_frame, context), sizeof(uc)))
        return -EFAULT;
    if ((c->ip >= USER_HIGH && c->ip < LOWER_HALF_END) || fpstate_pop(c->fpstate))
        return -EFAULT; // others than the kernel's just fault
    *f = (struct trap_frame){
        .r15 = c->r15, .r14 = c->r14, .r13 = c->r13, .r12 = c->r12, .rbp = c->bp, .rbx = c->bx,
        .r11 = c->r11, .r10 = c->r10, .r9 = c->r9, .r8 = c->r8, .rax = c->ax, .rcx = c->cx,
        .rdx = c->dx, .rsi = c->si, .rdi = c->di, .call = FRAME_NO_CALL, .rip = patch_resolve(c->ip),
        .cs = USER_CS, .rflags = (c->flags & FLAGS_RESTORED) | USER_RFLAGS, .rsp = c->sp,
        .ss = USER_SS, .full = 1,
    };
    memcpy(&blocked, &uc.uc_sigmask, sizeof(blocked));
    signal_set_blocked(t, blocked);
    if (!on_altstack(t, f->rsp)) {
        t->altstack_base = (uaddr_t)uc.uc_stack.ss_sp;
        t->altstack_size = uc.uc_stack.ss_size;
        t->altstack_flags = (u32)uc.uc_stack.ss_flags & (ALTSTACK_DISABLE | ALTSTACK_AUTODISARM);
    }
    return 0;
}
