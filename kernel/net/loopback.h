// SPDX-License-Identifier: BSD-3-Clause
// The loopback interface "lo". What is sent over it waits in a queue per vCPU until net_work takes
// it, so that a sender may hold its socket's lock.
#pragma once

#include "base/types.h"
#include "net/push.h"

struct net_interface;

void loopback_init(void); // registers lo, up, with 127.0.0.1/8 and ::1/128
struct net_interface *loopback_interface(void);
// An IP packet that an own address, or a multicast group joined here, is to receive: p->data at its
// header, p->link_protocol set; p->interface is the one it arrives on. Consumes p.
void loopback_send(struct packet *p);
bool loopback_run(void);             // delivers what waits; true: there was something
bool loopback_waits(void);           // on this vCPU
extern struct push loopback_receive; // where it goes; set by wiring.c
