// SPDX-License-Identifier: BSD-3-Clause
// Joining fragments. [RFC 815 in spirit, RFC 8200 4.5, RFC 5722: overlaps end the packet]
//
// What is held is bounded in bytes, in fragments a packet and in time; when the bytes run out the
// oldest packet goes. One lock guards all of it: fragments are rare.
#include "base/string.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/mib.h"
#include "thread/timer.h"

#define LIFETIME4   30000000000ull // as Linux: net.ipv4.ipfrag_time
#define LIFETIME6   60000000000ull // [RFC 8200 4.5]
#define BYTES_MAX   (4u << 20)
#define PIECES_MAX  128u // of one packet: 64 KiB over an MTU of 576
#define PACKETS_MAX 256u

struct partial {      // a packet of which some pieces are here
    struct list node; // oldest first
    struct ip_address source, destination;
    struct net_interface *interface;
    u32 id;
    u8 protocol;
    bool broken; // overlaps: only waits for its end, so that late pieces do not start anew
    u32 count, charge;
    u32 total; // bytes, known by the last piece; 0: not yet
    u32 have;
    u64 until;
    struct list pieces; // packets by offset; control[0]: offset
    u32 header_size;
    u8 header[60]; // of the first piece
};

static struct {
    struct lock lock;
    bool ready;
    u32 count, charge;
    struct list partials;
    struct timer timer;
} reassembly;

static struct slab_cache partial_cache = SLAB_CACHE("ip_partial", struct partial);

static void pieces_free(struct partial *f)
{
    struct list *node;

    while ((node = list_pop_front(&f->pieces)))
        packet_free(list_entry(node, struct packet, node));
    reassembly.charge -= f->charge;
    f->charge = 0;
}

static void partial_free(struct partial *f)
{
    pieces_free(f);
    list_remove(&f->node);
    reassembly.count--;
    slab_free(&partial_cache, f);
}

// The first piece, if it is here, goes to *late: its sender is told. [RFC 1122 3.3.2]
static void partial_end(struct partial *f, struct list *late)
{
    if (f->header_size && !list_empty(&f->pieces))
        list_push_back(late, list_pop_front(&f->pieces));
    partial_free(f);
}

static void expire(struct timer *t)
{
    u64 now = clock_monotonic(), next = 0;
    struct partial *f, *after;
    struct list late, *node;

    list_init(&late);
    lock_acquire(&reassembly.lock);
    list_for_each_safe(f, after, &reassembly.partials, node)
    {
        if (f->until <= now)
            mib_count_ip(&f->source, MIB_IP_REASSEMBLY_FAILS);
        if (f->until <= now)
            partial_end(f, &late);
        else if (!next || f->until < next)
            next = f->until;
    }
    lock_release(&reassembly.lock);
    if (next)
        timer_arm(t, next);
    while ((node = list_pop_front(&late))) {
        struct packet *p = list_entry(node, struct packet, node);
        p->transport_header = (u16)packet_headroom(p);
        ip_refuse(p, UNREACHABLE_TIME);
        packet_free(p);
    }
}

static void reassembly_lock(void)
{
    lock_acquire(&reassembly.lock);
    if (reassembly.ready)
        return;
    reassembly.ready = true;
    list_init(&reassembly.partials);
    timer_init(&reassembly.timer, expire);
}

static struct partial *partial_of(const struct packet *p, u32 id)
{
    struct partial *f;

    list_for_each(f, &reassembly.partials, node)
    {
        if (f->id == id && f->protocol == p->protocol && ip_equal(&f->source, &p->source) &&
            ip_equal(&f->destination, &p->destination) && f->interface == p->interface)
            return f;
    }
    while (reassembly.count >= PACKETS_MAX || reassembly.charge > BYTES_MAX)
        partial_free(list_first(&reassembly.partials, struct partial, node));
    f = slab_alloc(&partial_cache);
    if (!f)
        return NULL;
    f->id = id;
    f->protocol = p->protocol;
    f->source = p->source;
    f->destination = p->destination;
    f->interface = p->interface;
    f->until = clock_monotonic() + (ip_is_v4(&p->source) ? LIFETIME4 : LIFETIME6);
    list_init(&f->pieces);
    list_push_back(&reassembly.partials, &f->node);
    reassembly.count++;
    if (!reassembly.timer.armed || reassembly.timer.deadline > f->until)
        timer_arm(&reassembly.timer, f->until);
    return f;
}

static u32 piece_offset(const struct packet *p)
{
    return (u32)p->control[0];
}

// Puts p in its place. False: it contradicts what is there, or is too much.
static bool piece_insert(struct partial *f, struct packet *p, bool more)
{
    u32 start = piece_offset(p), end = start + p->total;
    struct list *at = &f->pieces;
    struct packet *it;

    if (end > PACKET_SIZE_MAX || (more && (p->total % 8 || !p->total)) ||
        (f->total && end > f->total) || (!more && f->total && f->total != end) ||
        f->count >= PIECES_MAX)
        return false;
    list_for_each(it, &f->pieces, node)
    {
        if (piece_offset(it) < start)
            at = &it->node;
        if (piece_offset(it) < end && piece_offset(it) + it->total > start)
            return false;
        if (!more && piece_offset(it) + it->total > end)
            return false;
    }
    if (!more)
        f->total = end;
    list_insert_after(at, &p->node);
    f->count++;
    f->have += p->total;
    f->charge += packet_charge(p);
    reassembly.charge += packet_charge(p);
    return true;
}

static bool is_duplicate(const struct partial *f, const struct packet *p)
{
    const struct packet *it;

    list_for_each(it, &f->pieces, node)
    {
        if (piece_offset(it) == piece_offset(p) && it->total == p->total)
            return true;
    }
    return false;
}

static struct packet *join(struct partial *f)
{
    struct packet *whole = packet_alloc(f->total), *it;

    if (!whole)
        return NULL;
    list_for_each(it, &f->pieces, node)
    {
        packet_copy_out(it, 0, packet_append(whole, it->total), it->total);
    }
    it = list_first(&f->pieces, struct packet, node);
    whole->interface = it->interface;
    whole->time = it->time;
    whole->source = it->source;
    whole->destination = it->destination;
    whole->protocol = it->protocol;
    whole->hop_limit = it->hop_limit;
    whole->traffic_class = it->traffic_class;
    whole->link_type = it->link_type;
    whole->link_protocol = it->link_protocol;
    whole->network_header = (u16)(packet_headroom(whole) - f->header_size);
    memcpy(whole->head + whole->network_header, f->header, f->header_size);
    return whole;
}

struct packet *ip_reassemble(struct packet *p, const struct ip_piece *piece, u32 header_size)
{
    struct packet *whole = NULL;
    struct partial *f;
    bool taken = false;

    reassembly_lock();
    mib_count_ip(&p->source, MIB_IP_PIECES_IN);
    p->control[0] = piece->offset;
    f = partial_of(p, piece->id);
    if (f && !f->broken && !is_duplicate(f, p)) {
        taken = piece_insert(f, p, piece->more);
        f->broken = !taken;
        if (f->broken)
            pieces_free(f);
    }
    if (taken && !piece->offset) {
        f->header_size = min(header_size, (u32)sizeof(f->header));
        memcpy(f->header, packet_network(p), f->header_size);
    }
    if (taken && f->total && f->have == f->total) {
        mib_count_ip(&p->source, MIB_IP_REASSEMBLED);
        whole = join(f);
        partial_free(f);
    }
    lock_release(&reassembly.lock);
    if (!taken)
        packet_free(p);
    return whole;
}
