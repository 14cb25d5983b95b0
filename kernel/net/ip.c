// SPDX-License-Identifier: BSD-3-Clause
// IP, what is the same for both versions: the way out of a transport, and into one.
#include "net/ip.h"

#include <linux/if_packet.h>

#include "net/checksum.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/loopback.h"
#include "net/mib.h"
#include "net/multicast.h"
#include "net/neighbour.h"
#include "net/raw.h"

struct ip_transport ip_transports[256];

static u32 header_size(const struct ip_send *s)
{
    return ip_is_v4(&s->destination) ? IP4_HEADER + s->option_size : IP6_HEADER;
}

int ip_send(struct packet *p, const struct route *r, const struct ip_send *s)
{
    u32 room = r->mtu - header_size(s);

    p->interface = r->interface;
    if (p->total > room && !p->gso) {
        if (p->total > PACKET_SIZE_MAX - (ip_is_v4(&s->destination) ? header_size(s) : 0) ||
            (s->dont_fragment && !r->local)) {
            packet_free(p);
            return -EMSGSIZE;
        }
        return ip_fragment(p, r, s);
    }
    if (ip_is_v4(&s->destination))
        ip4_push_header(p, s, NULL);
    else
        ip6_push_header(p, s, NULL);
    p->source = s->source;
    p->destination = s->destination;
    return ip_transmit(p, r, s->loop);
}

// A copy for the members and sockets on this machine, as if it came from the wire.
static void loop_back(const struct packet *p, struct net_interface *i)
{
    struct packet *copy = packet_clone(p);

    if (!copy)
        return;
    copy->interface = i;
    copy->link_type = PACKET_LOOPBACK; // its source is our own, which is refused from the wire
    loopback_send(copy);
}

int ip_transmit(struct packet *p, const struct route *r, bool loop)
{
    bool v4 = p->data[0] >> 4 == 4;

    mib_add_ip(v4, MIB_IP_OUT, 1);
    mib_add_ip(v4, MIB_IP_OUT_OCTETS, p->total);
    if (r->multicast)
        mib_add_ip(v4, MIB_IP_OUT_GROUPS, 1);
    p->interface = r->interface;
    p->network_header = (u16)packet_headroom(p);
    p->link_protocol = v4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6;
    if (r->local || (r->interface->flags & IFF_LOOPBACK)) {
        loopback_send(p);
        return 0;
    }
    if (r->broadcast || (r->multicast && loop && multicast_joined(r->interface, &p->destination)))
        loop_back(p, r->interface);
    if (r->multicast && p->data[ip_is_v4(&p->destination) ? 8 : 7] == 0) { // TTL 0: not to the wire
        packet_free(p);
        return 0;
    }
    return neighbour_send(p, r);
}

bool ip_accepts(struct packet *p)
{
    const struct ip_address *to = &p->destination;

    if (unlikely(p->routed))
        return true;
    if (interface_is_local(NULL, to))
        return !ip_is_loopback(to) || (p->interface->flags & IFF_LOOPBACK);
    if (ip_is_multicast(to))
        return multicast_joined(p->interface, to);
    // 255.255.255.255 and the like; an interface without an address takes all (DHCP).
    return interface_is_broadcast(to) ||
           (ip_is_v4(to) && p->link_type == PACKET_HOST && interface_unconfigured(p->interface));
}

void ip_deliver(struct packet *p)
{
    const struct ip_transport *t = &ip_transports[p->protocol];
    bool taken = raw_receive(p);

    mib_count_ip(&p->destination,
                 taken || t->receive.function ? MIB_IP_DELIVERED : MIB_IP_IN_UNKNOWN);
    if (t->receive.function) {
        push(&t->receive, p);
        return;
    }
    if (!taken && (p->protocol != PROTOCOL_NONE || ip_is_v4(&p->source)))
        ip_refuse(p, UNREACHABLE_PROTOCOL);
    packet_free(p);
}
