// SPDX-License-Identifier: BSD-3-Clause
// The kernel as it was built, inside clade. KERNEL_ELF is its path, from build.mk.
    .section .rodata.kernel, "a", @progbits
    .balign 4096
    .globl kernel_elf_start, kernel_elf_end
kernel_elf_start:
    .incbin KERNEL_ELF
kernel_elf_end:
    .section .note.GNU-stack, "", @progbits
