// SPDX-License-Identifier: BSD-3-Clause
// TCP options, see tcp_options.h.
#include "net/tcp_options.h"

#include "base/string.h"

enum option_kind {
    OPTION_END,
    OPTION_NOP,
    OPTION_MSS,
    OPTION_SCALE,
    OPTION_SACK_PERMITTED,
    OPTION_SACK,
    OPTION_TIMESTAMP = 8,
};

static u32 read32(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static u8 *write32(u8 *p, u32 x)
{
    p[0] = (u8)(x >> 24);
    p[1] = (u8)(x >> 16);
    p[2] = (u8)(x >> 8);
    p[3] = (u8)x;
    return p + 4;
}

static void parse_sack(const u8 *p, size_t size, struct tcp_options *out)
{
    out->sack_count = 0;
    for (; size >= 8 && out->sack_count < TCP_SACK_MAX; p += 8, size -= 8)
        out->sack[out->sack_count++] = (struct tcp_range){read32(p), read32(p + 4)};
}

// One option of `size` bytes, kind and size included.
static void parse_one(const u8 *p, size_t size, struct tcp_options *out)
{
    switch (p[0]) {
    case OPTION_MSS:
        if (size == 4)
            out->mss = (u16)(p[2] << 8 | p[3]);
        break;
    case OPTION_SCALE:
        if (size == 3)
            out->scale = (u8)min((u32)p[2], TCP_SCALE_MAX);
        break;
    case OPTION_SACK_PERMITTED:
        if (size == 2)
            out->sack_permitted = true;
        break;
    case OPTION_SACK:
        if (size >= 10 && (size - 2) % 8 == 0)
            parse_sack(p + 2, size - 2, out);
        break;
    case OPTION_TIMESTAMP:
        if (size == 10) {
            out->has_timestamp = true;
            out->timestamp = read32(p + 2);
            out->echo = read32(p + 6);
        }
        break;
    default:
        break;
    }
}

void tcp_options_parse(const u8 *from, size_t size, struct tcp_options *out)
{
    size_t at = 0;

    *out = (struct tcp_options){.scale = TCP_SCALE_NONE};
    while (at < size && from[at] != OPTION_END) {
        if (from[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (size - at < 2 || from[at + 1] < 2 || from[at + 1] > size - at)
            return;
        parse_one(from + at, from[at + 1], out);
        at += from[at + 1];
    }
}

static u8 *write_sack(u8 *p, const struct tcp_options *options, size_t room)
{
    size_t count = room < 4 ? 0 : min((room - 4) / 8, (size_t)options->sack_count);

    if (!count)
        return p;
    p = write32(p, OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_SACK << 8 | (u32)(2 + 8 * count));
    for (size_t i = 0; i < count; i++) {
        p = write32(p, options->sack[i].start);
        p = write32(p, options->sack[i].end);
    }
    return p;
}

u32 tcp_options_write(u8 *to, const struct tcp_options *options)
{
    u8 *p = to;

    if (options->mss)
        p = write32(p, OPTION_MSS << 24 | 4 << 16 | options->mss);
    if (options->has_timestamp) {
        u32 pad = options->sack_permitted ? OPTION_SACK_PERMITTED << 24 | 2 << 16
                                          : OPTION_NOP << 24 | OPTION_NOP << 16;
        p = write32(p, pad | OPTION_TIMESTAMP << 8 | 10);
        p = write32(p, options->timestamp);
        p = write32(p, options->echo);
    } else if (options->sack_permitted) {
        p = write32(p, OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_SACK_PERMITTED << 8 | 2);
    }
    if (options->scale != TCP_SCALE_NONE)
        p = write32(p, OPTION_NOP << 24 | OPTION_SCALE << 16 | 3 << 8 | options->scale);
    p = write_sack(p, options, TCP_OPTIONS_SIZE_MAX - (size_t)(p - to));
    return (u32)(p - to);
}
