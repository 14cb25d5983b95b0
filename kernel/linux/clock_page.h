// SPDX-License-Identifier: BSD-3-Clause
// The page of time: how CLOCK_MONOTONIC follows from the TSC at present. clock.c writes it, the
// kernel and the vDSO in user memory read it.
//
//     ns = base + ((tsc - anchor) * rate >> 32)        while tsc - anchor <= window
//
// `sequence` is odd while clock.c writes; a reader takes it, reads the rest, and starts again when
// it changed. Beyond the window the formula is stale: the kernel must look at the host's clock
// first.
#pragma once

#include "base/types.h"

struct clock_page {
    u32 sequence;
    u32 reserved;
    u64 anchor;   // TSC
    u64 base;     // ns of CLOCK_MONOTONIC at `anchor`
    u64 rate;     // ns in a tick, times 2^32
    u64 window;   // ticks; 0: never usable from user memory
    u64 realtime; // ns to add for CLOCK_REALTIME
    struct {      // both clocks at `anchor` once more: the vDSO need not divide
        u64 seconds, ns;
    } start[2];   // CLOCK_MONOTONIC, CLOCK_REALTIME
    u64 entry;    // the kernel's entry for system calls without a trap, for the vDSO; never changes
};

static inline u64 clock_scale(u64 ticks, u64 rate)
{
    return (u64)((unsigned __int128)ticks * rate >> 32);
}

// A consistent copy; the loads pair with clock_page_write in clock.c.
static inline void clock_page_read(const struct clock_page *page, struct clock_page *out)
{
    u32 before;

    do {
        before = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
        out->anchor = __atomic_load_n(&page->anchor, __ATOMIC_RELAXED);
        out->base = __atomic_load_n(&page->base, __ATOMIC_RELAXED);
        out->rate = __atomic_load_n(&page->rate, __ATOMIC_RELAXED);
        out->window = __atomic_load_n(&page->window, __ATOMIC_RELAXED);
        out->realtime = __atomic_load_n(&page->realtime, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (before & 1 || before != __atomic_load_n(&page->sequence, __ATOMIC_RELAXED));
}
