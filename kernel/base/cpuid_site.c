// SPDX-License-Identifier: BSD-3-Clause
// What a replaceable CPUID instruction looks like.
#include "base/cpuid_site.h"

#include "base/string.h"

// Not here: 1, 0xb, 0x1f, 0x8000001e (APIC ids); 2, 4, 6, 0x1a (cores of one processor may differ); what only
// hypervisors and system software ask for.
static bool leaf_is_constant(u32 leaf)
{
    switch (leaf) {
    case 0:
    case 7:
    case 0xd:
    case 0x14:
    case 0x19:
    case 0x80000000 ... 0x80000008:
    case 0x8000001d:
        return true;
    default:
        return false;
    }
}

bool cpuid_site_at(const u8 *code, size_t size, struct cpuid_site *out)
{
    u32 middle = 0;

    if (size < 7 || code[0] != 0xb8)
        return false;
    if (code[5] == 0x31 && code[6] == 0xc9)
        middle = 2;
    else if (code[5] == 0xb9)
        middle = 5;
    if (size < 7 + middle || code[5 + middle] != 0x0f || code[6 + middle] != 0xa2)
        return false;
    memcpy(&out->leaf, code + 1, sizeof(out->leaf));
    out->middle = middle;
    out->size = 7 + middle;
    return leaf_is_constant(out->leaf);
}
