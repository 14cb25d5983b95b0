// SPDX-License-Identifier: BSD-3-Clause
// What is patched before a program starts: CPUID instructions, answered from memory where each is an exit of a
// virtual machine, and system calls.
#pragma once

#include "base/elf.h"

struct address_space;

// Lets the sites that the image's table names for this program, which was just mapped into s with
// this bias, jump to stubs. Leaves alone what is not what the table says.
void patch_ahead(struct address_space *s, struct elf *elf, u64 bias);
