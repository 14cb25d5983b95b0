// SPDX-License-Identifier: BSD-3-Clause
// Addresses of the Internet. One type for both versions: an IPv4 address is held as its IPv4-mapped
// IPv6 address ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so tables and sockets need no two cases; only
// parsers and writers of headers have them. Bytes are in network order, ports in host order.
#pragma once

#include "base/types.h"

struct ip_address {
    union {
        u8 bytes[16];
        u32 words[4]; // words[3]: the IPv4 address as it stands in a header
        u64 longs[2];
    };
};

struct endpoint {
    struct ip_address address;
    u16 port;  // host order
    u32 scope; // interface index of a link-local IPv6 address; 0: none
};

static inline u16 swap16(u16 x) // host <-> network order
{
    return __builtin_bswap16(x);
}

static inline u32 swap32(u32 x)
{
    return __builtin_bswap32(x);
}

#define IP4_MAPPED_WORD 0xffff0000u // words[2] of a mapped address, as stored

// The IPv6 "any" is all zeros; the IPv4 one is ::ffff:0.0.0.0. ip_is_any takes both.
static inline struct ip_address ip4_address(u32 network_order)
{
    return (struct ip_address){.words = {0, 0, IP4_MAPPED_WORD, network_order}};
}

static inline bool ip_is_v4(const struct ip_address *a)
{
    return !a->longs[0] && a->words[2] == IP4_MAPPED_WORD;
}

static inline bool ip_is_any(const struct ip_address *a)
{
    return !a->longs[0] && !a->words[3] && (!a->words[2] || a->words[2] == IP4_MAPPED_WORD);
}

static inline bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
    return a->longs[0] == b->longs[0] && a->longs[1] == b->longs[1];
}

bool ip_is_loopback(const struct ip_address *a);
bool ip_is_multicast(const struct ip_address *a);
bool ip_is_link_local(const struct ip_address *a); // fe80::/10; 169.254/16 is not special here
// The first `bits` bits are equal. bits counts from the start of the 128 (IPv4: 96 + prefix
// length).
bool ip_prefix_equal(const struct ip_address *a, const struct ip_address *b, u32 bits);

// A keyed hash of a connection or of an endpoint; the key is drawn at the first use.
u64 ip_hash(const struct ip_address *local, u16 local_port, const struct ip_address *remote,
            u16 remote_port);

#define IP_TEXT_SIZE 48
// "192.0.2.1", "2001:db8::1" [RFC 5952]; returns to.
char *ip_format(const struct ip_address *a, char to[IP_TEXT_SIZE]);
// -EINVAL
must_check int ip_parse(const char *text, struct ip_address *out);
