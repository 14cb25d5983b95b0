// SPDX-License-Identifier: BSD-3-Clause
#include "x86_64/fpu.h"

#include "base/panic.h"
#include "base/string.h"
#include "memory/heap.h"
#include "thread/thread.h"
#include "x86_64/cpu.h"

#define MXCSR_INITIAL     0x1f80u
#define MXCSR_OFFSET      24
#define MXCSR_MASK_OFFSET 28
#define HEADER_OFFSET     512 // xstate_bv, xcomp_bv, reserved [Intel SDM 1, 13.4.2]
#define HEADER_SIZE       64
#define XSTATE_LEGACY     3u // x87 and SSE

static struct {
    u32 size;
    u32 mxcsr_mask;
    u64 features;
    u8 *initial; // a saved initial state
} fpu;

static inline void xsave(void *area)
{
    __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static inline void xsaveopt(void *area)
{
    __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static inline void xrstor(const void *area, u64 features)
{
    __asm__ volatile("xrstor64 (%0)"
                     :
                     : "r"(area), "a"((u32)features), "d"((u32)(features >> 32))
                     : "memory");
}

static u8 *area_alloc(void)
{
    // heap_alloc aligns sizes of a page and more to a page; smaller ones to their power of two.
    u8 *area = heap_alloc(max(fpu.size, 4096u));

    if (area)
        *(u32 *)(void *)(area + MXCSR_OFFSET) = MXCSR_INITIAL;
    return area;
}

void fpu_init(void)
{
    u32 r[4], low, high;

    cpu_id(0xd, 0, r);
    fpu.size = r[1];
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    fpu.features = low | (u64)high << 32;
    fpu.initial = area_alloc();
    if (!fpu.initial)
        panic("no memory for the vector registers");
    xsave(fpu.initial); // for the mxcsr mask
    fpu.mxcsr_mask = *(u32 *)(void *)(fpu.initial + MXCSR_MASK_OFFSET);
    if (!fpu.mxcsr_mask)
        fpu.mxcsr_mask = 0xffbf;
    memset(fpu.initial, 0, fpu.size);
    *(u32 *)(void *)(fpu.initial + MXCSR_OFFSET) = MXCSR_INITIAL;
}

u32 fpu_size(void)
{
    return fpu.size;
}

u64 fpu_features(void)
{
    return fpu.features;
}

int fpu_alloc(struct thread *t)
{
    t->fpu = area_alloc();
    return t->fpu ? 0 : -ENOMEM;
}

void fpu_free(struct thread *t)
{
    heap_free(t->fpu);
    t->fpu = NULL;
}

void fpu_save(struct thread *t)
{
    xsaveopt(t->fpu);
}

void fpu_load(struct thread *t)
{
    xrstor(t->fpu, ~0ull);
}

void fpu_reset(void)
{
    xrstor(fpu.initial, ~0ull);
}

void fpu_store(void *area)
{
    xsave(area);
    // Who changes these registers in the area must not need to know of the bits. [Linux does so too]
    ((u64 *)area)[HEADER_OFFSET / 8] |= XSTATE_LEGACY;
}

int fpu_restore_checked(void *area, u64 features)
{
    u8 *bytes = area;
    u64 *header = (u64 *)(void *)(bytes + HEADER_OFFSET);
    u32 *mxcsr = (u32 *)(void *)(bytes + MXCSR_OFFSET);

    if (*mxcsr & ~fpu.mxcsr_mask)
        return -EINVAL;
    header[0] &= features & fpu.features;
    memset(header + 1, 0, HEADER_SIZE - 8); // compacted format and reserved bits would fault
    xrstor(area, ~0ull);
    return 0;
}
