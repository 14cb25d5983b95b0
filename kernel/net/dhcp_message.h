// SPDX-License-Identifier: BSD-3-Clause
// DHCP messages: what the client wants to know of one, and the bytes of those it sends.
#pragma once

#include "net/address.h"

#define DHCP_SIZE       548u // of what we send: fits everywhere [RFC 2131 2]
#define DHCP_ROUTES_MAX 8u
#define DHCP_DNS_MAX    3u

enum dhcp_type {
    DHCP_NONE,
    DHCP_DISCOVER,
    DHCP_OFFER,
    DHCP_REQUEST,
    DHCP_DECLINE,
    DHCP_ACK,
    DHCP_NAK
};

struct dhcp_offer { // addresses in network order
    u8 type;
    u32 id;
    u32 address, mask, server, router, broadcast;
    u32 lease, renew, rebind; // seconds; 0: not said
    u32 dns[DHCP_DNS_MAX];
    u32 dns_count;
    u16 mtu;
    u32 route_count; // classless static routes [RFC 3442]
    struct {
        u32 prefix, gateway;
        u8 bits;
    } routes[DHCP_ROUTES_MAX];
    char domain[256];
};

// Parses an answer for `mac`. -EINVAL
must_check int dhcp_parse(const u8 *data, u32 size, const u8 mac[6], struct dhcp_offer *out);

struct dhcp_question {
    u8 type;
    u32 id;
    u16 seconds;
    u32 own;       // the address that we have already, or 0
    u32 requested; // 0: none
    u32 server;    // 0: any
    const u8 *mac;
    const char *hostname;
};

// Writes the message; its size (at least 300: BOOTP's minimum).
u32 dhcp_write(const struct dhcp_question *q, u8 out[DHCP_SIZE]);
