// SPDX-License-Identifier: BSD-3-Clause
// The UDP element: received datagrams and ICMP errors find their sockets. All sockets bound to a
// port stand in one bucket of udp_ports, so the table of ports is the table of receivers too.
#include "net/udp.h"

#include <linux/udp.h>

#include "base/string.h"
#include "net/checksum.h"
#include "net/dhcp.h"
#include "net/interface.h"
#include "net/ip_header.h"
#include "net/mib.h"
#include "net/multicast.h"

#define PORT_DHCP 68

struct flow { // a datagram as a receiver sees it
    const struct ip_address *local, *remote;
    u16 local_port, remote_port;
    u32 interface;
};

static struct udp_socket *socket_of_binding(struct port_binding *b)
{
    return container_of(b, struct udp_socket, inet.binding);
}

// How well a socket fits; 0: not at all. [as Linux's compute_score]
static u32 score(const struct udp_socket *s, const struct flow *f)
{
    const struct inet_socket *i = &s->inet;
    bool v4 = ip_is_v4(f->local);
    u32 points = 1;

    if (i->binding.port != f->local_port || (v4 && i->binding.v6_only) || (!v4 && !i->binding.v6))
        return 0;
    if (v4 != i->binding.v6)
        points++;
    if (!ip_is_any(&i->binding.address)) {
        if (!ip_equal(&i->binding.address, f->local))
            return 0;
        points += 4;
    } else if (ip_is_v4(&i->binding.address) != v4 && ip_is_v4(&i->binding.address)) {
        return 0;
    }
    if (i->remote.port) {
        if (i->remote.port != f->remote_port || !ip_equal(&i->remote.address, f->remote))
            return 0;
        points += 8;
    }
    if (i->interface) {
        if (i->interface != f->interface)
            return 0;
        points += 4;
    }
    return points;
}

// The best socket, referenced; of a SO_REUSEPORT group the one that the flow's hash says.
static struct udp_socket *find(const struct flow *f)
{
    struct list *bucket = &udp_ports.buckets[f->local_port % PORT_BUCKETS];
    struct udp_socket *best = NULL;
    u32 best_score = 0, equals = 0;
    struct port_binding *b;

    port_lock(&udp_ports);
    list_for_each(b, bucket, node)
    {
        u32 points = score(socket_of_binding(b), f);
        if (points > best_score || (points && points == best_score && !b->reuse_port)) {
            best = socket_of_binding(b);
            best_score = points;
            equals = 1;
        } else if (points && points == best_score) {
            u64 hash = ip_hash(f->local, f->local_port, f->remote, f->remote_port);
            equals++; // each of n is the last to be taken in 1/n of the flows
            if ((hash >> equals % 32) % equals == 0)
                best = socket_of_binding(b);
        }
    }
    if (best)
        udp_get(best);
    lock_release(&udp_ports.lock);
    return best;
}

// One of several datagrams that came as one packet: [offset, offset + size) of the payload behind a header.
static struct packet *part_make(const struct packet *p, u32 offset, u32 size)
{
    struct packet *part = packet_alloc(sizeof(struct udp_header) + size);
    struct udp_header *h;

    if (!part)
        return NULL;
    h = (struct udp_header *)(void *)packet_append(part, sizeof(*h));
    packet_copy_out(p, 0, h, sizeof(*h));
    h->size = swap16((u16)(sizeof(*h) + size));
    packet_copy_out(p, (u32)sizeof(*h) + offset, packet_append(part, size), size);
    part->interface = p->interface;
    part->source = p->source;
    part->destination = p->destination;
    part->protocol = p->protocol;
    part->hop_limit = p->hop_limit;
    part->traffic_class = p->traffic_class;
    part->link_type = p->link_type;
    memcpy(part->control, p->control, sizeof(part->control));
    return part;
}

// Data at the payload.
static void queue(struct udp_socket *s, struct packet *p)
{
    struct ip_address to = p->destination;

    mib_count_ip(&to, datagram_push(&s->queue, &s->inet, p) ? MIB_UDP_IN : MIB_UDP_FULL);
}

// Data at the UDP header. A packet of several datagrams is cut, unless the socket takes it whole (UDP_GRO).
static void deliver(struct udp_socket *s, struct packet *p)
{
    u32 header = sizeof(struct udp_header), payload = p->total - header;

    if (p->gso != GSO_UDP || !p->gso_size || payload <= p->gso_size) {
        p->gso = GSO_NONE;
    } else if (!s->gro) {
        for (u32 at = 0; at < payload; at += p->gso_size) {
            struct packet *part = part_make(p, at, min(payload - at, (u32)p->gso_size));
            if (!part)
                break;
            packet_pull(part, header);
            queue(s, part);
        }
        packet_free(p);
        return;
    }
    packet_pull(p, header);
    queue(s, p);
}

// A packet for a group or a broadcast address goes to every socket that fits.
static void deliver_all(struct packet *p, const struct flow *f)
{
    struct list *bucket = &udp_ports.buckets[f->local_port % PORT_BUCKETS];
    struct port_binding *b;

    port_lock(&udp_ports);
    list_for_each(b, bucket, node)
    {
        struct udp_socket *s = socket_of_binding(b);
        struct packet *copy;
        if (!score(s, f) || (ip_is_multicast(f->local) &&
                             !membership_allows(&s->inet, f->local, f->remote, f->interface)))
            continue;
        copy = packet_clone(p);
        if (copy)
            deliver(s, copy);
    }
    lock_release(&udp_ports.lock);
    packet_free(p);
}

// Checks length and checksum; false: to be dropped.
static bool header_check(struct packet *p, struct udp_header *out)
{
    u32 size;

    if (!packet_linear(p, sizeof(*out)))
        return false;
    memcpy(out, p->data, sizeof(*out));
    size = swap16(out->size);
    if (size < sizeof(*out) || size > p->total)
        return false;
    packet_trim(p, size);
    if (!out->checksum)
        return ip_is_v4(&p->source); // IPv6 has none without [RFC 8200 8.1]
    return checksum_verify(p);
}

// The kernel's DHCP client gets what comes for its port.
static bool dhcp_wants(struct packet *p, u32 header_size)
{
    packet_pull(p, header_size);
    if (dhcp_receive(p))
        return true;
    packet_push(p, header_size);
    return false;
}

void udp_receive(void *object, struct packet *p)
{
    struct udp_header h;
    struct udp_socket *s;
    struct flow f = {.local = &p->destination, .remote = &p->source};

    if (!header_check(p, &h)) {
        mib_count_ip(&p->source, MIB_UDP_IN_ERRORS);
        packet_free(p);
        return;
    }
    f.local_port = swap16(h.destination);
    f.remote_port = swap16(h.source);
    f.interface = p->interface->index;
    p->control[0] = f.remote_port;
    p->control[1] = f.local_port;
    if (unlikely(f.local_port == PORT_DHCP) && dhcp_wants(p, sizeof(h)))
        return;
    if (ip_is_multicast(&p->destination) || interface_is_broadcast(&p->destination)) {
        deliver_all(p, &f);
        return;
    }
    s = find(&f);
    if (!s) {
        mib_count_ip(&p->source, MIB_UDP_NO_PORT);
        ip_refuse(p, UNREACHABLE_PORT);
        packet_free(p);
        return;
    }
    deliver(s, p);
    udp_put(s);
}

void udp_error(const struct ip_error *e)
{
    struct udp_header h;
    struct udp_socket *s;
    struct flow f = {.local = &e->source, .remote = &e->destination};

    memcpy(&h, e->header, sizeof(h));
    f.local_port = swap16(h.source);
    f.remote_port = swap16(h.destination);
    f.interface = e->packet->interface ? e->packet->interface->index : 0;
    s = find(&f);
    if (!s)
        return;
    datagram_error(&s->queue, &s->inet, e, sizeof(h), f.remote_port);
    udp_put(s);
}

void udp_visit(bool (*visit)(const struct udp_view *v, void *arg), void *arg)
{
    struct port_binding *b;
    bool go_on = true;

    port_lock(&udp_ports);
    for (u32 n = 0; n < PORT_BUCKETS && go_on; n++)
        list_for_each(b, &udp_ports.buckets[n], node)
        {
            const struct udp_socket *s = socket_of_binding(b);
            struct udp_view v = {.local = {b->address, b->port, b->interface},
                                 .remote = s->inet.remote,
                                 .receive_queue = s->queue.charge,
                                 .uid = b->uid,
                                 .interface = s->inet.interface,
                                 .drops = s->queue.drops,
                                 .v6 = b->v6};
            if (go_on)
                go_on = visit(&v, arg);
        }
    lock_release(&udp_ports.lock);
}
