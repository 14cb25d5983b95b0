// SPDX-License-Identifier: BSD-3-Clause
// Can the ports be had that are to be published? passt only says that one could not, not why; it is
// content with one version of IP when there are two; and it shares a UDP port with its owner.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tender/device/network.h"
#include "tender/message.h"

#define PATIENCE_MS 1000 // for the passt of a guest that was killed
#define STEP_MS     20

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

// 0 or a negative errno.
static int try_to_bind(int family, const struct tender_port *port)
{
    union address a;
    socklen_t size = family == AF_INET ? sizeof(a.v4) : sizeof(a.v6);
    int one = 1, error = 0;
    int fd = socket(family, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return family == AF_INET6 ? 0 : -errno; // a host without IPv6
    memset(&a, 0, sizeof(a));
    a.any.sa_family = (sa_family_t)family;
    if (family == AF_INET6)
        a.v6.sin6_port = htons(port->host);
    else
        a.v4.sin_port = htons(port->host);
    if (port->address)
        inet_pton(family, port->address,
                  family == AF_INET ? (void *)&a.v4.sin_addr : (void *)&a.v6.sin6_addr);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (!port->udp) // old connections are no hindrance
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, &a.any, size))
        error = -errno;
    close(fd);
    return error;
}

static int complain(const struct tender_port *port, int error)
{
    const char *kind = port->udp ? "UDP" : "TCP", *at = port->address ? port->address : "the host";

    if (error == -EADDRINUSE)
        message("network: %s port %u of %s is in use by another program", kind, port->host, at);
    else if (error == -EACCES || error == -EPERM)
        message("network: %s port %u may be published by root alone (sysctl "
                "net.ipv4.ip_unprivileged_port_start); take one from 1024 on",
                kind, port->host);
    else if (error == -EADDRNOTAVAIL)
        message("network: %s is no address of this host", at);
    else
        message("network: can't publish %s port %u of %s: %s", kind, port->host, at,
                message_error(-error));
    return -1;
}

static int try_patiently(int family, const struct tender_port *port)
{
    const struct timespec step = {0, STEP_MS * 1000000};
    int error = try_to_bind(family, port);

    for (int ms = 0; error == -EADDRINUSE && ms < PATIENCE_MS; ms += STEP_MS) {
        nanosleep(&step, NULL);
        error = try_to_bind(family, port);
    }
    return error;
}

static int check_one(const struct tender_port *port)
{
    bool v6 = port->address && strchr(port->address, ':');
    int error = v6 ? 0 : try_patiently(AF_INET, port);

    if (!error && (v6 || !port->address))
        error = try_patiently(AF_INET6, port);
    return error ? complain(port, error) : 0;
}

int publish_check(const struct tender_network *config)
{
    for (u32 i = 0; i < config->port_count; i++) {
        struct tender_port port = config->ports[i];
        for (u32 n = 0; n < config->ports[i].count; n++, port.host++)
            if (check_one(&port))
                return -1;
    }
    return 0;
}
