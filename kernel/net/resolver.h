// SPDX-License-Identifier: BSD-3-Clause
// Name servers that the network told us of: the contents of /etc/resolv.conf.
#pragma once

#include "net/address.h"

// One more server (a known one changes nothing; at most 3), and the search domain ("": none).
void resolver_add(const struct ip_address *server);
void resolver_set_domain(const char *domain);
