// SPDX-License-Identifier: BSD-3-Clause
// Streams over bad lines, compared byte for byte.
//
//     transfer serve PORT
//     transfer send|receive HOST PORT BYTES      prints the seconds from the first byte to the last
//                                                acknowledged by the program at the other end
//
// A connection begins with a byte, s or r, and the size in eight bytes; the receiver ends it with the
// sum of all it got, the sender compares.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536u

static int patience = 600; // seconds without a byte

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return -1;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(uint64_t *words, size_t count, uint64_t position)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t x = (position + i + 1) * 0x9e3779b97f4a7c15ull;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
        words[i] = x ^ x >> 31;
    }
}

static uint64_t sum_add(uint64_t sum, const void *bytes, size_t size)
{
    const unsigned char *b = bytes;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ b[i]) * 0x100000001b3ull;
    return sum;
}

static int write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t part = write(fd, (const char *)bytes + done, size - done);
        if (part <= 0)
            return fail("write");
        done += (size_t)part;
    }
    return 0;
}

static int read_all(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t part = read(fd, (char *)bytes + done, size - done);
        if (part <= 0)
            return fail(part ? "read" : "the stream ended too early");
        done += (size_t)part;
    }
    return 0;
}

static int send_stream(int fd, uint64_t size)
{
    uint64_t words[CHUNK / 8], sum = 14695981039346656037ull, theirs;

    for (uint64_t done = 0; done < size;) {
        size_t part = size - done < CHUNK ? (size_t)(size - done) : CHUNK;

        fill(words, CHUNK / 8, done / 8);
        sum = sum_add(sum, words, part);
        if (write_all(fd, words, part))
            return -1;
        done += part;
    }
    if (read_all(fd, &theirs, sizeof(theirs)))
        return -1;
    if (theirs == sum)
        return 0;
    errno = EILSEQ;
    return fail("the sums differ");
}

static int receive_stream(int fd, uint64_t size)
{
    unsigned char bytes[CHUNK];
    uint64_t sum = 14695981039346656037ull;

    for (uint64_t done = 0; done < size;) {
        ssize_t part = read(fd, bytes, size - done < CHUNK ? (size_t)(size - done) : CHUNK);
        if (part <= 0)
            return fail(part ? "read" : "the stream ended too early");
        sum = sum_add(sum, bytes, (size_t)part);
        done += (uint64_t)part;
    }
    return write_all(fd, &sum, sizeof(sum));
}

static int stream_socket(void)
{
    const char *control = getenv("TRANSFER_CONTROL") ? getenv("TRANSFER_CONTROL") : "cubic";
    struct timeval limit = {patience, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    // The same congestion control everywhere, whatever the host's default is.
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, (socklen_t)strlen(control));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return fd;
}

static void show_info(int fd)
{
    struct tcp_info i;
    socklen_t size = sizeof(i);

    if (getenv("TRANSFER_INFO") && !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &size))
        fprintf(stderr, "rtt %u us, min %u, window %u, threshold %u, repeated %u, rto %u us\n",
                i.tcpi_rtt, i.tcpi_min_rtt, i.tcpi_snd_cwnd, i.tcpi_snd_ssthresh,
                i.tcpi_total_retrans, i.tcpi_rto);
}

static void *answer(void *arg) // a thread for each, as one may be stuck for long
{
    struct { char mode[8]; uint64_t size; } head;
    int fd = (int)(intptr_t)arg;

    if (!read_all(fd, &head, sizeof(head))) {
        if (head.mode[0] == 's')
            (void)receive_stream(fd, head.size);
        else
            (void)send_stream(fd, head.size);
        show_info(fd);
    }
    close(fd);
    return NULL;
}

static int serve(const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = stream_socket();

    if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
        return fail("listen");
    puts("ready");
    fflush(stdout);
    for (;;) {
        int c = accept(fd, NULL, NULL);
        struct timeval limit = {patience, 0};
        pthread_t thread;

        if (c < 0)
            continue;
        setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        if (pthread_create(&thread, NULL, answer, (void *)(intptr_t)c))
            close(c);
        else
            pthread_detach(thread);
    }
}

static int client(char mode, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    struct { char mode[8]; uint64_t size; } head = {{mode}, strtoull(argv[2], NULL, 0)};
    int fd = stream_socket();
    double start;

    if (inet_pton(AF_INET, argv[0], &a.sin_addr) != 1 ||
        connect(fd, (const struct sockaddr *)&a, sizeof(a)))
        return fail("connect");
    start = now();
    if (write_all(fd, &head, sizeof(head)) ||
        (mode == 's' ? send_stream(fd, head.size) : receive_stream(fd, head.size)))
        return -1;
    printf("%.3f\n", now() - start);
    show_info(fd);
    return 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && !strcmp(argv[1], "serve"))
        return serve(argv[2]) != 0;
    if (argc == 5 && (!strcmp(argv[1], "send") || !strcmp(argv[1], "receive")))
        return client(argv[1][0], argv + 2) != 0;
    return 2;
}
