// SPDX-License-Identifier: BSD-3-Clause
// The vDSO's file, on a page of its own, so that it can be mapped into user memory from the image.
    .section .rodata.vdso, "a"
    .balign 4096
    .globl vdso_image
    .hidden vdso_image
vdso_image:
    .incbin VDSO_FILE
    .balign 4096

    .section .note.GNU-stack, "", @progbits
