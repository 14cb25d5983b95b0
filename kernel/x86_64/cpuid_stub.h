// SPDX-License-Identifier: BSD-3-Clause
// Programs' CPUID instructions, answered from memory where each is an exit of a virtual machine.
#pragma once

#include "base/elf.h"

struct address_space;

// Lets the sites that the image's table names for this program, which was just mapped into s with
// this bias, jump to stubs. Does nothing where CPUID is quick, or where anything is amiss.
void cpuid_stubs_make(struct address_space *s, struct elf *elf, u64 bias);
