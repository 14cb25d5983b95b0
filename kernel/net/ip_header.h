// SPDX-License-Identifier: BSD-3-Clause
// Headers of IPv4, IPv6 and what is small around them, as they stand in packets: network order, any
// alignment.
#pragma once

#include "base/types.h"

struct ip4_header {  // [RFC 791 3.1]
    u8 version_size; // 4 << 4 | header size in 4 bytes
    u8 tos;
    u16 total;
    u16 id;
    u16 fragment; // IP4_*, offset in 8 bytes
    u8 ttl;
    u8 protocol;
    u16 checksum;
    u32 source, destination;
} __attribute__((packed));
_Static_assert(sizeof(struct ip4_header) == 20, "RFC 791");

#define IP4_DONT_FRAGMENT  0x4000u
#define IP4_MORE_FRAGMENTS 0x2000u
#define IP4_OFFSET_MASK    0x1fffu

struct ip6_header { // [RFC 8200 3]
    u32 version_class_flow;
    u16 payload;
    u8 next;
    u8 hop_limit;
    u8 source[16], destination[16];
} __attribute__((packed));
_Static_assert(sizeof(struct ip6_header) == 40, "RFC 8200");

struct ip6_fragment_header { // [RFC 8200 4.5]
    u8 next;
    u8 reserved;
    u16 offset_more; // offset in bytes, a multiple of 8; bit 0: more follow
    u32 id;
} __attribute__((packed));

struct udp_header { // [RFC 768]
    u16 source, destination, size, checksum;
} __attribute__((packed));

struct icmp_header { // [RFC 792, RFC 4443]
    u8 type, code;
    u16 checksum;
    union {
        struct {
            u16 id, sequence;
        } __attribute__((packed));
        u32 word; // MTU, pointer, ...
    };
} __attribute__((packed));

#define PROTOCOL_ICMP     1
#define PROTOCOL_IGMP     2
#define PROTOCOL_TCP      6
#define PROTOCOL_UDP      17
#define PROTOCOL_ROUTING  43
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_ICMP6    58
#define PROTOCOL_NONE     59
#define PROTOCOL_OPTIONS  60
#define PROTOCOL_HOP      0

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IP6 0x86dd
