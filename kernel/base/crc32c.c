// SPDX-License-Identifier: BSD-3-Clause
// CRC-32C, four bits at a time: it covers headers of a few kilobytes, so a table of 16 is enough.
#include "base/crc32c.h"

u32 crc32c(u32 crc, const void *data, size_t size)
{
    static const u32 table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    for (const u8 *p = data; size; size--, p++) {
        crc ^= *p;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}
