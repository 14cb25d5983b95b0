// SPDX-License-Identifier: BSD-3-Clause
// A DHCP client. [RFC 2131, 2132, 3442]
#pragma once

#include "base/types.h"

struct net_interface;
struct packet;

// Asks for an address, a router, name servers, and keeps the lease. hostname: told to the server.
void dhcp_start(struct net_interface *i, const char *hostname);
// A datagram to port 68 of i, data at the UDP payload. True: a client runs there, which consumed
// it.
bool dhcp_receive(struct packet *p);
// No client is still waiting for its first answer.
bool dhcp_settled(void);
// Waits for that, but not for ever; 0 or a wait's error.
must_check int dhcp_wait(void);
