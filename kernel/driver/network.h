// SPDX-License-Identifier: BSD-3-Clause
// The virtio-net driver: eth0, if the tender gives a network.
//
// The device works only when it is kicked, in the kicking thread. Receiving: whoever runs net_work
// kicks until nothing comes. Sending: each packet is kicked at once, so it is usually gone, and
// free, when transmit returns; what the host does not take yet waits in the queue for
// network_ready.
#pragma once

#include "base/types.h"

struct boot_info;

// At boot: starts the stack if the network may ask for us before a program looks at it.
void network_boot(const struct boot_info *boot);
// Makes the interface, with its addresses: net_start's part. Without a network it does nothing.
void network_init(const struct boot_info *boot);
// There is a socket that may use the network: what is at its other end may have to be started.
// Cheap; called for each such socket.
void network_want(void);
// At the end of all: gives the buffers back, for the account of memory.
void network_stop(void);
// Queues to wait for before a sleep, as console_interest(); 0: no network, or nobody wants it.
u64 network_interest(void);
// What wait has reported. Called with no lock held; received packets go up the stack.
void network_ready(u64 ready);
