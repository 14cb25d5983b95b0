// SPDX-License-Identifier: BSD-3-Clause
// AF_PACKET sockets: frames as the interfaces see them. SOCK_RAW has the link header, SOCK_DGRAM
// does without. No PACKET_RX_RING, no filters in the kernel. [packet(7)]
//
// Locks: taps.lock, then the queue's.
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/datagram.h"
#include "net/ethernet.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/packet_tap.h"
#include "net/work.h"
#include "process/process.h"
#include "thread/thread.h"

#define AF_PACKET  17
#define SOL_PACKET 263

struct packet_socket {
    struct inet_socket inet; // for its queue; addresses are not used
    struct datagram_queue queue;
    struct list node;
    u16 protocol; // host order; ETH_P_ALL; 0: receives nothing
    u32 interface;
    u32 received; // PACKET_STATISTICS, guarded by taps.lock
    bool auxdata;
};

static struct {
    struct lock lock;
    struct list sockets;
} taps;

u32 packet_tap_count;
static struct slab_cache packet_socket_cache = SLAB_CACHE("packet_socket", struct packet_socket);
static const struct socket_ops packet_ops;

static struct packet_socket *packet_of(struct socket *s)
{
    return container_of(inet_of(s), struct packet_socket, inet);
}

static void taps_lock(void)
{
    lock_acquire(&taps.lock);
    if (!taps.sockets.next)
        list_init(&taps.sockets);
}

static int packet_create(int type, int protocol, struct socket **out)
{
    struct packet_socket *s;

    if (!(thread_process()->credentials.cap_effective >> CAP_NET_RAW & 1))
        return -EPERM;
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    s = slab_alloc(&packet_socket_cache);
    if (!s)
        return -ENOBUFS;
    inet_init(&s->inet, &packet_ops, AF_PACKET, type, protocol);
    datagram_init(&s->queue);
    s->protocol = swap16((u16)protocol);
    taps_lock();
    list_push_back(&taps.sockets, &s->node);
    __atomic_add_fetch(&packet_tap_count, 1, __ATOMIC_RELAXED); // pairs with packet_tap
    lock_release(&taps.lock);
    *out = &s->inet.socket;
    return 0;
}

const struct socket_family packet_family = {.family = AF_PACKET, .create = packet_create};

static void packet_release(struct socket *socket)
{
    struct packet_socket *s = packet_of(socket);

    taps_lock();
    list_remove(&s->node);
    __atomic_sub_fetch(&packet_tap_count, 1, __ATOMIC_RELAXED);
    lock_release(&taps.lock);
    datagram_clear(&s->queue);
    slab_free(&packet_socket_cache, s);
}

// Loopback has no link header of its own: an empty one is put there, as Linux's lo has.
static bool header_fake(struct packet *p)
{
    struct ethernet_header *h;

    if (packet_headroom(p) < ETHERNET_HEADER)
        return false;
    h = (struct ethernet_header *)(void *)packet_push(p, ETHERNET_HEADER);
    memset(h, 0, sizeof(*h));
    h->type = swap16(p->link_protocol);
    return true;
}

static void copy_give(struct packet_socket *s, const struct packet *p, bool out)
{
    struct packet *copy = packet_clone(p);
    bool raw = s->inet.socket.type == SOCK_RAW, link = p->interface->type == ARPHRD_ETHER;

    if (!copy)
        return;
    if (link && !raw)
        packet_pull(copy, ETHERNET_HEADER);
    if (!link && raw && !header_fake(copy)) {
        packet_free(copy);
        return;
    }
    copy->control[0] = out ? PACKET_OUTGOING : p->link_type;
    s->received++;
    datagram_push(&s->queue, &s->inet, copy);
}

void packet_tap_slow(const struct packet *p, bool out)
{
    struct packet_socket *s;

    taps_lock();
    list_for_each(s, &taps.sockets, node)
    {
        bool all = s->protocol == ETH_P_ALL;
        if ((all || (!out && s->protocol == p->link_protocol)) &&
            (!s->interface || s->interface == p->interface->index))
            copy_give(s, p, out);
    }
    lock_release(&taps.lock);
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
        ethernet_send(p, ll->sll_addr, protocol);
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

static void name_of_packet(const struct packet *p, struct socket_address *out)
{
    struct sockaddr_ll ll = {.sll_family = AF_PACKET,
                             .sll_protocol = swap16(p->link_protocol),
                             .sll_ifindex = (int)p->interface->index,
                             .sll_hatype = p->interface->type,
                             .sll_pkttype = (u8)p->control[0],
                             .sll_halen = MAC_SIZE};

    if (p->interface->type == ARPHRD_ETHER)
        memcpy(ll.sll_addr, p->head + p->link_header + MAC_SIZE, MAC_SIZE);
    out->size = sizeof(ll);
    memcpy(out->bytes, &ll, sizeof(ll));
}

static int put_auxdata(struct message *m, const struct packet *p, u32 size)
{
    struct tpacket_auxdata aux = {
        .tp_status = TP_STATUS_USER, .tp_len = p->total, .tp_snaplen = size};

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
        name_of_packet(p, m->address);
    if (result >= 0 && s->auxdata)
        error = put_auxdata(m, p, (u32)result);
    if (result >= 0 && (m->flags & MSG_TRUNC))
        result = p->total;
    packet_free(p);
    return error ? error : result;
}

static u32 packet_poll(struct socket *s, struct poll_table *table)
{
    return datagram_poll(&packet_of(s)->queue, inet_of(s), table);
}

static s64 packet_ioctl(struct socket *s, u32 command, u64 argument)
{
    return datagram_ioctl(&packet_of(s)->queue, s, command, argument);
}

static int packet_set_option(struct socket *socket, int level, int name, uaddr_t value, u32 size)
{
    u32 number;

    if (level != SOL_PACKET)
        return inet_set_option(socket, level, name, value, size);
    switch (name) {
    case PACKET_ADD_MEMBERSHIP: // promiscuous: whatever comes is shown anyway
    case PACKET_DROP_MEMBERSHIP:
    case PACKET_ORIGDEV:
    case PACKET_IGNORE_OUTGOING:
        return 0;
    case PACKET_AUXDATA:
        if (size < sizeof(number))
            return -EINVAL;
        if (user_read_u32(&number, value))
            return -EFAULT;
        packet_of(socket)->auxdata = number;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int packet_get_option(struct socket *socket, int level, int name, uaddr_t value, u32 *size)
{
    struct packet_socket *s = packet_of(socket);
    struct tpacket_stats stats;

    if (level != SOL_PACKET)
        return inet_get_option(socket, level, name, value, size);
    if (name != PACKET_STATISTICS)
        return -ENOPROTOOPT;
    taps_lock(); // reading them sets them to zero
    stats = (struct tpacket_stats){s->received, (u32)s->queue.drops};
    s->received = 0;
    s->queue.drops = 0;
    lock_release(&taps.lock);
    *size = min(*size, (u32)sizeof(stats));
    return user_write(value, &stats, *size);
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
    .release = packet_release,
};
