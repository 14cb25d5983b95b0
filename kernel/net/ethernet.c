// SPDX-License-Identifier: BSD-3-Clause
#include "net/ethernet.h"

#include <linux/if_packet.h>

#include "base/string.h"
#include "net/if_abi.h"
#include "net/ip_header.h"
#include "net/packet_tap.h"

struct push ethernet_to_ip4, ethernet_to_ip6, ethernet_to_arp;

void ethernet_send(struct packet *p, const u8 destination[MAC_SIZE], u16 type)
{
    struct ethernet_header *h = (struct ethernet_header *)(void *)packet_push(p, ETHERNET_HEADER);

    memcpy(h->destination, destination, MAC_SIZE);
    memcpy(h->source, p->interface->mac, MAC_SIZE);
    h->type = swap16(type);
    p->link_header = (u16)packet_headroom(p);
    p->link_protocol = type;
    interface_transmit(p);
}

static u8 kind_of(const struct net_interface *i, const u8 *mac)
{
    static const u8 all[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    if (mac[0] & 1 && memcmp(mac, all, MAC_SIZE))
        return PACKET_MULTICAST;
    if (i->features & INTERFACE_ONE_PEER)
        return PACKET_HOST;
    if (mac[0] & 1)
        return PACKET_BROADCAST;
    return memcmp(mac, i->mac, MAC_SIZE) ? PACKET_OTHERHOST : PACKET_HOST;
}

static const struct push *output_of(u16 type)
{
    switch (type) {
    case ETHERTYPE_IP4:
        return &ethernet_to_ip4;
    case ETHERTYPE_IP6:
        return &ethernet_to_ip6;
    case ETHERTYPE_ARP:
        return &ethernet_to_arp;
    default:
        return NULL;
    }
}

void ethernet_receive(void *object, struct packet *p)
{
    struct net_interface *i = object;
    const struct ethernet_header *h;
    const struct push *to;

    __atomic_add_fetch(&i->counters.rx_packets, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&i->counters.rx_bytes, p->total, __ATOMIC_RELAXED);
    if (!packet_linear(p, ETHERNET_HEADER) || !(i->flags & IFF_UP)) {
        __atomic_add_fetch(&i->counters.rx_errors, 1, __ATOMIC_RELAXED);
        packet_free(p);
        return;
    }
    h = (const struct ethernet_header *)(const void *)p->data;
    p->interface = i;
    p->link_header = (u16)packet_headroom(p);
    p->link_protocol = swap16(h->type);
    p->link_type = kind_of(i, h->destination);
    if (p->link_type == PACKET_MULTICAST)
        __atomic_add_fetch(&i->counters.multicast, 1, __ATOMIC_RELAXED);
    packet_tap(p, /*out=*/false);
    to = p->link_type == PACKET_OTHERHOST ? NULL : output_of(p->link_protocol);
    packet_pull(p, ETHERNET_HEADER);
    if (to)
        push(to, p);
    else
        packet_free(p);
}
