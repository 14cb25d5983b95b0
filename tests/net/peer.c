// SPDX-License-Identifier: BSD-3-Clause
// Both ends of the network tests.
//
//     peer serve PORT [MSS]         UDP: each datagram comes back. TCP: each stream comes back, one
//                                   client after the other
//     peer udp HOST PORT COUNT SIZE     round trips; prints the median in us
//     peer tcp HOST PORT BYTES          sends a pattern, and compares what comes back; prints MB/s
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};

    if (host && inet_pton(AF_INET, host, &a.sin_addr) != 1)
        fail(host);
    return a;
}

static int open_socket(int type, const struct sockaddr_in *bind_to,
                       const struct sockaddr_in *connect_to)
{
    int fd = socket(AF_INET, type, 0), one = 1;
    struct timeval patience = {30, 0};

    if (fd < 0)
        fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind_to && bind(fd, (const struct sockaddr *)bind_to, sizeof(*bind_to)))
        fail("bind");
    if (connect_to) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        if (connect(fd, (const struct sockaddr *)connect_to, sizeof(*connect_to)))
            fail("connect");
    }
    return fd;
}

static void echo_stream(int fd)
{
    static char data[CHUNK];
    ssize_t size;

    while ((size = read(fd, data, sizeof(data))) > 0)
        for (ssize_t done = 0, part; done < size; done += part)
            if ((part = write(fd, data + done, (size_t)(size - done))) < 0)
                goto out;
out:
    close(fd);
}

static __attribute__((noreturn)) int serve(const char *port, int mss)
{
    struct sockaddr_in any = address(NULL, port), from;
    int udp = open_socket(SOCK_DGRAM, &any, NULL), tcp = open_socket(SOCK_STREAM, &any, NULL);
    struct pollfd fds[] = {{udp, POLLIN, 0}, {tcp, POLLIN, 0}};
    static char data[CHUNK];

    if (mss && setsockopt(tcp, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)))
        fail("TCP_MAXSEG");
    if (listen(tcp, 16))
        fail("listen");
    puts("ready");
    fflush(stdout);
    for (;;) {
        if (poll(fds, 2, -1) < 0)
            fail("poll");
        if (fds[0].revents) {
            socklen_t length = sizeof(from);
            ssize_t size = recvfrom(udp, data, sizeof(data), 0, (struct sockaddr *)&from, &length);
            if (size >= 0)
                sendto(udp, data, (size_t)size, 0, (struct sockaddr *)&from, length);
        }
        if (fds[1].revents)
            echo_stream(accept(tcp, NULL, NULL));
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int udp_client(const struct sockaddr_in *to, unsigned count, size_t size)
{
    int fd = open_socket(SOCK_DGRAM, NULL, to);
    double *times = calloc(count, sizeof(*times));
    char *out = calloc(1, size), *in = calloc(1, CHUNK);

    for (unsigned i = 0; i < count; i++) {
        memset(out, (int)i, size);
        times[i] = now();
        if (send(fd, out, size, 0) < 0)
            fail("send");
        if (recv(fd, in, CHUNK, 0) != (ssize_t)size || memcmp(in, out, size))
            fail("not what was sent");
        times[i] = now() - times[i];
    }
    qsort(times, count, sizeof(*times), compare);
    printf("%.1f\n", times[count / 2]);
    return 0;
}

static int tcp_client(const struct sockaddr_in *to, size_t bytes)
{
    int fd = open_socket(SOCK_STREAM, NULL, to);
    unsigned char *out = malloc(CHUNK), in[CHUNK];
    size_t sent = 0, received = 0;
    double start = now();

    while (received < bytes) {
        struct pollfd p = {fd, (short)(POLLIN | (sent < bytes ? POLLOUT : 0)), 0};
        if (poll(&p, 1, 20000) != 1)
            fail("poll");
        if (p.revents & POLLOUT) {
            size_t part = bytes - sent < CHUNK ? bytes - sent : CHUNK;
            for (size_t i = 0; i < part; i++)
                out[i] = (unsigned char)((sent + i) * 31 >> 3);
            ssize_t size = send(fd, out, part, MSG_DONTWAIT);
            if (size < 0 && errno != EAGAIN)
                fail("send");
            sent += size > 0 ? (size_t)size : 0;
        }
        if (p.revents & (POLLIN | POLLHUP)) {
            ssize_t size = recv(fd, in, sizeof(in), 0);
            if (size <= 0)
                fail("recv");
            for (ssize_t i = 0; i < size; i++)
                if (in[i] != (unsigned char)((received + (size_t)i) * 31 >> 3))
                    fail("not what was sent");
            received += (size_t)size;
        }
    }
    printf("%.0f\n", (double)bytes / (now() - start));
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 3 || argc == 4) && !strcmp(argv[1], "serve"))
        return serve(argv[2], argc == 4 ? atoi(argv[3]) : 0);
    if (argc < 5)
        return 2;
    struct sockaddr_in to = address(argv[2], argv[3]);
    if (!strcmp(argv[1], "udp") && argc == 6)
        return udp_client(&to, (unsigned)atoi(argv[4]), (size_t)atoi(argv[5]));
    if (!strcmp(argv[1], "tcp"))
        return tcp_client(&to, (size_t)atoll(argv[4]));
    return 2;
}
