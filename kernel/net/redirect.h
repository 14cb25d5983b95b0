// SPDX-License-Identifier: BSD-3-Clause
// Redirects: a router says that another first hop is better for one destination. Believed, as Linux does
// on hosts, if it comes from the first hop that is used now. [RFC 792, RFC 1122 3.2.2.2, RFC 4861 8]
#pragma once

#include "net/packet.h"
#include "net/route.h"

// Messages that have come; do not consume p. Data at the ICMP header, linear; ndp.c has checked its own.
void redirect_receive4(struct packet *p);
void redirect_receive6(struct packet *p);
// r leads to `to` as the table says: puts in the hop that was told.
void redirect_apply(const struct ip_address *to, struct route *r);
// A neighbour does not answer: nothing goes by it any more.
void redirect_forget(const struct net_interface *i, const struct ip_address *gateway);
