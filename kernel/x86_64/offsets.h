// SPDX-License-Identifier: BSD-3-Clause
// Offsets that the assembly files use; upcall.c asserts each against its struct.
#pragma once

#define VCPU_SELF           0x00
#define VCPU_THREAD         0x08
#define VCPU_KERNEL_STACK   0x10
#define VCPU_USER_RSP       0x18
#define VCPU_INDEX          0x28
#define VCPU_UPCALL_PENDING 0x30
#define VCPU_CPU            0x38

#define FRAME_SIZE   0xb0
#define FRAME_R15    0x00
#define FRAME_R14    0x08
#define FRAME_R13    0x10
#define FRAME_R12    0x18
#define FRAME_RBP    0x20
#define FRAME_RBX    0x28
#define FRAME_R11    0x30
#define FRAME_R10    0x38
#define FRAME_R9     0x40
#define FRAME_R8     0x48
#define FRAME_RAX    0x50
#define FRAME_RCX    0x58
#define FRAME_RDX    0x60
#define FRAME_RSI    0x68
#define FRAME_RDI    0x70
#define FRAME_CALL   0x78
#define FRAME_RIP    0x80
#define FRAME_RFLAGS 0x90
#define FRAME_RSP    0x98
#define FRAME_FULL   0xa8

// Selectors of 64-bit user code on Linux; part of the ABI, as signal frames show them.
#define USER_CS     0x33
#define USER_SS     0x2b
#define USER_RFLAGS 0x202

// struct ucontext and its struct sigcontext_64, asm/ucontext.h
#define UC_R8      40
#define UC_RIP     168
#define UC_RSP     160
#define UC_RFLAGS  176
#define UC_FPSTATE 224
// struct _fpx_sw_bytes at 464 in the fxsave area: xfeatures
#define FPSTATE_XFEATURES 472
