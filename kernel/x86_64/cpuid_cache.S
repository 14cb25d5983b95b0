// SPDX-License-Identifier: BSD-3-Clause
// CPUID with a memory: user code, copied into each page of stubs behind its first slot, whose second
// word says where the answers are (struct cpuid_answer, patch_ahead.c). Called with the leaf in eax and
// the subleaf in ecx, a red zone's distance below the caller's stack; changes what CPUID does and
// nothing else, flags included. Threads of all members may be here at once: an answer is claimed
// (FREE to BUSY) by who executes the instruction, and used by others once it is READY.
//
// cpuid_known is for callers whose leaf may be any: it uses what is known, and remembers nothing.
#define LEAF    0
#define SUBLEAF 4
#define STATE   8
#define ANSWER  12
#define ANY     28 // not 0: the leaf has no subleaves
#define SIZE    32

#define FREE    0
#define BUSY    1
#define READY   2 // above it: END

    .section .rodata.cpuid_cache, "a"
    .globl cpuid_cache, cpuid_known, cpuid_cache_end
    .hidden cpuid_cache, cpuid_known, cpuid_cache_end
cpuid_cache:
    pushfq
    push    %rsi
    push    %rdi
    mov     cpuid_cache - 64 + 8(%rip), %rsi
look:
    mov     STATE(%rsi), %edi
    cmp     $READY, %edi
    jb      unready
    ja      execute
    cmp     %eax, LEAF(%rsi)
    jne     next
    cmpl    $0, ANY(%rsi)
    jne     found
    cmp     %ecx, SUBLEAF(%rsi)
    je      found
next:
    add     $SIZE, %rsi
    jmp     look
unready:
    test    %edi, %edi
    jnz     next
    push    %rax
    xor     %eax, %eax
    mov     $BUSY, %edi
    lock cmpxchg %edi, STATE(%rsi)
    pop     %rax
    jne     look
    mov     %eax, LEAF(%rsi)
    mov     %ecx, SUBLEAF(%rsi)
    cpuid
    mov     %eax, ANSWER(%rsi)
    mov     %ebx, ANSWER + 4(%rsi)
    mov     %ecx, ANSWER + 8(%rsi)
    mov     %edx, ANSWER + 12(%rsi)
    movl    $READY, STATE(%rsi)
    jmp     done
execute:
    cpuid
    jmp     done
found:
    mov     ANSWER(%rsi), %eax
    mov     ANSWER + 4(%rsi), %ebx
    mov     ANSWER + 8(%rsi), %ecx
    mov     ANSWER + 12(%rsi), %edx
done:
    pop     %rdi
    pop     %rsi
    popfq
    ret
cpuid_known:
    pushfq
    push    %rsi
    push    %rdi
    mov     cpuid_cache - 64 + 8(%rip), %rsi
look_only:
    cmpl    $READY, STATE(%rsi)
    jne     execute
    cmp     %eax, LEAF(%rsi)
    jne     next_only
    cmpl    $0, ANY(%rsi)
    jne     found
    cmp     %ecx, SUBLEAF(%rsi)
    je      found
next_only:
    add     $SIZE, %rsi
    jmp     look_only
cpuid_cache_end:

    .section .note.GNU-stack, "", @progbits
