// SPDX-License-Identifier: BSD-3-Clause
// Lengths of instructions: prefixes, opcode, ModRM with its displacement, immediate. Intel SDM
// volume 2, chapter 2 and the opcode maps of appendix A. A letter for each opcode says what follows
// it:
//
//     .  nothing            m  ModRM              x  not in 64-bit mode, or not known
//     b  8 bits             B  ModRM and 8 bits   p  prefix, or handled apart
//     w  16 bits            z  32 bits (16 with prefix 66)
//     d  32 bits, always    Z  ModRM and z
//     e  16 and 8 bits      o  an address of 64 bits
//     v  32 bits, 64 with REX.W
//     t  ModRM, and 8 bits if its reg field is 0 or 1      T  the same with z
#include "base/instruction.h"

#define LENGTH_MAX 15

static const char one_byte[] = "mmmmbzxxmmmmbzxp" // 00: 0f is the way to two bytes
                               "mmmmbzxxmmmmbzxx"
                               "mmmmbzpxmmmmbzpx"
                               "mmmmbzpxmmmmbzpx"
                               "pppppppppppppppp" // 40: REX
                               "................"
                               "xxpmppppzZbB...." // 60
                               "bbbbbbbbbbbbbbbb"
                               "BZxBmmmmmmmmmmmm" // 80
                               "..........x....."
                               "oooo....bz......" // a0
                               "bbbbbbbbvvvvvvvv"
                               "BBw.ppBZe.w..bx." // c0
                               "mmmmxxx.mmmmmmmm"
                               "bbbbbbbbddxb...." // e0
                               "p.pp..tT......mm";

static const char two_bytes[] = "mmmmx....xx.xm.B" // 0f 00
                                "mmmmmmmmmmmmmmmm"
                                "mmmmxxxxmmmmmmmm"
                                "........pxpxxxxx" // 30: 38 and 3a lead further
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "BBBBmmm.mmmmmmmm" // 70
                                "dddddddddddddddd"
                                "mmmmmmmmmmmmmmmm"
                                "...mBmxx...mBmmm" // a0
                                "mmmmmmmmmmBmmmmm"
                                "mmBmBBBm........" // c0
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm";

struct reader {
    const u8 *code;
    u32 at, room;
    bool operand16, address32, wide;
};

static u8 next(struct reader *r)
{
    return r->at < r->room ? r->code[r->at++] : (r->at = LENGTH_MAX + 1, (u8)0);
}

static void skip(struct reader *r, u32 size)
{
    r->at += size;
}

static u8 skip_modrm(struct reader *r)
{
    u8 modrm = next(r), mode = modrm >> 6, base = modrm & 7;

    if (mode == 3)
        return modrm;
    if (base == 4)
        base = (next(r) & 7) == 5 && mode == 0 ? 5 : 4; // a SIB byte without base
    if (mode == 1)
        skip(r, 1);
    else if (mode == 2 || base == 5)
        skip(r, 4);
    return modrm;
}

static bool is_prefix(u8 byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 ||
           (byte & 0xe7) == 0x26 || byte == 0x64 || byte == 0x65;
}

// Reads the opcode of a VEX or EVEX instruction, and returns what follows it.
static char vector_kind(struct reader *r, u8 first)
{
    u8 map = 1;

    if (first != 0xc5)
        map = next(r) & (first == 0x62 ? 7 : 0x1f);
    skip(r, first == 0x62 ? 2 : 1);
    u8 opcode = next(r);
    if (map == 1)
        return two_bytes[opcode] == 'd' ? 'm' : two_bytes[opcode];
    return map == 3 ? 'B' : map < 8 ? 'm' : 'x';
}

// Reads prefixes and opcode.
static char opcode_kind(struct reader *r)
{
    u8 byte = next(r);

    for (; is_prefix(byte); byte = next(r)) {
        r->operand16 |= byte == 0x66;
        r->address32 |= byte == 0x67;
    }
    if ((byte & 0xf0) == 0x40) {
        r->wide = byte & 8;
        byte = next(r);
    }
    if (byte == 0xc4 || byte == 0xc5 || byte == 0x62)
        return vector_kind(r, byte);
    if (byte != 0x0f)
        return one_byte[byte];
    byte = next(r);
    if (byte != 0x38 && byte != 0x3a)
        return two_bytes[byte];
    (void)next(r);
    return byte == 0x3a ? 'B' : 'm';
}

u32 instruction_size(const u8 *code, size_t room)
{
    struct reader r = {.code = code, .room = (u32)min(room, (size_t)LENGTH_MAX)};
    char kind = opcode_kind(&r);
    u32 z = r.operand16 && !r.wide ? 2 : 4;
    u8 modrm = 0;

    if (kind == 'x' || kind == 'p')
        return 0;
    if (kind == 'm' || kind == 'B' || kind == 'Z' || kind == 't' || kind == 'T')
        modrm = skip_modrm(&r);
    bool tested = (modrm & 0x30) == 0;
    if (kind == 'b' || kind == 'B' || (kind == 't' && tested))
        skip(&r, 1);
    else if (kind == 'z' || kind == 'Z' || (kind == 'T' && tested))
        skip(&r, z);
    else if (kind == 'w' || kind == 'e')
        skip(&r, kind == 'w' ? 2 : 3);
    else if (kind == 'd')
        skip(&r, 4);
    else if (kind == 'v')
        skip(&r, r.wide ? 8 : z);
    else if (kind == 'o')
        skip(&r, r.address32 ? 4 : 8);
    return r.at <= r.room ? r.at : 0;
}
