// SPDX-License-Identifier: BSD-3-Clause
// The kernel that goes into images; kernel_elf.S has it.
#pragma once

extern const char kernel_elf_start[], kernel_elf_end[];
