// SPDX-License-Identifier: BSD-3-Clause
// Instructions that exec may replace before a program's first one, since what stands in front of them says what
// they will do:
//
//     b8 leaf32            mov $leaf, %eax
//     31 c9 | b9 sub32 |   xor %ecx, %ecx | mov $subleaf, %ecx | nothing
//     0f a2                cpuid
//
//     b8 number32          mov $number, %eax
//     0f 05                syscall
//
// In a virtual machine each CPUID is an exit of some 4 us, and glibc's start executes dozens: more than half of what
// a small program takes. A system call traps until it is patched, which takes as long. The packer looks for such
// sites and puts a table into the image (abi/image.h); x86_64/patch_ahead.c makes them jump to stubs. Both ask here
// what is one.
//
// Only the first five bytes are ever replaced, by a jump of five bytes: who jumps to any other of these instructions
// finds it as it was.
#pragma once

#include "base/types.h"

#define TEXT_SITE_SIZE_MAX 12

enum text_site_kind { TEXT_SITE_CPUID, TEXT_SITE_SYSCALL };

struct text_site {
    enum text_site_kind kind;
    u32 number; // leaf, or system call
    u32 middle; // bytes between the two instructions
    u32 size;   // of all of it
};

// Are the first bytes of code such a site? CPUID leaves whose answer depends on the processor that executes the
// instruction do not count.
must_check bool text_site_at(const u8 *code, size_t size, struct text_site *out);
