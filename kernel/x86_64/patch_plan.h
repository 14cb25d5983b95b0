// SPDX-License-Identifier: BSD-3-Clause
// Numbers only: what five bytes around a syscall instruction a jump may replace, and the stub that
// it goes to. No memory is touched, so that it can be tested anywhere; patch.c does the deeds.
//
//     shape A   before:  [instruction of 5 or more bytes] 0f 05 | rest
//               after:   e9 rel32 [tail of it]            0f 05 | rest
//               stub:    instruction; lea rest, %rcx; jmp entry
//
//     shape B   before:  31 c0 0f 05 48 3d imm32 | rest           (xor, syscall, cmp)
//               after:   e9 rel32       3d imm32 | rest
//               stub:    xor; lea 1f, %rcx; jmp entry; syscall; 1: cmp; jmp rest
//
//     shape C   before:  0f 05 [instructions of 3 or more bytes] | rest
//               after:   e9 rel32 [tail of them]                 | rest
//               stub:    lea 1f, %rcx; jmp entry; syscall; 1: instructions; jmp rest
//
// In B and C nobody may jump to an instruction that lies under the jump but for its first byte: the
// caller looks for such jumps (patch_plan_far_target, patch_plan_short_target).
#pragma once

#include "x86_64/frame.h"

enum patch_shape { PATCH_A, PATCH_B, PATCH_C, PATCH_SHAPES };

#define PATCH_BEFORE 16 // bytes of text wanted in front of the site
#define PATCH_AFTER  16 // and from the site on
#define PATCH_JUMP   5
#define PATCH_STUB   64  // bytes of a stub at most
#define PATCH_NEAR   192 // a short jump reaches less far, with bytes to spare to find instructions

struct patch_plan {
    enum patch_shape shape;
    uaddr_t site;  // of the syscall instruction
    uaddr_t start; // where the jump goes
    uaddr_t end;   // behind the last byte that moves
    u8 head[16];   // instructions before the syscall that move
    u32 head_size;
    u8 tail[16]; // and behind it
    u32 tail_size;
    u32 tail_first; // size of the first of them
    // Shape A that moves an access to memory: register and memory are the same, if the guess is
    // right.
    bool check_memory;
    uaddr_t access;
    u64 access_value, access_mask;
    bool relative; // to rip: the stub's copy needs another distance
};

// Where things are in a stub, from its start. Program counters in a stub correspond to those of the
// original text: 0 to plan.start, call to the site, next to what is behind the syscall instruction.
struct patch_stub {
    u8 bytes[PATCH_STUB];
    u32 size;
    u32 call; // behind the head
    u32 next; // 0 in shape A: the stub does not come back
};

// text: the PATCH_BEFORE bytes in front of the site, and PATCH_AFTER from it on. frame: the
// registers at the trap, rax in frame->call. False: this shape does not fit here.
must_check bool patch_plan_make(enum patch_shape shape, uaddr_t site, const u8 *text,
                                const struct trap_frame *frame, struct patch_plan *out);
// The stub, to be at `at`; entry_slot: where the address of the kernel's entry can be read. Both
// are within 2 GiB of the site, or false.
must_check bool patch_plan_stub(const struct patch_plan *p, uaddr_t at, uaddr_t entry_slot,
                                struct patch_stub *out);
// The jump to the stub, to be written to plan.start. False: the stub is too far.
must_check bool patch_plan_jump(const struct patch_plan *p, uaddr_t stub, u8 jump[PATCH_JUMP]);
// True if the jump lies within 16 aligned bytes, so that one store can write it.
bool patch_plan_atomic(const struct patch_plan *p);
// True if the bytes [code, code + size), which are at `at`, contain what may be a jump or call to
// an instruction that the plan covers. far: with a 32-bit distance; instructions that reach over
// the end are not seen, so parts must overlap by 8. short: with an 8-bit distance; code is what
// lies up to PATCH_NEAR bytes around the site, the site included.
must_check bool patch_plan_far_target(const struct patch_plan *p, uaddr_t at, const u8 *code,
                                      size_t size);
must_check bool patch_plan_short_target(const struct patch_plan *p, uaddr_t at, const u8 *code,
                                        size_t size);
