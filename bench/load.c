// SPDX-License-Identifier: BSD-3-Clause
// Asks a server over TCP, as many connections at once as wanted, one request under way on each, and prints
// `requests-a-second p50-us p99-us requests`.
//
//     load ADDRESS PORT CONNECTIONS SECONDS REQUEST [FIRST]
//
// REQUEST (and FIRST, sent once before) in printf's notation: \r and \n are understood. An answer is what
// ends with the last five bytes that the first answer ended with.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define SAMPLES_MAX     (1 << 24)
#define END_SIZE        5

static struct sockaddr_in server = {.sin_family = AF_INET};
static struct { int fd; uint64_t sent; } connections[CONNECTIONS_MAX];
static uint32_t *samples; // ns
static char request[1024], end[END_SIZE];
static size_t request_size;

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

static size_t unescape(char *to, const char *from)
{
    char *at = to;

    for (; *from && at < to + sizeof(request) - 1; from++) {
        if (*from == '\\' && from[1])
            *at++ = *++from == 'r' ? '\r' : *from == 'n' ? '\n' : *from;
        else
            *at++ = *from;
    }
    return (size_t)(at - to);
}

static int connect_one(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server)))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

// One request and its answer, which ends when nothing more comes for a while.
static void ask_once(const char *text)
{
    struct timeval limit = {.tv_usec = 200000};
    char answer[65536];
    int fd = connect_one();
    ssize_t n;

    request_size = unescape(request, text);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (write(fd, request, request_size) < 0)
        fail("write");
    while ((n = read(fd, answer, sizeof(answer))) > 0)
        if (n >= END_SIZE)
            memcpy(end, answer + n - END_SIZE, END_SIZE);
    close(fd);
}

static void send_on(int i)
{
    connections[i].sent = now();
    if (write(connections[i].fd, request, request_size) != (ssize_t)request_size)
        fail("write");
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static uint64_t run(int epoll, uint64_t until)
{
    struct epoll_event events[64];
    char answer[65536];
    uint64_t done = 0;

    for (uint64_t t = 0; t < until;) {
        int count = epoll_wait(epoll, events, 64, 1000);
        if (count <= 0)
            fail("epoll_wait: no answer");
        for (int i = 0; i < count; i++) {
            int c = (int)events[i].data.u32;
            ssize_t n = read(connections[c].fd, answer, sizeof(answer));
            if (n <= 0)
                fail("read");
            if (n < END_SIZE || memcmp(answer + n - END_SIZE, end, END_SIZE))
                continue;
            t = now();
            samples[done++ % SAMPLES_MAX] = (uint32_t)(t - connections[c].sent);
            send_on(c);
        }
    }
    return done;
}

int main(int argc, char **argv)
{
    int count = argc > 5 ? atoi(argv[3]) : 0, epoll = epoll_create1(0);
    uint64_t start, done, kept;
    double seconds;

    if (count < 1 || count > CONNECTIONS_MAX || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
        return fprintf(stderr, "usage: load ADDRESS PORT CONNECTIONS SECONDS REQUEST [FIRST]\n"), 2;
    server.sin_port = htons((uint16_t)atoi(argv[2]));
    samples = calloc(SAMPLES_MAX, sizeof(*samples));
    if (argc > 6)
        ask_once(argv[6]);
    ask_once(argv[5]);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        connections[i].fd = connect_one();
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
        send_on(i);
    }
    start = now();
    done = run(epoll, start + (uint64_t)(atof(argv[4]) * 1e9));
    seconds = (double)(now() - start) / 1e9;
    kept = done < SAMPLES_MAX ? done : SAMPLES_MAX;
    qsort(samples, kept, sizeof(*samples), compare);
    printf("%.0f %.1f %.1f %lu\n", (double)done / seconds, samples[kept / 2] / 1e3, samples[kept * 99 / 100] / 1e3,
           (unsigned long)done);
    return 0;
}
