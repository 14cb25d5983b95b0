// SPDX-License-Identifier: BSD-3-Clause
#include "x86_64/fpu.h"

#include "abi/boot.h"
#include "base/string.h"
#include "memory/heap.h"
#include "thread/thread.h"
#include "x86_64/cpu.h"

#define MXCSR_INITIAL     0x1f80u
#define MXCSR_OFFSET      24
#define MXCSR_MASK_OFFSET 28
#define HEADER_OFFSET     512 // xstate_bv, xcomp_bv, reserved [Intel SDM 1, 13.4.2]
#define HEADER_SIZE       64
#define X87_CONTROL_INITIAL 0x37f
#define X87_OFFSET        32
#define SSE_OFFSET        160
#define XSTATE_LEGACY     3u // x87 and SSE
// AMX's tiles: 8 KiB that a program may use when it has asked the host for them (ARCH_REQ_XCOMP_PERM), which none can.
// Without them a signal frame fits on the stacks of 8 KiB that many programs give to their handlers, as on Linux.
#define XSTATE_TILES      (3ull << 17)
#define FEATURE_MAX       16

// What a restore reads of an area whose header names no feature: all of them become initial.
static const union {
    u8 bytes[HEADER_OFFSET + HEADER_SIZE];
    u32 words[(HEADER_OFFSET + HEADER_SIZE) / 4];
} initial __attribute__((aligned(FPU_ALIGN))) = {.words = {[MXCSR_OFFSET / 4] = MXCSR_INITIAL}};

static struct {
    u32 room; // for a save area: what the host said, or the size
    u32 size; // 0: not asked yet; see fpu_size
} fpu;

static inline void xsave(void *area)
{
    __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"((u32)~XSTATE_TILES), "d"(~0u) : "memory");
}

static inline void xsaveopt(void *area)
{
    __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"((u32)~XSTATE_TILES), "d"(~0u) : "memory");
}

static inline void xrstor(const void *area, u64 features)
{
    __asm__ volatile("xrstor64 (%0)"
                     :
                     : "r"(area), "a"((u32)features), "d"((u32)(features >> 32))
                     : "memory");
}

void fpu_init(const struct boot_info *boot)
{
    fpu.room = boot->signal_stack_min ? (u32)boot->signal_stack_min : fpu_size();
}

// Components of the standard format lie in the order of their bits, so the highest one ends it.
static u32 size_without_tiles(void)
{
    u64 features = fpu_features();
    u32 r[4], bit = FEATURE_MAX;

    while (bit > 1 && !(features >> bit & 1))
        bit--;
    if (bit < 2)
        return HEADER_OFFSET + HEADER_SIZE;
    cpu_id(0xd, bit, r);
    return r[0] + r[1]; // size and offset
}

u32 fpu_size(void)
{
    u32 r[4];

    if (!fpu.size) {
        cpu_id(0xd, 0, r);
        fpu.size = r[1];
        if ((r[0] | (u64)r[3] << 32) & XSTATE_TILES)
            fpu.size = size_without_tiles();
    }
    return fpu.size;
}

u32 fpu_room(void)
{
    return fpu.room;
}

u64 fpu_features(void)
{
    u32 low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low | (u64)high << 32) & ~XSTATE_TILES;
}

static u32 mxcsr_mask(void)
{
    u8 area[HEADER_OFFSET] __attribute__((aligned(FPU_ALIGN)));
    u32 mask;

    __asm__ volatile("fxsave64 %0" : "=m"(area));
    memcpy(&mask, area + MXCSR_MASK_OFFSET, sizeof(mask));
    return mask ? mask : 0xffbf;
}

int fpu_alloc(struct thread *t)
{
    // heap_alloc aligns sizes of a page and more to a page. It is not touched before it is needed.
    t->fpu = heap_alloc(max(fpu.room, 4096u));
    t->fpu_saved = false;
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
    t->fpu_saved = true;
}

void fpu_copy(struct thread *t)
{
    fpu_store(t->fpu);
    t->fpu_saved = true;
}

void fpu_load(struct thread *t)
{
    xrstor(t->fpu_saved ? t->fpu : &initial, ~0ull);
}

void fpu_reset(void)
{
    xrstor(&initial, ~0ull);
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

    if (*mxcsr & ~mxcsr_mask())
        return -EINVAL;
    header[0] &= features & fpu_features();
    memset(header + 1, 0, HEADER_SIZE - 8); // compacted format and reserved bits would fault
    xrstor(area, ~0ull);
    return 0;
}

// xsaveopt leaves out what is in its initial state, so that is filled in here.
void fpu_peek(const struct thread *t, void *area)
{
    u8 *bytes = area;
    u64 *header = (u64 *)(void *)(bytes + HEADER_OFFSET);

    memset(area, 0, fpu_size());
    if (t->fpu_saved)
        memcpy(area, t->fpu, fpu_size());
    if (!(header[0] & 1)) {
        memset(bytes, 0, MXCSR_OFFSET);
        *(u16 *)area = X87_CONTROL_INITIAL;
        memset(bytes + X87_OFFSET, 0, SSE_OFFSET - X87_OFFSET);
    }
    if (!(header[0] & 2)) {
        *(u32 *)(void *)(bytes + MXCSR_OFFSET) = MXCSR_INITIAL;
        memset(bytes + SSE_OFFSET, 0, 256);
    }
    header[0] |= XSTATE_LEGACY;
}

void fpu_poke(struct thread *t, const void *area)
{
    u8 *bytes = t->fpu;
    u64 *header = (u64 *)(void *)(bytes + HEADER_OFFSET);

    memcpy(bytes, area, fpu_size());
    *(u32 *)(void *)(bytes + MXCSR_OFFSET) &= mxcsr_mask();
    header[0] &= fpu_features();
    memset(header + 1, 0, HEADER_SIZE - 8);
    t->fpu_saved = true;
    t->fpu_vcpu = NULL; // no registers hold it
}
