// SPDX-License-Identifier: BSD-3-Clause
// AF_PACKET sockets: frames as the interfaces see them. SOCK_RAW has the link header, SOCK_DGRAM
// does without. [packet(7)]
#include "net/packet_socket.h"

#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/ethernet.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/packet_tap.h"
#include "net/work.h"
#include "process/process.h"
#include "thread/thread.h"

static struct slab_cache packet_socket_cache = SLAB_CACHE("packet_socket", struct packet_socket);
static const struct socket_ops packet_ops;

static int packet_create(int type, int protocol, struct socket **out)
{
    struct packet_socket *s;

    if (!capable(CAP_NET_RAW))
        return -EPERM;
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    s = slab_alloc(&packet_socket_cache);
    if (!s)
        return -ENOBUFS;
    inet_init(&s->inet, &packet_ops, AF_PACKET, type, protocol);
    datagram_init(&s->queue);
    s->protocol = swap16((u16)protocol);
    s->ring.version = TPACKET_V1;
    timer_init(&s->timer, packet_ring_timer);
    tap_join(s);
    *out = &s->inet.socket;
    return 0;
}

const struct socket_family packet_family = {.family = AF_PACKET, .create = packet_create};

static void packet_release(struct socket *socket)
{
    struct packet_socket *s = packet_of(socket);

    tap_leave(s);
    (void)timer_cancel(&s->timer);
    ring_free(&s->ring);
    datagram_clear(&s->queue);
    slab_free(&packet_socket_cache, s);
}

static int packet_bind(struct socket *socket, const struct socket_address *a)
{
    struct packet_socket *s = packet_of(socket);
    struct sockaddr_ll ll;

    if (a->size < sizeof(ll))
        return -EINVAL;
    memcpy(&ll, a->bytes, sizeof(ll));
    if (ll.sll_family != AF_PACKET)
        return -EINVAL;
    if (ll.sll_ifindex && !interface_find((u32)ll.sll_ifindex))
        return -ENODEV;
    s->interface = (u32)ll.sll_ifindex;
    if (ll.sll_protocol)
        s->protocol = swap16(ll.sll_protocol);
    return 0;
}

static int packet_name(struct socket *socket, bool peer, struct socket_address *out)
{
    const struct packet_socket *s = packet_of(socket);
    const struct net_interface *i = interface_find(s->interface);
    struct sockaddr_ll ll = {.sll_family = AF_PACKET,
                             .sll_protocol = swap16(s->protocol),
                             .sll_ifindex = (int)s->interface};

    if (peer)
        return -EOPNOTSUPP;
    if (i) {
        ll.sll_hatype = i->type;
        ll.sll_halen = MAC_SIZE;
        memcpy(ll.sll_addr, i->mac, MAC_SIZE);
    }
    out->size = offsetof(struct sockaddr_ll, sll_addr) + ll.sll_halen;
    memcpy(out->bytes, &ll, sizeof(ll));
    return 0;
}

static int packet_out(struct packet_socket *s, struct packet *p, const struct sockaddr_ll *ll)
{
    struct net_interface *i = interface_find(ll->sll_family ? (u32)ll->sll_ifindex : s->interface);
    u16 protocol = ll->sll_protocol ? swap16(ll->sll_protocol) : s->protocol;

    if (!i)
        return -ENXIO;
    if (!(i->flags & IFF_UP))
        return -ENETDOWN;
    if (s->inet.socket.type == SOCK_DGRAM) {
        if (p->total > i->mtu)
            return -EMSGSIZE;
        p->interface = i;
        if (i->type == ARPHRD_ETHER) {
            ethernet_send(p, ll->sll_addr, protocol);
        } else {
            p->link_protocol = protocol;
            interface_transmit(p);
        }
        return 0;
    }
    if (p->size < ETHERNET_HEADER)
        return -EINVAL;
    if (p->total > i->mtu + ETHERNET_HEADER)
        return -EMSGSIZE;
    p->interface = i;
    p->link_protocol = (u16)(p->data[12] << 8 | p->data[13]);
    if (i->type != ARPHRD_ETHER)
        packet_pull(p, ETHERNET_HEADER);
    interface_transmit(p);
    return 0;
}

static s64 packet_send(struct socket *socket, struct message *m)
{
    struct packet_socket *s = packet_of(socket);
    struct sockaddr_ll ll = {.sll_family = 0};
    size_t size = m->io->left;
    struct packet *p;
    int error;

    if (size > PACKET_SIZE_MAX)
        return -EMSGSIZE;
    if (m->address && m->address->size)
        memcpy(&ll, m->address->bytes, min(m->address->size, (u32)sizeof(ll)));
    if (ll.sll_family && ll.sll_family != AF_PACKET)
        return -EINVAL;
    p = packet_alloc((u32)size);
    if (!p)
        return -ENOBUFS;
    error = size && io_get(m->io, packet_append(p, (u32)size), size) != (s64)size ? -EFAULT : 0;
    if (!error)
        error = packet_out(s, p, &ll);
    if (error)
        packet_free(p);
    net_work();
    return error ? error : (s64)size;
}

static void put_name(const struct packet *p, struct socket_address *out)
{
    struct sockaddr_ll ll;

    packet_address(p, p->link_type, &ll);
    out->size = sizeof(ll);
    memcpy(out->bytes, &ll, sizeof(ll));
}

static int put_auxdata(const struct packet_socket *s, struct message *m, const struct packet *p)
{
    struct tpacket_auxdata aux = {
        .tp_status = TP_STATUS_USER, .tp_len = (u32)p->control[1], .tp_snaplen = p->total};

    if (s->inet.socket.type == SOCK_RAW)
        aux.tp_net = ETHERNET_HEADER;

    if (p->checksum == CHECKSUM_NEEDED)
        aux.tp_status |= TP_STATUS_CSUMNOTREADY;
    else if (p->checksum == CHECKSUM_VALID)
        aux.tp_status |= TP_STATUS_CSUM_VALID;
    return message_put_control(m, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
}

static s64 packet_receive(struct socket *socket, struct message *m)
{
    struct packet_socket *s = packet_of(socket);
    struct packet *p;
    s64 result;
    int error = m->flags & MSG_ERRQUEUE ? -EAGAIN : datagram_take(&s->queue, &s->inet, m, &p);

    if (error || !p)
        return error;
    result = packet_read(p, 0, m->io, p->total);
    if (result >= 0 && result < (s64)p->total)
        m->out_flags |= MSG_TRUNC;
    if (m->address)
        put_name(p, m->address);
    if (result >= 0 && s->auxdata)
        error = put_auxdata(s, m, p);
    if (result >= 0 && (m->flags & MSG_TRUNC))
        result = p->total;
    packet_free(p);
    return error ? error : result;
}

static u32 packet_poll(struct socket *s, struct poll_table *table)
{
    u32 events = datagram_poll(&packet_of(s)->queue, inet_of(s), table);

    taps_lock();
    if (ring_readable(&packet_of(s)->ring))
        events |= POLLIN | POLLRDNORM;
    taps_unlock();
    return events;
}

static s64 packet_ioctl(struct socket *s, u32 command, u64 argument)
{
    return datagram_ioctl(&packet_of(s)->queue, s, command, argument);
}

static int packet_map(struct socket *socket, u64 offset, u64 size, struct map_extent *out)
{
    int error;

    taps_lock();
    error = ring_map(&packet_of(socket)->ring, offset, size, out);
    taps_unlock();
    return error;
}

static const struct socket_ops packet_ops = {
    .bind = packet_bind,
    .send = packet_send,
    .receive = packet_receive,
    .poll = packet_poll,
    .name = packet_name,
    .set_option = packet_set_option,
    .get_option = packet_get_option,
    .ioctl = packet_ioctl,
    .map = packet_map,
    .release = packet_release,
};
