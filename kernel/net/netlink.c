// SPDX-License-Identifier: BSD-3-Clause
// Netlink sockets and messages. See netlink.h.
#include "net/filter.h"
#include "net/netlink_internal.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/rtnetlink.h>

#include "base/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define REQUEST_MAX  65536u
#define SOL_NETLINK  270
#define DATAGRAM_MAX 4096u // messages are given in datagrams of at most this, if they fit

static struct slab_cache netlink_cache = SLAB_CACHE("netlink_socket", struct netlink_socket);
static const struct socket_ops netlink_ops;

static int netlink_create(int type, int protocol, struct socket **out)
{
    struct netlink_socket *s;

    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG &&
        protocol != NETLINK_KOBJECT_UEVENT)
        return -EPROTONOSUPPORT;
    s = slab_alloc(&netlink_cache);
    if (!s)
        return -ENOMEM;
    socket_init(&s->socket, &netlink_ops, AF_NETLINK, type);
    s->socket.protocol = protocol;
    list_init(&s->queue);
    wait_queue_init(&s->wait);
    netlink_group_add(s);
    *out = &s->socket;
    return 0;
}

const struct socket_family netlink_family = {.family = AF_NETLINK, .create = netlink_create};

static void netlink_release(struct socket *socket)
{
    struct netlink_socket *s = netlink_of(socket);
    struct list *node;

    netlink_group_remove(s);
    while ((node = list_pop_front(&s->queue)))
        heap_free(list_entry(node, struct netlink_datagram, node));
    slab_free(&netlink_cache, s);
}

static void port_choose(struct netlink_socket *s)
{
    static u32 next; // atomic
    u32 pid = (u32)thread_process()->pid;

    if (s->port)
        return;
    if (netlink_port_taken(s->socket.protocol, pid)) // as Linux: the first has the pid
        pid = 0x80000001u + __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
    s->port = pid;
}

static int netlink_bind(struct socket *socket, const struct socket_address *a)
{
    struct netlink_socket *s = netlink_of(socket);
    struct sockaddr_nl nl;

    if (a->size < sizeof(nl))
        return -EINVAL;
    memcpy(&nl, a->bytes, sizeof(nl));
    if (nl.nl_family != AF_NETLINK || (s->port && nl.nl_pid && nl.nl_pid != s->port))
        return -EINVAL;
    if (!s->port && nl.nl_pid && netlink_port_taken(s->socket.protocol, nl.nl_pid))
        return -EADDRINUSE;
    if (nl.nl_pid)
        s->port = nl.nl_pid;
    port_choose(s);
    netlink_group_set(s, (s->groups & ~(u64)UINT32_MAX) | nl.nl_groups);
    return 0;
}

static int netlink_connect(struct socket *socket, const struct socket_address *a, bool nonblock)
{
    port_choose(netlink_of(socket)); // the kernel is the only peer
    return a->size < sizeof(u16) ? -EINVAL : 0;
}

static int netlink_name(struct socket *socket, bool peer, struct socket_address *out)
{
    struct netlink_socket *s = netlink_of(socket);
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};

    if (!peer) {
        nl.nl_pid = s->port;
        nl.nl_groups = (u32)s->groups;
    }
    out->size = sizeof(nl);
    memcpy(out->bytes, &nl, sizeof(nl));
    return 0;
}

void netlink_begin(struct netlink_reply *r, u16 type, u16 flags, const void *body, size_t size)
{
    struct nlmsghdr h = {.nlmsg_type = type,
                         .nlmsg_flags = flags,
                         .nlmsg_seq = r->request->nlmsg_seq,
                         .nlmsg_pid = r->port};

    r->start = r->text.size;
    text_add_bytes(&r->text, &h, sizeof(h));
    text_add_bytes(&r->text, body, size);
}

static void pad(struct netlink_reply *r)
{
    static const u8 zeros[NLMSG_ALIGNTO];
    text_add_bytes(&r->text, zeros, -r->text.size & (NLMSG_ALIGNTO - 1));
}

void netlink_attribute(struct netlink_reply *r, u16 type, const void *data, size_t size)
{
    struct nlattr a = {(u16)(sizeof(a) + size), type};

    pad(r);
    text_add_bytes(&r->text, &a, sizeof(a));
    text_add_bytes(&r->text, data, size);
    pad(r);
}

void netlink_attribute_u32(struct netlink_reply *r, u16 type, u32 value)
{
    netlink_attribute(r, type, &value, sizeof(value));
}

void netlink_attribute_text(struct netlink_reply *r, u16 type, const char *value)
{
    netlink_attribute(r, type, value, strlen(value) + 1);
}

void netlink_end(struct netlink_reply *r)
{
    u32 size = (u32)(r->text.size - r->start);

    if (!r->text.failed)
        memcpy(r->text.data + r->start, &size, sizeof(size));
    pad(r);
}

const void *netlink_find(const struct nlmsghdr *m, size_t body, u16 type, size_t size)
{
    const u8 *p = (const u8 *)m;
    size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(body);

    while (at + sizeof(struct nlattr) <= m->nlmsg_len) {
        struct nlattr a;
        memcpy(&a, p + at, sizeof(a));
        if (a.nla_len < sizeof(a) || a.nla_len > m->nlmsg_len - at)
            return NULL;
        if ((a.nla_type & NLA_TYPE_MASK) == type && a.nla_len >= sizeof(a) + size)
            return p + at + sizeof(a);
        at += NLMSG_ALIGN(a.nla_len);
    }
    return NULL;
}

void netlink_queue(struct netlink_socket *s, const struct netlink_sender *from, const void *data,
                   u32 size)
{
    struct netlink_datagram *d;

    size = min(size, filter_run_bytes(&s->socket, data, size));
    if (!size)
        return;
    d = heap_alloc(sizeof(*d) + size);
    if (!d) {
        s->socket.error = ENOBUFS;
        return;
    }
    d->from = *from;
    d->size = size;
    memcpy(d->data, data, size);
    lock_acquire(&s->lock);
    list_push_back(&s->queue, &d->node);
    s->charge += size;
    lock_release(&s->lock);
    wait_queue_wake(&s->wait, POLLIN | POLLRDNORM);
}

static const struct netlink_sender kernel_sender;

// Puts the answers into the queue, as many whole messages to a datagram as fit, and the end by itself.
static void reply_queue(struct netlink_socket *s, const struct netlink_reply *r)
{
    const u8 *data = (const u8 *)r->text.data;
    size_t start = 0, end = 0;

    if (r->text.failed)
        s->socket.error = ENOBUFS;
    while (!r->text.failed && end < r->text.size) {
        struct nlmsghdr h;
        memcpy(&h, data + end, sizeof(h));
        if (end > start &&
            (end + h.nlmsg_len - start > DATAGRAM_MAX || h.nlmsg_type == NLMSG_DONE)) {
            netlink_queue(s, &kernel_sender, data + start, (u32)(end - start));
            start = end;
        }
        end += NLMSG_ALIGN(h.nlmsg_len);
    }
    if (end > start)
        netlink_queue(s, &kernel_sender, data + start, (u32)(end - start));
    if (s->socket.error)
        wait_queue_wake(&s->wait, POLLIN | POLLRDNORM);
}

int netlink_post(struct socket *socket, const void *data, u32 size)
{
    struct netlink_socket *s = netlink_of(socket);

    if (socket->ops != &netlink_ops)
        return -EINVAL;
    if (size)
        netlink_queue(s, &kernel_sender, data, size);
    return 0;
}

// Either bit does. Of an order they mean something else.
static bool is_dump(const struct netlink_socket *s, const struct nlmsghdr *m)
{
    return (m->nlmsg_flags & NLM_F_DUMP) &&
           (s->socket.protocol != NETLINK_ROUTE || (m->nlmsg_type - RTM_BASE) % 4 == 2);
}

static int request_handle(struct netlink_socket *s, struct netlink_reply *r,
                          const struct nlmsghdr *m)
{
    if (s->socket.protocol == NETLINK_SOCK_DIAG)
        return netlink_diag(r, m);
    if (s->socket.protocol != NETLINK_ROUTE)
        return -EOPNOTSUPP;
    if ((m->nlmsg_type - RTM_BASE) % 4 != 2) // NEW, DEL, SET; 2 is GET
        return netlink_change(m);
    return netlink_route(r, m);
}

static void request_answer(struct netlink_socket *s, const struct nlmsghdr *m)
{
    struct netlink_reply r = {.request = m, .port = s->port};
    struct nlmsgerr e = {.msg = *m};
    int zero = 0;

    if (m->nlmsg_type >= NLMSG_MIN_TYPE && (m->nlmsg_flags & NLM_F_REQUEST)) {
        e.error = request_handle(s, &r, m);
        if (!e.error && is_dump(s, m)) {
            netlink_begin(&r, NLMSG_DONE, NLM_F_MULTI, &zero, sizeof(zero));
            netlink_end(&r);
        }
    }
    if (e.error || ((m->nlmsg_flags & NLM_F_ACK) && !is_dump(s, m))) {
        bool capped = !e.error || s->options >> NETLINK_CAP_ACK & 1;
        netlink_begin(&r, NLMSG_ERROR, capped ? NLM_F_CAPPED : 0, &e, sizeof(e));
        if (!capped) // the whole request goes back with an error
            text_add_bytes(&r.text, m + 1, m->nlmsg_len - sizeof(*m));
        netlink_end(&r);
    }
    reply_queue(s, &r);
    text_free(&r.text);
}

// The requests of a message, for the kernel.
static void requests_answer(struct netlink_socket *s, const u8 *data, size_t size)
{
    size_t at = 0;

    while (size - at >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)(data + at);
        if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > size - at)
            break;
        request_answer(s, h);
        at += NLMSG_ALIGN(h->nlmsg_len);
        if (at >= size)
            break;
    }
}

// Where a message goes: a group of the address, as well as the kernel or the socket of its port.
static int destination(const struct netlink_socket *s, const struct message *m, u32 *port, u32 *group)
{
    struct sockaddr_nl nl;

    *port = *group = 0;
    if (!m->address || !m->address->size)
        return 0;
    if (m->address->size < sizeof(nl))
        return -EINVAL;
    memcpy(&nl, m->address->bytes, sizeof(nl));
    if (nl.nl_family != AF_NETLINK)
        return -EINVAL;
    *port = nl.nl_pid;
    *group = nl.nl_groups ? (u32)__builtin_ctz(nl.nl_groups) + 1 : 0;
    return (*port || *group) && !capable(CAP_NET_ADMIN) ? -EPERM : 0;
}

static s64 netlink_send(struct socket *socket, struct message *m)
{
    const struct credentials *me = credentials_now();
    struct netlink_sender from = {{thread_process()->pid, me->uid, me->gid}, 0, 0};
    struct netlink_socket *s = netlink_of(socket);
    size_t size = m->io->left;
    u32 port;
    u8 *data;
    int error = m->flags & MSG_OOB ? -EOPNOTSUPP : destination(s, m, &port, &from.group);

    if (error)
        return error;
    if (size > REQUEST_MAX)
        return -EMSGSIZE;
    port_choose(s);
    from.port = s->port;
    data = heap_alloc(size + sizeof(struct nlmsghdr));
    if (!data)
        return -ENOBUFS;
    if (size && io_get(m->io, data, size) != (s64)size)
        error = -EFAULT;
    if (!error && from.group)
        netlink_multicast(socket->protocol, &from, data, (u32)size, s);
    from.group = 0;
    if (!error && port)
        error = netlink_unicast(socket->protocol, port, &from, data, (u32)size);
    else if (!error)
        requests_answer(s, data, size);
    heap_free(data);
    return error ? error : (s64)size;
}

static bool something(void *arg)
{
    const struct netlink_socket *s = arg;
    return !list_empty(&s->queue) || s->socket.error;
}

static int datagram_wait(struct netlink_socket *s, bool nonblock, struct netlink_datagram **out)
{
    u64 timeout = s->socket.receive_timeout;
    int error;

    for (;;) {
        error = socket_take_error(&s->socket);
        if (error)
            return error;
        lock_acquire(&s->lock);
        *out = list_empty(&s->queue) ? NULL : list_first(&s->queue, struct netlink_datagram, node);
        if (*out) {
            list_remove(&(*out)->node);
            s->charge -= (*out)->size;
        }
        lock_release(&s->lock);
        if (*out)
            return 0;
        if (nonblock)
            return -EAGAIN;
        error = wait_until(&s->wait, socket_deadline(timeout), WAIT_INTERRUPTIBLE, something, s);
        if (error)
            return socket_wait_error(error, timeout);
    }
}

static int put_controls(const struct netlink_socket *s, struct message *m,
                        const struct netlink_datagram *d)
{
    struct nl_pktinfo info = {d->from.group};
    int error = 0;

    if (s->options >> NETLINK_PKTINFO & 1)
        error = message_put_control(m, SOL_NETLINK, NETLINK_PKTINFO, &info, sizeof(info));
    if (!error && (s->socket.flags & SOCKET_PASS_CRED))
        error = message_put_control(m, SOL_SOCKET, SCM_CREDENTIALS, &d->from.credentials,
                                    sizeof(d->from.credentials));
    return error;
}

static s64 netlink_receive(struct socket *socket, struct message *m)
{
    struct netlink_socket *s = netlink_of(socket);
    struct netlink_datagram *d;
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    s64 moved, result;
    int error = m->flags & MSG_OOB ? -EOPNOTSUPP : datagram_wait(s, m->nonblock, &d);

    if (error)
        return error;
    moved = io_put(m->io, d->data, d->size);
    result = moved >= 0 && (m->flags & MSG_TRUNC) ? (s64)d->size : moved;
    if (moved >= 0 && moved < (s64)d->size)
        m->out_flags |= MSG_TRUNC;
    nl.nl_pid = d->from.port;
    nl.nl_groups = d->from.group && d->from.group <= 32 ? 1u << (d->from.group - 1) : 0;
    if (moved >= 0 && put_controls(s, m, d))
        result = -EFAULT;
    if (m->address) {
        m->address->size = sizeof(nl);
        memcpy(m->address->bytes, &nl, sizeof(nl));
    }
    if (m->flags & MSG_PEEK) {
        lock_acquire(&s->lock);
        list_push_front(&s->queue, &d->node);
        s->charge += d->size;
        lock_release(&s->lock);
    } else {
        heap_free(d);
    }
    return result;
}

static u32 netlink_poll(struct socket *socket, struct poll_table *table)
{
    struct netlink_socket *s = netlink_of(socket);
    u32 events = POLLOUT | POLLWRNORM;

    poll_wait(table, &s->wait);
    if (!list_empty(&s->queue))
        events |= POLLIN | POLLRDNORM;
    return s->socket.error ? events | POLLERR : events;
}

#define FLAG_OPTIONS                                                                               \
    (1u << NETLINK_PKTINFO | 1u << NETLINK_BROADCAST_ERROR | 1u << NETLINK_NO_ENOBUFS |             \
     1u << NETLINK_LISTEN_ALL_NSID | 1u << NETLINK_CAP_ACK | 1u << NETLINK_EXT_ACK |                \
     1u << NETLINK_GET_STRICT_CHK)

static int netlink_set_option(struct socket *socket, int level, int name, uaddr_t value, u32 size)
{
    struct netlink_socket *s = netlink_of(socket);
    u32 number = 0;

    if (level != SOL_NETLINK || name < 0 || name > 31)
        return -ENOPROTOOPT;
    if (size >= sizeof(number) && user_read_u32(&number, value))
        return -EFAULT;
    if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP) {
        if (!number || number > netlink_group_count(socket->protocol))
            return -EINVAL;
        netlink_group_set(s, name == NETLINK_ADD_MEMBERSHIP ? s->groups | 1ull << (number - 1)
                                                            : s->groups & ~(1ull << (number - 1)));
        return 0;
    }
    if (!(FLAG_OPTIONS >> name & 1))
        return -ENOPROTOOPT;
    s->options = number ? s->options | 1u << name : s->options & ~(1u << name);
    return 0;
}

static int netlink_get_option(struct socket *socket, int level, int name, uaddr_t value, u32 *size)
{
    const struct netlink_socket *s = netlink_of(socket);
    u32 number, room = *size;

    if (level != SOL_NETLINK || name < 0 || name > 31)
        return -ENOPROTOOPT;
    if (name == NETLINK_LIST_MEMBERSHIPS) { // whole words, as many as there is room for
        *size = sizeof(s->groups);
        return user_write(value, &s->groups, min(room, (u32)sizeof(s->groups)) & ~3u);
    }
    if (!(FLAG_OPTIONS >> name & 1) || name == NETLINK_LISTEN_ALL_NSID)
        return -ENOPROTOOPT;
    if (room < sizeof(number))
        return -EINVAL;
    *size = sizeof(number);
    number = s->options >> name & 1;
    return user_write(value, &number, sizeof(number));
}

static s64 netlink_ioctl(struct socket *socket, u32 command, u64 argument)
{
    return command == FIONREAD ? user_write_u32(argument, netlink_of(socket)->charge) : -ENOTTY;
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .send = netlink_send,
    .receive = netlink_receive,
    .poll = netlink_poll,
    .name = netlink_name,
    .set_option = netlink_set_option,
    .get_option = netlink_get_option,
    .ioctl = netlink_ioctl,
    .release = netlink_release,
};
