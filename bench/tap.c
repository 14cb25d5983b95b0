// SPDX-License-Identifier: BSD-3-Clause
// What the host's TAP itself can do, without any stack behind it: the yardstick for the unikernel's network.
// Run in the TAP's network namespace; its other end is 02:00:00:00:00:99.
//
//     tap NAME send OUR-ADDRESS THEIR-ADDRESS SECONDS   writes the same UDP packet; prints `packets-a-second`
//     tap NAME receive                                  reads; prints as `udp receive` does
//     tap NAME echo spin|sleep                          swaps addresses and ports of each packet and sends it back
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define HEADER sizeof(struct virtio_net_hdr_v1)
#define SIZE   18
#define PORT   9

struct frame {
    struct virtio_net_hdr_v1 virtio;
    unsigned char to[6], from[6];
    uint16_t type;
    struct iphdr ip;
    struct udphdr udp;
    char payload[2048];
} __attribute__((packed));

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int open_tap(const char *name, unsigned char *out_mac)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), s = socket(AF_INET, SOCK_DGRAM, 0);

    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &(int){HEADER}) ||
        ioctl(fd, TUNSETOFFLOAD, (unsigned long)TUN_F_CSUM) || ioctl(s, SIOCGIFHWADDR, &request))
        fail(name);
    memcpy(out_mac, request.ifr_hwaddr.sa_data, 6);
    close(s);
    return fd;
}

static uint16_t sum(const void *bytes, size_t size)
{
    uint32_t total = 0;

    for (size_t i = 0; i < size; i += 2)
        total += *(const uint16_t *)((const char *)bytes + i);
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static int send_many(int fd, const unsigned char *mac, char **arguments)
{
    static struct frame f;
    size_t size = offsetof(struct frame, payload) + SIZE;
    uint64_t start = now(), until = start + (uint64_t)(atof(arguments[2]) * 1e9), count = 0, t;

    memcpy(f.to, mac, 6);
    memcpy(f.from, "\2\0\0\0\0\x99", 6);
    f.type = htons(0x800);
    f.ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
    f.ip.tot_len = htons(sizeof(f.ip) + sizeof(f.udp) + SIZE);
    f.ip.saddr = inet_addr(arguments[0]);
    f.ip.daddr = inet_addr(arguments[1]);
    f.ip.check = sum(&f.ip, sizeof(f.ip));
    f.udp = (struct udphdr){.source = htons(PORT), .dest = htons(PORT), .len = htons(sizeof(f.udp) + SIZE)};
    while ((t = now()) < until)
        for (int i = 0; i < 64; i++)
            count += write(fd, &f, size) == (ssize_t)size;
    printf("%.0f\n", (double)count * 1e9 / (double)(t - start));
    return 0;
}

static _Noreturn void receive_many(int fd)
{
    static struct frame f;
    uint64_t start = 0, last = 0, count = 0;

    for (;;) {
        if (read(fd, &f, sizeof(f)) > 0) {
            if (f.type == htons(0x800) && f.ip.protocol == IPPROTO_UDP && !(count++ % 64)) {
                last = now();
                start = start ? start : last;
            }
        } else if (!poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 500)) {
            if (last > start) {
                printf("%.0f\n", (double)count * 1e9 / (double)(last - start));
                fflush(stdout);
            }
            start = last = count = 0;
        }
    }
}

static void turn(struct frame *f)
{
    unsigned char mac[6];
    uint32_t address = f->ip.saddr;
    uint16_t port = f->udp.source;

    memcpy(mac, f->to, 6);
    memcpy(f->to, f->from, 6);
    memcpy(f->from, mac, 6);
    f->ip.saddr = f->ip.daddr;
    f->ip.daddr = address;
    f->udp.source = f->udp.dest;
    f->udp.dest = port;
    memset(&f->virtio, 0, sizeof(f->virtio));
    f->udp.check = 0;
}

static _Noreturn void echo(int fd, int spin)
{
    static struct frame f;

    for (;;) {
        ssize_t n = read(fd, &f, sizeof(f));
        if (n < 0 && !spin)
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        if (n <= 0 || f.type != htons(0x800) || f.ip.protocol != IPPROTO_UDP)
            continue;
        turn(&f);
        if (write(fd, &f, (size_t)n) < 0 && errno != EAGAIN)
            fail("write");
    }
}

int main(int argc, char **argv)
{
    unsigned char mac[6];

    if (argc == 6 && !strcmp(argv[2], "send"))
        return send_many(open_tap(argv[1], mac), mac, argv + 3);
    if (argc == 3 && !strcmp(argv[2], "receive"))
        receive_many(open_tap(argv[1], mac));
    if (argc == 4 && !strcmp(argv[2], "echo"))
        echo(open_tap(argv[1], mac), !strcmp(argv[3], "spin"));
    fprintf(stderr, "usage: see the top of tap.c\n");
    return 2;
}
