// SPDX-License-Identifier: BSD-3-Clause
// CRC-32C by the instruction for it: every CPU that Clade runs on has SSE 4.2 (FSGSBASE came later).
// Every start of a guest checks a superblock with it, so it must not cost microseconds.
#include "base/crc32c.h"
#include "base/string.h"

u32 crc32c(u32 crc, const void *data, size_t size)
{
    const u8 *p = data;
    u64 state = crc, word;

    for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        __asm__("crc32q %1, %0" : "+r"(state) : "r"(word));
    }
    for (; size; size--, p++)
        __asm__("crc32b %1, %k0" : "+r"(state) : "r"(*p));
    return (u32)state;
}
