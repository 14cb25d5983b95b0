// SPDX-License-Identifier: BSD-3-Clause
// Changing stacks.
#include "x86_64/offsets.h"

    .text

// void stack_switch(u64 *save_sp, u64 load_sp, struct thread *to): saves the callee-saved registers on the present
// stack, its pointer in *save_sp, and goes on where the other stack was saved. In between the vCPU's thread
// becomes `to`: not before the old one can go on elsewhere.
    .globl stack_switch
    .hidden stack_switch
stack_switch:
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, (%rdi)
    mov     %rdx, %gs:VCPU_THREAD
    mov     %rsi, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret

// void stack_call(void (*function)(u64), u64 argument, u64 top)
    .globl stack_call
    .hidden stack_call
stack_call:
    mov     %rdx, %rsp
    and     $-16, %rsp
    xor     %ebp, %ebp
    mov     %rdi, %rax
    mov     %rsi, %rdi
    call    *%rax
    ud2

// The first thing a new user thread does: its stack was laid out by thread_create so that
// stack_switch returns here, with the frame right above.
    .globl thread_first_return
    .hidden thread_first_return
thread_first_return:
    call    thread_first_run
    jmp     user_return

    .section .note.GNU-stack, "", @progbits
