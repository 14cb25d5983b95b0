// SPDX-License-Identifier: BSD-3-Clause
// What the files of IP share. ip.c: sending and delivering, both versions; ip4.c, ip6.c: headers in
// and out; ip_fragment.c: cutting; ip_reassemble.c: joining.
#pragma once

#include "net/ip.h"
#include "net/ip_header.h"

struct ip_piece { // of a fragmented packet
    u32 id;
    u32 offset; // bytes
    bool more;
};

// Push the header in front of the transport's. piece: NULL if the packet is whole.
void ip4_push_header(struct packet *p, const struct ip_send *s, const struct ip_piece *piece);
void ip6_push_header(struct packet *p, const struct ip_send *s, const struct ip_piece *piece);
u32 ip_fragment_id(const struct ip_send *s);

// Elements: a packet with data at the IP header.
void ip4_receive(void *object, struct packet *p);
void ip6_receive(void *object, struct packet *p);
// An IP packet for the wire or for ourselves: data at the IP header. loop: members here get a copy.
int ip_transmit(struct packet *p, const struct route *r, bool loop);
// A received packet, data at the transport header, all fields set: to raw sockets and the
// transport.
void ip_deliver(struct packet *p);
// True: addressed to us. Sets p->link_type's kind of IP destination as well.
bool ip_accepts(struct packet *p);

// Sends p (data at the transport header) in pieces. Consumes p.
int ip_fragment(struct packet *p, const struct route *r, const struct ip_send *s);
// A fragment, data at its payload. Returns the whole packet (data at the payload, its first IP
// header in the headroom) when it is the last missing one, else NULL. Consumes p. header_size: of
// the IP header.
struct packet *ip_reassemble(struct packet *p, const struct ip_piece *piece, u32 header_size);

// What a packet that could not be sent (data at the IP header) means to its sender; consumes it.
void ip_undeliverable(struct packet *p);
