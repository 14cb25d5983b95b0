// SPDX-License-Identifier: BSD-3-Clause
// Sequence numbers are modulo 2^32. [RFC 9293, 3.4]
#pragma once

#include "base/types.h"

static inline bool sequence_before(u32 a, u32 b)
{
    return (s32)(a - b) < 0;
}

static inline bool sequence_after(u32 a, u32 b)
{
    return (s32)(b - a) < 0;
}

// start <= x <= end
static inline bool sequence_between(u32 x, u32 start, u32 end)
{
    return end - start >= x - start;
}

static inline u32 least(u32 a, u32 b, u32 c)
{
    return min(a, b) < c ? min(a, b) : c;
}

static inline u32 sequence_max(u32 a, u32 b)
{
    return sequence_after(a, b) ? a : b;
}

static inline u32 sequence_min(u32 a, u32 b)
{
    return sequence_before(a, b) ? a : b;
}
