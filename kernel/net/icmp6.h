// SPDX-License-Identifier: BSD-3-Clause
// ICMPv6's neighbour discovery and multicast listener messages. [RFC 4861, RFC 3810]
#pragma once

#include "net/interface.h"

struct packet;

void ndp_receive(struct packet *p); // data at the ICMP header, checked; consumes p
// The solicited-node group of an address.
struct ip_address ndp_solicited_group(const struct ip_address *a);
// Asks who has `target`, from an address that is not yet ours (DAD).
void ndp_probe(struct net_interface *i, const struct ip_address *target);
void ndp_router_solicit(struct net_interface *i);
void slaac_receive(struct packet *p); // a router advertisement, checked; does not consume p
