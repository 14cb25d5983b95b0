// SPDX-License-Identifier: BSD-3-Clause
// See network.h. A large packet comes in several buffers (mergeable ones), a small one is copied out
// of its buffer, which goes back to the queue at once. Few large buffers, as the host looks at each that
// a packet of 64 KiB could need, for each packet: behind a TAP, which hands out one at a time, one does.
#include "driver/network.h"

#include <asm/errno.h>
#include <linux/virtio_net.h>

#include "abi/boot.h"
#include "abi/calls.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "driver/network_setup.h"
#include "driver/virtqueue.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/packet.h"
#include "net/wiring.h"
#include "net/work.h"
#include "platform/platform.h"

#define BUFFER_SIZE  (4 * PAGE_SIZE - 64) // with its struct packet_data it fills pages
#define BUFFERS      12u                  // two packets of 64 KiB, and some more
#define WHOLE_SIZE   (NETWORK_HEADER_SIZE + 18u + PACKET_SIZE_MAX) // any packet, with a VLAN's tag
#define WHOLE_COUNT  2u
#define ROUND        64 // packets before others get a chance
#define ROUND_BYTES  (128u << 10) // ... or bytes: what fits the caches until it is copied to its reader
#define FULL_LOOKS   4u
#define SEND_PARTS   (2 + PACKET_FRAGMENTS_MAX)
#define HAS(feature) ((network.features >> (feature)) & 1)

static bool network_works; // there is one, and the host's side is alive; atomic

static large_data struct {
    struct net_interface interface;
    u64 features;
    bool wanted;  // atomic
    bool polling; // somebody takes packets out of `receive`: it belongs to him; atomic
    struct virtqueue receive;
    u32 buffers; // in `receive`
    u32 buffer_count, buffer_size; // how many there should be, and how large
    u32 copy_max; // larger packets may keep a buffer that they do not fill
    s64 quota;   // packets that a look takes without asking whether there are more
    u32 bytes;   // that the look has taken
    u32 full;    // looks in a row that found as many

    struct lock lock; // what follows
    struct virtqueue send;
    bool blocked; // the host takes no more for now; atomic: read without the lock
    struct virtio_net_hdr_v1 headers[NETWORK_QUEUE_SIZE]; // by a chain's first descriptor
} network;

static bool is_up(void)
{
    return __atomic_load_n(&network_works, __ATOMIC_ACQUIRE);
}

static void count(u64 *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

// The host's side is gone for good: passt has ended, the TAP was removed. Programs see a dead link.
static void lose_device(s64 error)
{
    __atomic_store_n(&network_works, false, __ATOMIC_RELEASE);
    __atomic_and_fetch(&network.interface.flags, ~(IFF_RUNNING | IFF_LOWER_UP), __ATOMIC_RELAXED);
    log_message("network: the host's side is gone: error %d", (int)-error);
}

static bool is_passing(s64 error)
{
    return error == -EAGAIN || error == -EINTR;
}

static void buffer_give(struct packet_data *d)
{
    const struct virtqueue_part part = {d->memory, network.buffer_size};

    if (virtqueue_add(&network.receive, &part, 1, /*device_writes=*/true, d))
        network.buffers++;
    else
        packet_data_put(d);
}

static struct packet_data *buffer_take(u32 *out_size)
{
    struct packet_data *d = virtqueue_take(&network.receive, out_size);

    if (d)
        network.buffers--;
    return d;
}

static void buffers_fill(void)
{
    while (network.buffers < network.buffer_count) {
        struct packet_data *d = packet_data_alloc(network.buffer_size);
        if (!d)
            break;
        buffer_give(d);
    }
}

static struct packet *small_packet(struct packet_data *d, u32 size)
{
    struct packet *p = packet_alloc(size);

    if (p)
        memcpy(packet_append(p, size), d->memory + NETWORK_HEADER_SIZE, size);
    buffer_give(d);
    return p;
}

static void read_header(struct packet *p, const struct virtio_net_hdr_v1 *h)
{
    p->interface = &network.interface;
    if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        p->checksum = CHECKSUM_NEEDED;
        p->checksum_start = (u16)(packet_headroom(p) + h->csum_start);
        p->checksum_offset = h->csum_offset;
    } else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
        p->checksum = CHECKSUM_VALID;
    }
    switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        p->gso = GSO_TCP4;
        break;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        p->gso = GSO_TCP6;
        break;
    case NETWORK_HDR_GSO_UDP_L4:
        p->gso = GSO_UDP;
        break;
    default:
        return;
    }
    p->gso_size = h->gso_size;
    p->gso_header = h->hdr_len;
}

// The next packet that the device has filled in. False: there is none. *out is NULL if it was lost.
static bool packet_take(struct packet **out)
{
    struct virtio_net_hdr_v1 header;
    u32 size;
    struct packet_data *d = buffer_take(&size);
    struct packet *p = NULL;

    if (!d)
        return false;
    memcpy(&header, d->memory, sizeof(header));
    if (size < NETWORK_HEADER_SIZE + 14)
        packet_data_put(d);
    else if (header.num_buffers == 1 && size - NETWORK_HEADER_SIZE <= network.copy_max)
        p = small_packet(d, size - NETWORK_HEADER_SIZE);
    else
        p = packet_from_data(d, NETWORK_HEADER_SIZE, size - NETWORK_HEADER_SIZE);
    for (u32 i = 1; i < header.num_buffers; i++) {
        d = buffer_take(&size);
        if (!d)
            panic("a network packet without its end");
        if (p && !packet_add_fragment(p, d, 0, size)) {
            packet_free(p);
            p = NULL;
        }
        packet_data_put(d);
    }
    if (p)
        read_header(p, &header);
    else
        count(&network.interface.counters.rx_dropped);
    *out = p;
    return true;
}

// Kicks the queue once. How many packets went up.
static s64 receive_some(void)
{
    struct packet *p;
    s64 result, done = 0;

    buffers_fill();
    result = platform_ring(QUEUE_NETWORK_RECEIVE);
    if (result < 0 && !is_passing(result))
        lose_device(result);
    while (packet_take(&p)) {
        // Datagrams that came as one packet are many for whoever receives them.
        done += p && p->gso == GSO_UDP && p->gso_size ? p->total / p->gso_size : 1;
        network.bytes += p ? p->total : 0;
        if (p)
            push(&network.interface.receive, p);
    }
    return done;
}

// To hear that there is nothing more costs a host call, which is for nothing when others look again soon. So a
// look is content with as many as there were last time, and now and then asks for more.
static void quota_learn(s64 done, bool ended)
{
    if (ended && done) {
        network.quota = done;
        network.full = 0;
    } else if (!ended && ++network.full == FULL_LOOKS) {
        network.quota = min(2 * network.quota, (s64)ROUND);
        network.full = 0;
    }
}

static bool poll(struct net_interface *i)
{
    s64 done = 0, more;

    if (!is_up() || !__atomic_load_n(&network.wanted, __ATOMIC_RELAXED) ||
        __atomic_exchange_n(&network.polling, true, __ATOMIC_ACQUIRE)) // pairs with the store below
        return false;
    network.bytes = 0;
    do {
        more = receive_some();
        done += more;
    } while (more && done < network.quota && network.bytes < ROUND_BYTES && is_up());
    quota_learn(done, !more);
    __atomic_store_n(&network.polling, false, __ATOMIC_RELEASE);
    return done != 0;
}

void network_stop(void)
{
    if (!is_up() || __atomic_exchange_n(&network.polling, true, __ATOMIC_ACQUIRE))
        return;
    __atomic_store_n(&network_works, false, __ATOMIC_RELEASE);
    for (u32 i = 0; i < NETWORK_QUEUE_SIZE; i++)
        if (network.receive.owners[i])
            packet_data_put(network.receive.owners[i]);
    network.buffers = 0;
}

// All headers of a packet for the device to cut: they are linear. A TAP puts them in front of pages with the payload;
// without this hint it looks for one piece of memory for the whole packet.
static u16 headers_size(const struct packet *p)
{
    const u8 *transport = p->head + p->checksum_start;
    u32 size = p->gso == GSO_UDP ? 8 : (transport[12] >> 4) * 4u;

    return (u16)min(p->checksum_start - packet_headroom(p) + size, p->total);
}

static void write_header(const struct packet *p, struct virtio_net_hdr_v1 *h)
{
    u32 start = packet_headroom(p);

    memset(h, 0, sizeof(*h));
    if (p->checksum == CHECKSUM_NEEDED) {
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = (u16)(p->checksum_start - start);
        h->csum_offset = p->checksum_offset;
    }
    if (p->gso != GSO_NONE) {
        static const u8 types[] = {[GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
                                   [GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
                                   [GSO_UDP] = NETWORK_HDR_GSO_UDP_L4};
        h->gso_type = types[p->gso];
        h->gso_size = p->gso_size;
        h->hdr_len = headers_size(p);
    }
}

// With the lock held. False: the queue is full.
static bool send_enqueue(struct packet *p)
{
    struct virtqueue_part parts[SEND_PARTS];
    struct virtio_net_hdr_v1 *header =
        &network.headers[network.send.free_head % NETWORK_QUEUE_SIZE];
    u32 n = 0;

    if (network.send.free_count < 2 + p->fragment_count)
        return false;
    // In front of the packet if that is its own memory: one part is less for the host to look at.
    if (!p->linear && packet_headroom(p) >= sizeof(*header)) {
        header = (void *)(p->data - sizeof(*header));
        parts[n++] = (struct virtqueue_part){header, (u32)sizeof(*header) + p->size};
    } else {
        parts[n++] = (struct virtqueue_part){header, sizeof(*header)};
        if (p->size)
            parts[n++] = (struct virtqueue_part){p->data, p->size};
    }
    write_header(p, header);
    for (u32 i = 0; i < p->fragment_count; i++) {
        const struct packet_fragment *f = &p->fragments[i];
        parts[n++] = (struct virtqueue_part){f->data->memory + f->offset, f->size};
    }
    return virtqueue_add(&network.send, parts, n, /*device_writes=*/false, p);
}

// Kicks until all is gone, or the host takes no more; with the lock held. Returns what is to be
// freed.
static void send_kick(struct list *out_done)
{
    struct packet *p;
    s64 result = 0;
    u32 size;

    while (is_up() && !virtqueue_is_idle(&network.send)) {
        result = platform_ring(QUEUE_NETWORK_SEND);
        while ((p = virtqueue_take(&network.send, &size)))
            list_push_back(out_done, &p->node);
        if (result <= 0)
            break;
    }
    if (result < 0 && !is_passing(result))
        lose_device(result);
    // Pairs with network_interest.
    __atomic_store_n(&network.blocked, !virtqueue_is_idle(&network.send), __ATOMIC_RELEASE);
}

static void free_all(struct list *done)
{
    struct list *node;

    while ((node = list_pop_front(done)))
        packet_free(list_entry(node, struct packet, node));
}

static void transmit(void *object, struct packet *p)
{
    struct list done;
    bool taken;

    list_init(&done);
    lock_acquire(&network.lock);
    taken = is_up() && network.wanted && send_enqueue(p);
    send_kick(&done);
    lock_release(&network.lock);
    free_all(&done);
    if (taken)
        return;
    count(&network.interface.counters.tx_dropped);
    packet_free(p);
}

void network_want(void)
{
    struct boot_mailbox *mailbox;

    if (__atomic_load_n(&network.wanted, __ATOMIC_RELAXED) || !is_up() ||
        __atomic_exchange_n(&network.wanted, true, __ATOMIC_ACQ_REL))
        return;
    if (!HAS(VIRTIO_NET_F_CSUM)) { // passt, and not a TAP
        mailbox = (struct boot_mailbox *)(u64)&platform_boot()->mailbox;
        // Pairs with the supervisor's acquire.
        __atomic_store_n(&mailbox->network_wanted, 1, __ATOMIC_RELEASE);
        platform_ring(RING_SUPERVISOR);
    }
    network_setup_start(&network.interface);
}

u64 network_interest(void)
{
    u64 interest = 0;

    if (is_up() && __atomic_load_n(&network.wanted, __ATOMIC_ACQUIRE))
        interest |= 1ull << QUEUE_NETWORK_RECEIVE;
    if (interest && __atomic_load_n(&network.blocked, __ATOMIC_ACQUIRE))
        interest |= 1ull << QUEUE_NETWORK_SEND;
    return interest;
}

void network_ready(u64 ready)
{
    struct list done;

    if (ready >> QUEUE_NETWORK_SEND & 1) {
        list_init(&done);
        lock_acquire(&network.lock);
        send_kick(&done);
        lock_release(&network.lock);
        free_all(&done);
    }
    if (ready >> QUEUE_NETWORK_RECEIVE & 1)
        net_work_all();
}

static void describe_interface(const struct boot_network *b)
{
    struct net_interface *i = &network.interface;

    bool whole = b->features & (1ull << VIRTIO_NET_F_CSUM); // a TAP

    network.features = b->features;
    network.buffer_size = whole ? WHOLE_SIZE : BUFFER_SIZE;
    network.buffer_count = whole ? WHOLE_COUNT : BUFFERS;
    network.copy_max = network.buffer_size / 4;
    network.quota = 1;
    strlcpy(i->name, "eth%d", sizeof(i->name));
    i->type = ARPHRD_ETHER;
    memcpy(i->mac, b->mac, sizeof(i->mac));
    i->mtu = b->mtu;
    i->flags = IFF_UP | IFF_RUNNING | IFF_LOWER_UP | IFF_BROADCAST | IFF_MULTICAST;
    i->features = (HAS(VIRTIO_NET_F_CSUM) ? INTERFACE_TX_CHECKSUM : INTERFACE_ONE_PEER) |
                  (HAS(VIRTIO_NET_F_HOST_TSO4) ? INTERFACE_TSO4 : 0) |
                  (HAS(VIRTIO_NET_F_HOST_TSO6) ? INTERFACE_TSO6 : 0) |
                  (HAS(NETWORK_F_HOST_USO) ? INTERFACE_USO : 0);
    i->transmit = (struct push){transmit, i};
    i->poll = poll;
}

void network_boot(const struct boot_info *boot)
{
    // The other end lives already: a TAP's, or that of a published port.
    if (boot->network.queues && boot->network.flags & BOOT_NETWORK_ASKED)
        net_start();
}

void network_init(const struct boot_info *boot)
{
    const struct boot_network *b = &boot->network;
    struct network_queue *rings = (struct network_queue *)b->queues;

    if (!rings)
        return;
    virtqueue_init(&network.receive, &rings[0], QUEUE_NETWORK_RECEIVE);
    virtqueue_init(&network.send, &rings[1], QUEUE_NETWORK_SEND);
    describe_interface(b);
    if (interface_register(&network.interface))
        return;
    __atomic_store_n(&network_works, true, __ATOMIC_RELEASE);
    network_setup(&network.interface, boot);
    // Else passt waits until somebody has a socket.
    if (boot->network.flags & BOOT_NETWORK_ASKED)
        network_want();
}
