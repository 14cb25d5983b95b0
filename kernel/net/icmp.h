// SPDX-License-Identifier: BSD-3-Clause
// ICMP, what both versions share. icmp4.c, icmp6.c: messages; ndp.c takes the neighbour ones.
#pragma once

#include "net/ip.h"

struct icmp_header;

// Sends a message of `size` bytes, data at its ICMP header, from `from` (any: as the route says) to
// `to`; the checksum is filled in. Consumes p.
void icmp_send(struct packet *p, const struct ip_address *from, const struct ip_address *to,
               struct net_interface *i, u8 hop_limit, u8 traffic_class);
bool icmp_rate_allows(void); // one more error may go out now

void icmp4_receive(void *object, struct packet *p); // elements: data at the ICMP header
void icmp6_receive(void *object, struct packet *p);

// Error messages about p, received (network_header set); no checks.
void icmp4_refuse(const struct packet *p, enum ip_unreachable why);
void icmp6_refuse(const struct packet *p, enum ip_unreachable why);
// Tells the sender of p (IPv6, received, data at the header in question) what is wrong with byte
// `pointer` of it, if that is allowed and the rate is kept. [RFC 4443 3.4, RFC 7112]
enum { PROBLEM_FIELD, PROBLEM_NEXT, PROBLEM_OPTION, PROBLEM_CHAIN };
void icmp6_problem(struct packet *p, u8 code, u32 pointer);
// May an error be sent about p? multicast: even if it went to a group.
bool icmp_may_refuse(const struct packet *p, bool multicast);
// Appends the packet that an error is about, from its IP header, up to `size` bytes.
void icmp_quote(struct packet *to, const struct packet *about, u32 size);
// Hands the error about the quoted packet (data at its IP header) to its transport. e: error, hard,
// origin, type, code, info, offender are set.
void icmp_report(struct packet *p, struct ip_error *e);
