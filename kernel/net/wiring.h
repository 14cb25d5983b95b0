// SPDX-License-Identifier: BSD-3-Clause
// Where the elements of the stack are joined, see wiring.c.
#pragma once

struct net_interface;

// Makes the stack, once: loopback with its addresses, the transports, the network device. Most programs never need it:
// it is called for the first socket, and by whoever shows the stack's state.
void net_start(void);
// Joins a new interface to the stack: called by interface_register.
void wiring_interface(struct net_interface *i);
