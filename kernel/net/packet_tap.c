// SPDX-License-Identifier: BSD-3-Clause
// What packet sockets are shown: each gets a copy of a frame, in its queue or in its ring.
//
// Locks: taps.lock, then the queue's or the wait queue's.
#include "net/packet_tap.h"

#include <linux/if_ether.h>

#include "base/string.h"
#include "linux/clock.h"
#include "net/ethernet.h"
#include "net/filter.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/packet_socket.h"

static struct {
    struct lock lock;
    struct list sockets;
} taps;

u32 packet_tap_count;

void taps_lock(void)
{
    lock_acquire(&taps.lock);
    if (!taps.sockets.next)
        list_init(&taps.sockets);
}

void taps_unlock(void)
{
    lock_release(&taps.lock);
}

void tap_join(struct packet_socket *s)
{
    taps_lock();
    list_push_back(&taps.sockets, &s->node);
    __atomic_add_fetch(&packet_tap_count, 1, __ATOMIC_RELAXED); // pairs with packet_tap
    taps_unlock();
}

void tap_leave(struct packet_socket *s)
{
    taps_lock();
    list_remove(&s->node);
    __atomic_sub_fetch(&packet_tap_count, 1, __ATOMIC_RELAXED);
    taps_unlock();
}

void packet_address(const struct packet *p, u8 kind, struct sockaddr_ll *out)
{
    *out = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                .sll_protocol = swap16(p->link_protocol),
                                .sll_ifindex = (int)p->interface->index,
                                .sll_hatype = p->interface->type,
                                .sll_pkttype = kind,
                                .sll_halen = MAC_SIZE};
    if (p->interface->type == ARPHRD_ETHER)
        memcpy(out->sll_addr, p->head + p->link_header + MAC_SIZE, MAC_SIZE);
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
    p->link_header = (u16)packet_headroom(p);
    return true;
}

// A copy as the socket's type wants it. NULL: no memory.
static struct packet *copy_make(const struct packet_socket *s, const struct packet *p)
{
    bool raw = s->inet.socket.type == SOCK_RAW, link = p->interface->type == ARPHRD_ETHER;
    struct packet *copy = packet_clone(p);

    if (copy && link && !raw)
        packet_pull(copy, ETHERNET_HEADER);
    if (copy && !link && raw && !header_fake(copy)) {
        packet_free(copy);
        return NULL;
    }
    return copy;
}

static void ring_give(struct packet_socket *s, const struct packet *p, u32 wanted)
{
    struct ring_packet r = {.p = p,
                            .header = s->inet.socket.type == SOCK_RAW ? ETHERNET_HEADER : 0,
                            .wanted = wanted,
                            .status = TP_STATUS_USER,
                            .time = p->time};
    bool wake = false;

    packet_address(p, p->link_type, &r.address);
    if (p->checksum == CHECKSUM_NEEDED)
        r.status |= TP_STATUS_CSUMNOTREADY;
    else if (p->checksum == CHECKSUM_VALID && p->link_type != PACKET_OUTGOING)
        r.status |= TP_STATUS_CSUM_VALID;
    if (s->queue.drops)
        r.status |= TP_STATUS_LOSING;
    if (!ring_put(&s->ring, &r, &wake))
        s->queue.drops++;
    if (s->ring.used && !s->timer.armed)
        timer_arm(&s->timer, s->ring.deadline);
    if (wake)
        wait_queue_wake(&s->queue.wait, POLLIN | POLLRDNORM);
}

static void packet_show(struct packet_socket *s, const struct packet *p, bool out)
{
    struct packet *copy = copy_make(s, p);
    u32 wanted;

    if (!copy)
        return;
    if (out)
        copy->link_type = PACKET_OUTGOING;
    wanted = filter_run(&s->inet.socket, copy,
                        s->inet.socket.type == SOCK_RAW ? (s32)ETHERNET_HEADER : 0);
    if (!wanted) {
        packet_free(copy);
        return;
    }
    s->received++;
    copy->time = clock_realtime();
    if (s->ring.memory) {
        ring_give(s, copy, wanted);
        packet_free(copy);
        return;
    }
    copy->control[1] = copy->total; // before the filter cut it
    packet_trim(copy, wanted);
    datagram_put(&s->queue, &s->inet, copy);
}

void packet_ring_timer(struct timer *t)
{
    struct packet_socket *s = container_of(t, struct packet_socket, timer);
    bool wake = false;
    u64 again;

    taps_lock();
    again = ring_expire(&s->ring, &wake);
    if (again != DEADLINE_NONE)
        timer_arm(t, again);
    if (wake)
        wait_queue_wake(&s->queue.wait, POLLIN | POLLRDNORM);
    taps_unlock();
}

void packet_tap_slow(const struct packet *p, bool out)
{
    struct packet_socket *s;

    taps_lock();
    list_for_each(s, &taps.sockets, node)
    {
        bool all = s->protocol == ETH_P_ALL;
        if ((all || (!out && s->protocol == p->link_protocol)) && !(out && s->ignore_outgoing) &&
            (!s->interface || s->interface == p->interface->index))
            packet_show(s, p, out);
    }
    taps_unlock();
}

void packet_visit(bool (*visit)(const struct packet_socket *s, void *arg), void *arg)
{
    struct packet_socket *s;

    taps_lock();
    list_for_each(s, &taps.sockets, node)
    {
        if (!visit(s, arg))
            break;
    }
    taps_unlock();
}
