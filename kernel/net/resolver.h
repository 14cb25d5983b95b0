// SPDX-License-Identifier: BSD-3-Clause
// Name servers that the network told us of: the contents of /etc/resolv.conf.
#pragma once

#include "net/address.h"

struct boot_info;
struct text;

// One more server (a known one changes nothing; at most 3), and the search domain ("": none).
void resolver_add(const struct ip_address *server);
void resolver_set_domain(const char *domain);

// There are, or may come, servers: /etc/resolv.conf is ours.
bool resolver_wanted(const struct boot_info *boot);
void resolver_init(const struct boot_info *boot); // with what the tender says
// Writes the lines, when the network is configured. 0, or a wait's error.
must_check int resolver_show(struct text *t);
