// SPDX-License-Identifier: BSD-3-Clause
// Raw sockets of IPv4 and IPv6. [raw(7)]
#pragma once

#include "base/types.h"

struct packet;

// Copies of p (data at the transport header) to the raw sockets of its protocol; true: there were
// some.
bool raw_receive(const struct packet *p);
// For who lists them: their local port is the protocol.
struct udp_view;
void raw_visit(bool (*visit)(const struct udp_view *v, void *arg), void *arg);
