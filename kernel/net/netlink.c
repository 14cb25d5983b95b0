// SPDX-License-Identifier: BSD-3-Clause
// Netlink sockets and messages. See netlink.h.
#include "net/netlink.h"

#include <asm/ioctls.h>
#include <linux/rtnetlink.h>

#include "base/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define REQUEST_MAX  65536u
#define DATAGRAM_MAX 4096u // messages are given in datagrams of at most this, if they fit

struct netlink_datagram {
    struct list node;
    u32 size;
    u8 data[];
};

struct netlink_socket {
    struct socket socket;
    struct lock lock;
    struct list queue; // struct netlink_datagram
    u32 charge;
    u32 port, groups; // sockaddr_nl
    struct wait_queue wait;
};

static struct slab_cache netlink_cache = SLAB_CACHE("netlink_socket", struct netlink_socket);
static const struct socket_ops netlink_ops;

static struct netlink_socket *netlink_of(struct socket *s)
{
    return container_of(s, struct netlink_socket, socket);
}

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
    *out = &s->socket;
    return 0;
}

const struct socket_family netlink_family = {.family = AF_NETLINK, .create = netlink_create};

static void netlink_release(struct socket *socket)
{
    struct netlink_socket *s = netlink_of(socket);
    struct list *node;

    while ((node = list_pop_front(&s->queue)))
        heap_free(list_entry(node, struct netlink_datagram, node));
    slab_free(&netlink_cache, s);
}

static void port_choose(struct netlink_socket *s)
{
    static u32 next; // atomic
    u32 n;

    if (s->port)
        return;
    n = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
    s->port = n ? 0x80000000u + n : (u32)thread_process()->pid; // as Linux: the first has the pid
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
    if (nl.nl_pid)
        s->port = nl.nl_pid;
    port_choose(s);
    s->groups = nl.nl_groups;
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
        nl.nl_groups = s->groups;
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

static void queue_push(struct netlink_socket *s, const u8 *data, u32 size)
{
    struct netlink_datagram *d = heap_alloc(sizeof(*d) + size);

    if (!d) {
        s->socket.error = ENOBUFS;
        return;
    }
    d->size = size;
    memcpy(d->data, data, size);
    lock_acquire(&s->lock);
    list_push_back(&s->queue, &d->node);
    s->charge += size;
    lock_release(&s->lock);
}

// Puts the answers into the queue, as many whole messages to a datagram as fit.
static void reply_queue(struct netlink_socket *s, const struct netlink_reply *r)
{
    const u8 *data = (const u8 *)r->text.data;
    size_t start = 0, end = 0;

    if (r->text.failed)
        s->socket.error = ENOBUFS;
    while (!r->text.failed && end < r->text.size) {
        struct nlmsghdr h;
        memcpy(&h, data + end, sizeof(h));
        if (end > start && end + h.nlmsg_len - start > DATAGRAM_MAX) {
            queue_push(s, data + start, (u32)(end - start));
            start = end;
        }
        end += NLMSG_ALIGN(h.nlmsg_len);
    }
    if (end > start)
        queue_push(s, data + start, (u32)(end - start));
    wait_queue_wake(&s->wait, POLLIN | POLLRDNORM);
}

int netlink_post(struct socket *socket, const void *data, u32 size)
{
    struct netlink_socket *s = netlink_of(socket);

    if (socket->ops != &netlink_ops)
        return -EINVAL;
    if (size)
        queue_push(s, data, size);
    wait_queue_wake(&s->wait, POLLIN | POLLRDNORM);
    return 0;
}

static bool is_dump(const struct nlmsghdr *m)
{
    return (m->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
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
        if (!e.error && is_dump(m)) {
            netlink_begin(&r, NLMSG_DONE, NLM_F_MULTI, &zero, sizeof(zero));
            netlink_end(&r);
        }
    }
    if (e.error || ((m->nlmsg_flags & NLM_F_ACK) && !is_dump(m))) {
        netlink_begin(&r, NLMSG_ERROR, e.error ? 0 : NLM_F_CAPPED, &e, sizeof(e));
        if (e.error) // the whole request goes back with an error
            text_add_bytes(&r.text, m + 1, m->nlmsg_len - sizeof(*m));
        netlink_end(&r);
    }
    reply_queue(s, &r);
    text_free(&r.text);
}

static s64 netlink_send(struct socket *socket, struct message *m)
{
    struct netlink_socket *s = netlink_of(socket);
    size_t size = m->io->left, at = 0;
    u8 *data;

    if (size > REQUEST_MAX)
        return -EMSGSIZE;
    port_choose(s);
    data = heap_alloc(size + sizeof(struct nlmsghdr));
    if (!data)
        return -ENOBUFS;
    if (size && io_get(m->io, data, size) != (s64)size) {
        heap_free(data);
        return -EFAULT;
    }
    while (size - at >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)(data + at);
        if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > size - at)
            break;
        request_answer(s, h);
        at += NLMSG_ALIGN(h->nlmsg_len);
        if (at >= size)
            break;
    }
    heap_free(data);
    return (s64)size;
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

// NETLINK_EXT_ACK, NETLINK_ADD_MEMBERSHIP, ...: accepted; events are not sent. [netlink(7)]
static int netlink_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size)
{
    return level == 270 && name >= NETLINK_ADD_MEMBERSHIP && name <= NETLINK_GET_STRICT_CHK
               ? 0
               : -ENOPROTOOPT;
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
    .ioctl = netlink_ioctl,
    .release = netlink_release,
};
