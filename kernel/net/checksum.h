// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum [RFC 1071]: sums of 16-bit words as they stand in memory (network order),
// ones' complement. Sums are u32 and may be added with checksum_add.
#pragma once

#include "net/address.h"

struct packet;

u32 checksum_sum(const void *data, size_t size); // folded to 16 bits; size may be odd
static inline u32 checksum_add(u32 a, u32 b)
{
    u32 sum = a + b;
    return sum + (sum < b);
}
// The sum of a block that starts at an odd offset of what is summed.
static inline u32 checksum_odd(u32 sum)
{
    return sum << 8 | sum >> 24;
}
static inline u16 checksum_fold(u32 sum) // not yet complemented
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (u16)((sum & 0xffff) + (sum >> 16));
}
// The pseudo header of TCP, UDP, ICMPv6, by the addresses' version. [RFC 9293 3.1, RFC 8200 8.1]
u32 checksum_pseudo(const struct ip_address *source, const struct ip_address *destination,
                    u8 protocol, u32 size);

// Received transport packet (data at the transport header, p->source, ... set): true if its
// checksum is right, or somebody has verified it.
bool checksum_verify(struct packet *p);
// Transport packet to be sent, data at the transport header: fills the field at `offset` of it with
// the pseudo header's sum and sets CHECKSUM_NEEDED; who sends it last completes it.
void checksum_prepare(struct packet *p, const struct ip_address *source,
                      const struct ip_address *destination, u8 protocol, u32 offset);
void checksum_complete(struct packet *p); // CHECKSUM_NEEDED -> NONE, in software
