// SPDX-License-Identifier: BSD-3-Clause
// What a replaceable instruction looks like.
#include "base/text_site.h"

#include "base/string.h"

#define SYSCALLS_MAX 512 // larger numbers are no Linux call

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

bool text_site_at(const u8 *code, size_t size, struct text_site *out)
{
    u32 middle = 0;

    if (size < 7 || code[0] != 0xb8)
        return false;
    if (code[5] == 0x31 && code[6] == 0xc9)
        middle = 2;
    else if (code[5] == 0xb9)
        middle = 5;
    if (size < 7 + middle || code[5 + middle] != 0x0f)
        return false;
    memcpy(&out->number, code + 1, sizeof(out->number));
    out->middle = middle;
    out->size = 7 + middle;
    out->kind = code[6 + middle] == 0xa2 ? TEXT_SITE_CPUID : TEXT_SITE_SYSCALL;
    if (out->kind == TEXT_SITE_CPUID)
        return leaf_is_constant(out->number);
    return code[6 + middle] == 0x05 && !middle && out->number < SYSCALLS_MAX;
}
