// SPDX-License-Identifier: BSD-3-Clause
// Stateless address configuration of IPv6: link-local addresses, duplicate address detection,
// router advertisements. [RFC 4862, RFC 4861 6.3]
#pragma once

#include "net/interface.h"

struct packet;

// Gives the interface its link-local address; routers: asks for routers, and does as they say.
void slaac_start(struct net_interface *i, bool routers);
// Adds an address after DAD. flags: IFA_F_* to have then.
void slaac_add(struct net_interface *i, const struct interface_address *a);
// Somebody else has or probes `target`: true if it is a tentative one of ours, which is then given
// up.
bool slaac_conflict(struct net_interface *i, const struct ip_address *target, bool probe);
// A neighbour says that it is no router any more.
void slaac_router_gone(struct net_interface *i, const struct ip_address *router);
// An NDP option of at least `size` bytes at or behind `offset`; NULL: none. (ndp.c)
const u8 *ndp_option(const struct packet *p, u32 offset, u8 type, u32 size);
