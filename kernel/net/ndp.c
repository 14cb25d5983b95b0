// SPDX-License-Identifier: BSD-3-Clause
// Neighbour discovery: solicitations, advertisements. [RFC 4861]

#include "base/printf.h"
#include "base/string.h"
#include "net/checksum.h"
#include "net/icmp.h"
#include "net/icmp6.h"
#include "net/if_abi.h"
#include "net/ip_internal.h"
#include "net/mib.h"
#include "net/neighbour.h"
#include "net/redirect.h"
#include "net/slaac.h"

#define ROUTER_SOLICIT    133
#define ROUTER_ADVERTISE  134
#define NEIGHBOUR_SOLICIT 135
#define NEIGHBOUR_ADVERT  136
#define REDIRECT          137
#define OPTION_SOURCE     1
#define OPTION_TARGET     2
#define FLAG_ROUTER       0x80u
#define FLAG_SOLICITED    0x40u
#define FLAG_OVERRIDE     0x20u
#define HOPS              255 // whoever is on the link: no router lets it pass

struct ndp_message {
    struct icmp_header icmp;
    u8 target[16];
} __attribute__((packed));

struct ip_address ndp_solicited_group(const struct ip_address *a)
{
    struct ip_address group = {.bytes = {0xff, 2, [11] = 1, [12] = 0xff}};

    memcpy(group.bytes + 13, a->bytes + 13, 3);
    return group;
}

// mac_option: 0: none, or OPTION_*, with our link address.
static struct packet *message_make(const struct net_interface *i, u8 type, u8 flags,
                                   const struct ip_address *target, u8 mac_option)
{
    struct packet *p = packet_alloc(64);
    u8 *option;

    if (!p)
        return NULL;
    memset(packet_append(p, target ? 24 : 8), 0, target ? 24 : 8);
    p->data[0] = type;
    p->data[4] = flags;
    if (target)
        memcpy(p->data + 8, target->bytes, 16);
    if (mac_option) {
        option = packet_append(p, 8);
        option[0] = mac_option;
        option[1] = 1;
        memcpy(option + 2, i->mac, MAC_SIZE);
    }
    return p;
}

// Past the route table, as the source may be "any".
static void message_send(struct packet *p, struct net_interface *i, const struct ip_address *from,
                         const struct ip_address *to)
{
    struct route r = {
        .interface = i, .next_hop = *to, .mtu = i->mtu, .multicast = ip_is_multicast(to)};
    struct ip_send s = {
        .source = *from, .destination = *to, .protocol = PROTOCOL_ICMP6, .hop_limit = HOPS};

    mib_icmp(/*v4=*/false, /*out=*/true, p->data[0]);
    checksum_prepare(p, from, to, PROTOCOL_ICMP6, 2);
    (void)!ip_send(p, &r, &s);
}

static void ndp_solicit(struct net_interface *i, const struct ip_address *target, const u8 *mac)
{
    struct ip_address to = mac ? *target : ndp_solicited_group(target), from;
    struct packet *p;

    if (!interface_source(i, target, &from))
        return;
    p = message_make(i, NEIGHBOUR_SOLICIT, 0, target, OPTION_SOURCE);
    if (p)
        message_send(p, i, &from, &to);
}

const struct neighbour_ops ndp_neighbour_ops = {.solicit = ndp_solicit};

void ndp_probe(struct net_interface *i, const struct ip_address *target)
{
    struct ip_address to = ndp_solicited_group(target), any = {.words = {0}};
    struct packet *p = message_make(i, NEIGHBOUR_SOLICIT, 0, target, 0);

    if (p)
        message_send(p, i, &any, &to);
}

void ndp_router_solicit(struct net_interface *i)
{
    struct ip_address to = {.bytes = {0xff, 2, [15] = 2}}, from = {.words = {0}};
    bool known = interface_source(i, &to, &from);
    struct packet *p = message_make(i, ROUTER_SOLICIT, 0, NULL, known ? OPTION_SOURCE : 0);

    if (p)
        message_send(p, i, &from, &to);
}

const u8 *ndp_option(const struct packet *p, u32 offset, u8 type, u32 size)
{
    while (offset + 8 <= p->size) {
        const u8 *option = p->data + offset;
        u32 bytes = option[1] * 8u;
        if (!bytes || bytes > p->size - offset)
            return NULL;
        if (option[0] == type && bytes >= size)
            return option;
        offset += bytes;
    }
    return NULL;
}

static void solicit_receive(const struct packet *p)
{
    const struct ndp_message *m = (const struct ndp_message *)(const void *)p->data;
    const u8 *mac = ndp_option(p, sizeof(*m), OPTION_SOURCE, 8);
    struct ip_address target, to = p->source;
    struct packet *answer;
    bool probe = ip_is_any(&p->source);

    memcpy(target.bytes, m->target, 16);
    if (slaac_conflict(p->interface, &target, /*probe=*/probe))
        return;
    if (!interface_is_local(p->interface, &target))
        return;
    if (probe)
        to = (struct ip_address){.bytes = {0xff, 2, [15] = 1}};
    else if (mac)
        neighbour_heard(p->interface, &p->source, mac + 2, false, true, true);
    answer =
        message_make(p->interface, NEIGHBOUR_ADVERT,
                     (u8)(FLAG_OVERRIDE | (probe ? 0 : FLAG_SOLICITED)), &target, OPTION_TARGET);
    if (!answer)
        return;
    if (ip_is_multicast(&to))
        message_send(answer, p->interface, &target, &to);
    else
        icmp_send(answer, &target, &to, p->interface, HOPS, 0);
}

// An address that we were given and use at once, though somebody may have it [RFC 4429]: the user is
// told, once.
static void conflict_tell(const struct net_interface *i, const struct ip_address *a, const u8 *mac)
{
    static bool told; // atomic
    char text[IP_TEXT_SIZE];

    if (!memcmp(mac, i->mac, MAC_SIZE) || __atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
        return;
    log_message("network: somebody else has the address %s too", ip_format(a, text));
}

static void advert_receive(const struct packet *p)
{
    const struct ndp_message *m = (const struct ndp_message *)(const void *)p->data;
    const u8 *mac = ndp_option(p, sizeof(*m), OPTION_TARGET, 8);
    u8 flags = p->data[4];
    bool router = flags & FLAG_ROUTER;
    struct ip_address target;

    memcpy(target.bytes, m->target, 16);
    if (slaac_conflict(p->interface, &target, /*probe=*/true))
        return;
    if (mac && interface_is_local(p->interface, &target)) {
        conflict_tell(p->interface, &target, mac + 2);
        return;
    }
    neighbour_heard(p->interface, &target, mac ? mac + 2 : NULL, flags & FLAG_SOLICITED, false,
                    flags & FLAG_OVERRIDE);
    if (neighbour_set_router(p->interface, &target, router) && !router)
        slaac_router_gone(p->interface, &target);
}

// Each has a length that fits. [RFC 4861 4.6]
static bool options_fine(const struct packet *p, u32 offset)
{
    while (offset < p->size) {
        if (p->size - offset < 8 || !p->data[offset + 1] ||
            p->data[offset + 1] * 8u > p->size - offset)
            return false;
        offset += p->data[offset + 1] * 8u;
    }
    return true;
}

// [RFC 4861 7.1.1, 7.1.2]
static bool message_fine(const struct packet *p, u8 type)
{
    const struct ndp_message *m = (const struct ndp_message *)(const void *)p->data;
    struct ip_address target;

    if (p->size < sizeof(*m) || !options_fine(p, sizeof(*m)))
        return false;
    memcpy(target.bytes, m->target, 16);
    if (ip_is_multicast(&target))
        return false;
    if (type == NEIGHBOUR_ADVERT)
        return !ip_is_multicast(&p->destination) || !(p->data[4] & FLAG_SOLICITED);
    if (ip_is_any(&p->source)) {
        struct ip_address group = ndp_solicited_group(&p->destination);
        return ip_equal(&group, &p->destination) && !ndp_option(p, sizeof(*m), OPTION_SOURCE, 8);
    }
    return true;
}

static void router_receive(struct packet *p)
{
    const u8 *mac = ndp_option(p, 16, OPTION_SOURCE, 8);

    if (mac)
        neighbour_heard(p->interface, &p->source, mac + 2, false, true, true);
    (void)neighbour_set_router(p->interface, &p->source, true);
    slaac_receive(p);
}

void ndp_receive(struct packet *p)
{
    const struct ndp_message *m = (const struct ndp_message *)(const void *)p->data;
    u8 type = m->icmp.type;
    bool fine = p->hop_limit == HOPS && !m->icmp.code && !(p->interface->flags & IFF_LOOPBACK) &&
                packet_linear(p, p->total) && p->size >= 16;

    if (fine && type == ROUTER_ADVERTISE && ip_is_link_local(&p->source) && options_fine(p, 16))
        router_receive(p);
    else if (fine && type == NEIGHBOUR_SOLICIT && message_fine(p, type))
        solicit_receive(p);
    else if (fine && type == NEIGHBOUR_ADVERT && message_fine(p, type))
        advert_receive(p);
    else if (fine && type == REDIRECT && options_fine(p, min(p->size, 40u)))
        redirect_receive6(p);
    packet_free(p);
}
