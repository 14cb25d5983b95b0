// SPDX-License-Identifier: BSD-3-Clause
// Ethernet: the header, and what goes up to ARP, IPv4, IPv6. [RFC 894, RFC 2464]
#pragma once

#include "net/interface.h"
#include "net/packet.h"

#define ETHERNET_HEADER 14u

struct ethernet_header {
    u8 destination[MAC_SIZE], source[MAC_SIZE];
    u16 type;
} __attribute__((packed));

// Puts a header in front of p (p->interface set) and sends it. type: host order. Consumes p.
void ethernet_send(struct packet *p, const u8 destination[MAC_SIZE], u16 type);
void ethernet_receive(void *object, struct packet *p); // element: object is the interface
// Where packets of an Ethernet type go, data behind the header; set by wiring.c.
extern struct push ethernet_to_ip4, ethernet_to_ip6, ethernet_to_arp;
