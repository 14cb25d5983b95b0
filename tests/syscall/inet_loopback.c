// SPDX-License-Identifier: BSD-3-Clause
// Internet sockets in the host's own network, as far as every machine has it: the addresses that calls take, packet options.
// See also inet_socket.c.
#include "harness.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct sockaddr_in loopback4 = {.sin_family = AF_INET,
                                             .sin_addr.s_addr = __builtin_bswap32(INADDR_LOOPBACK)};

// bind and connect of an AF_INET6 socket to an AF_INET address of `size` bytes. With 28 it is more than an AF_INET
// socket's call wants.
static void other_family(int type, socklen_t size, int bind_error, int connect_error)
{
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {.in6 = {.sin6_family = AF_UNSPEC}};
    int fd = socket(AF_INET6, type, 0);

    if (fd < 0)
        SKIP("no IPv6 here");
    a.in = loopback4;
    a.in.sin_port = htons(9);
    EXPECT_ERROR(bind(fd, (struct sockaddr *)&a, size), bind_error);
    if (connect_error)
        EXPECT_ERROR(connect(fd, (struct sockaddr *)&a, size), connect_error);
    else
        EXPECT_OK(connect(fd, (struct sockaddr *)&a, size));
    close(fd);
}

CASE(address_of_the_other_family)
{
    other_family(SOCK_STREAM, sizeof(struct sockaddr_in), EINVAL, EINVAL);
    other_family(SOCK_STREAM, sizeof(struct sockaddr_in6), EAFNOSUPPORT, EAFNOSUPPORT);
    other_family(SOCK_DGRAM, sizeof(struct sockaddr_in), EINVAL, 0);
    other_family(SOCK_DGRAM, sizeof(struct sockaddr_in6), EAFNOSUPPORT, 0);
}

// A connection over loopback: the client's end; *server is the other. Closing the client's resets it, and nothing stays.
static int connection(int *server)
{
    struct sockaddr_in a = loopback4;
    struct linger at_once = {1, 0};
    socklen_t size = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

    EXPECT_OK(bind(l, (struct sockaddr *)&a, sizeof(a)));
    EXPECT_OK(listen(l, 1));
    EXPECT_OK(getsockname(l, (struct sockaddr *)&a, &size));
    EXPECT_OK(connect(fd, (struct sockaddr *)&a, size));
    EXPECT_OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
    *server = accept(l, NULL, NULL);
    close(l);
    return fd;
}

CASE(packet_options_of_a_stream)
{
    union {
        char bytes[256];
        struct cmsghdr h;
    } control;
    struct msghdr m = {.msg_control = &control};
    struct in_pktinfo info;
    socklen_t size = sizeof(control);
    int one = 1, client, fd, datagrams = socket(AF_INET, SOCK_DGRAM, 0);

    client = connection(&fd);
    EXPECT_OK(getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, &control, &size));
    EXPECT_EQ(size, 0);
    EXPECT_OK(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)));
    size = sizeof(control);
    EXPECT_OK(getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, &control, &size));
    EXPECT_EQ(size, CMSG_SPACE(sizeof(info)));
    m.msg_controllen = size;
    REQUIRE(CMSG_FIRSTHDR(&m) != NULL);
    EXPECT_EQ(control.h.cmsg_type, IP_PKTINFO);
    memcpy(&info, CMSG_DATA(&control.h), sizeof(info));
    EXPECT_EQ(info.ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
    EXPECT_EQ(info.ipi_ifindex, if_nametoindex("lo"));
    size = sizeof(control);
    EXPECT_ERROR(getsockopt(datagrams, IPPROTO_IP, IP_PKTOPTIONS, &control, &size), ENOPROTOOPT);
    close(datagrams);
    close(client);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(address_of_the_other_family),
    ENTRY(packet_options_of_a_stream),
};
TEST_MAIN(cases)
