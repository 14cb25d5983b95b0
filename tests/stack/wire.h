// SPDX-License-Identifier: BSD-3-Clause
// A wire with our stack at one end, 10.0.0.2/24 and fd00::2/64, and a test at the other, which is
// 10.0.0.1 and fd00::1 and sees the frames.
#pragma once

#include "net/ethernet.h"
#include "net/ip.h"
#include "net/ip_header.h"
#include "net/udp.h"

#define OUR4   0x0a000002u // host order
#define THEIR4 0x0a000001u
#define PORT   7000 // our UDP socket's

struct wire_frame {
    u32 size;
    u8 bytes[70000];
};

extern struct net_interface wire_interface;
extern const u8 their_mac[MAC_SIZE];
extern struct udp_socket wire_socket; // bound to PORT
void wire_start(void);
void wire_receive(const void *frame, u32 size); // a frame for our stack
const struct wire_frame *wire_sent(void);       // the next frame that it sent; NULL: none
void wire_quiet(void);                          // forgets what was sent
struct packet *wire_datagram(void);             // the next of wire_socket; NULL: none
void wire_finish(void); // time passes until nothing may be left: checks that all packets are free

// Make frames; they return the size.
u32 frame_ip4(u8 *out, u8 protocol, const void *payload, u32 size, u16 id, u16 fragment);
u32 frame_ip6(u8 *out, u8 next, u8 hops, const void *payload, u32 size, const u8 *to);
u32 udp_bytes(u8 *out, u16 from, u16 to, const void *payload, u32 size, bool v6);
u16 wire_sum(u32 start, const void *data, u32 size); // slow and sure: the folded sum, complemented
