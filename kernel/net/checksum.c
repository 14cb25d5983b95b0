// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum in software, and what of it is left to devices.
#include "net/checksum.h"

#include "base/string.h"
#include "net/packet.h"

static u64 add(u64 sum, u64 word) // with the carry around the end
{
    sum += word;
    return sum + (sum < word);
}

static u64 load(const u8 *p, size_t size) // up to 8 bytes, zeros behind them
{
    u64 word = 0;
    memcpy(&word, p, size);
    return word;
}

static u64 load8(const u8 *p)
{
    u64 word;
    memcpy(&word, p, 8);
    return word;
}

u32 checksum_sum(const void *data, size_t size)
{
    const u8 *p = data;
    u64 a = 0, b = 0;

    for (; size >= 32; size -= 32, p += 32) {
        a = add(a, load8(p));
        b = add(b, load8(p + 8));
        a = add(a, load8(p + 16));
        b = add(b, load8(p + 24));
    }
    for (; size >= 8; size -= 8, p += 8)
        a = add(a, load8(p));
    a = add(a, b);
    if (size)
        a = add(a, load(p, size));
    return checksum_fold(checksum_add((u32)a, (u32)(a >> 32)));
}

u32 checksum_pseudo(const struct ip_address *source, const struct ip_address *destination,
                    u8 protocol, u32 size)
{
    u32 sum = checksum_add(swap32(size), (u32)protocol << 24); // as words in network order

    if (ip_is_v4(source)) {
        sum = checksum_add(sum, source->words[3]);
        return checksum_add(sum, destination->words[3]);
    }
    for (u32 i = 0; i < 4; i++) {
        sum = checksum_add(sum, source->words[i]);
        sum = checksum_add(sum, destination->words[i]);
    }
    return sum;
}

bool checksum_verify(struct packet *p)
{
    u32 sum;

    if (p->checksum != CHECKSUM_NONE)
        return true;
    sum = checksum_pseudo(&p->source, &p->destination, p->protocol, p->total);
    if (checksum_fold(checksum_add(sum, packet_sum(p, 0, p->total))) != 0xffff)
        return false;
    p->checksum = CHECKSUM_VALID;
    return true;
}

void checksum_prepare(struct packet *p, const struct ip_address *source,
                      const struct ip_address *destination, u8 protocol, u32 offset)
{
    u16 sum = checksum_fold(checksum_pseudo(source, destination, protocol, p->total));

    memcpy(p->data + offset, &sum, 2);
    p->checksum = CHECKSUM_NEEDED;
    p->checksum_start = (u16)packet_headroom(p);
    p->checksum_offset = (u16)offset;
}

void checksum_complete(struct packet *p)
{
    u32 start = (u32)(p->head + p->checksum_start - p->data);
    u16 sum;

    if (p->checksum != CHECKSUM_NEEDED)
        return;
    sum = (u16)~checksum_fold(packet_sum(p, start, p->total - start));
    if (!sum)
        sum = 0xffff; // of UDP 0 means none; in ones' complement both are zero
    memcpy(p->data + start + p->checksum_offset, &sum, 2);
    p->checksum = CHECKSUM_NONE;
}
