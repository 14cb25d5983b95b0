// SPDX-License-Identifier: BSD-3-Clause
// What the tender says about the interface's addresses, carried out.
#pragma once

struct boot_info;
struct net_interface;

// Static addresses, routes and name servers. Sends nothing.
void network_setup(struct net_interface *i, const struct boot_info *boot);
// The network is there: asks it for the rest.
void network_setup_start(struct net_interface *i);
