// SPDX-License-Identifier: BSD-3-Clause
// Ping sockets: SOCK_DGRAM of ICMP and ICMPv6, which send echo requests and receive their replies.
#pragma once

#include "base/types.h"

struct packet;
struct ip_error;

void ping_receive(struct packet *p, u16 id); // an echo reply, data at the ICMP header; consumes p
void ping_error(const struct ip_error *e);
