// SPDX-License-Identifier: BSD-3-Clause
// ARP [RFC 826, RFC 5227 for announcements].
#pragma once

#include "net/interface.h"

struct packet;

void arp_receive(void *object, struct packet *p); // element: data at the ARP message
void arp_announce(struct net_interface *i, const struct ip_address *own);
