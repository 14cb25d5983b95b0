// SPDX-License-Identifier: BSD-3-Clause
// Instructions that exec may replace before a program's first one, since what stands in front of them says what
// they will do:
//
//     five bytes or more   of moves, additions and the like, which can be executed elsewhere as well (movable_size)
//     0f a2                cpuid
//
//     b8 number32          mov $number, %eax
//     0f 05                syscall
//
// In a virtual machine each CPUID is an exit of some 4 us, and glibc's start executes dozens, on Intel's processors a
// hundred: more than half of what a small program takes. A system call traps until it is patched, which takes as long.
// The packer looks for such sites and puts a table into the image (abi/image.h); x86_64/patch_ahead.c makes them jump
// to stubs. Both ask here what is one.
//
// Only the first five bytes are ever replaced, by a jump of five bytes: who jumps to any instruction behind them finds
// it as it was. Where they are several instructions (`first_size` below 5) the packer has made sure that nobody jumps
// to the second.
#pragma once

#include "base/types.h"

#define TEXT_SITE_SIZE_MAX 18
#define TEXT_SITE_JUMP     5

enum text_site_kind { TEXT_SITE_CPUID, TEXT_SITE_SYSCALL };

struct text_site {
    enum text_site_kind kind;
    u32 number;      // leaf, if it is known, or system call
    bool leaf_known; // CPUID: `mov $leaf, %eax` is among the instructions
    bool constant;   // CPUID: and the answer is the same on all processors
    u32 first_size;  // bytes of the first instruction
    u32 lead;        // bytes in front of the cpuid or syscall instruction
    u32 size;        // of all of it
};

// Is there such a site at the start of code? CPUID leaves whose answer is about the processor that executes the
// instruction do not count.
must_check bool text_site_at(const u8 *code, size_t size, struct text_site *out);
