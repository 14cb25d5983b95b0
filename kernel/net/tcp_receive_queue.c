// SPDX-License-Identifier: BSD-3-Clause
// What has arrived: packets in order, which wait for the user, and behind a gap those out of order,
// sorted and without overlaps. Payload is never moved (but for very small segments): a packet's
// control words say which bytes of the stream it holds.
//
//     copied            next       (gap)
//       [packet][packet]|            [pending]   [pending][pending]
#include "base/string.h"
#include "linux/clock.h"
#include "net/interface.h"
#include "net/tcp_connection.h"

// What passt's socket takes: more it would drop, and each time it sends it goes through all that it
// has sent, so that a large window makes it slow.
#define WINDOW_ONE_PEER (384u << 10)
#define SMALL 256u // payloads up to this are copied into the last packet if they fit

static inline u32 start_of(const struct packet *p)
{
    return (u32)p->control[0];
}

static inline u32 end_of(const struct packet *p)
{
    return start_of(p) + p->total;
}

static struct packet *packet_of(struct list *node)
{
    return list_entry(node, struct packet, node);
}

void receive_queue_init(struct tcp_receive_queue *q, u32 next)
{
    *q = (struct tcp_receive_queue){.next = next, .copied = next};
    list_init(&q->packets);
    list_init(&q->pending);
}

static void drop(struct tcp_receive_queue *q, struct packet *p)
{
    q->charge -= p->control[1];
    list_remove(&p->node);
    packet_free(p);
}

void receive_queue_free(struct tcp_receive_queue *q)
{
    while (!list_empty(&q->packets))
        drop(q, packet_of(q->packets.next));
    while (!list_empty(&q->pending))
        drop(q, packet_of(q->pending.next));
    q->bytes = q->pending_bytes = q->pending_count = 0;
}

void receive_queue_consume(struct tcp_receive_queue *q)
{
    while (!list_empty(&q->packets)) {
        struct packet *p = packet_of(q->packets.next);

        if (sequence_before(q->copied, end_of(p)))
            break;
        drop(q, p);
    }
    q->bytes = q->next - q->copied - (q->fin_reached ? 1 : 0);
}

static void charge(struct tcp_receive_queue *q, struct packet *p)
{
    p->control[1] = packet_charge(p);
    q->charge += p->control[1];
}

static void cut_front(struct packet *p, u32 size)
{
    packet_skip(p, size);
    p->control[0] = start_of(p) + size;
}

// Copies a small payload into the last packet.
static bool merge(struct tcp_receive_queue *q, struct packet *p)
{
    struct packet *last;
    u32 room;

    if (list_empty(&q->packets) || p->total > SMALL)
        return false;
    last = packet_of(q->packets.previous);
    room = last->room - packet_headroom(last) - last->size;
    if (last->fragment_count || room < p->total)
        return false;
    packet_copy_out(p, 0, packet_append(last, p->total), p->total);
    return true;
}

// p is the next of the stream. True: the packet itself was queued, and is charged for.
static bool append(struct tcp_receive_queue *q, struct packet *p)
{
    bool merged = merge(q, p);

    q->next += p->total;
    q->bytes += p->total;
    if (!merged)
        list_push_back(&q->packets, &p->node);
    return !merged;
}

static void pending_remove(struct tcp_receive_queue *q, struct packet *p)
{
    list_remove(&p->node);
    q->pending_bytes -= p->total;
    q->pending_count--;
}

// The gap has closed: moves what follows over.
static void pending_advance(struct tcp_receive_queue *q)
{
    while (!list_empty(&q->pending)) {
        struct packet *p = packet_of(q->pending.next);

        if (sequence_after(start_of(p), q->next))
            return;
        pending_remove(q, p);
        if (!sequence_after(end_of(p), q->next)) {
            drop(q, p);
            continue;
        }
        cut_front(p, q->next - start_of(p));
        if (!append(q, p))
            drop(q, p);
    }
}

static void recent_forget(struct tcp_receive_queue *q, const struct tcp_range *r)
{
    u32 kept = 0;

    for (u32 i = 0; i < q->recent_count; i++)
        if (sequence_after(q->recent[i].start, r->end) ||
            sequence_before(q->recent[i].end, r->start))
            q->recent[kept++] = q->recent[i];
    q->recent_count = kept;
}

// The block that holds p comes first in the next SACKs.
static void recent_note(struct tcp_receive_queue *q, struct packet *p)
{
    struct tcp_range r = {start_of(p), end_of(p)};
    struct list *node;

    for (node = p->node.previous; node != &q->pending && end_of(packet_of(node)) == r.start;
         node = node->previous)
        r.start = start_of(packet_of(node));
    for (node = p->node.next; node != &q->pending && start_of(packet_of(node)) == r.end;
         node = node->next)
        r.end = end_of(packet_of(node));
    recent_forget(q, &r);
    q->recent_count = min(q->recent_count, TCP_SACK_MAX - 1);
    memmove(&q->recent[1], &q->recent[0], q->recent_count * sizeof(r));
    q->recent[0] = r;
    q->recent_count++;
}

static void recent_advance(struct tcp_receive_queue *q)
{
    u32 kept = 0;

    for (u32 i = 0; i < q->recent_count; i++)
        if (sequence_after(q->recent[i].start, q->next))
            q->recent[kept++] = q->recent[i];
    q->recent_count = kept;
}

// Where p goes among the pending ones; cuts p and what it overlaps. NULL: it brings nothing new.
static struct list *pending_place(struct tcp_receive_queue *q, struct packet *p)
{
    struct list *at = q->pending.previous, *node;

    while (at != &q->pending && sequence_after(start_of(packet_of(at)), start_of(p)))
        at = at->previous;
    if (at != &q->pending && sequence_after(end_of(packet_of(at)), start_of(p))) {
        u32 overlap = end_of(packet_of(at)) - start_of(p);

        q->duplicate = (struct tcp_range){start_of(p), start_of(p) + min(overlap, p->total)};
        if (overlap >= p->total)
            return NULL;
        cut_front(p, overlap);
    }
    while ((node = at->next) != &q->pending &&
           sequence_before(start_of(packet_of(node)), end_of(p))) {
        struct packet *next = packet_of(node);

        if (sequence_after(end_of(next), end_of(p))) {
            packet_trim(p, start_of(next) - start_of(p));
            break;
        }
        pending_remove(q, next);
        drop(q, next);
    }
    return p->total ? at : NULL;
}

// True: kept.
static bool pending_add(struct tcp_receive_queue *q, struct packet *p)
{
    struct list *at;

    if (q->pending_count >= TCP_PENDING_MAX)
        return false;
    at = pending_place(q, p);
    if (!at)
        return false;
    list_insert_after(at, &p->node);
    charge(q, p);
    q->pending_bytes += p->total;
    q->pending_count++;
    mib_count(MIB_OUT_OF_ORDER);
    recent_note(q, p);
    return true;
}

static u64 charge_max(const struct tcp_connection *c)
{
    return 4ull * c->space + (256u << 10);
}

// What is next goes before what came too early: the furthest is given up, though we have told of
// it. [RFC 2018, 8]
static void pending_prune(struct tcp_receive_queue *q, u64 most)
{
    while (q->charge > most && !list_empty(&q->pending)) {
        struct packet *p = packet_of(q->pending.previous);

        pending_remove(q, p);
        drop(q, p);
    }
    q->recent_count = 0;
}

static bool keep(struct tcp_connection *c, struct packet *p)
{
    struct tcp_receive_queue *q = &c->receive;

    if (!p->total)
        return false;
    if (start_of(p) != q->next)
        return q->charge <= charge_max(c) && pending_add(q, p);
    if (q->charge > charge_max(c))
        pending_prune(q, charge_max(c));
    if (q->charge > charge_max(c))
        return false;
    if (!append(q, p))
        return false; // merged: the packet may go
    charge(q, p);
    return true;
}

u32 receive_queue_add(struct tcp_connection *c, struct tcp_segment *s, bool *out_fin)
{
    struct tcp_receive_queue *q = &c->receive;
    u32 before = q->next, limit = c->window_edge;
    struct packet *p = s->packet;
    u32 data_end = s->sequence + s->payload;

    p->control[0] = s->sequence;
    if (sequence_before(s->sequence, q->next)) {
        u32 old = min(q->next - s->sequence, s->payload);

        if (old)
            q->duplicate = (struct tcp_range){s->sequence, s->sequence + old};
        cut_front(p, old);
    }
    if (sequence_after(data_end, limit))
        packet_trim(p, sequence_after(limit, start_of(p)) ? limit - start_of(p) : 0);
    else if ((s->flags & TCP_FLAG_FIN) && !q->fin_known) {
        q->fin_known = true;
        q->fin_sequence = data_end;
    }
    if (keep(c, p))
        s->packet = NULL;
    pending_advance(q);
    recent_advance(q);
    *out_fin = q->fin_known && !q->fin_reached && q->next == q->fin_sequence;
    if (*out_fin) {
        q->fin_reached = true;
        q->next++;
    }
    return q->next - before;
}

void receive_queue_sack(const struct tcp_connection *c, struct tcp_options *out)
{
    const struct tcp_receive_queue *q = &c->receive;
    u32 most = c->timestamps ? TCP_SACK_MAX - 1 : TCP_SACK_MAX;

    out->sack_count = 0;
    if (q->duplicate.start != q->duplicate.end)
        out->sack[out->sack_count++] = q->duplicate;
    for (u32 i = 0; i < q->recent_count && out->sack_count < most; i++)
        out->sack[out->sack_count++] = q->recent[i];
}

u32 receive_window_select(struct tcp_connection *c)
{
    struct tcp_receive_queue *q = &c->receive;
    u32 current = sequence_after(c->window_edge, q->next) ? c->window_edge - q->next : 0;
    u64 budget = charge_max(c) > q->charge ? charge_max(c) - q->charge : 0;
    u32 room = c->space > q->bytes ? c->space - q->bytes : 0;

    room = (u32)min((u64)room, budget);
    if (c->window_clamp)
        room = min(room, c->window_clamp);
    if (c->route.interface && c->route.interface->features & INTERFACE_ONE_PEER)
        room = min(room, WINDOW_ONE_PEER);
    // Never back, and forth only by what is worth it. [RFC 9293, 3.8.6.2.2]
    if (room <= current || room - current < min(c->space / 2, c->receive_mss))
        return current;
    return room;
}

void receive_tune(struct tcp_connection *c)
{
    struct tcp_receive_queue *q = &c->receive;
    u64 now = connection_now(c);
    u32 copied = q->copied - c->tune_copied;

    if (now - c->tune_time < max(c->rtt, 100 * 1000ull))
        return;
    // The user took so much in a round trip: twice of it lets the sender double, too.
    if (!c->space_fixed && copied > c->tune_space) {
        c->tune_space = copied;
        c->space = max(c->space, min(2 * copied + 16 * c->receive_mss, net_setting(SET_TCP_RMEM_MAX)));
        c->inet.socket.receive_buffer = c->receive_auto = max(c->receive_auto, c->space);
    }
    c->tune_copied = q->copied;
    c->tune_time = now;
}
