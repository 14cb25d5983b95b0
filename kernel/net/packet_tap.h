// SPDX-License-Identifier: BSD-3-Clause
// Taps: packet sockets that see what an interface sends and receives, see packet_socket.c.
#pragma once

#include "base/types.h"

struct packet;
struct socket_family;

extern const struct socket_family packet_family;
extern u32 packet_tap_count; // sockets that listen, atomic
void packet_tap_slow(const struct packet *p, bool out);

// Shows p (data at the link header; of loopback at the IP header) to the packet sockets.
static inline void packet_tap(const struct packet *p, bool out)
{
    if (unlikely(__atomic_load_n(&packet_tap_count, __ATOMIC_RELAXED)))
        packet_tap_slow(p, out);
}
