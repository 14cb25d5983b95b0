// SPDX-License-Identifier: BSD-3-Clause
// NETLINK_SOCK_DIAG: lists of sockets, for ss. [sock_diag(7)]
#include <linux/in.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "base/string.h"
#include "net/netlink.h"
#include "net/raw.h"
#include "net/tcp.h"
#include "net/udp.h"

struct listing {
    struct netlink_reply *r;
    const struct inet_diag_req_v2 *request;
};

static void put_socket(const struct listing *l, bool v6, const struct endpoint *local,
                       const struct endpoint *remote, struct inet_diag_msg *body)
{
    u32 skip = v6 ? 0 : 12, size = v6 ? 16 : 4;
    u8 shutdown = 0;

    body->idiag_family = v6 ? AF_INET6 : AF_INET;
    body->id.idiag_sport = swap16(local->port);
    body->id.idiag_dport = swap16(remote->port);
    memcpy(body->id.idiag_src, local->address.bytes + skip, size);
    memcpy(body->id.idiag_dst, remote->address.bytes + skip, size);
    body->id.idiag_cookie[0] = local->port;
    body->id.idiag_cookie[1] = remote->port;
    netlink_begin(l->r, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, body, sizeof(*body));
    netlink_attribute(l->r, INET_DIAG_SHUTDOWN, &shutdown, 1);
    netlink_end(l->r);
}

static bool wanted(const struct listing *l, bool v6, u32 state)
{
    return l->request->sdiag_family == (v6 ? AF_INET6 : AF_INET) &&
           (l->request->idiag_states >> state & 1);
}

static bool put_tcp(const struct tcp_view *v, void *arg)
{
    const struct listing *l = arg;
    struct inet_diag_msg body = {.idiag_state = (u8)v->state,
                                 .idiag_retrans = (u8)v->retries,
                                 .idiag_rqueue = v->receive_queue,
                                 .idiag_wqueue = v->send_queue};

    body.id.idiag_if = v->interface;
    if (wanted(l, v->v6, v->state))
        put_socket(l, v->v6, &v->local, &v->remote, &body);
    return true;
}

static bool put_udp(const struct udp_view *v, void *arg)
{
    const struct listing *l = arg;
    u8 state = v->remote.port ? 1 : 7; // as TCP's ESTABLISHED, CLOSE
    struct inet_diag_msg body = {
        .idiag_state = state, .idiag_rqueue = v->receive_queue, .idiag_uid = v->uid};

    body.id.idiag_if = v->interface;
    if (wanted(l, v->v6, state))
        put_socket(l, v->v6, &v->local, &v->remote, &body);
    return true;
}

int netlink_diag(struct netlink_reply *r, const struct nlmsghdr *m)
{
    struct listing l = {r, netlink_payload(m)};

    if (m->nlmsg_type != SOCK_DIAG_BY_FAMILY || !(m->nlmsg_flags & NLM_F_DUMP))
        return -EINVAL;
    if (m->nlmsg_len <= sizeof(*m))
        return -EINVAL;
    if (l.request->sdiag_family == AF_UNIX)
        return -ENOENT; // as a Linux without unix_diag: ss reads /proc/net/unix
    if (l.request->sdiag_family != AF_INET && l.request->sdiag_family != AF_INET6)
        return 0; // none of these
    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*l.request)))
        return -EINVAL;
    if (l.request->sdiag_protocol == IPPROTO_TCP)
        tcp_visit(put_tcp, &l);
    else if (l.request->sdiag_protocol == IPPROTO_UDP)
        udp_visit(put_udp, &l);
    else if (l.request->sdiag_protocol == IPPROTO_RAW)
        raw_visit(put_udp, &l);
    return 0;
}
