// SPDX-License-Identifier: BSD-3-Clause
// A server for many, and the many.
//
//     crowd serve PORT             TCP: what comes goes back, a connection that begins with q is closed by
//                                  the server behind the answer; UDP: what comes goes back.
//                                  PORT + 1: /proc/slabinfo, /proc/net/arp and so on, for the test
//                                  PORT + 2: a request "HOST PORT COUNT": a sequence (below) from here, in
//                                  which the client closes first
//     crowd idle HOST PORT COUNT       so many at once; each answers when all are there
//     crowd sequence HOST PORT COUNT   so many one after another; the server closes first
// The clients print what they managed.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { STREAMS, DATAGRAMS, STATE, ORDERS, LISTENERS };

static int fail(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *host, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    if (host && inet_pton(AF_INET, host, &a.sin_addr) != 1)
        fail(host);
    return a;
}

static int open_server(int type, int port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, type, 0), one = 1; // and IPv4

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) ||
        (type == SOCK_STREAM && listen(fd, 1024)))
        fail("bind");
    return fd;
}

static int open_client(const char *host, int port)
{
    struct sockaddr_in a = address(host, port);
    struct timeval patience = {60, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)))
        fail("connect");
    return fd;
}

// One connection of a sequence: a question, the answer, and the end, by the server (q) or from here.
static void one(const char *host, int port, char what)
{
    int fd = open_client(host, port);
    char c = what;

    if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1 || c != what ||
        (what == 'q' && read(fd, &c, 1) != 0))
        fail("one of a sequence");
    close(fd);
}

static void send_file(int fd, const char *path)
{
    char data[4096];
    int file = open(path, O_RDONLY);
    ssize_t size;

    while (file >= 0 && (size = read(file, data, sizeof(data))) > 0)
        if (write(fd, data, (size_t)size) != size)
            break;
    close(file);
}

static void tell_state(int listener)
{
    int fd = accept(listener, NULL, NULL);
    char c;

    send_file(fd, "/proc/slabinfo");
    send_file(fd, "/proc/net/sockstat");
    send_file(fd, "/proc/net/arp");
    send_file(fd, "/proc/net/dev");
    (void)!write(fd, "end\n", 4);
    (void)!read(fd, &c, 1); // the client closes first: nothing of this is to wait here
    close(fd);
}

static void take_orders(int listener)
{
    int fd = accept(listener, NULL, NULL), port, count;
    char order[100] = "", host[64];

    if (read(fd, order, sizeof(order) - 1) > 0 && sscanf(order, "%63s %d %d", host, &port, &count) == 3) {
        for (int i = 0; i < count; i++)
            one(host, port, 'x');
        (void)!write(fd, "done\n", 5);
    }
    close(fd);
}

static void answer_datagram(int fd)
{
    static char data[65536];
    struct sockaddr_in6 from;
    socklen_t length = sizeof(from);
    ssize_t size = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &length);

    if (size >= 0)
        sendto(fd, data, (size_t)size, 0, (struct sockaddr *)&from, length);
}

static void answer_stream(int fd)
{
    static char data[65536];
    ssize_t size = read(fd, data, sizeof(data));

    if (size <= 0 || write(fd, data, (size_t)size) < 0 || data[0] == 'q')
        close(fd);
}

static __attribute__((noreturn)) int serve(int port)
{
    int listeners[LISTENERS] = {open_server(SOCK_STREAM, port), open_server(SOCK_DGRAM, port),
                                open_server(SOCK_STREAM, port + 1), open_server(SOCK_STREAM, port + 2)};
    int poll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN}, events[64];

    for (int i = 0; i < LISTENERS; i++) {
        e.data.fd = listeners[i];
        epoll_ctl(poll, EPOLL_CTL_ADD, listeners[i], &e);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == listeners[STREAMS]) {
                e.data.fd = accept(fd, NULL, NULL);
                if (e.data.fd >= 0)
                    epoll_ctl(poll, EPOLL_CTL_ADD, e.data.fd, &e);
            } else if (fd == listeners[DATAGRAMS]) {
                answer_datagram(fd);
            } else if (fd == listeners[STATE]) {
                tell_state(fd);
            } else if (fd == listeners[ORDERS]) {
                take_orders(fd);
            } else {
                answer_stream(fd);
            }
        }
    }
}

static void idle(const char *host, int port, int count)
{
    int *fds = calloc((size_t)count, sizeof(int));
    char c = 'x';

    for (int i = 0; i < count; i++)
        fds[i] = open_client(host, port);
    for (int i = 0; i < count; i++)
        if (write(fds[i], &c, 1) != 1 || read(fds[i], &c, 1) != 1)
            fail("an idle connection");
    printf("%d\n", count);
    fflush(stdout);
    if (getenv("CROWD_WAIT"))
        (void)!read(0, &c, 1); // until somebody has measured
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

int main(int argc, char **argv)
{
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 3 && !strcmp(argv[1], "serve"))
        return serve(atoi(argv[2]));
    if (argc != 5)
        return 2;
    if (!strcmp(argv[1], "idle")) {
        idle(argv[2], atoi(argv[3]), atoi(argv[4]));
    } else {
        for (int i = 0; i < atoi(argv[4]); i++)
            one(argv[2], atoi(argv[3]), 'q');
        printf("%s\n", argv[4]);
    }
    return 0;
}
