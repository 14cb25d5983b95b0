// SPDX-License-Identifier: BSD-3-Clause
// The messages of group membership, of both versions of IP: multicast.c says what and when.
// [RFC 3376 and 2236, RFC 3810 and 2710]
#pragma once

#include "net/interface.h"

struct packet;

#define GROUP_IS_EXCLUDE 2 // record types [RFC 3376 4.2.12]: the state, asked for
#define GROUP_TO_INCLUDE 3 // left
#define GROUP_TO_EXCLUDE 4 // joined

// One report about groups of one version. old: IGMPv2, MLDv1, which has a message for each.
void group_report(struct net_interface *i, const struct ip_address *groups, u32 count, u8 kind,
                  bool old);

struct group_query {
    struct ip_address group; // any: all of them
    u64 delay;               // ns: answers come within
    bool old;                // of a querier that knows IGMPv2, MLDv1 only
};

// Reads a query: p's data at the IGMP header, or at the ICMPv6 header. False: none.
bool group_query_read(const struct packet *p, struct group_query *out);
