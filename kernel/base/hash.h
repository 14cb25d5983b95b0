// SPDX-License-Identifier: BSD-3-Clause
// Hashes for the kernel's tables: quick, not cryptographic. Take the high bits of hash_u64's result
// modulo a power of two by a shift, or the low ones: both are mixed.
#pragma once

#include "base/types.h"

// Mixes every input bit into every output bit. [the finaliser of SplitMix64]
static inline u64 hash_u64(u64 x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

// FNV-1a, mixed once more. seed: another hash to continue from, or 0.
static inline u64 hash_bytes(const void *data, size_t size, u64 seed)
{
    u64 hash = seed ^ 0xcbf29ce484222325ull;

    for (const u8 *p = data; size; size--, p++)
        hash = (hash ^ *p) * 0x100000001b3ull;
    return hash_u64(hash);
}
