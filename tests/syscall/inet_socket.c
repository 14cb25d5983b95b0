// SPDX-License-Identifier: BSD-3-Clause
// AF_INET and AF_INET6: settings of /proc/sys/net and counters of /proc/net, filters, options of
// messages, raw sockets. On the host in a network namespace of its own.
#include "harness.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef IPV6_RECVORIGDSTADDR
#define IPV6_RECVORIGDSTADDR 74
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#define ANY_PORT 0

// False: skipped. A unikernel has a network of its own, and no namespaces.
static int own_network(void)
{
    static int done;
    struct ifreq r = {.ifr_name = "lo"};
    int fd;

    if (done)
        return 1;
    if (geteuid() != 0) {
        test_skip("not root");
        return 0;
    }
    if (unshare(CLONE_NEWNET) == 0) {
        fd = socket(AF_INET, SOCK_DGRAM, 0);
        r.ifr_flags = IFF_UP | IFF_RUNNING;
        EXPECT_OK(ioctl(fd, SIOCSIFFLAGS, &r));
        close(fd);
    }
    return done = 1;
}

// Writes a setting; the call's errno.
static int set(const char *name, const char *value)
{
    char path[128];
    int fd, error = 0;

    snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
    fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        error = errno;
    close(fd);
    return error;
}

static const char *get(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY);
    size_t have = 0;
    ssize_t n;

    while (fd >= 0 && have < size - 1 && (n = read(fd, buffer + have, size - 1 - have)) > 0)
        have += (size_t)n;
    buffer[have] = 0;
    close(fd);
    return buffer;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    EXPECT_OK(getsockopt(fd, level, name, &value, &size));
    return value;
}

static int turn_on(int fd, int level, int name)
{
    int one = 1;

    return setsockopt(fd, level, name, &one, sizeof(one));
}

static int bound(int type, struct sockaddr_in *a)
{
    int fd = socket(AF_INET, type, 0);
    socklen_t size = sizeof(*a);

    *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    EXPECT_OK(bind(fd, (struct sockaddr *)a, sizeof(*a)));
    EXPECT_OK(getsockname(fd, (struct sockaddr *)a, &size));
    return fd;
}

static void tcp_pair(int *out_client, int *out_server)
{
    struct sockaddr_in a;
    int listener = bound(SOCK_STREAM, &a);

    EXPECT_OK(listen(listener, 1));
    *out_client = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_OK(connect(*out_client, (struct sockaddr *)&a, sizeof(a)));
    *out_server = accept(listener, NULL, NULL);
    EXPECT_OK(*out_server);
    close(listener);
}

CASE(settings_of_new_sockets)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    int fd;

    if (!own_network())
        return;
    EXPECT_EQ(set("ipv4/tcp_keepalive_time", "100"), 0);
    EXPECT_EQ(set("ipv4/tcp_keepalive_intvl", "10\n"), 0);
    EXPECT_EQ(set("ipv4/tcp_keepalive_probes", "3"), 0);
    EXPECT_EQ(set("ipv4/tcp_fin_timeout", "30"), 0);
    EXPECT_EQ(set("ipv4/tcp_syn_retries", "2"), 0);
    EXPECT_EQ(set("ipv4/tcp_rmem", "4096 65536 1048576"), 0);
    EXPECT_EQ(set("ipv4/tcp_wmem", "4096\t20000\t1048576"), 0);
    EXPECT_EQ(set("ipv4/ip_default_ttl", "33"), 0);
    EXPECT_EQ(set("core/somaxconn", "7"), 0);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(option(fd, SOL_TCP, TCP_KEEPIDLE), 100);
    EXPECT_EQ(option(fd, SOL_TCP, TCP_KEEPINTVL), 10);
    EXPECT_EQ(option(fd, SOL_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(option(fd, SOL_TCP, TCP_LINGER2), 30);
    EXPECT_EQ(option(fd, SOL_TCP, TCP_SYNCNT), 2);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_RCVBUF), 65536);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_SNDBUF), 20000);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID), 0); // nothing has come by a driver
    EXPECT_EQ(option(fd, SOL_IP, IP_TTL), 33);
    EXPECT_OK(listen(fd, 1000));
    EXPECT_OK(getsockopt(fd, SOL_TCP, TCP_INFO, &info, &size));
    EXPECT_EQ(info.tcpi_sacked, 7); // the backlog
    close(fd);
    EXPECT_EQ(set("ipv4/tcp_keepalive_time", "7200"), 0);
    EXPECT_EQ(set("ipv4/tcp_fin_timeout", "60"), 0);
    EXPECT_EQ(set("ipv4/tcp_syn_retries", "6"), 0);
    EXPECT_EQ(set("ipv4/ip_default_ttl", "64"), 0);
    EXPECT_EQ(set("core/somaxconn", "4096"), 0);
}

CASE(settings_refuse)
{
    if (!own_network())
        return;
    EXPECT_EQ(set("ipv4/ip_default_ttl", "0"), EINVAL);
    EXPECT_EQ(set("ipv4/ip_default_ttl", "x"), EINVAL);
    EXPECT_EQ(set("ipv4/ip_local_port_range", "50000 40000"), EINVAL);
    EXPECT_EQ(set("ipv4/ip_local_port_range", "1 70000"), EINVAL);
    EXPECT_EQ(set("ipv4/tcp_syn_retries", "1000"), EINVAL);
    EXPECT_EQ(set("ipv4/ip_forward", "0"), 0);
    EXPECT_EQ(set("ipv4/nothing", "0"), ENOENT);
    EXPECT_EQ(access("/proc/sys/net/ipv6/conf/lo/disable_ipv6", R_OK), 0);
    EXPECT_EQ(access("/proc/sys/net/ipv4/conf/all/forwarding", R_OK), 0);
}

CASE(port_range)
{
    struct sockaddr_in a, b;
    char text[64];
    int first, second;

    if (!own_network())
        return;
    EXPECT_EQ(set("ipv4/ip_local_port_range", "40000 40001"), 0);
    EXPECT_STR(get("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text)), "40000\t40001\n");
    first = bound(SOCK_DGRAM, &a);
    second = bound(SOCK_DGRAM, &b);
    EXPECT(ntohs(a.sin_port) == 40000 || ntohs(a.sin_port) == 40001);
    EXPECT_EQ(ntohs(a.sin_port) + ntohs(b.sin_port), 80001);
    b.sin_port = ANY_PORT;
    int third = socket(AF_INET, SOCK_DGRAM, 0);
    EXPECT_ERROR(bind(third, (struct sockaddr *)&b, sizeof(b)), EADDRINUSE);
    EXPECT_EQ(set("ipv4/ip_local_port_range", "32768 60999"), 0);
    EXPECT_OK(bind(third, (struct sockaddr *)&b, sizeof(b)));
    close(first);
    close(second);
    close(third);
}

CASE(only_ipv6_by_default)
{
    int fd;

    if (!own_network())
        return;
    EXPECT_EQ(set("ipv6/bindv6only", "1"), 0);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    EXPECT_EQ(option(fd, SOL_IPV6, IPV6_V6ONLY), 1);
    close(fd);
    EXPECT_EQ(set("ipv6/bindv6only", "0"), 0);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    EXPECT_EQ(option(fd, SOL_IPV6, IPV6_V6ONLY), 0);
    close(fd);
}

// A counter of /proc/net/snmp or netstat: the value in the line below its name.
static long counter(const char *file, const char *group, const char *name)
{
    static char text[16384];
    char *names, *values, *save_names, *save_values, *line = text;
    size_t size = strlen(group);

    get(file, text, sizeof(text));
    while (line && (strncmp(line, group, size) != 0 || line[size] != ':')) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (!line || !strchr(line, '\n'))
        return -1;
    values = strchr(line, '\n') + 1;
    values[-1] = 0;
    if (strchr(values, '\n'))
        *strchr(values, '\n') = 0;
    names = strtok_r(line, " ", &save_names);
    values = strtok_r(values, " ", &save_values);
    while (names && values && strcmp(names, name) != 0) {
        names = strtok_r(NULL, " ", &save_names);
        values = strtok_r(NULL, " ", &save_values);
    }
    return names && values ? atol(values) : -1;
}

CASE(counters)
{
    static const char *const names[] = {"ActiveOpens", "PassiveOpens", "InSegs", "OutSegs"};
    long before[COUNT(names)], no_port, in;
    struct sockaddr_in a;
    int client, server, fd;

    if (!own_network())
        return;
    for (size_t n = 0; n < COUNT(names); n++)
        before[n] = counter("/proc/net/snmp", "Tcp", names[n]);
    tcp_pair(&client, &server);
    for (size_t n = 0; n < COUNT(names); n++)
        EXPECT(before[n] >= 0 && counter("/proc/net/snmp", "Tcp", names[n]) > before[n]);
    EXPECT(counter("/proc/net/snmp", "Tcp", "CurrEstab") >= 2);
    EXPECT(counter("/proc/net/netstat", "IpExt", "InOctets") > 0);
    EXPECT(counter("/proc/net/netstat", "TcpExt", "TCPTimeouts") >= 0);
    no_port = counter("/proc/net/snmp", "Udp", "NoPorts");
    in = counter("/proc/net/snmp", "Udp", "InDatagrams");
    fd = bound(SOCK_DGRAM, &a);
    EXPECT_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
    EXPECT_EQ(recv(fd, &no_port + 1, 0, 0), 0);
    EXPECT(counter("/proc/net/snmp", "Udp", "InDatagrams") > in);
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    EXPECT_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
    EXPECT(counter("/proc/net/snmp", "Udp", "NoPorts") > no_port);
    close(fd);
    close(client);
    close(server);
}

static void filter_first_byte(int fd, char wanted)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)wanted, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {COUNT(code), code};

    EXPECT_OK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

CASE(filter_of_unix_datagrams)
{
    char buffer[8];
    int p[2];

    REQUIRE_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
    filter_first_byte(p[1], 'y');
    EXPECT_EQ(send(p[0], "no", 2, 0), 2);
    EXPECT_EQ(send(p[0], "yes", 3, 0), 3);
    EXPECT_EQ(recv(p[1], buffer, sizeof(buffer), 0), 3);
    EXPECT_ERROR(recv(p[1], buffer, sizeof(buffer), MSG_DONTWAIT), EAGAIN);
    close(p[0]);
    close(p[1]);
}

CASE(filter_of_tcp)
{
    struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog program = {1, nothing};
    char buffer[4];
    int client, server;

    tcp_pair(&client, &server);
    EXPECT_OK(setsockopt(server, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
    EXPECT_EQ(send(client, "abc", 3, 0), 3);
    EXPECT_ERROR(recv(server, buffer, sizeof(buffer), MSG_DONTWAIT), EAGAIN);
    EXPECT_OK(setsockopt(server, SOL_SOCKET, SO_DETACH_FILTER, &program, sizeof(program)));
    EXPECT_EQ(recv(server, buffer, 3, MSG_WAITALL), 3); // sent again
    EXPECT_ERROR(setsockopt(server, SOL_SOCKET, SO_DETACH_FILTER, &program, sizeof(program)),
                 ENOENT);
    close(client);
    close(server);
}

CASE(what_is_left_to_read)
{
    char buffer[8], control[64];
    struct iovec vector = {buffer, 2};
    struct msghdr m = {.msg_iov = &vector,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c;
    int client, server, left = -1, bad = 2;

    tcp_pair(&client, &server);
    EXPECT_EQ(option(server, SOL_TCP, TCP_INQ), 0);
    EXPECT_ERROR(setsockopt(server, SOL_TCP, TCP_INQ, &bad, sizeof(bad)), EINVAL);
    EXPECT_OK(turn_on(server, SOL_TCP, TCP_INQ));
    EXPECT_EQ(send(client, "abcdef", 6, 0), 6);
    EXPECT_EQ(recv(server, buffer, 1, 0), 1);
    EXPECT_EQ(recvmsg(server, &m, 0), 2);
    c = CMSG_FIRSTHDR(&m);
    REQUIRE(c && c->cmsg_level == SOL_TCP && c->cmsg_type == TCP_CM_INQ);
    memcpy(&left, CMSG_DATA(c), sizeof(left));
    EXPECT_EQ(left, 3);
    close(client);
    close(server);
}

static void zero_copy_notice(int fd, unsigned first, unsigned last)
{
    struct pollfd p = {fd, 0, 0};
    struct sock_extended_err e;
    char control[128];
    struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c;

    EXPECT_EQ(poll(&p, 1, -1), 1);
    EXPECT_EQ(p.revents & POLLERR, POLLERR);
    EXPECT_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 0);
    c = CMSG_FIRSTHDR(&m);
    REQUIRE(c && c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR);
    memcpy(&e, CMSG_DATA(c), sizeof(e));
    EXPECT_EQ(e.ee_errno, 0);
    EXPECT_EQ(e.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    EXPECT_EQ(e.ee_info, first);
    EXPECT_EQ(e.ee_data, last);
}

CASE(zero_copy)
{
    char buffer[16];
    int client, server, pair[2];

    tcp_pair(&client, &server);
    EXPECT_EQ(send(client, "abc", 3, MSG_ZEROCOPY), 3); // without the option it says nothing
    EXPECT_EQ(recv(server, buffer, 3, MSG_WAITALL), 3);
    EXPECT_EQ(recv(client, buffer, 1, MSG_ERRQUEUE), -1);
    EXPECT_OK(turn_on(client, SOL_SOCKET, SO_ZEROCOPY));
    EXPECT_EQ(send(client, "abc", 3, MSG_ZEROCOPY), 3);
    EXPECT_EQ(recv(server, buffer, 3, MSG_WAITALL), 3);
    zero_copy_notice(client, 0, 0);
    EXPECT_EQ(send(client, "abc", 3, MSG_ZEROCOPY), 3);
    EXPECT_EQ(recv(server, buffer, 3, MSG_WAITALL), 3);
    zero_copy_notice(client, 1, 1);
    EXPECT_ERROR(recv(client, buffer, 1, MSG_ERRQUEUE), EAGAIN);
    close(client);
    close(server);
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    EXPECT(turn_on(pair[0], SOL_SOCKET, SO_ZEROCOPY) < 0);
    close(pair[0]);
    close(pair[1]);
}

CASE(original_destination_of_ipv6)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, was;
    socklen_t size = sizeof(a);
    char byte, control[128];
    struct iovec vector = {&byte, 1};
    struct msghdr m = {.msg_iov = &vector,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    REQUIRE_OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
    EXPECT_OK(getsockname(fd, (struct sockaddr *)&a, &size));
    EXPECT_OK(turn_on(fd, SOL_IPV6, IPV6_RECVORIGDSTADDR));
    EXPECT_EQ(option(fd, SOL_IPV6, IPV6_RECVORIGDSTADDR), 1);
    EXPECT_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
    EXPECT_EQ(recvmsg(fd, &m, 0), 1);
    c = CMSG_FIRSTHDR(&m);
    REQUIRE(c && c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVORIGDSTADDR);
    memcpy(&was, CMSG_DATA(c), sizeof(was));
    EXPECT_EQ(was.sin6_port, a.sin6_port);
    EXPECT_EQ(memcmp(&was.sin6_addr, &a.sin6_addr, 16), 0);
    close(fd);
}

CASE(a_small_buffer_takes_one)
{
    static char large[8000];
    struct sockaddr_in a;
    int fd = bound(SOCK_DGRAM, &a), least = 1;

    EXPECT_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)));
    EXPECT_EQ(sendto(fd, large, sizeof(large), 0, (struct sockaddr *)&a, sizeof(a)), sizeof(large));
    EXPECT_EQ(recv(fd, large, sizeof(large), 0), sizeof(large));
    close(fd);
}

CASE(raw_header_with_another_destination)
{
    struct {
        struct iphdr ip;
        struct udphdr udp;
        char data[4];
    } sent = {.ip = {.ihl = 5, .version = 4, .ttl = 9, .protocol = IPPROTO_UDP}, .data = "raw"},
      got;
    struct sockaddr_in a;
    int udp, out, in;

    if (geteuid() != 0)
        SKIP("not root");
    udp = bound(SOCK_DGRAM, &a);
    in = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
    out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    REQUIRE_OK(in);
    sent.udp.dest = a.sin_port;
    sent.udp.len = htons(sizeof(sent.udp) + sizeof(sent.data));
    sent.ip.daddr = htonl(0x2a000001);
    EXPECT_EQ(sendto(out, &sent, sizeof(sent), 0, (struct sockaddr *)&a, sizeof(a)), sizeof(sent));
    EXPECT_EQ(recv(in, &got, sizeof(got), 0), sizeof(got));
    EXPECT_EQ(got.ip.daddr, sent.ip.daddr);
    EXPECT_EQ(got.ip.saddr, htonl(INADDR_LOOPBACK));
    close(udp);
    close(in);
    close(out);
}

CASE(raw_sockets_are_listed)
{
    char text[4096];
    struct icmp6_filter f, g;
    socklen_t size = sizeof(g);
    int fd;

    if (geteuid() != 0)
        SKIP("not root");
    fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    REQUIRE_OK(fd);
    EXPECT(strstr(get("/proc/net/raw6", text, sizeof(text)), ":003A ") != NULL);
    ICMP6_FILTER_SETBLOCKALL(&f);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
    EXPECT_OK(setsockopt(fd, SOL_ICMPV6, ICMP6_FILTER, &f, sizeof(f)));
    EXPECT_OK(getsockopt(fd, SOL_ICMPV6, ICMP6_FILTER, &g, &size));
    EXPECT_EQ(size, sizeof(g));
    EXPECT_EQ(memcmp(&f, &g, sizeof(f)), 0);
    close(fd);
}

CASE(checksums_of_raw_sockets)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, from;
    struct icmp6_hdr m = {.icmp6_type = 200}, got;
    socklen_t size = sizeof(from);
    int fd, offset = 2;

    if (geteuid() != 0)
        SKIP("not root");
    fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    REQUIRE_OK(fd);
    EXPECT_ERROR(setsockopt(fd, SOL_IPV6, IPV6_CHECKSUM, &offset, sizeof(offset)), EINVAL);
    EXPECT_EQ(option(fd, SOL_IPV6, IPV6_CHECKSUM), 2);
    EXPECT_ERROR(sendto(fd, &m, 3, 0, (struct sockaddr *)&a, sizeof(a)), EINVAL);
    EXPECT_EQ(sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&a, sizeof(a)), sizeof(m));
    EXPECT_EQ(recvfrom(fd, &got, sizeof(got), 0, (struct sockaddr *)&from, &size), sizeof(got));
    EXPECT_EQ(from.sin6_port, 0);
    EXPECT(got.icmp6_cksum != 0);
    close(fd);
    fd = socket(AF_INET6, SOCK_RAW, 250);
    EXPECT_EQ(option(fd, SOL_IPV6, IPV6_CHECKSUM), -1);
    close(fd);
}

CASE(time_of_the_last_datagram)
{
    struct sockaddr_in a;
    int fd = bound(SOCK_DGRAM, &a);
    struct timeval first = {0, 0}, second;
    char byte;

    EXPECT_ERROR(ioctl(fd, 0x8906, &first), ENOENT); // SIOCGSTAMP: nothing was read
    EXPECT_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
    EXPECT_EQ(recv(fd, &byte, 1, 0), 1);
    EXPECT_OK(ioctl(fd, 0x8906, &first));
    EXPECT(first.tv_sec != 0);
    EXPECT_OK(ioctl(fd, 0x8906, &second));
    EXPECT_EQ(second.tv_usec, first.tv_usec);
    close(fd);
}

CASE(shut_down_for_reading)
{
    struct sockaddr_in a;
    int fd = bound(SOCK_DGRAM, &a);
    char byte;

    EXPECT_OK(connect(fd, (struct sockaddr *)&a, sizeof(a)));
    EXPECT_OK(shutdown(fd, SHUT_RD));
    EXPECT_ERROR(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
    EXPECT_EQ(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static int source_option(int fd, int name, const char *source)
{
    struct ip_mreq_source r;

    inet_pton(AF_INET, "239.1.2.3", &r.imr_multiaddr);
    inet_pton(AF_INET, "127.0.0.1", &r.imr_interface);
    inet_pton(AF_INET, source, &r.imr_sourceaddr);
    return setsockopt(fd, SOL_IP, name, &r, sizeof(r));
}

// A datagram from 127.0.0.1 to the group arrives at fd, or does not: the one behind it says so.
static void group_hears(int fd, int heard)
{
    struct sockaddr_in a, to = {.sin_family = AF_INET}, own;
    struct in_addr interface = {htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(own);
    int out = bound(SOCK_DGRAM, &a);
    char byte;

    EXPECT_OK(getsockname(fd, (struct sockaddr *)&own, &size));
    inet_pton(AF_INET, "239.1.2.3", &to.sin_addr);
    to.sin_port = own.sin_port;
    EXPECT_OK(setsockopt(out, SOL_IP, IP_MULTICAST_IF, &interface, sizeof(interface)));
    EXPECT_EQ(sendto(out, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(sendto(out, "y", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    EXPECT_EQ(recv(fd, &byte, 1, 0), 1);
    EXPECT_EQ(byte, heard ? 'x' : 'y');
    if (heard)
        EXPECT_EQ(recv(fd, &byte, 1, 0), 1);
    close(out);
}

CASE(sources_of_a_group)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    struct ip_mreq group;
    int fd, off = 0;

    if (!own_network())
        return;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    REQUIRE_OK(bind(fd, (struct sockaddr *)&any, sizeof(any)));
    EXPECT_OK(setsockopt(fd, SOL_IP, IP_MULTICAST_ALL, &off, sizeof(off)));
    group_hears(fd, 0);
    EXPECT_OK(source_option(fd, IP_ADD_SOURCE_MEMBERSHIP, "127.0.0.9"));
    group_hears(fd, 0);
    EXPECT_OK(source_option(fd, IP_ADD_SOURCE_MEMBERSHIP, "127.0.0.1"));
    EXPECT_ERROR(source_option(fd, IP_ADD_SOURCE_MEMBERSHIP, "127.0.0.1"), EADDRNOTAVAIL);
    EXPECT_ERROR(source_option(fd, IP_BLOCK_SOURCE, "127.0.0.2"), EINVAL);
    group_hears(fd, 1);
    EXPECT_OK(source_option(fd, IP_DROP_SOURCE_MEMBERSHIP, "127.0.0.1"));
    group_hears(fd, 0);
    EXPECT_ERROR(source_option(fd, IP_DROP_SOURCE_MEMBERSHIP, "127.0.0.1"), EADDRNOTAVAIL);
    EXPECT_OK(source_option(fd, IP_DROP_SOURCE_MEMBERSHIP, "127.0.0.9"));
    EXPECT_ERROR(source_option(fd, IP_DROP_SOURCE_MEMBERSHIP, "127.0.0.9"), EINVAL);
    inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
    group.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_OK(setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
    group_hears(fd, 1);
    EXPECT_OK(source_option(fd, IP_BLOCK_SOURCE, "127.0.0.1"));
    group_hears(fd, 0);
    EXPECT_ERROR(source_option(fd, IP_ADD_SOURCE_MEMBERSHIP, "127.0.0.1"), EINVAL);
    EXPECT_OK(source_option(fd, IP_UNBLOCK_SOURCE, "127.0.0.1"));
    group_hears(fd, 1);
    EXPECT_OK(setsockopt(fd, SOL_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)));
    group_hears(fd, 0);
    close(fd);
}

CASE(sources_of_a_group_ipv6)
{
    struct group_source_req r;
    struct sockaddr_in6 *a = (struct sockaddr_in6 *)&r.gsr_group;
    int fd;

    if (!own_network())
        return;
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    memset(&r, 0, sizeof(r));
    r.gsr_interface = if_nametoindex("lo");
    a->sin6_family = AF_INET6;
    inet_pton(AF_INET6, "ff15::1234", &a->sin6_addr);
    a = (struct sockaddr_in6 *)&r.gsr_source;
    a->sin6_family = AF_INET6;
    inet_pton(AF_INET6, "fd00::1", &a->sin6_addr);
    EXPECT_ERROR(setsockopt(fd, SOL_IPV6, MCAST_LEAVE_SOURCE_GROUP, &r, sizeof(r)), EINVAL);
    EXPECT_OK(setsockopt(fd, SOL_IPV6, MCAST_JOIN_SOURCE_GROUP, &r, sizeof(r)));
    EXPECT_ERROR(setsockopt(fd, SOL_IPV6, MCAST_JOIN_SOURCE_GROUP, &r, sizeof(r)), EADDRNOTAVAIL);
    EXPECT_OK(setsockopt(fd, SOL_IPV6, MCAST_LEAVE_SOURCE_GROUP, &r, sizeof(r)));
    close(fd);
}

CASE(raw_sockets_connect)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct {
        unsigned char header[40], data[4];
    } packet = {.header = {0x60, [5] = 4, 253, 64, [23] = 1, [39] = 1}, .data = "raw"};
    char got[8];
    socklen_t size = sizeof(a);
    int fd, in, one = 1;

    if (geteuid() != 0)
        SKIP("not root");
    fd = socket(AF_INET, SOCK_RAW, 253);
    REQUIRE_OK(fd);
    EXPECT_OK(connect(fd, (struct sockaddr *)&a, sizeof(a)));
    EXPECT_ERROR(getpeername(fd, (struct sockaddr *)&a, &size), ENOTCONN);
    close(fd);
    in = socket(AF_INET6, SOCK_RAW, 253);
    EXPECT_ERROR(connect(in, (struct sockaddr *)&a, sizeof(a6)), EAFNOSUPPORT);
    EXPECT_ERROR(setsockopt(in, SOL_IP, IP_HDRINCL, &one, sizeof(one)), ENOPROTOOPT);
    fd = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
    EXPECT_ERROR(sendto(fd, &packet, 39, 0, (struct sockaddr *)&a6, sizeof(a6)), EINVAL);
    EXPECT_EQ(sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&a6, sizeof(a6)),
              sizeof(packet));
    EXPECT_EQ(recv(in, got, sizeof(got), 0), 4);
    EXPECT_STR(got, "raw");
    close(fd);
    close(in);
}

static const struct test_case cases[] = {
    ENTRY(time_of_the_last_datagram),
    ENTRY(shut_down_for_reading),
    ENTRY(sources_of_a_group),
    ENTRY(sources_of_a_group_ipv6),
    ENTRY(raw_sockets_connect),
    ENTRY(filter_of_unix_datagrams),
    ENTRY(filter_of_tcp),
    ENTRY(what_is_left_to_read),
    ENTRY(zero_copy),
    ENTRY(original_destination_of_ipv6),
    ENTRY(a_small_buffer_takes_one),
    ENTRY(raw_header_with_another_destination),
    ENTRY(raw_sockets_are_listed),
    ENTRY(checksums_of_raw_sockets),
    ENTRY(counters),
    ENTRY(settings_of_new_sockets),
    ENTRY(settings_refuse),
    ENTRY(port_range),
    ENTRY(only_ipv6_by_default),
};

TEST_MAIN(cases)
