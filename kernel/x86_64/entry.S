// SPDX-License-Identifier: BSD-3-Clause
// The ways into the kernel and out of it.
//
//   kernel_entry        the tender's jump, once
//   syscall_entry_fast  from a patched syscall instruction's stub, or a direct call
//   upcall_entry        host signal: trap of an unpatched syscall, fault, tick
//   user_return         out, from the trap frame at the top of the kernel stack
//
// Out is a window [exit_window_start, exit_window_end) in which the frame is complete and only
// registers change. An upcall that finds the program counter there sets upcall_pending and resumes at
// user_return, which sees it. So no upcall is ever lost between the last look and user code.
#include "x86_64/offsets.h"

    .section .text.entry, "ax"

    .globl kernel_entry
    .hidden kernel_entry
kernel_entry:
    and     $-16, %rsp
    xor     %ebp, %ebp
    call    kernel_main
    ud2

// In: rax number, rdi rsi rdx r10 r8 r9 arguments, rcx return address, rsp the user's.
// Out: jmp *%rcx with rax the result; rcx, r11 clobbered; flags as after any call.
    .globl syscall_entry_fast
    .hidden syscall_entry_fast
    .p2align 6
syscall_entry_fast:
    mov     %rsp, %gs:VCPU_USER_RSP
    mov     %gs:VCPU_KERNEL_STACK, %rsp
    pushq   $0
    pushq   $USER_SS
    pushq   %gs:VCPU_USER_RSP
    pushq   $USER_RFLAGS
    pushq   $USER_CS
    push    %rcx
    push    %rax
    push    %rdi
    push    %rsi
    push    %rdx
    push    %rcx
    push    %rax
    push    %r8
    push    %r9
    push    %r10
    pushq   $USER_RFLAGS
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    cld
    mov     %rsp, %rdi
    xor     %ebp, %ebp
    call    syscall_dispatch

    .globl user_return
    .hidden user_return
user_return:
    cmpl    $0, FRAME_FULL(%rsp)
    jne     return_full
    .globl exit_window_start
    .hidden exit_window_start
exit_window_start:
    cmpq    $0, %gs:VCPU_UPCALL_PENDING
    jne     return_work_first
    mov     FRAME_RAX(%rsp), %rax
    mov     FRAME_RDI(%rsp), %rdi
    mov     FRAME_RSI(%rsp), %rsi
    mov     FRAME_RDX(%rsp), %rdx
    mov     FRAME_R10(%rsp), %r10
    mov     FRAME_R8(%rsp), %r8
    mov     FRAME_R9(%rsp), %r9
    mov     FRAME_RBP(%rsp), %rbp
    mov     FRAME_RIP(%rsp), %rcx
    movq    $0, %gs:VCPU_USER_RSP
    mov     FRAME_RSP(%rsp), %rsp
    jmp     *%rcx

return_full:
    cmpq    $0, %gs:VCPU_UPCALL_PENDING
    jne     return_work_first
    mov     FRAME_R15(%rsp), %r15
    mov     FRAME_R14(%rsp), %r14
    mov     FRAME_R13(%rsp), %r13
    mov     FRAME_R12(%rsp), %r12
    mov     FRAME_RBP(%rsp), %rbp
    mov     FRAME_RBX(%rsp), %rbx
    mov     FRAME_R11(%rsp), %r11
    mov     FRAME_R10(%rsp), %r10
    mov     FRAME_R9(%rsp), %r9
    mov     FRAME_R8(%rsp), %r8
    mov     FRAME_RAX(%rsp), %rax
    mov     FRAME_RCX(%rsp), %rcx
    mov     FRAME_RDX(%rsp), %rdx
    mov     FRAME_RSI(%rsp), %rsi
    mov     FRAME_RDI(%rsp), %rdi
    movq    $0, %gs:VCPU_USER_RSP
    add     $FRAME_RIP, %rsp
    iretq
    .globl exit_window_end
    .hidden exit_window_end
exit_window_end:

// In the fast window the callee-saved registers are the user's already, and C code keeps them; in the
// full one they come from the frame once more.
return_work_first:
    .globl user_return_again
    .hidden user_return_again
user_return_again:
    mov     %rsp, %rdi
    call    return_work
    jmp     user_return

// A host signal. rdi: signal, rsi: siginfo, rdx: ucontext; on the upcall stack.
    .globl upcall_entry
    .hidden upcall_entry
    .p2align 4
upcall_entry:
    pushq   $USER_RFLAGS                // Linux leaves the alignment check of user code on
    popfq
    sub     $8, %rsp
    // Kernel or user? By the program counter; code that jumped to nowhere is told by its stack.
    mov     UC_RIP(%rdx), %rax
    mov     $0x654000000000, %rcx       // USER_HIGH
    cmp     %rcx, %rax
    jb      upcall_in_user
    lea     kernel_text_start(%rip), %r8
    lea     kernel_text_end(%rip), %r9
    cmp     %r8, %rax
    jb      1f
    cmp     %r9, %rax
    jb      upcall_in_kernel
1:  sub     platform_gate_base(%rip), %rax
    cmp     platform_gate_size(%rip), %rax
    jb      upcall_in_kernel
    cmp     %rcx, UC_RSP(%rdx)
    jae     upcall_in_kernel
upcall_in_user:
    // The host gave us fresh vector registers; the thread's are in the frame. The kernel never
    // touches them, so once they are back this is like any other entry.
    mov     UC_FPSTATE(%rdx), %rcx
    mov     %rdx, %r12
    mov     FPSTATE_XFEATURES(%rcx), %eax
    mov     FPSTATE_XFEATURES+4(%rcx), %edx
    xrstor64 (%rcx)
    mov     %r12, %rdx
    mov     %gs:VCPU_KERNEL_STACK, %rcx
    sub     $FRAME_SIZE, %rcx
    mov     %rcx, %rbx
    xor     %ebp, %ebp
    call    upcall_save                 // (signal, siginfo, ucontext, frame) -> first stack byte
    mov     %rax, %rsp
    mov     %rbx, %rdi
    mov     %rax, %rsi
    call    upcall_dispatch             // (frame, info)
    mov     %rbx, %rsp
    jmp     user_return

// The interrupted code is the kernel's or the gate's: flag it, or fix a fault up, and go back exactly.
upcall_in_kernel:
    mov     %rdx, %rbx
    call    upcall_kernel               // (signal, siginfo, ucontext)
    mov     UC_FPSTATE(%rbx), %rcx
    mov     FPSTATE_XFEATURES(%rcx), %eax
    mov     FPSTATE_XFEATURES+4(%rcx), %edx
    xrstor64 (%rcx)
    pushq   $USER_SS
    pushq   UC_RSP(%rbx)
    pushq   UC_RFLAGS(%rbx)
    pushq   $USER_CS
    pushq   UC_RIP(%rbx)
    mov     UC_R8+0(%rbx), %r8
    mov     UC_R8+8(%rbx), %r9
    mov     UC_R8+16(%rbx), %r10
    mov     UC_R8+24(%rbx), %r11
    mov     UC_R8+32(%rbx), %r12
    mov     UC_R8+40(%rbx), %r13
    mov     UC_R8+48(%rbx), %r14
    mov     UC_R8+56(%rbx), %r15
    mov     UC_R8+64(%rbx), %rdi
    mov     UC_R8+72(%rbx), %rsi
    mov     UC_R8+80(%rbx), %rbp
    mov     UC_R8+96(%rbx), %rdx
    mov     UC_R8+104(%rbx), %rax
    mov     UC_R8+112(%rbx), %rcx
    mov     UC_R8+88(%rbx), %rbx
    iretq

    .section .note.GNU-stack, "", @progbits
