// SPDX-License-Identifier: BSD-3-Clause
#include "net/arp.h"

#include "base/string.h"
#include "net/ethernet.h"
#include "net/ip_header.h"
#include "net/neighbour.h"

struct arp_message { // for IPv4 on Ethernet
    u16 hardware, protocol;
    u8 hardware_size, protocol_size;
    u16 operation;
    u8 sender_mac[MAC_SIZE];
    u32 sender;
    u8 target_mac[MAC_SIZE];
    u32 target;
} __attribute__((packed));

#define ARP_ETHERNET 1
#define ARP_REQUEST  1
#define ARP_REPLY    2

static const u8 everybody[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void arp_send(struct net_interface *i, u16 operation, u32 sender, u32 target,
                     const u8 *target_mac, const u8 *to)
{
    struct packet *p = packet_alloc(sizeof(struct arp_message));
    struct arp_message *m;

    if (!p)
        return;
    m = (struct arp_message *)(void *)packet_append(p, sizeof(*m));
    memset(m, 0, sizeof(*m));
    m->hardware = swap16(ARP_ETHERNET);
    m->protocol = swap16(ETHERTYPE_IP4);
    m->hardware_size = MAC_SIZE;
    m->protocol_size = 4;
    m->operation = swap16(operation);
    memcpy(m->sender_mac, i->mac, MAC_SIZE);
    m->sender = sender;
    if (target_mac)
        memcpy(m->target_mac, target_mac, MAC_SIZE);
    m->target = target;
    p->interface = i;
    ethernet_send(p, to, ETHERTYPE_ARP);
}

static void arp_solicit(struct net_interface *i, const struct ip_address *target, const u8 *mac)
{
    struct ip_address own = ip4_address(0);

    (void)!interface_source(i, target, &own); // none yet: ask without
    arp_send(i, ARP_REQUEST, own.words[3], target->words[3], NULL, mac ? mac : everybody);
}

const struct neighbour_ops arp_neighbour_ops = {.solicit = arp_solicit};

void arp_announce(struct net_interface *i, const struct ip_address *own)
{
    arp_send(i, ARP_REQUEST, own->words[3], own->words[3], NULL, everybody);
}

void arp_receive(void *object, struct packet *p)
{
    const struct arp_message *m;
    struct ip_address sender, target;
    bool for_us;

    if (!packet_linear(p, sizeof(*m)))
        goto out;
    m = (const struct arp_message *)(const void *)p->data;
    if (m->hardware != swap16(ARP_ETHERNET) || m->protocol != swap16(ETHERTYPE_IP4) ||
        m->hardware_size != MAC_SIZE || m->protocol_size != 4 || (m->sender_mac[0] & 1))
        goto out;
    sender = ip4_address(m->sender);
    target = ip4_address(m->target);
    if (ip_is_multicast(&sender) || ip_is_loopback(&sender) || ip_is_loopback(&target) ||
        interface_is_local(NULL, &sender))
        goto out;
    for_us = interface_is_local(p->interface, &target);
    if (!ip_is_any(&sender))
        neighbour_heard(p->interface, &sender, m->sender_mac,
                        m->operation == swap16(ARP_REPLY) && for_us, for_us, /*override=*/true);
    if (m->operation == swap16(ARP_REQUEST) && for_us)
        arp_send(p->interface, ARP_REPLY, m->target, m->sender, m->sender_mac, m->sender_mac);
out:
    packet_free(p);
}
