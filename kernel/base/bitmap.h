// SPDX-License-Identifier: BSD-3-Clause
// Bit sets in arrays of u64; the caller knows the size and holds the lock.
#pragma once

#include "base/types.h"

#define BITMAP_WORDS(bit_count) (((bit_count) + 63) / 64)

static inline bool bitmap_test(const u64 *map, size_t bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(u64 *map, size_t bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}

static inline void bitmap_clear(u64 *map, size_t bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}

// How many bits of a word are set; without an instruction that old CPUs lack. [Hacker's Delight, 5-1]
static inline u64 bitmap_word_count(u64 word)
{
    word -= word >> 1 & 0x5555555555555555ull;
    word = (word & 0x3333333333333333ull) + (word >> 2 & 0x3333333333333333ull);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return word * 0x0101010101010101ull >> 56;
}

// The first clear bit at or behind `from`, below bit_count; bit_count if there is none.
static inline size_t bitmap_find_clear(const u64 *map, size_t bit_count, size_t from)
{
    for (size_t bit = from; bit < bit_count; bit = (bit | 63) + 1) {
        u64 clear = ~map[bit / 64] >> (bit % 64);
        if (clear) {
            bit += (size_t)__builtin_ctzll(clear);
            return min(bit, bit_count);
        }
    }
    return bit_count;
}

// The same for a set bit.
static inline size_t bitmap_find_set(const u64 *map, size_t bit_count, size_t from)
{
    for (size_t bit = from; bit < bit_count; bit = (bit | 63) + 1) {
        u64 set = map[bit / 64] >> (bit % 64);
        if (set) {
            bit += (size_t)__builtin_ctzll(set);
            return min(bit, bit_count);
        }
    }
    return bit_count;
}
