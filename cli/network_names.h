// SPDX-License-Identifier: BSD-3-Clause
// The name server of a network: port 53 of the bridge's address. It knows the guests that run, each
// by its --hostname; so also those that started later than who asks.
#pragma once

#include <netinet/in.h>

// Starts it in the background, as the user who called sudo or as nobody. Negative after complain().
int network_names_start(const char *network, struct in_addr address);
void network_names_stop(const char *network);
