// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stack/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/panic.h"
#include "net/arp.h"
#include "net/icmp.h"
#include "net/if_abi.h"
#include "net/ip_internal.h"
#include "net/loopback.h"
#include "net/multicast.h"
#include "net/neighbour.h"
#include "net/ping.h"
#include "net/wiring.h"
#include "net/work.h"
#include "tests/stack/host.h"
#include "thread/wait.h"

#define FRAMES 256

const u8 their_mac[MAC_SIZE] = {2, 0, 0, 0, 0, 1};
struct udp_socket wire_socket;

static struct {
    struct wire_frame frames[FRAMES];
    u32 first, count;
} sent;

static void transmit(void *object, struct packet *p)
{
    struct wire_frame *f = &sent.frames[(sent.first + sent.count) % FRAMES];

    assert(p->checksum != CHECKSUM_NEEDED && p->total <= 1514 + 4);
    if (sent.count < FRAMES) {
        f->size = p->total;
        packet_copy_out(p, 0, f->bytes, p->total);
        sent.count++;
    }
    packet_free(p);
}

struct net_interface wire_interface = {
    .name = "eth%d",
    .type = ARPHRD_ETHER,
    .mac = {2, 0, 0, 0, 0, 2},
    .mtu = 1500,
    .flags = IFF_UP | IFF_RUNNING,
    .transmit = {.function = transmit},
};

static void by_version(void *object, struct packet *p)
{
    if (p->link_protocol == ETHERTYPE_IP4)
        ip4_receive(NULL, p);
    else
        ip6_receive(NULL, p);
}

void wiring_interface(struct net_interface *i)
{
    i->receive = (struct push){i->type == ARPHRD_ETHER ? ethernet_receive : by_version, i};
}

void ping_error(const struct ip_error *e)
{
}

static void address_add(struct ip_address a, u32 prefix)
{
    struct interface_address x = {.address = a,
                                  .prefix = prefix,
                                  .valid_until = DEADLINE_NONE,
                                  .preferred_until = DEADLINE_NONE};

    if (ip_is_v4(&a))
        x.broadcast = ip4_address(a.words[3] | swap32(0xff));
    assert(!interface_add_address(&wire_interface, &x));
}

void wire_start(void)
{
    struct ip_address our6 = {.bytes = {0xfd, [15] = 2}}, their6 = {.bytes = {0xfd, [15] = 1}};
    struct ip_address their4 = ip4_address(swap32(THEIR4));
    struct inet_socket *s = &wire_socket.inet;

    host_start();
    ip_transports[PROTOCOL_UDP] = (struct ip_transport){{udp_receive, NULL}, udp_error};
    ip_transports[PROTOCOL_ICMP] = (struct ip_transport){{icmp4_receive, NULL}, ping_error};
    ip_transports[PROTOCOL_ICMP6] = (struct ip_transport){{icmp6_receive, NULL}, ping_error};
    ip_transports[PROTOCOL_IGMP] = (struct ip_transport){{igmp_receive, NULL}, NULL};
    ethernet_to_ip4 = (struct push){ip4_receive, NULL};
    ethernet_to_ip6 = (struct push){ip6_receive, NULL};
    ethernet_to_arp = (struct push){arp_receive, NULL};
    loopback_receive = (struct push){by_version, NULL};
    loopback_init();
    assert(!interface_register(&wire_interface));
    address_add(ip4_address(swap32(OUR4)), 120);
    address_add(our6, 64);
    assert(!neighbour_set(&wire_interface, &their4, their_mac));
    assert(!neighbour_set(&wire_interface, &their6, their_mac));
    datagram_init(&wire_socket.queue);
    list_init(&s->memberships);
    s->binding.v6 = true;
    s->socket.receive_buffer = 1 << 20;
    assert(!port_bind(&udp_ports, &s->binding, PORT));
    wire_quiet();
}

void wire_receive(const void *frame, u32 size)
{
    struct packet *p = packet_alloc(size);

    memcpy(packet_append(p, size), frame, size);
    p->interface = &wire_interface;
    push(&wire_interface.receive, p);
    net_work();
}

const struct wire_frame *wire_sent(void)
{
    const struct wire_frame *f = &sent.frames[sent.first];

    if (!sent.count)
        return NULL;
    sent.first = (sent.first + 1) % FRAMES;
    sent.count--;
    return f;
}

void wire_quiet(void)
{
    sent.count = 0;
}

struct packet *wire_datagram(void)
{
    struct datagram_queue *q = &wire_socket.queue;
    struct packet *p;

    if (list_empty(&q->packets))
        return NULL;
    p = list_entry(list_pop_front(&q->packets), struct packet, node);
    q->charge -= (u32)p->control[3];
    return p;
}

void wire_finish(void)
{
    struct packet *p;

    while ((p = wire_datagram()))
        packet_free(p);
    datagram_clear(&wire_socket.queue);
    wire_socket.queue.error_count = 0;
    for (int i = 0; i < 70; i++) // fragments wait a minute
        host_advance(1000000000);
    wire_quiet();
    assert(host_packets() == 0 && host_data() == 0);
    assert(wire_socket.references == 0);
}

u16 wire_sum(u32 start, const void *data, u32 size)
{
    const u8 *p = data;
    u64 sum = start;

    for (u32 i = 0; i < size; i++)
        sum += i % 2 ? p[i] : (u32)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return swap16((u16)~sum);
}

static u32 frame_ethernet(u8 *out, u16 type)
{
    struct ethernet_header *h = (struct ethernet_header *)(void *)out;

    memcpy(h->destination, wire_interface.mac, MAC_SIZE);
    memcpy(h->source, their_mac, MAC_SIZE);
    h->type = swap16(type);
    return sizeof(*h);
}

u32 frame_ip4(u8 *out, u8 protocol, const void *payload, u32 size, u16 id, u16 fragment)
{
    u32 at = frame_ethernet(out, ETHERTYPE_IP4);
    struct ip4_header h = {.version_size = 0x45,
                           .total = swap16((u16)(20 + size)),
                           .id = id,
                           .fragment = swap16(fragment),
                           .ttl = 64,
                           .protocol = protocol,
                           .source = swap32(THEIR4),
                           .destination = swap32(OUR4)};

    h.checksum = wire_sum(0, &h, sizeof(h));
    memcpy(out + at, &h, sizeof(h));
    memcpy(out + at + sizeof(h), payload, size);
    return at + (u32)sizeof(h) + size;
}

u32 frame_ip6(u8 *out, u8 next, u8 hops, const void *payload, u32 size, const u8 *to)
{
    u32 at = frame_ethernet(out, ETHERTYPE_IP6);
    struct ip6_header h = {.version_class_flow = swap32(6u << 28),
                           .payload = swap16((u16)size),
                           .next = next,
                           .hop_limit = hops,
                           .source = {0xfd, [15] = 1},
                           .destination = {0xfd, [15] = 2}};

    if (to)
        memcpy(h.destination, to, 16);
    memcpy(out + at, &h, sizeof(h));
    memcpy(out + at + sizeof(h), payload, size);
    return at + (u32)sizeof(h) + size;
}

u32 udp_bytes(u8 *out, u16 from, u16 to, const void *payload, u32 size, bool v6)
{
    struct udp_header h = {swap16(from), swap16(to), swap16((u16)(8 + size)), 0};
    u32 pseudo =
        v6 ? 0xfd00u * 2 + 3 : (OUR4 >> 16) + (OUR4 & 0xffff) + (THEIR4 >> 16) + (THEIR4 & 0xffff);

    memcpy(out, &h, sizeof(h));
    memcpy(out + 8, payload, size);
    h.checksum = wire_sum(pseudo + 17 + 8 + size, out, 8 + size);
    memcpy(out, &h, sizeof(h));
    return 8 + size;
}
