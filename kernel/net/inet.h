// SPDX-License-Identifier: BSD-3-Clause
// What AF_INET and AF_INET6 sockets of all kinds share: addresses of the calls, ports, options at
// IPPROTO_IP and IPPROTO_IPV6. A kind (TCP, UDP, raw) has struct inet_socket at its start.
#pragma once

#include "net/ip.h"
#include "net/port.h"
#include "net/socket.h"

#define AF_INET  2
#define AF_INET6 10

struct inet_options { // plain words: written by setsockopt, read without a lock
    u8 ttl;           // 0: default
    u8 hops;          // IPV6_UNICAST_HOPS, 0: default
    u8 tos;           // also IPV6_TCLASS
    u8 multicast_ttl; // 1
    u8 mtu_discover;  // IP_PMTUDISC_*
    u8 min_ttl;       // IP_MINTTL
    bool multicast_loop, receive_error, receive_error6, packet_info, packet_info6, receive_ttl,
        receive_ttl6, receive_ttl6_old, receive_tos, receive_tos6, free_bind, v6_only,
        header_included, transparent, receive_original, receive_options, return_options,
        bind_no_port, multicast_all, receive_original6;
    bool timestamp_ns; // SO_TIMESTAMPNS
    u32 multicast_interface;
    u32 fragment_size; // IPV6_MTU, as in struct ip_send
    struct ip_address multicast_source; // IP_MULTICAST_IF by address
};

struct inet_socket {
    struct socket socket;
    struct port_binding binding; // local address and port
    struct endpoint remote;      // port 0: not connected
    u32 interface;               // SO_BINDTODEVICE, index; 0: any
    struct inet_options options;
    struct list memberships; // multicast.h
    u64 stamp;               // SIOCGSTAMP: when what was read last came; 0: nothing was read
    bool peer_nameless;      // raw: connected to an address without a port, which getpeername takes for none
    bool zero_copy;          // SO_ZEROCOPY
    u32 zero_sent, zero_told; // sends with MSG_ZEROCOPY, and those whose notice was read; atomic
};

static inline struct inet_socket *inet_of(struct socket *s)
{
    return container_of(s, struct inet_socket, socket);
}

// The groups that the socket has joined are left: before it is freed.
void inet_leave_groups(struct inet_socket *s);
void inet_init(struct inet_socket *s, const struct socket_ops *ops, int family, int type,
               int protocol);

// A sockaddr of a call for this socket's family. IPv4 addresses come out mapped, also from AF_INET
// sockets; the IPv6 any comes out as all zeros. -EINVAL: too short; -EAFNOSUPPORT; -ENETUNREACH
// (IPv4-mapped, but the socket is IPV6_V6ONLY).
must_check int inet_address_read(const struct inet_socket *s, const struct socket_address *a,
                                 struct endpoint *out);
// The same where an AF_INET6 socket takes no AF_INET address: bind(2), and connect(2) of TCP.
must_check int inet_address_read_own(const struct inet_socket *s, const struct socket_address *a,
                                     struct endpoint *out);
// An unspecified destination means this host: 127.0.0.1 or ::1.
void inet_destination(struct endpoint *e);
// The other way round, as this socket's family shows it.
void inet_address_write(const struct inet_socket *s, const struct endpoint *e,
                        struct socket_address *out);
// bind(2)'s checks of the address: own, any, multicast, broadcast, IP_FREEBIND. -EADDRNOTAVAIL,
// -EACCES (port below 1024 without the right)
must_check int inet_bind_check(const struct inet_socket *s, const struct endpoint *e);

// getsockname, getpeername: socket_ops.name for all kinds.
int inet_name(struct socket *s, bool peer, struct socket_address *out);

// SOL_IP, SOL_IPV6 and IP's part of SOL_SOCKET (SO_BINDTODEVICE, ...); -ENOPROTOOPT. Each kind
// calls them behind its own level. SOL_SOCKET names arrive here when socket_option.c does not know
// them.
int inet_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size);
int inet_get_option(struct socket *s, int level, int name, uaddr_t value, u32 *size);
// SIOCGIF*, SIOCADDRT, ... for every kind; FIONREAD and the like are the kind's own. -ENOTTY
s64 inet_ioctl(struct socket *s, u32 command, u64 argument);

// route_lookup with what the socket is bound to.
must_check int inet_route(const struct inet_socket *s, const struct endpoint *to,
                          struct route *out);
// Fills the socket's options into *out (source from r if the socket is bound to any).
void inet_send_fields(const struct inet_socket *s, const struct endpoint *to, const struct route *r,
                      struct ip_send *out);

// The kinds, by protocol: inet.c's table. N: 0 takes the type's default.
must_check int udp_create(int family, int protocol, struct socket **out);  // udp_socket.c
must_check int raw_create(int family, int protocol, struct socket **out);  // raw.c
must_check int ping_create(int family, int protocol, struct socket **out); // SOCK_DGRAM + ICMP
must_check int tcp_create(int family, struct socket **out);                // tcp*.c
extern const struct socket_family inet_family, inet6_family;
