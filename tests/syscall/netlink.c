// SPDX-License-Identifier: BSD-3-Clause
// AF_NETLINK: groups and their events, what sockets send each other, options. On the host in a
// network namespace of its own, so that links and addresses may be changed.
#include "harness.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

// False: skipped. A unikernel has a network of its own, and no namespaces.
static int own_network(void)
{
    static int done;

    if (done || unshare(CLONE_NEWNET) == 0) {
        done = 1;
        return 1;
    }
    if (geteuid() != 0)
        test_skip("not root");
    return geteuid() == 0;
}

static int bound(int protocol, unsigned groups)
{
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

    EXPECT_OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
    return fd;
}

struct request {
    struct nlmsghdr header;
    union {
        struct ifaddrmsg address;
        struct ifinfomsg link;
        struct rtmsg route;
    };
    char attributes[64];
};

static void attribute(struct request *r, unsigned short type, const void *data, unsigned short size)
{
    struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));

    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(size);
    memcpy(RTA_DATA(a), data, size);
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static struct request request(unsigned short type, unsigned body)
{
    struct request r;

    memset(&r, 0, sizeof(r));
    r.header.nlmsg_len = NLMSG_LENGTH(body);
    r.header.nlmsg_type = type;
    r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    if (type == RTM_NEWADDR)
        r.header.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
    return r;
}

// Sends a request; its error, 0 or positive.
static int ask(int fd, const struct request *r)
{
    char buffer[512];
    struct nlmsghdr *h = (struct nlmsghdr *)buffer;

    if (send(fd, r, r->header.nlmsg_len, 0) < 0 || recv(fd, buffer, sizeof(buffer), 0) < 0)
        return errno;
    return h->nlmsg_type == NLMSG_ERROR ? -((struct nlmsgerr *)NLMSG_DATA(h))->error : -1;
}

static int loopback_index(void)
{
    return (int)if_nametoindex("lo");
}

static struct request address(unsigned short type, const char *text)
{
    struct request r = request(type, sizeof(r.address));
    struct in_addr a;

    inet_pton(AF_INET, text, &a);
    r.address.ifa_family = AF_INET;
    r.address.ifa_prefixlen = 32;
    r.address.ifa_index = (unsigned)loopback_index();
    attribute(&r, IFA_LOCAL, &a, sizeof(a));
    return r;
}

// The type of the next message; 0: there is none.
static int next_type(int fd, void *buffer, size_t size)
{
    struct nlmsghdr *h = buffer;

    return recv(fd, buffer, size, MSG_DONTWAIT) < (long)sizeof(*h) ? 0 : h->nlmsg_type;
}

CASE(addresses_come_and_go)
{
    int asks, listens;
    char buffer[2048];
    struct request r;

    if (!own_network())
        return;
    asks = bound(NETLINK_ROUTE, 0);
    listens = bound(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR);
    r = address(RTM_NEWADDR, "10.9.8.7");
    EXPECT_EQ(ask(asks, &r), 0);
    struct pollfd p = {listens, POLLIN, 0};
    EXPECT_EQ(poll(&p, 1, -1), 1);
    EXPECT_EQ(next_type(listens, buffer, sizeof(buffer)), RTM_NEWADDR);
    struct ifaddrmsg *m = NLMSG_DATA(buffer);
    EXPECT_EQ(m->ifa_index, loopback_index());
    EXPECT_EQ(m->ifa_prefixlen, 32);
    EXPECT_EQ(ask(asks, &r), EEXIST);
    r = address(RTM_DELADDR, "10.9.8.7");
    EXPECT_EQ(ask(asks, &r), 0);
    EXPECT_EQ(next_type(listens, buffer, sizeof(buffer)), RTM_DELADDR);
    EXPECT_EQ(next_type(listens, buffer, sizeof(buffer)), 0);
    close(asks);
    close(listens);
}

CASE(links_change)
{
    int asks, listens, group = RTNLGRP_LINK;
    char buffer[4096];
    struct request r = request(RTM_SETLINK, sizeof(r.link));
    struct sockaddr_nl from;
    socklen_t size = sizeof(from);
    unsigned mtu = 1400;

    if (!own_network())
        return;
    asks = bound(NETLINK_ROUTE, 0);
    listens = bound(NETLINK_ROUTE, 0);
    EXPECT_OK(setsockopt(listens, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)));
    r.link.ifi_index = loopback_index();
    attribute(&r, IFLA_MTU, &mtu, sizeof(mtu));
    EXPECT_EQ(ask(asks, &r), 0);
    EXPECT(recvfrom(listens, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &size) > 0);
    EXPECT_EQ(((struct nlmsghdr *)buffer)->nlmsg_type, RTM_NEWLINK);
    EXPECT_EQ(from.nl_pid, 0);
    EXPECT_EQ(from.nl_groups, RTMGRP_LINK);
    while (next_type(listens, buffer, sizeof(buffer))) // Linux says it more than once
        ;
    EXPECT_EQ(ask(asks, &r), 0); // it has it already: nobody is told
    EXPECT_EQ(next_type(listens, buffer, sizeof(buffer)), 0);
    EXPECT_OK(setsockopt(listens, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof(group)));
    r = request(RTM_SETLINK, sizeof(r.link));
    r.link.ifi_index = loopback_index();
    mtu = 65536;
    attribute(&r, IFLA_MTU, &mtu, sizeof(mtu));
    EXPECT_EQ(ask(asks, &r), 0);
    EXPECT_EQ(next_type(listens, buffer, sizeof(buffer)), 0);
    close(asks);
    close(listens);
}

CASE(who_does_not_read_is_told)
{
    int asks, listens, least = 1, error = 0;
    char buffer[4096];
    struct request add, remove;

    if (!own_network())
        return;
    asks = bound(NETLINK_ROUTE, 0);
    listens = bound(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR);
    EXPECT_OK(setsockopt(listens, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)));
    add = address(RTM_NEWADDR, "10.9.8.7");
    remove = address(RTM_DELADDR, "10.9.8.7");
    for (int n = 0; n < 200; n++) {
        EXPECT_EQ(ask(asks, &add), 0);
        EXPECT_EQ(ask(asks, &remove), 0);
    }
    EXPECT_ERROR(recv(listens, buffer, sizeof(buffer), MSG_DONTWAIT), ENOBUFS);
    while (recv(listens, buffer, sizeof(buffer), MSG_DONTWAIT) > 0 && ++error < 400)
        ;
    EXPECT(error > 0 && error < 400);
    close(asks);
    close(listens);
}

CASE(sockets_send_each_other)
{
    int a, b, on = 1;
    struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = 2}, from, own;
    socklen_t size = sizeof(own);
    char buffer[16], control[128];
    struct iovec vector = {buffer, sizeof(buffer)};
    struct msghdr m = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &vector, .msg_iovlen = 1};
    struct cmsghdr *c;
    struct ucred who = {0, 0, 0};

    if (!own_network())
        return;
    a = bound(NETLINK_KOBJECT_UEVENT, 2);
    b = bound(NETLINK_KOBJECT_UEVENT, 2);
    m.msg_control = control;
    m.msg_controllen = sizeof(control);
    EXPECT_OK(setsockopt(b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    EXPECT_OK(getsockname(a, (struct sockaddr *)&own, &size));
    EXPECT_EQ(own.nl_groups, 2);
    (void)sendto(a, "libudev", 8, 0, (struct sockaddr *)&to,
                 sizeof(to)); // the kernel refuses its part
    EXPECT_EQ(recvmsg(b, &m, MSG_DONTWAIT), 8);
    EXPECT_EQ(from.nl_pid, own.nl_pid);
    EXPECT_EQ(from.nl_groups, 2);
    c = CMSG_FIRSTHDR(&m);
    REQUIRE(c && c->cmsg_type == SCM_CREDENTIALS);
    memcpy(&who, CMSG_DATA(c), sizeof(who));
    EXPECT_EQ(who.pid, getpid());
    EXPECT_EQ(recv(a, buffer, sizeof(buffer), MSG_DONTWAIT), -1); // not to oneself
    to = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = own.nl_pid};
    EXPECT_EQ(sendto(b, "back", 4, 0, (struct sockaddr *)&to, sizeof(to)), 4);
    EXPECT_EQ(recv(a, buffer, sizeof(buffer), MSG_DONTWAIT), 4);
    to.nl_pid = 0x12345678;
    EXPECT_ERROR(sendto(b, "back", 4, 0, (struct sockaddr *)&to, sizeof(to)), ECONNREFUSED);
    close(a);
    close(b);
}

CASE(ports)
{
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};
    socklen_t size = sizeof(a);
    int first, second;

    for (int n = 0; n < 2;
         n++) { // the first that a process has gets its number, also when it was given before
        first = bound(NETLINK_ROUTE, 0);
        EXPECT_OK(getsockname(first, (struct sockaddr *)&a, &size));
        EXPECT_EQ(a.nl_pid, getpid());
        second = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
        EXPECT_ERROR(bind(second, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
        close(second);
        close(first);
    }
}

CASE(memberships)
{
    int fd = bound(NETLINK_ROUTE, RTMGRP_LINK), group = RTNLGRP_MAX + 1, on = -1;
    unsigned groups[4] = {0};
    socklen_t size = sizeof(groups);

    EXPECT_OK(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size));
    EXPECT_EQ(size, 8);
    EXPECT_EQ(groups[0], RTMGRP_LINK);
    group = 0;
    EXPECT_ERROR(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)),
                 EINVAL);
    group = 1000;
    EXPECT_ERROR(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)),
                 EINVAL);
    size = sizeof(on);
    EXPECT_OK(getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &on, &size));
    EXPECT_EQ(on, 0);
    on = 1;
    EXPECT_OK(setsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &on, sizeof(on)));
    EXPECT_OK(getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &on, &size));
    EXPECT_EQ(on, 1);
    EXPECT_ERROR(setsockopt(fd, SOL_NETLINK, 77, &on, sizeof(on)), ENOPROTOOPT);
    close(fd);
}

// How many messages of a type a dump has, and of them those that `fits`.
static int dump(const struct request *r, unsigned short type, int (*fits)(const struct nlmsghdr *h))
{
    static char buffer[32768];
    int fd = bound(NETLINK_ROUTE, 0), count = 0, done = 0;

    EXPECT_OK(send(fd, r, r->header.nlmsg_len, 0));
    while (!done) {
        long size = recv(fd, buffer, sizeof(buffer), 0);
        if (size <= 0)
            break;
        for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
            done |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
            count += h->nlmsg_type == type && (!fits || fits(h));
        }
    }
    close(fd);
    return count;
}

CASE(rules)
{
    struct request r = request(RTM_GETRULE, sizeof(r.route));

    r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    r.route.rtm_family = AF_INET;
    EXPECT(dump(&r, RTM_NEWRULE, NULL) >= 3);          // local, main, default
    r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ROOT; // half of it is enough
    EXPECT(dump(&r, RTM_NEWRULE, NULL) >= 3);
}

static int is_local(const struct nlmsghdr *h)
{
    const struct rtmsg *m = NLMSG_DATA(h);

    return m->rtm_table == RT_TABLE_LOCAL && m->rtm_type == RTN_LOCAL;
}

CASE(own_addresses_are_routes)
{
    struct request r = request(RTM_GETROUTE, sizeof(r.route));

    r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    r.route.rtm_family = AF_INET;
    EXPECT(dump(&r, RTM_NEWROUTE, is_local) >= 1);
}

CASE(links_that_are_not_there)
{
    int fd;
    struct request r = request(RTM_DELLINK, sizeof(r.link));

    if (!own_network())
        return;
    fd = bound(NETLINK_ROUTE, 0);
    attribute(&r, IFLA_IFNAME, "nothing", 8);
    EXPECT_EQ(ask(fd, &r), ENODEV);
    r = request(RTM_DELLINK, sizeof(r.link));
    r.link.ifi_index = loopback_index();
    EXPECT_EQ(ask(fd, &r), EOPNOTSUPP);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(ports),
    ENTRY(memberships),
    ENTRY(rules),
    ENTRY(own_addresses_are_routes),
    ENTRY(links_that_are_not_there),
    ENTRY(addresses_come_and_go),
    ENTRY(links_change),
    ENTRY(who_does_not_read_is_told),
    ENTRY(sockets_send_each_other),
};

TEST_MAIN(cases)
