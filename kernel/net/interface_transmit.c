// SPDX-License-Identifier: BSD-3-Clause
// The last step before a driver: taps, counters, and what the device cannot do.
#include "net/checksum.h"
#include "net/interface.h"
#include "net/packet.h"
#include "net/packet_tap.h"
#include "net/segment.h"

static void transmit_one(struct packet *p)
{
    struct net_interface *i = p->interface;

    if (!(i->features & INTERFACE_TX_CHECKSUM))
        checksum_complete(p);
    __atomic_add_fetch(&i->counters.tx_packets, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&i->counters.tx_bytes, p->total, __ATOMIC_RELAXED);
    push(&i->transmit, p);
}

static bool device_segments(const struct net_interface *i, u8 gso)
{
    static const u32 features[] = {
        [GSO_TCP4] = INTERFACE_TSO4, [GSO_TCP6] = INTERFACE_TSO6, [GSO_UDP] = INTERFACE_USO};
    return gso == GSO_NONE || (i->features & features[gso]);
}

void interface_transmit(struct packet *p)
{
    struct list segments, *node;

    packet_tap(p, /*out=*/true);
    if (device_segments(p->interface, p->gso)) {
        transmit_one(p);
        return;
    }
    segment_packet(p, &segments);
    while ((node = list_pop_front(&segments)))
        transmit_one(list_entry(node, struct packet, node));
}
