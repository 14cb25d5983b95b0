// SPDX-License-Identifier: BSD-3-Clause
// Segments in: parsing, finding who they are for, and the steps of RFC 9293 3.10.7 for a
// connection. Timestamps are checked first [RFC 7323, 5], RST and SYN as RFC 5961 says.
#include <asm/signal.h>

#include "linux/clock.h"
#include "net/checksum.h"
#include "net/filter.h"
#include "net/interface.h"
#include "net/tcp_connection.h"

#define DUPLICATES_MAX   3u
#define DUPLICATES_PAUSE (5 * MILLISECOND)
#define PAWS_VALID       (24ull * 86400 * SECOND)

bool segment_parse(struct packet *p, struct tcp_segment *out)
{
    const struct tcp_header *h;
    u32 header;

    if (!packet_linear(p, TCP_HEADER_SIZE))
        return false;
    h = (const struct tcp_header *)(const void *)p->data;
    header = (u32)(h->offset >> 4) * 4;
    if (header < TCP_HEADER_SIZE || !packet_linear(p, header) || !checksum_verify(p))
        return false;
    h = (const struct tcp_header *)(const void *)p->data;
    *out = (struct tcp_segment){
        .packet = p,
        .key = {.local = p->destination, .remote = p->source},
        .sequence = tcp_swap32(h->sequence),
        .acknowledgment = tcp_swap32(h->acknowledgment),
        .window = tcp_swap16(h->window),
        .urgent = tcp_swap16(h->urgent),
        .flags = h->flags,
        .payload = p->total - header,
    };
    out->key.local_port = tcp_swap16(h->destination);
    out->key.remote_port = tcp_swap16(h->source);
    tcp_options_parse(p->data + TCP_HEADER_SIZE, header - TCP_HEADER_SIZE, &out->options);
    out->end =
        out->sequence + out->payload + !!(h->flags & TCP_FLAG_SYN) + !!(h->flags & TCP_FLAG_FIN);
    packet_skip(p, header);
    return true;
}

static bool paws_refuses(const struct tcp_connection *c, const struct tcp_segment *s)
{
    return c->timestamps && s->options.has_timestamp && !(s->flags & TCP_FLAG_RST) &&
           (s32)(s->options.timestamp - c->timestamp_recent) < 0 &&
           clock_monotonic() - c->timestamp_recent_time < PAWS_VALID;
}

static bool acceptable(const struct tcp_connection *c, const struct tcp_segment *s)
{
    u32 next = c->receive.next;
    u32 edge = sequence_max(c->window_edge, next);

    if (s->end == s->sequence) // edge itself: a probe or an ACK when the window is closed
        return sequence_between(s->sequence, next, edge);
    return sequence_after(s->end, next) && sequence_before(s->sequence, edge);
}

// The same ACK once more. Without SACK more than the three that DupThresh asks for tell nothing
// new; passt sends all again for each of them, and so it would go on.
static bool may_repeat_ack(struct tcp_connection *c)
{
    u64 now;

    if (c->sack || c->last_ack_sent != c->receive.next) {
        c->repeated_acks = 0;
        return true;
    }
    now = clock_monotonic();
    if (++c->repeated_acks > DUPLICATES_MAX && now - c->repeated_time < DUPLICATES_PAUSE)
        return false;
    c->repeated_time = now;
    return true;
}

// Not acceptable: an ACK in return, at a bounded rate. [RFC 9293, 3.10.7.4 first]
static void refuse(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (s->flags & TCP_FLAG_RST)
        return;
    if (s->payload && !sequence_after(s->end, c->receive.next)) { // sent again: our ACK was lost
        if (c->sack)
            c->receive.duplicate = (struct tcp_range){s->sequence, s->sequence + s->payload};
        if (may_repeat_ack(c))
            connection_ack(c);
    } else {
        connection_challenge(c);
    }
}

static void take_reset(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (s->sequence == c->receive.next)
        connection_finish(c, c->state == TCP_SYN_RECEIVED ? ECONNREFUSED
                             : c->state == TCP_CLOSE_WAIT ? EPIPE
                                                          : ECONNRESET);
    else
        connection_challenge(c); // [RFC 5961, 3.2]
}

static void note_timestamp(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (!c->timestamps || !s->options.has_timestamp ||
        sequence_after(s->sequence, c->last_ack_sent) ||
        (s32)(s->options.timestamp - c->timestamp_recent) < 0)
        return;
    c->timestamp_recent = s->options.timestamp;
    c->timestamp_recent_time = c->last_received;
}

static bool fin_acknowledged(const struct tcp_connection *c)
{
    return c->fin_sent && c->send.una == c->send.next;
}

// True: the connection is no more.
static bool advance_state(struct tcp_connection *c)
{
    if (!fin_acknowledged(c))
        return false;
    switch (c->state) {
    case TCP_FIN_WAIT_1:
        c->state = TCP_FIN_WAIT_2;
        c->wake |= POLLOUT;
        if (c->orphan)
            timer_set(c, TCP_TIMER_FIN,
                      clock_monotonic() + connection_fin_timeout(c));
        return false;
    case TCP_CLOSING:
        connection_time_wait(c);
        return true;
    case TCP_LAST_ACK:
        connection_finish(c, 0);
        return true;
    default:
        return false;
    }
}

static void take_fin(struct tcp_connection *c)
{
    c->fin_received = true;
    c->ack_now = true;
    c->wake |= POLLIN | POLLRDNORM | POLLRDHUP | (c->shut_write ? POLLHUP : 0);
    switch (c->state) {
    case TCP_SYN_RECEIVED:
    case TCP_ESTABLISHED:
        c->state = TCP_CLOSE_WAIT;
        break;
    case TCP_FIN_WAIT_1:
        c->state = TCP_CLOSING;
        break;
    case TCP_FIN_WAIT_2:
        connection_ack(c);
        connection_time_wait(c);
        break;
    default:
        break;
    }
}

// The urgent pointer: of all interpretations, the one that Linux uses: it points behind the urgent
// byte, of which there is one. [RFC 6093]
static void take_urgent(struct tcp_connection *c, const struct tcp_segment *s)
{
    u32 at;

    if ((s->flags & TCP_FLAG_URG) && s->urgent) {
        at = s->sequence + s->urgent - 1;
        if (!sequence_before(at, c->receive.copied) &&
            (c->urgent == URGENT_NONE || sequence_after(at, c->urgent_sequence))) {
            c->urgent = URGENT_AHEAD;
            c->urgent_sequence = at;
            c->wake |= WAKE_URGENT;
        }
    }
    if (c->urgent == URGENT_AHEAD && c->urgent_sequence - s->sequence < s->payload) {
        packet_copy_out(s->packet, c->urgent_sequence - s->sequence, &c->urgent_byte, 1);
        c->urgent = URGENT_HERE;
        c->wake |= POLLPRI;
    }
}

static void note_mss(struct tcp_connection *c, u32 payload)
{
    if (payload > c->receive_mss)
        c->receive_mss = min(payload, (u32)c->route.mtu);
}

// True: the connection goes on.
static bool take_data(struct tcp_connection *c, struct tcp_segment *s)
{
    u32 before = c->receive.next, advance;
    bool fin, gap = c->receive.pending_count;

    if (!s->payload && !(s->flags & TCP_FLAG_FIN))
        return true;
    if (c->orphan && s->payload && sequence_after(s->sequence + s->payload, before)) {
        connection_abort(c, 0); // nobody will ever read it [RFC 9293, 3.6.1; RFC 1122 4.2.2.13]
        return false;
    }
    if (c->fin_received) { // nothing can follow a FIN
        c->ack_now = true;
        return true;
    }
    take_urgent(c, s);
    note_mss(c, s->packet->gso_size ? s->packet->gso_size : s->payload);
    c->counters.data_segments_in++;
    advance = receive_queue_add(c, s, &fin);
    c->counters.bytes_received += advance;
    c->ack_pending += advance;
    if (s->sequence != before || gap || c->receive.pending_count || !advance)
        c->ack_now |= advance || may_repeat_ack(c); // [RFC 5681, 4.2]
    if (advance > fin)
        c->wake |= POLLIN | POLLRDNORM;
    if (fin)
        take_fin(c);
    return c->state != TCP_CLOSED;
}

// Both have opened at once, or a socket has connected to itself: the peer's SYN comes once more, with our ACK. It
// is that ACK then, as if the SYN were not in it; a window in a SYN is not scaled. [RFC 9293, 3.5, figure 7; RFC 7323, 2.2]
static void take_crossed_syn(struct tcp_connection *c, struct tcp_segment *s)
{
    if (c->state != TCP_SYN_RECEIVED || s->sequence != c->irs ||
        (s->flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) != (TCP_FLAG_SYN | TCP_FLAG_ACK))
        return;
    s->sequence++;
    s->flags &= (u8)~TCP_FLAG_SYN;
    if (c->send_scale != TCP_SCALE_NONE)
        s->window >>= c->send_scale;
}

static void synchronised_input(struct tcp_connection *c, struct tcp_segment *s)
{
    c->counters.segments_in++;
    take_crossed_syn(c, s);
    if (paws_refuses(c, s) || !acceptable(c, s)) {
        // Not for a SYN with an ACK: two that answer each other's would never end.
        if (c->state == TCP_SYN_RECEIVED && (s->flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN)
            connection_send_syn(c);
        else
            refuse(c, s);
        return;
    }
    if (s->flags & TCP_FLAG_RST) {
        take_reset(c, s);
        return;
    }
    if (s->flags & TCP_FLAG_SYN) {
        connection_challenge(c); // [RFC 5961, 4.2]
        return;
    }
    if (!(s->flags & TCP_FLAG_ACK))
        return;
    c->last_received = connection_now(c);
    c->keep_probes = 0;
    if (c->state == TCP_SYN_RECEIVED) {
        if (s->acknowledgment != c->iss + 1) {
            reply_reset(s);
            return;
        }
        c->send_wl1 = s->sequence - 1;
        connection_start(c);
    }
    note_timestamp(c, s);
    if (!connection_input_ack(c, s) || advance_state(c) || !take_data(c, s))
        return;
    // What tells or mends a loss is sent for each segment.
    if (!c->ack_now && c->recovery == RECOVERY_NONE && connection_defer(c))
        return;
    connection_output(c);
    connection_ack_if_due(c);
}

static void syn_sent_input(struct tcp_connection *c, struct tcp_segment *s)
{
    bool ack = s->flags & TCP_FLAG_ACK;

    if (ack && s->acknowledgment != c->iss + 1) {
        reply_reset(s);
        return;
    }
    if (s->flags & TCP_FLAG_RST) {
        if (ack)
            connection_finish(c, ECONNREFUSED);
        return;
    }
    if (!(s->flags & TCP_FLAG_SYN))
        return;
    c->irs = s->sequence;
    receive_queue_init(&c->receive, s->sequence + 1);
    c->window_edge = c->receive.next + c->receive_window;
    c->last_ack_sent = c->receive.next;
    c->last_received = connection_now(c);
    connection_note_options(c, &s->options);
    c->send_wl1 = s->sequence - 1;
    connection_update_window(c, s);
    if (!ack) { // both open at once [RFC 9293, 3.5, figure 7]
        c->state = TCP_SYN_RECEIVED;
        connection_send_syn(c);
        return;
    }
    if (!c->retries && c->syn_sent_time)
        recovery_rtt(c, c->last_received - c->syn_sent_time);
    connection_start(c);
    s->sequence++; // what follows the SYN
    s->flags &= (u8)~TCP_FLAG_SYN;
    c->ack_now = true;
    if (!take_data(c, s))
        return;
    connection_output(c);
    if (c->ack_now)
        connection_ack(c);
}

void connection_input(struct tcp_connection *c, struct tcp_segment *s)
{
    if (c->state == TCP_SYN_SENT)
        syn_sent_input(c, s);
    else if (c->state != TCP_CLOSED)
        synchronised_input(c, s);
    else
        reply_reset(s);
}

// The socket's filter wants the segment; it sees it from its header on.
static bool filter_passes(struct tcp_connection *c, struct tcp_segment *s)
{
    struct packet *p = s->packet;
    u32 header, wanted;

    if (likely(!c->inet.socket.filter))
        return true;
    header = packet_headroom(p) - p->transport_header;
    (void)packet_push(p, header);
    wanted = filter_run(&c->inet.socket, p, p->network_header - (s32)packet_headroom(p));
    packet_pull(p, header);
    return wanted;
}

// For nobody that is known by all four numbers: a listener, or an RST.
static void input_unknown(struct tcp_segment *s)
{
    struct tcp_connection *l = tcp_listener_find(&s->key, s->packet);

    if (!l) {
        reply_reset(s);
        return;
    }
    if (filter_passes(l, s))
        listener_input(l, s);
    connection_put(l);
}

static void dispatch(struct tcp_entry *e, struct tcp_segment *s)
{
    struct tcp_connection *c;
    struct tcp_request *r;

    switch (e->kind) {
    case TCP_CONNECTION:
        c = tcp_of_entry(e);
        if (!filter_passes(c, s))
            break;
        connection_lock(c);
        connection_input(c, s);
        connection_unlock(c);
        break;
    case TCP_REQUEST:
        r = container_of(e, struct tcp_request, entry);
        if (filter_passes(r->listener, s))
            request_input(r, s);
        break;
    default:
        if (!remnant_input(container_of(e, struct tcp_remnant, entry), s))
            input_unknown(s);
        break;
    }
    tcp_entry_put(e);
}

void tcp_receive(void *object, struct packet *p)
{
    struct tcp_segment s;
    struct tcp_entry *e;

    mib_count(MIB_TCP_IN);
    if (p->link_type != 0 || !segment_parse(p, &s) || ip_is_multicast(&p->source) ||
        ip_is_multicast(&p->destination) || ip_is_any(&p->source)) {
        mib_count(MIB_TCP_IN_ERRORS);
        packet_free(p);
        return;
    }
    e = tcp_table_find(&s.key);
    if (e)
        dispatch(e, &s);
    else
        input_unknown(&s);
    packet_free(s.packet);
}
