// SPDX-License-Identifier: BSD-3-Clause
// Where the elements of the stack are joined, see wiring.c.
#pragma once

struct boot_info;
struct net_interface;

// Makes the stack: loopback with its addresses, the transports. Behind clock_init and random_init.
void net_init(const struct boot_info *boot);
// Joins a new interface to the stack: called by interface_register.
void wiring_interface(struct net_interface *i);
