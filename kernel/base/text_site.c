// SPDX-License-Identifier: BSD-3-Clause
// What a replaceable instruction looks like. [Intel SDM volume 2]
#include "base/text_site.h"

#include "base/string.h"

#define SYSCALLS_MAX 512 // larger numbers are no Linux call
#define NOTHING      16  // no register is written

#define EAX 0
#define ECX 1
#define ESP 4

// 1, 0xb, 0x1f, 0x8000001e have APIC ids, and 0x1a the kind of core.
static bool leaf_is_own(u32 leaf)
{
    return leaf == 1 || leaf == 0xb || leaf == 0x1a || leaf == 0x1f || leaf == 0x8000001e;
}

// Not here: 2, 4, 6, of which cores of one processor may differ (the tender knows whether they do),
// and what only hypervisors and system software ask for.
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

// The size of an instruction that does the same wherever it stands, with the stack pointer as it
// was there; 0: it is none of those that compilers put in front of CPUID. *out_written: the
// register that it changes.
static u32 movable_size(const u8 *code, size_t size, u32 *out_written)
{
    const u8 *p = code;
    u8 rex = (*p & 0xf0) == 0x40 ? *p++ : 0;
    u8 op = p[0], modrm = p[1];
    u32 prefix = (u32)(p - code), reg = (modrm >> 3 & 7) | (rex & 4) << 1,
        rm = (modrm & 7) | (rex & 1) << 3;
    u32 length = 0;

    *out_written = NOTHING;
    if (size < TEXT_SITE_JUMP)
        return 0;
    if ((op & 0xf8) == 0xb8 && !(rex & 8)) { // mov $imm32, r32
        *out_written = (op & 7) | (rex & 1) << 3;
        length = 5;
    } else if ((op == 0x89 || op == 0x31) && modrm >> 6 == 3) { // mov, xor r, r
        *out_written = rm;
        length = 2;
    } else if (op == 0x8b && modrm >> 6 == 3) { // mov r, r
        *out_written = reg;
        length = 2;
    } else if (op == 0x83 && modrm >> 6 == 3) { // add $imm8, r and its kin
        *out_written = rm;
        length = 3;
    } else if (op == 0x8d && modrm >> 6 == 1 && (modrm & 7) != ESP) { // lea disp8(r), r
        *out_written = reg;
        length = 3;
    } else if (op == 0xc6 && modrm == 0x44 && p[2] == 0x24 && !rex) { // movb $imm8, disp8(%rsp)
        length = 5;
    } else if (op == 0xc7 && modrm == 0x44 && p[2] == 0x24 && !rex) { // movl $imm32, disp8(%rsp)
        length = 8;
    } else if (op == 0xc7 && modrm == 0x84 && p[2] == 0x24 && !rex) { // movl $imm32, disp32(%rsp)
        length = 11;
    }
    if (*out_written == ESP || prefix + length > size)
        return 0;
    return length ? prefix + length : 0;
}

static bool cpuid_at(const u8 *code, size_t size, struct text_site *out)
{
    u32 at = 0, written, length;

    while (at + 2 <= size && !(code[at] == 0x0f && code[at + 1] == 0xa2)) {
        length = movable_size(code + at, size - at, &written);
        if (!length)
            return false;
        if (!at)
            out->first_size = length;
        if (written == EAX) {
            out->leaf_known = code[at] == 0xb8;
            memcpy(&out->number, code + at + 1, sizeof(out->number));
        }
        at += length;
    }
    if (at + 2 > size || at < TEXT_SITE_JUMP)
        return false;
    out->kind = TEXT_SITE_CPUID;
    out->lead = at;
    out->size = at + 2;
    out->constant = out->leaf_known && leaf_is_constant(out->number);
    return !out->leaf_known || !leaf_is_own(out->number);
}

bool text_site_at(const u8 *code, size_t size, struct text_site *out)
{
    *out = (struct text_site){
        .first_size = TEXT_SITE_JUMP, .lead = TEXT_SITE_JUMP, .size = TEXT_SITE_JUMP + 2};
    if (size < out->size)
        return false;
    if (code[0] != 0xb8 || code[5] != 0x0f || code[6] != 0x05)
        return cpuid_at(code, size, out);
    out->kind = TEXT_SITE_SYSCALL;
    memcpy(&out->number, code + 1, sizeof(out->number));
    return out->number < SYSCALLS_MAX;
}
