// SPDX-License-Identifier: BSD-3-Clause
// Options at TCP_PROTOCOL. [tcp(7)] What is above the protocol is inet_option.c's and
// socket_option.c's.
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "base/string.h"
#include "linux/clock.h"
#include "memory/user_copy.h"
#include "net/interface.h"
#include "net/message.h"
#include "net/route.h"
#include "net/tcp_connection.h"
#include "net/work.h"

static int number_in(int value, int least, int most)
{
    return value < least || value > most ? -EINVAL : 0;
}

static void set_keep_idle(struct tcp_connection *c, u64 idle)
{
    c->keep_idle = idle;
    if (c->inet.socket.flags & SOCKET_KEEP_ALIVE && connection_synchronised(c))
        timer_set(c, TCP_TIMER_KEEP_ALIVE, clock_monotonic() + idle);
}

static void push_out(struct tcp_connection *c)
{
    c->more = false;
    connection_output(c);
}

static int set_flag(struct tcp_connection *c, int name, int value)
{
    switch (name) {
    case TCP_NODELAY:
        c->no_delay = value;
        if (value)
            push_out(c);
        return 0;
    case TCP_CORK:
        c->cork = value;
        if (!value)
            push_out(c);
        return 0;
    case TCP_QUICKACK:
        c->quick_ack_mode = value & 1;
        c->quick_acks = value & 1 ? c->quick_acks : 0;
        if (c->quick_ack_mode && c->ack_pending)
            connection_ack(c);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_time(struct tcp_connection *c, int name, int value)
{
    int error = number_in(value, 1, name == TCP_KEEPCNT ? 127 : 32767);

    if (error)
        return error;
    if (name == TCP_KEEPIDLE)
        set_keep_idle(c, (u64)value * SECOND);
    else if (name == TCP_KEEPINTVL)
        c->keep_interval = (u64)value * SECOND;
    else
        c->keep_count = (u32)value;
    return 0;
}

static int set_number(struct tcp_connection *c, int name, int value)
{
    int error = 0;

    switch (name) {
    case TCP_NODELAY:
    case TCP_CORK:
    case TCP_QUICKACK:
        return set_flag(c, name, value);
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT:
        return set_time(c, name, value);
    case TCP_MAXSEG:
        error = value ? number_in(value, 88, 32767) : 0;
        if (!error)
            c->user_mss = (u32)value;
        if (!error && c->route_valid)
            connection_set_mss(c);
        return error;
    case TCP_SYNCNT:
        error = number_in(value, 1, 127);
        c->syn_retries = error ? c->syn_retries : (u32)value;
        return error;
    case TCP_LINGER2:
        c->linger2 = value > 0 ? min((u32)value, 120u) : 0;
        return 0;
    case TCP_DEFER_ACCEPT:
        c->defer_accept = value > 0 ? (u32)value : 0;
        return 0;
    case TCP_WINDOW_CLAMP:
        if (!value && c->state != TCP_CLOSED)
            return -EINVAL;
        c->window_clamp = value ? (u32)max(value, 1152) : 0;
        return 0;
    case TCP_INQ:
        error = number_in(value, 0, 1);
        if (!error)
            c->tell_left = value;
        return error;
    case TCP_USER_TIMEOUT:
        if (value < 0)
            return -EINVAL;
        c->user_timeout = (u64)value * MILLISECOND;
        return 0;
    case TCP_FASTOPEN: // accepted, and never used: no SYN carries a cookie
    case TCP_FASTOPEN_CONNECT:
    case TCP_THIN_LINEAR_TIMEOUTS:
    case TCP_THIN_DUPACK:
    case TCP_NOTSENT_LOWAT:
    case TCP_SAVE_SYN:
        return value < 0 ? -EINVAL : 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_congestion(struct tcp_connection *c, uaddr_t value, u32 size)
{
    char name[16] = "";

    if (!size)
        return -EINVAL;
    if (user_read(name, value, min(size, (u32)sizeof(name) - 1)))
        return -EFAULT;
    return strcmp(name, "cubic") ? -ENOENT : 0;
}

int tcp_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size)
{
    struct tcp_connection *c = tcp_of(s);
    int number, error;

    if (level != TCP_PROTOCOL)
        return inet_set_option(s, level, name, value, size);
    if (name == TCP_CONGESTION)
        return set_congestion(c, value, size);
    if (size < sizeof(number))
        return -EINVAL;
    if (user_read(&number, value, sizeof(number)))
        return -EFAULT;
    connection_lock(c);
    error = set_number(c, name, number);
    connection_unlock(c);
    net_work();
    return error;
}

static int get_number(const struct tcp_connection *c, int name, int *out)
{
    switch (name) {
    case TCP_NODELAY:
        *out = c->no_delay;
        return 0;
    case TCP_CORK:
        *out = c->cork;
        return 0;
    case TCP_QUICKACK:
        *out = c->quick_ack_mode || c->quick_acks;
        return 0;
    case TCP_KEEPIDLE:
        *out = (int)(c->keep_idle / SECOND);
        return 0;
    case TCP_KEEPINTVL:
        *out = (int)(c->keep_interval / SECOND);
        return 0;
    case TCP_KEEPCNT:
        *out = (int)c->keep_count;
        return 0;
    case TCP_MAXSEG:
        *out = (int)(c->state == TCP_CLOSED || c->state == TCP_LISTENING
                         ? c->user_mss ? c->user_mss : 536
                         : c->mss);
        return 0;
    case TCP_SYNCNT:
        *out = (int)(c->syn_retries ? c->syn_retries : net_setting(SET_SYN_RETRIES));
        return 0;
    case TCP_LINGER2:
        *out = (int)(connection_fin_timeout(c) / SECOND);
        return 0;
    case TCP_DEFER_ACCEPT:
        *out = (int)c->defer_accept;
        return 0;
    case TCP_WINDOW_CLAMP:
        *out = (int)c->window_clamp;
        return 0;
    case TCP_INQ:
        *out = c->tell_left;
        return 0;
    case TCP_USER_TIMEOUT:
        *out = (int)(c->user_timeout / MILLISECOND);
        return 0;
    case TCP_FASTOPEN:
    case TCP_FASTOPEN_CONNECT:
    case TCP_THIN_LINEAR_TIMEOUTS:
    case TCP_THIN_DUPACK:
    case TCP_NOTSENT_LOWAT:
    case TCP_SAVE_SYN:
        *out = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int value_write(uaddr_t to, u32 *size, const void *value, u32 value_size)
{
    *size = min(*size, value_size);
    return user_write(to, value, *size);
}

// IP_PKTOPTIONS, IPV6_2292PKTOPTIONS: what recvmsg says of a packet, of those that came in the stream. Linux knows the interface
// of accepted connections only. Of the received TTL nothing is kept.
static int packet_options(struct tcp_connection *c, int level, uaddr_t value, u32 *size)
{
    const struct inet_socket *s = &c->inet;
    struct message m = {.control_to = value, .control_room = *size};
    struct in_pktinfo info = {.ipi_addr.s_addr = s->binding.address.words[3],
                              .ipi_spec_dst.s_addr = s->binding.address.words[3]};
    struct in6_pktinfo info6;
    struct route r;
    int error = 0;

    if (s->remote.port && !c->active && !inet_route(s, &s->remote, &r))
        info.ipi_ifindex = (int)r.interface->index;
    if (level == IPPROTO_IP && s->options.packet_info) {
        error = message_put_control(&m, level, IP_PKTINFO, &info, sizeof(info));
    } else if (level == IPPROTO_IPV6 && s->options.packet_info6) {
        info6.ipi6_ifindex = info.ipi_ifindex;
        memcpy(&info6.ipi6_addr, s->remote.address.bytes, 16); // the peer's, as Linux has it
        error = message_put_control(&m, level, IPV6_PKTINFO, &info6, sizeof(info6));
    }
    *size = (u32)m.control_used;
    return error;
}

int tcp_get_option(struct socket *s, int level, int name, uaddr_t value, u32 *size)
{
    struct tcp_connection *c = tcp_of(s);
    struct tcp_info info;
    int number, error;

    if ((level == IPPROTO_IP && name == IP_PKTOPTIONS) ||
        (level == IPPROTO_IPV6 && name == IPV6_2292PKTOPTIONS && s->family == AF_INET6))
        return packet_options(c, level, value, size);
    if (level != TCP_PROTOCOL)
        return inet_get_option(s, level, name, value, size);
    if (name == TCP_CONGESTION)
        return value_write(value, size, c->congestion_name, sizeof(c->congestion_name));
    if (name == TCP_INFO) {
        connection_lock(c);
        connection_info(c, &info);
        connection_unlock(c);
        return value_write(value, size, &info, sizeof(info));
    }
    connection_lock(c);
    error = get_number(c, name, &number);
    connection_unlock(c);
    return error ? error : value_write(value, size, &number, sizeof(number));
}
