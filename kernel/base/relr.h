// SPDX-License-Identifier: BSD-3-Clause
// Relative relocations in their packed form: each says that the u64 at an address (of the ELF file) grows by where
// the file is loaded. [System V ABI, gABI, chapter 5: Relative Relocation Table (DT_RELR)]
//
//     struct relr r = {table, table + count, 0, 0};
//     while (relr_next(&r, &address)) ...
//
// An even entry is an address. An odd one is a bitmap of the 63 words behind the last.
#pragma once

#include "base/types.h"

struct relr {
    const u64 *at, *end; // of the table; each entry is read once
    u64 word;            // behind the last address or bitmap
    u64 bits;            // what is left of a bitmap; bit 0 is for `bit`
    u64 bit;
};

static inline bool relr_next(struct relr *r, u64 *out_address)
{
    while (!r->bits) {
        if (r->at == r->end)
            return false;
        u64 entry = *(const volatile u64 *)r->at++;
        if (!(entry & 1)) {
            *out_address = entry;
            r->word = entry + sizeof(u64);
            return true;
        }
        r->bits = entry >> 1;
        r->bit = r->word;
        r->word += 63 * sizeof(u64);
    }
    u32 skip = (u32)__builtin_ctzll(r->bits);
    *out_address = r->bit + skip * sizeof(u64);
    r->bit = *out_address + sizeof(u64);
    r->bits = r->bits >> skip >> 1;
    return true;
}
