// SPDX-License-Identifier: BSD-3-Clause
// IP for the transports: sending, and the inputs that they give. The version follows from the
// addresses. Lock order: the transports may call ip_send with their socket's lock held: nothing is
// pushed up from there (loopback queues, see work.h).
#pragma once

#include "net/address.h"
#include "net/packet.h"
#include "net/push.h"
#include "net/route.h"

#define IP4_HEADER  20u
#define IP6_HEADER  40u
#define IP_MTU_MAX  65536u // loopback may say more, which is not used
#define IP4_MTU_MIN 576u // what is assumed of hosts; path MTUs below are taken down to 552 only
#define IP6_MTU_MIN 1280u

struct ip_send {
    struct ip_address source, destination;
    u8 protocol;        // IPPROTO_*
    u8 hop_limit;       // 0: the default (64; multicast 1)
    u8 traffic_class;   // TOS
    bool dont_fragment; // IP_PMTUDISC_DO, _PROBE: DF, and what is too large is an error
    bool discover;      // IP_PMTUDISC_WANT: DF on what fits; the rest goes in fragments
    bool loop;          // IP_MULTICAST_LOOP: members here receive a copy
    u32 flow_label;     // IPv6, host order
    const u8 *options;  // IPv4 options, or NULL
    u32 option_size;    // multiple of 4, up to 40
    u32 fragment_size;  // IPV6_MTU: so large at most is a fragment, if there have to be some; 0: as the path
};

// Sends p (data at the transport header, checksum prepared, gso fields set if it is larger than the
// MTU) over r. Consumes p. Fragments what is neither gso nor fits. 0, or -EMSGSIZE, -ENOBUFS,
// -EHOSTUNREACH, -EPERM; what is lost later is lost silently.
int ip_send(struct packet *p, const struct route *r, const struct ip_send *s);

// What an ICMP error tells a transport. header: the start of the transport header that was sent.
struct ip_error {
    int error; // errno that a socket may report, positive
    bool hard; // of those that a connected socket reports [RFC 1122 4.2.3.9]; else only for
               // IP_RECVERR
    u8 origin; // SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
    u8 type, code;
    u32 info;                              // MTU of "fragmentation needed"
    struct ip_address source, destination; // of the packet that was sent
    struct ip_address offender;            // who sent the error
    const u8 *header;
    u32 header_size;             // at least 8 bytes
    const struct packet *packet; // the ICMP message, data at the quoted transport header
};

// A transport's place in IP. Packets arrive with data at the transport header, source, destination,
// protocol, interface set, not yet verified; with no lock held.
struct ip_transport {
    struct push receive;
    void (*error)(const struct ip_error *e); // NULL: ignored
};
extern struct ip_transport ip_transports[256]; // by protocol; set by wiring.c only

// Answers p, a received packet (not consumed; network_header set, the transport header still in the
// packet), with an ICMP error. Checks that an answer is allowed, and the rate. [RFC 1122 3.2.2,
// 4443 2.4]
enum ip_unreachable { UNREACHABLE_PORT, UNREACHABLE_PROTOCOL, UNREACHABLE_TIME };
void ip_refuse(struct packet *p, enum ip_unreachable why);
