// SPDX-License-Identifier: BSD-3-Clause
// CPUID instructions whose leaf is written right in front of them, as compilers write __cpuid().
// In a virtual machine each of them is an exit of some 4 us, and glibc's start executes about 80: more than half
// of what a small program takes. The packer looks for such sites in the programs it packs and puts a
// table into the image (abi/image.h); exec makes them jump to a stub that remembers the answers
// (x86_64/cpuid_stub.c). Both ask here what is one.
//
//     b8 leaf32            mov $leaf, %eax
//     31 c9 | b9 sub32 |   xor %ecx, %ecx | mov $subleaf, %ecx | nothing
//     0f a2                cpuid
//
// Only the first five bytes are ever replaced, by a jump of five bytes: who jumps to any other of
// these instructions finds it as it was.
#pragma once

#include "base/types.h"

#define CPUID_SITE_SIZE_MAX 12

struct cpuid_site {
    u32 leaf;
    u32 middle; // bytes between the two instructions
    u32 size;   // of all of it
};

// Are the first bytes of code such a site? Leaves whose answer depends on the processor that
// executes the instruction do not count.
must_check bool cpuid_site_at(const u8 *code, size_t size, struct cpuid_site *out);
