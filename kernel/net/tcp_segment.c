// SPDX-License-Identifier: BSD-3-Clause
// Making segments: header and options in front of fragments of the stream, up to 64 KiB at once for
// the device to cut (gso). Replies that belong to no connection are made here too.

#include "base/string.h"
#include "linux/clock.h"
#include "net/checksum.h"
#include "net/interface.h"
#include "net/tcp_connection.h"

u32 tcp_timestamp(u64 now)
{
    return (u32)(now / MILLISECOND);
}

static void options_of(const struct tcp_connection *c, u8 flags, u64 now, struct tcp_options *o)
{
    *o = (struct tcp_options){.scale = TCP_SCALE_NONE};
    o->has_timestamp = c->timestamps;
    o->timestamp = tcp_timestamp(now) + c->timestamp_offset;
    o->echo = c->timestamp_recent;
    if (flags & TCP_FLAG_SYN) {
        u32 header = ip_is_v4(&c->entry.key.remote) ? IP4_HEADER : IP6_HEADER;
        u32 mss = c->route.mtu - header - TCP_HEADER_SIZE;

        o->mss = (u16)least(c->user_mss ? c->user_mss : mss, mss, 65535u);
        o->sack_permitted = c->sack;
        o->scale = c->receive_scale;
        if (!(flags & TCP_FLAG_ACK))
            o->echo = 0;
    } else if (c->sack) {
        receive_queue_sack(c, o);
    }
}

u32 connection_segment_size(const struct tcp_connection *c)
{
    struct tcp_options o = {.sack_count = 0};

    if (c->sack)
        receive_queue_sack(c, &o);
    return o.sack_count ? max(c->mss - min(c->mss - 8, 4 + 8 * o.sack_count), 8u) : c->mss;
}

static void header_write(struct tcp_header *h, const struct tcp_key *k, u32 sequence, u32 ack,
                         u8 flags, u32 options_size)
{
    h->source = tcp_swap16(k->local_port);
    h->destination = tcp_swap16(k->remote_port);
    h->sequence = tcp_swap32(sequence);
    h->acknowledgment = tcp_swap32(flags & TCP_FLAG_ACK ? ack : 0);
    h->offset = (u8)((TCP_HEADER_SIZE + options_size) / 4 << 4);
    h->flags = flags;
    h->window = h->checksum = h->urgent = 0;
}

static void urgent_write(const struct tcp_connection *c, struct tcp_header *h, u32 start)
{
    u32 ahead = c->urgent_end - start;

    if (!c->urgent_sending || !sequence_after(c->urgent_end, start))
        return;
    h->flags |= TCP_FLAG_URG;
    h->urgent = tcp_swap16((u16)min(ahead, 0xffffu));
}

static u16 window_field(struct tcp_connection *c, u8 flags)
{
    u32 scale = flags & TCP_FLAG_SYN || c->receive_scale == TCP_SCALE_NONE ? 0 : c->receive_scale;
    // Rounded up: what was offered before must not be taken back, as the peer may have used it, and
    // then nothing of his would be acceptable any more.
    u32 window = min((receive_window_select(c) + (1u << scale) - 1) >> scale, 0xffffu);

    c->receive_window = window << scale;
    c->window_edge = c->receive.next + c->receive_window;
    return (u16)window;
}

static void segment_gso(const struct tcp_connection *c, struct packet *p, u32 header, u32 size)
{
    if (p->total - header <= size)
        return;
    p->gso = ip_is_v4(&c->entry.key.remote) ? GSO_TCP4 : GSO_TCP6;
    p->gso_size = (u16)size;
}

// What every segment tells the peer is noted here.
static void segment_note(struct tcp_connection *c, u8 flags, u32 payload, u64 now)
{
    c->counters.segments_out++;
    mib_count(MIB_TCP_OUT);
    if (flags & TCP_FLAG_RST)
        mib_count(MIB_TCP_RESETS_OUT);
    if (payload)
        mib_count(MIB_DATA_OUT);
    c->counters.data_segments_out += payload != 0;
    if (payload)
        c->last_sent = now;
    if (flags & TCP_FLAG_ACK) {
        c->last_ack_sent = c->receive.next;
        c->ack_pending = 0;
        c->ack_now = false;
        c->quick_acks -= c->quick_acks != 0;
        c->receive.duplicate.start = c->receive.duplicate.end;
        timer_set(c, TCP_TIMER_ACK, 0);
    }
}

static int segment_hand_down(struct tcp_connection *c, struct packet *p)
{
    struct ip_send s;
    struct endpoint to = {.address = c->entry.key.remote, .port = c->entry.key.remote_port};

    inet_send_fields(&c->inet, &to, &c->route, &s);
    s.source = c->entry.key.local;
    s.protocol = TCP_PROTOCOL;
    s.dont_fragment = 1;
    checksum_prepare(p, &s.source, &s.destination, TCP_PROTOCOL,
                     offsetof(struct tcp_header, checksum));
    return ip_send(p, &c->route, &s);
}

u32 segment_send(struct tcp_connection *c, u32 start, u32 end, u8 flags)
{
    struct packet *p = packet_alloc(0);
    u64 now = connection_now(c);
    struct tcp_options options;
    u8 bytes[TCP_OPTIONS_SIZE_MAX];
    struct tcp_header *h;
    u32 size, reached;

    if (!p || connection_route(c)) {
        packet_free(p);
        return start;
    }
    options_of(c, flags, now, &options);
    size = tcp_options_write(bytes, &options);
    reached = send_queue_attach(&c->send, p, start, end);
    if (reached != end)
        flags &= (u8) ~(TCP_FLAG_FIN | TCP_FLAG_PSH);
    h = (struct tcp_header *)(void *)packet_push(p, TCP_HEADER_SIZE + size);
    header_write(h, &c->entry.key, start, c->receive.next, flags, size);
    h->window = tcp_swap16(window_field(c, flags));
    urgent_write(c, h, start);
    memcpy(h + 1, bytes, size);
    segment_gso(c, p, TCP_HEADER_SIZE + size,
                c->mss - (size > TCP_TIMESTAMP_SIZE
                              ? min(c->mss - 8, size - (c->timestamps ? TCP_TIMESTAMP_SIZE : 0))
                              : 0));
    segment_note(c, flags, reached - start, now);
    (void)segment_hand_down(c, p); // a segment that is lost here is lost as on the wire
    return reached;
}

void reply_send(const struct tcp_reply *r)
{
    struct packet *p = packet_alloc(0);
    u8 options[TCP_OPTIONS_SIZE_MAX];
    struct ip_send s = {.source = r->key.local, .destination = r->key.remote};
    struct tcp_header *h;
    struct route route;
    u32 size;

    if (!p || route_lookup(&r->key.remote, &r->key.local, r->interface, &route)) {
        packet_free(p);
        return;
    }
    mib_count(MIB_TCP_OUT);
    if (r->flags & TCP_FLAG_RST)
        mib_count(MIB_TCP_RESETS_OUT);
    size = tcp_options_write(options, &r->options);
    h = (struct tcp_header *)(void *)packet_push(p, TCP_HEADER_SIZE + size);
    header_write(h, &r->key, r->sequence, r->acknowledgment, r->flags, size);
    h->window = tcp_swap16(r->window);
    memcpy(h + 1, options, size);
    s.protocol = TCP_PROTOCOL;
    s.traffic_class = r->tos;
    s.dont_fragment = 1;
    checksum_prepare(p, &s.source, &s.destination, TCP_PROTOCOL,
                     offsetof(struct tcp_header, checksum));
    (void)ip_send(p, &route, &s);
}

void reply_reset(const struct tcp_segment *s)
{
    struct tcp_reply r = {
        .key = s->key, .flags = TCP_FLAG_RST, .options = {.scale = TCP_SCALE_NONE}};

    if (s->flags & TCP_FLAG_RST)
        return;
    if (s->flags & TCP_FLAG_ACK) {
        r.sequence = s->acknowledgment;
    } else {
        r.acknowledgment = s->end;
        r.flags |= TCP_FLAG_ACK;
    }
    r.interface = ip_is_link_local(&s->key.remote) && s->packet ? s->packet->interface->index : 0;
    reply_send(&r);
}
