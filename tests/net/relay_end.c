// SPDX-License-Identifier: BSD-3-Clause
// TAPs and packet sockets with virtio headers, and making frames of the wire of what comes with one:
// large segments are cut, checksums are finished. [Linux, if_tun.h, packet(7), virtio 1.2 5.1.6]
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "relay.h"

#define TCP_FIN 1u
#define TCP_PSH 8u

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int open_tap(const char *name, int large)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    unsigned long offloads = large ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

    strncpy(r.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &r) || ioctl(fd, TUNSETOFFLOAD, offloads))
        fail(name);
    return fd;
}

static int open_packet(const char *name)
{
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), one = 1, buffer = 64 << 20;

    a.sll_ifindex = (int)if_nametoindex(name);
    if (fd < 0 || !a.sll_ifindex || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
        bind(fd, (const struct sockaddr *)&a, sizeof(a)))
        fail(name);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
    return fd;
}

static void enter(const char *space, size_t length)
{
    char path[200];
    int fd;

    snprintf(path, sizeof(path), "/run/netns/%.*s", (int)length, space);
    fd = open(path, O_RDONLY);
    if (fd < 0 || setns(fd, CLONE_NEWNET))
        fail(path);
    close(fd);
}

int relay_open(const char *name, int large)
{
    const char *slash = strchr(name, '/');

    if (slash) {
        enter(name, (size_t)(slash - name));
        name = slash + 1;
    }
    if (!strncmp(name, "tap:", 4))
        return open_tap(name + 4, large);
    if (!strncmp(name, "packet:", 7))
        return open_packet(name + 7);
    errno = EINVAL;
    fail(name);
    return -1;
}

static uint32_t sum(uint32_t start, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        start += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    return size & 1 ? start + (uint32_t)(bytes[size - 1] << 8) : start;
}

static void put16(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static void put_sum(unsigned char *at, uint32_t value)
{
    value = (value & 0xffff) + (value >> 16);
    value = (value & 0xffff) + (value >> 16);
    put16(at, ~value & 0xffff);
}

// One segment of a large one: `frame` has its bytes already; sizes, numbers and sums are made new.
static void segment_finish(unsigned char *frame, size_t size, size_t tcp, uint32_t offset,
                           uint32_t number, int last)
{
    unsigned char *ip = frame + 14, *t = frame + tcp;
    uint32_t sequence = ((uint32_t)t[4] << 24 | t[5] << 16 | t[6] << 8 | t[7]) + offset;
    int v4 = ip[0] >> 4 == 4;

    put16(t + 4, sequence >> 16);
    put16(t + 6, sequence & 0xffff);
    if (!last)
        t[13] &= (unsigned char)~(TCP_FIN | TCP_PSH);
    if (v4) {
        put16(ip + 2, (uint32_t)(size - 14));
        put16(ip + 4, (uint32_t)(ip[4] << 8 | ip[5]) + number);
        put16(ip + 10, 0);
        put_sum(ip + 10, sum(0, ip, (size_t)(ip[0] & 15) * 4));
    } else {
        put16(ip + 4, (uint32_t)(size - 14 - 40));
    }
    put16(t + 16, 0);
    put_sum(t + 16, sum(sum(6 + (uint32_t)(size - tcp), v4 ? ip + 12 : ip + 8, v4 ? 8 : 32), t,
                        size - tcp));
}

static void cut(const struct virtio_net_hdr *h, unsigned char *frame, size_t size,
                void (*take)(void *object, unsigned char *frame, size_t size), void *object)
{
    static unsigned char piece[65536];
    size_t tcp = h->csum_start, header, step = h->gso_size;
    uint32_t number = 0;

    if (tcp + 20 > size || tcp < 14 + 20 || !step)
        return;
    header = tcp + (size_t)(frame[tcp + 12] >> 4) * 4;
    for (size_t at = header; at < size; at += step, number++) {
        size_t part = size - at < step ? size - at : step;

        memcpy(piece, frame, header);
        memcpy(piece + header, frame + at, part);
        segment_finish(piece, header + part, tcp, (uint32_t)(at - header), number,
                       at + part == size);
        take(object, piece, header + part);
    }
}

int relay_read(int fd, void (*take)(void *object, unsigned char *frame, size_t size), void *object)
{
    static unsigned char frame[70000];
    struct virtio_net_hdr h;
    struct iovec parts[] = {{&h, sizeof(h)}, {frame, sizeof(frame)}};
    ssize_t got = readv(fd, parts, 2);
    size_t size = (size_t)got - sizeof(h);

    if (got < 0)
        return 0;
    if (got < (ssize_t)sizeof(h) + 14)
        return 1;
    if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
        cut(&h, frame, size, take, object);
        return 1;
    }
    if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && h.csum_start + h.csum_offset + 2u <= size)
        put_sum(frame + h.csum_start + h.csum_offset,
                sum(0, frame + h.csum_start, size - h.csum_start));
    take(object, frame, size);
    return 1;
}

int relay_write(int fd, const unsigned char *frame, size_t size)
{
    struct virtio_net_hdr h = {0};
    struct iovec parts[] = {{&h, sizeof(h)}, {(void *)(uintptr_t)frame, size}};

    return writev(fd, parts, 2) < 0 ? -1 : 0;
}
