// SPDX-License-Identifier: BSD-3-Clause
// Options of packet sockets. [packet(7)]
#include <linux/capability.h>

#include "base/string.h"
#include "memory/user_copy.h"
#include "net/interface.h"
#include "net/packet_socket.h"

#define COPY_THRESHOLD 7 // PACKET_COPY_THRESH: the ring is all there is

static int membership_check(uaddr_t value, u32 size)
{
    struct packet_mreq m;

    if (size < sizeof(m))
        return -EINVAL;
    if (user_read(&m, value, sizeof(m)))
        return -EFAULT;
    // Promiscuous or not: whatever comes is shown.
    return interface_find((u32)m.mr_ifindex) ? 0 : -ENODEV;
}

static int ring_option(struct packet_socket *s, uaddr_t value, u32 size)
{
    struct tpacket_req3 q = {0};
    u32 least = s->ring.version == TPACKET_V3 ? sizeof(q) : sizeof(struct tpacket_req);
    int error;

    if (size < least)
        return -EINVAL;
    if (user_read(&q, value, least))
        return -EFAULT;
    taps_lock();
    error = ring_set(&s->ring, &q);
    taps_unlock();
    return error;
}

static int version_set(struct packet_socket *s, u32 version)
{
    int error = -EINVAL;

    taps_lock();
    if (s->ring.memory)
        error = -EBUSY;
    else if (ring_header_size(version)) {
        s->ring.version = version;
        error = 0;
    }
    taps_unlock();
    return error;
}

static int reserve_set(struct packet_socket *s, u32 reserve)
{
    bool busy;

    if (reserve > INT32_MAX)
        return -EINVAL;
    taps_lock();
    busy = s->ring.memory;
    if (!busy)
        s->ring.reserve = reserve;
    taps_unlock();
    return busy ? -EBUSY : 0;
}

int packet_set_option(struct socket *socket, int level, int name, uaddr_t value, u32 size)
{
    struct packet_socket *s = packet_of(socket);
    u32 number;

    if (level != SOL_PACKET)
        return inet_set_option(socket, level, name, value, size);
    if (name == PACKET_ADD_MEMBERSHIP || name == PACKET_DROP_MEMBERSHIP)
        return membership_check(value, size);
    if (name == PACKET_RX_RING)
        return ring_option(s, value, size);
    if (size < sizeof(number))
        return -EINVAL;
    if (user_read_u32(&number, value))
        return -EFAULT;
    switch (name) {
    case PACKET_VERSION:
        return version_set(s, number);
    case PACKET_RESERVE:
        return reserve_set(s, number);
    case PACKET_AUXDATA:
        s->auxdata = number;
        return 0;
    case PACKET_IGNORE_OUTGOING:
        if (number > 1)
            return -EINVAL;
        s->ignore_outgoing = number;
        return 0;
    case PACKET_ORIGDEV:
    case PACKET_TIMESTAMP: // the only ones there are
    case COPY_THRESHOLD:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

// Reading them sets them to zero.
static struct tpacket_stats_v3 statistics_take(struct packet_socket *s)
{
    struct tpacket_stats_v3 stats;

    taps_lock();
    stats = (struct tpacket_stats_v3){s->received, (u32)s->queue.drops, s->ring.freezes};
    s->received = s->ring.freezes = 0;
    s->queue.drops = 0;
    taps_unlock();
    return stats;
}

static int header_size(uaddr_t value, const u32 *size, u32 *out)
{
    u32 version;

    if (*size < sizeof(version))
        return -EINVAL;
    if (user_read_u32(&version, value))
        return -EFAULT;
    *out = ring_header_size(version);
    return *out ? 0 : -EINVAL;
}

static int number_get(struct packet_socket *s, int name, uaddr_t value, const u32 *size, u32 *out)
{
    switch (name) {
    case PACKET_VERSION:
        *out = s->ring.version;
        return 0;
    case PACKET_HDRLEN: // of the version that is asked for
        return header_size(value, size, out);
    case PACKET_RESERVE:
        *out = s->ring.reserve;
        return 0;
    case PACKET_AUXDATA:
        *out = s->auxdata;
        return 0;
    case PACKET_IGNORE_OUTGOING:
        *out = s->ignore_outgoing;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int packet_get_option(struct socket *socket, int level, int name, uaddr_t value, u32 *size)
{
    struct packet_socket *s = packet_of(socket);
    struct tpacket_stats_v3 stats;
    u32 number;
    int error;

    if (level != SOL_PACKET)
        return inet_get_option(socket, level, name, value, size);
    if (name == PACKET_STATISTICS) {
        stats = statistics_take(s);
        *size = min(*size, s->ring.version == TPACKET_V3 ? (u32)sizeof(stats)
                                                         : (u32)sizeof(struct tpacket_stats));
        return user_write(value, &stats, *size);
    }
    error = number_get(s, name, value, size, &number);
    if (error)
        return error;
    *size = min(*size, (u32)sizeof(number));
    return user_write(value, &number, *size);
}
