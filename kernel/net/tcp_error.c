// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors about segments that were sent. Hard errors end only a connection that is not yet
// established; all else is remembered, in case it times out. The quoted sequence number must be one
// that is under way. [RFC 1122 4.2.3.9, RFC 5927, RFC 1191]

#include "net/tcp_connection.h"

static void path_mtu_lowered(struct tcp_connection *c)
{
    u32 before = c->mss;

    c->route_valid = false; // the route says the new MTU
    if (connection_route(c) || c->mss >= before || c->send.una == c->send.next)
        return;
    // What is under way was too large: again, in smaller segments. No sign of congestion.
    records_mark_all_lost(&c->send, /*forget_sacks=*/false);
    connection_output(c);
}

static void take_error(struct tcp_connection *c, const struct ip_error *e, u32 sequence)
{
    if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
        if (sequence != c->iss)
            return;
        if (e->hard)
            connection_finish(c, e->error);
        else
            c->soft_error = e->error;
        return;
    }
    if (c->state == TCP_CLOSED || c->state == TCP_LISTENING ||
        !sequence_between(sequence, c->send.una, c->send.next))
        return;
    if (e->error == EMSGSIZE)
        path_mtu_lowered(c);
    else
        c->soft_error = e->error;
}

void tcp_error(const struct ip_error *e)
{
    struct tcp_header h;
    struct tcp_entry *entry;
    struct tcp_key key = {.local = e->source, .remote = e->destination};

    if (e->header_size < 8)
        return;
    __builtin_memcpy(&h, e->header, 8);
    key.local_port = tcp_swap16(h.source);
    key.remote_port = tcp_swap16(h.destination);
    entry = tcp_table_find(&key);
    if (!entry)
        return;
    if (entry->kind == TCP_CONNECTION) {
        struct tcp_connection *c = tcp_of_entry(entry);

        connection_lock(c);
        take_error(c, e, tcp_swap32(h.sequence));
        connection_unlock(c);
    }
    tcp_entry_put(entry);
}
