// SPDX-License-Identifier: BSD-3-Clause
// Queues of datagram sockets: filling, errors, poll, shutdown. See datagram.h.
#include "net/datagram.h"

#include <asm/ioctls.h>
#include <linux/in.h>
#include <linux/sockios.h>

#include "base/string.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/datagram_error.h"
#include "net/filter.h"
#include "net/icmp.h"
#include "net/work.h"
#include "net/zero_copy.h"

#define ERRORS_MAX 64u

static struct slab_cache error_cache = SLAB_CACHE("datagram_error", struct datagram_error);

void datagram_init(struct datagram_queue *q)
{
    list_init(&q->packets);
    list_init(&q->errors);
    wait_queue_init(&q->wait);
}

void datagram_error_free(struct datagram_error *e)
{
    packet_free(e->packet);
    slab_free(&error_cache, e);
}

void datagram_clear(struct datagram_queue *q)
{
    struct list *node;

    while ((node = list_pop_front(&q->packets)))
        packet_free(list_entry(node, struct packet, node));
    while ((node = list_pop_front(&q->errors)))
        datagram_error_free(list_entry(node, struct datagram_error, node));
}

bool datagram_put(struct datagram_queue *q, struct inet_socket *s, struct packet *p)
{
    u32 charge = packet_charge(p);
    bool full;

    if (s->options.timestamp_ns || (s->socket.flags & (SOCKET_TIMESTAMP | SOCKET_STAMPED)))
        p->time = clock_realtime();
    lock_acquire(&q->lock);
    full = q->shut_read || q->charge >= s->socket.receive_buffer; // the last may go beyond
    if (full) {
        q->drops++;
    } else {
        p->control[3] = charge;
        q->charge += charge;
        list_push_back(&q->packets, &p->node);
    }
    lock_release(&q->lock);
    if (full)
        packet_free(p);
    else
        wait_queue_wake(&q->wait, POLLIN | POLLRDNORM);
    return !full;
}

// False: the socket's filter does not want it. Cuts it to what is wanted.
static bool filter_pass(const struct datagram_queue *q, struct inet_socket *s, struct packet *p)
{
    u32 wanted;

    if (likely(!s->socket.filter))
        return true;
    (void)packet_push(p, q->header);
    wanted = filter_run(&s->socket, p, p->network_header - (s32)packet_headroom(p));
    packet_pull(p, q->header);
    packet_trim(p, max(wanted, (u32)q->header) - q->header);
    return wanted;
}

bool datagram_push(struct datagram_queue *q, struct inet_socket *s, struct packet *p)
{
    if (filter_pass(q, s, p))
        return datagram_put(q, s, p);
    lock_acquire(&q->lock);
    q->drops++;
    lock_release(&q->lock);
    packet_free(p);
    return true;
}

static void error_queue(struct datagram_queue *q, const struct ip_error *e, u32 header_size,
                        u16 port)
{
    struct datagram_error *d = slab_alloc(&error_cache);
    bool full;

    if (!d)
        return;
    d->packet = packet_clone(e->packet);
    if (!d->packet) {
        slab_free(&error_cache, d);
        return;
    }
    packet_skip(d->packet, min(header_size, d->packet->total));
    d->extended = (struct sock_extended_err){.ee_errno = (u32)e->error,
                                             .ee_origin = e->origin,
                                             .ee_type = e->type,
                                             .ee_code = e->code,
                                             .ee_info = e->info};
    d->destination = (struct endpoint){e->destination, port, 0};
    d->offender = e->offender;
    lock_acquire(&q->lock);
    full = q->error_count >= ERRORS_MAX;
    if (!full) {
        list_push_back(&q->errors, &d->node);
        q->error_count++;
    }
    lock_release(&q->lock);
    if (full)
        datagram_error_free(d);
}

void datagram_error(struct datagram_queue *q, struct inet_socket *s, const struct ip_error *e,
                    u32 header_size, u16 port)
{
    bool v4 = ip_is_v4(&e->destination);
    bool too_big = e->error == EMSGSIZE && s->options.mtu_discover != IP_PMTUDISC_DONT;
    bool wanted = v4 ? s->options.receive_error : s->options.receive_error6;

    if (wanted)
        error_queue(q, e, header_size, port);
    else if (!s->remote.port || (!e->hard && !too_big))
        return;
    __atomic_store_n(&s->socket.error, e->error, __ATOMIC_RELAXED); // pairs with socket_take_error
    wait_queue_wake(&q->wait, POLLERR | POLLIN | POLLOUT);
}

u32 datagram_poll(struct datagram_queue *q, struct inet_socket *s, struct poll_table *table)
{
    u32 events = POLLOUT | POLLWRNORM | POLLWRBAND;

    poll_wait(table, &q->wait);
    lock_acquire(&q->lock);
    if (!list_empty(&q->packets) || q->shut_read)
        events |= POLLIN | POLLRDNORM;
    if (!list_empty(&q->errors))
        events |= POLLERR;
    if (q->shut_read)
        events |= POLLRDHUP;
    if (q->shut_read && q->shut_write)
        events |= POLLHUP;
    lock_release(&q->lock);
    if (__atomic_load_n(&s->socket.error, __ATOMIC_RELAXED) || // pairs with datagram_error
        zero_copy_waits(s))
        events |= POLLERR;
    return events;
}

int datagram_shutdown(struct datagram_queue *q, struct inet_socket *s, bool reads, bool writes)
{
    lock_acquire(&q->lock);
    q->shut_read |= reads;
    q->shut_write |= writes;
    lock_release(&q->lock);
    wait_queue_wake(&q->wait, ~0u);
    return s->remote.port ? 0 : -ENOTCONN;
}

// From now on the time of what comes is taken. [socket(7)]
static s64 stamp_get(struct inet_socket *s, bool ns, uaddr_t to)
{
    struct __kernel_timespec t;

    __atomic_or_fetch(&s->socket.flags, SOCKET_STAMPED, __ATOMIC_RELAXED); // pairs with datagram_put
    if (!s->stamp)
        return -ENOENT;
    if (s->stamp == DATAGRAM_STAMP_LATER)
        s->stamp = clock_realtime();
    t = timespec_from_ns(s->stamp);
    if (!ns)
        t.tv_nsec /= 1000;
    return user_write(to, &t, sizeof(t));
}

s64 datagram_ioctl(struct datagram_queue *q, struct socket *s, u32 command, u64 argument)
{
    u32 size = 0;

    switch (command) {
    case SIOCGSTAMP_OLD:
    case SIOCGSTAMPNS_OLD:
        return stamp_get(inet_of(s), command == SIOCGSTAMPNS_OLD, argument);
    case FIONREAD: // SIOCINQ
        net_work();
        lock_acquire(&q->lock);
        if (!list_empty(&q->packets))
            size = list_first(&q->packets, struct packet, node)->total;
        lock_release(&q->lock);
        return user_write_u32(argument, size);
    case TIOCOUTQ: // SIOCOUTQ: what is sent is gone
        return user_write_u32(argument, 0);
    default:
        return inet_ioctl(s, command, argument);
    }
}
