// SPDX-License-Identifier: BSD-3-Clause
// Loopback: a queue per vCPU between sending and receiving.
#include "net/loopback.h"

#include <linux/if_addr.h>

#include "base/panic.h"
#include "cpu/vcpu.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/packet.h"
#include "net/packet_tap.h"
#include "thread/rollback.h"
#include "thread/thread.h"
#include "thread/wait.h"

#define QUEUES    16u
#define QUEUE_MAX 4096u // packets; more are dropped, as by any queue

struct loopback_queue {
    struct lock lock;
    u32 count; // atomic; guarded by lock
    bool ready;
    struct list packets;
} __attribute__((aligned(64)));

static struct loopback_queue queues[QUEUES];
static start_data bool used; // somebody has sent; atomic
struct push loopback_receive;

static void loopback_transmit(void *object, struct packet *p)
{
    loopback_send(p);
}

static struct net_interface lo = {
    .name = "lo",
    .type = ARPHRD_LOOPBACK,
    .features = INTERFACE_TX_CHECKSUM | INTERFACE_TSO4 | INTERFACE_TSO6 | INTERFACE_USO,
    .mtu = 65536,
    .transmit = {.function = loopback_transmit},
};

struct net_interface *loopback_interface(void)
{
    return &lo;
}

void loopback_init(void)
{
    struct interface_address a4 = {.address = ip4_address(swap32(0x7f000001)),
                                   .prefix = 96 + 8,
                                   .flags = IFA_F_PERMANENT,
                                   .valid_until = DEADLINE_NONE,
                                   .preferred_until = DEADLINE_NONE};
    struct interface_address a6 = a4;

    a6.address = (struct ip_address){.longs = {0, 1ull << 56}};
    a6.prefix = 128;
    lo.flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK | IFF_LOWER_UP;
    if (interface_register(&lo) || interface_add_address(&lo, &a4) ||
        interface_add_address(&lo, &a6))
        panic("no memory for lo");
}

static struct loopback_queue *queue_mine(void)
{
    return &queues[vcpu_this()->index % QUEUES];
}

void loopback_send(struct packet *p)
{
    struct loopback_queue *q = queue_mine();
    bool full;

    if (p->interface == &lo)
        packet_tap(p, /*out=*/true);
    __atomic_store_n(&used, true, __ATOMIC_RELAXED); // pairs with loopback_waits, of this vCPU
    lock_acquire_clean(&q->lock);
    if (!q->ready)
        list_init(&q->packets);
    __atomic_store_n(&q->ready, true, __ATOMIC_RELEASE);
    full = q->count >= QUEUE_MAX;
    if (!full) {
        rollback_begin(&q->lock);
        rollback_word(&q->count);
        rollback_insert_after(q->packets.previous);
        list_push_back(&q->packets, &p->node);
        __atomic_store_n(&q->count, q->count + 1, __ATOMIC_RELAXED); // pairs with loopback_waits
    }
    lock_release(&q->lock);
    if (full)
        packet_free(p);
}

bool loopback_waits(void)
{
    return __atomic_load_n(&used, __ATOMIC_RELAXED) && __atomic_load_n(&queue_mine()->count, __ATOMIC_RELAXED) != 0;
}

// Both directions at once. What only comes back from elsewhere, of a group, is not lo's.
static void count(const struct packet *p)
{
    struct interface_counters *c = &lo.counters;

    if (p->interface != &lo)
        return;
    __atomic_add_fetch(&c->rx_packets, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&c->tx_packets, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&c->rx_bytes, p->total, __ATOMIC_RELAXED);
    __atomic_add_fetch(&c->tx_bytes, p->total, __ATOMIC_RELAXED);
}

bool loopback_run(void)
{
    struct loopback_queue *q = queue_mine();
    struct packet *p;
    u32 budget = __atomic_load_n(&q->count, __ATOMIC_RELAXED); // pairs with loopback_send
    bool any = false;

    while (budget--) { // what these make us send is for the next round
        rollback_acquire(&q->lock);
        rollback_word(&q->count);
        if (q->count)
            rollback_remove(q->packets.next);
        p = q->count ? list_entry(list_pop_front(&q->packets), struct packet, node) : NULL;
        if (p)
            __atomic_store_n(&q->count, q->count - 1, __ATOMIC_RELAXED);
        lock_release(&q->lock);
        if (!p)
            break;
        any = true;
        count(p);
        packet_tap(p, /*out=*/false);
        push(&loopback_receive, p);
    }
    return any;
}
