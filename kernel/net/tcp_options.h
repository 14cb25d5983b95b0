// SPDX-License-Identifier: BSD-3-Clause
// The TCP header and its options on the wire: parsing and writing. No state, no allocation, so it
// is also what the fuzzer feeds. [RFC 9293 3.1, RFC 7323, RFC 2018]
#pragma once

#include "base/types.h"

#define TCP_FLAG_FIN 0x01u
#define TCP_FLAG_SYN 0x02u
#define TCP_FLAG_RST 0x04u
#define TCP_FLAG_PSH 0x08u
#define TCP_FLAG_ACK 0x10u
#define TCP_FLAG_URG 0x20u

#define TCP_HEADER_SIZE      20u
#define TCP_HEADER_SIZE_MAX  60u
#define TCP_OPTIONS_SIZE_MAX 40u
#define TCP_SACK_MAX         4u
#define TCP_SCALE_NONE       0xffu
#define TCP_SCALE_MAX        14u

struct tcp_header { // big endian
    u16 source, destination;
    u32 sequence, acknowledgment;
    u8 offset; // words of 4 bytes, in the upper four bits
    u8 flags;
    u16 window, checksum, urgent;
};
_Static_assert(sizeof(struct tcp_header) == TCP_HEADER_SIZE, "TCP header");

struct tcp_range { // of sequence numbers: [start, end)
    u32 start, end;
};

struct tcp_options {
    u16 mss;  // 0: absent
    u8 scale; // TCP_SCALE_NONE: absent
    bool sack_permitted, has_timestamp;
    u32 timestamp, echo;
    u32 sack_count;
    struct tcp_range sack[TCP_SACK_MAX];
};

// size: of all options. Unknown ones are skipped; what is malformed ends the list. [RFC 9293,
// MUST-6, MUST-7]
void tcp_options_parse(const u8 *from, size_t size, struct tcp_options *out);
// Writes what is set, padded to words; returns the size, at most 40. SACK blocks that have no room
// are left out.
u32 tcp_options_write(u8 *to, const struct tcp_options *options);

static inline u16 tcp_swap16(u16 x)
{
    return __builtin_bswap16(x);
}

static inline u32 tcp_swap32(u32 x)
{
    return __builtin_bswap32(x);
}
