// SPDX-License-Identifier: BSD-3-Clause
// Small UDP datagrams: who sends, who receives, who echoes. The same program natively and as a unikernel.
//
//     udp echo PORT                        answers each datagram
//     udp ping ADDRESS PORT SECONDS        one at a time; prints `answers-a-second p50-us p99-us answers`
//     udp send ADDRESS PORT SECONDS [one]  sendmmsg, or one a call; prints `datagrams-a-second`
//     udp flood ADDRESS PORT SECONDS       as fast as the kernel can make them (UDP_SEGMENT)
//     udp receive PORT                     counts; whenever nothing has come for half a second, prints
//                                          `datagrams-a-second` of what came before
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE    18 // with its headers the shortest Ethernet frame
#define BATCH   64
#define SAMPLES (1 << 22)

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

static int open_socket(const char *address, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (address)
        inet_pton(AF_INET, address, &a.sin_addr);
    if (fd < 0 || (address ? connect : bind)(fd, (struct sockaddr *)&a, sizeof(a)))
        fail("socket");
    return fd;
}

static _Noreturn void echo(int fd)
{
    struct sockaddr_in from;
    char buffer[2048];

    for (;;) {
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &size);
        if (n >= 0)
            sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static int ping(int fd, double seconds)
{
    uint32_t *samples = calloc(SAMPLES, sizeof(*samples));
    struct timeval limit = {.tv_usec = 100000};
    uint64_t start = now(), until = start + (uint64_t)(seconds * 1e9), t = start, before;
    size_t count = 0;
    char buffer[SIZE] = "";

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    while ((before = t) < until && count < SAMPLES) {
        send(fd, buffer, SIZE, 0);
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
        t = now();
        if (n == SIZE)
            samples[count++] = (uint32_t)(t - before);
    }
    qsort(samples, count, sizeof(*samples), compare);
    if (count)
        printf("%.0f %.1f %.1f %zu\n", (double)count * 1e9 / (double)(t - start), samples[count / 2] / 1e3,
               samples[count * 99 / 100] / 1e3, count);
    return !count;
}

static int send_many(int fd, double seconds, unsigned batch)
{
    char buffer[SIZE] = "";
    struct iovec part = {buffer, SIZE};
    struct mmsghdr messages[BATCH];
    uint64_t start = now(), until = start + (uint64_t)(seconds * 1e9), count = 0, t;

    for (int i = 0; i < BATCH; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    while ((t = now()) < until)
        for (int i = 0; i < 4; i++) {
            int sent = batch > 1 ? sendmmsg(fd, messages, batch, 0) : send(fd, buffer, SIZE, 0) == SIZE;
            count += sent > 0 ? (unsigned)sent : 0;
        }
    printf("%.0f\n", (double)count * 1e9 / (double)(t - start));
    return 0;
}

static int flood(int fd, double seconds)
{
    static char buffer[SIZE * BATCH];
    uint64_t until = now() + (uint64_t)(seconds * 1e9);

    if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &(int){SIZE}, sizeof(int)))
        fail("UDP_SEGMENT");
    while (now() < until)
        for (int i = 0; i < 4; i++)
            send(fd, buffer, sizeof(buffer), 0);
    return 0;
}

static _Noreturn void receive_many(int fd)
{
    static char buffers[BATCH][64];
    struct timeval limit = {.tv_usec = 500000};
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    uint64_t start = 0, last = 0, count = 0;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){buffers[i], sizeof(buffers[i])};
            messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
        }
        int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        if (n > 0) {
            last = now();
            start = start ? start : last;
            count += (unsigned)n;
        } else {
            if (count > 1 && last > start) {
                printf("%.0f\n", (double)count * 1e9 / (double)(last - start));
                fflush(stdout);
            }
            start = count = 0;
        }
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";

    if (!strcmp(mode, "echo"))
        echo(open_socket(NULL, argv[2]));
    if (!strcmp(mode, "receive"))
        receive_many(open_socket(NULL, argv[2]));
    if (argc > 4 && !strcmp(mode, "ping"))
        return ping(open_socket(argv[2], argv[3]), atof(argv[4]));
    if (argc > 4 && !strcmp(mode, "flood"))
        return flood(open_socket(argv[2], argv[3]), atof(argv[4]));
    if (argc > 4 && !strcmp(mode, "send"))
        return send_many(open_socket(argv[2], argv[3]), atof(argv[4]), argc > 5 ? 1 : BATCH);
    fprintf(stderr, "usage: see the top of udp.c\n");
    return 2;
}
