// SPDX-License-Identifier: BSD-3-Clause
// What interface.c and interface_transmit.c share with the elements around them.
#pragma once

#include "net/interface.h"

// Adds or removes the route of the network that an address is in.
must_check int interface_route_prefix(struct net_interface *i, const struct interface_address *a,
                                      bool add);
