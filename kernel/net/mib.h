// SPDX-License-Identifier: BSD-3-Clause
// What the stack counts for `netstat -s`, nstat and their like: the counters of /proc/net/snmp, snmp6
// and netstat. [RFC 4293, 4022, 4113; filesystems/proc.rst]
#pragma once

#include "net/address.h"

enum mib_of_ip { // one set for IPv4, one for IPv6
    MIB_IP_IN,
    MIB_IP_IN_OCTETS,
    MIB_IP_IN_HEADER_ERRORS,
    MIB_IP_IN_ADDRESS_ERRORS,
    MIB_IP_IN_UNKNOWN,
    MIB_IP_DELIVERED,
    MIB_IP_IN_GROUPS, // multicast
    MIB_IP_OUT,
    MIB_IP_OUT_OCTETS,
    MIB_IP_OUT_GROUPS,
    MIB_IP_NO_ROUTE,
    MIB_IP_PIECES_IN,
    MIB_IP_REASSEMBLED,
    MIB_IP_REASSEMBLY_FAILS,
    MIB_IP_FRAGMENTED,
    MIB_IP_PIECES_OUT,
    MIB_ICMP_IN_ERRORS,
    MIB_UDP_IN,
    MIB_UDP_NO_PORT,
    MIB_UDP_IN_ERRORS,
    MIB_UDP_FULL,
    MIB_UDP_OUT,
    MIB_IP_COUNT
};

enum mib { // of both
    MIB_TCP_ACTIVE = 2 * MIB_IP_COUNT,
    MIB_TCP_PASSIVE,
    MIB_TCP_FAILS,
    MIB_TCP_RESETS,
    MIB_TCP_IN,
    MIB_TCP_OUT,
    MIB_TCP_AGAIN,
    MIB_TCP_IN_ERRORS,
    MIB_TCP_RESETS_OUT,
    MIB_COOKIES_SENT,
    MIB_COOKIES_GOOD,
    MIB_COOKIES_BAD,
    MIB_LISTEN_DROPS,
    MIB_TIMEOUTS,
    MIB_LOSS_PROBES,
    MIB_FAST_AGAIN,
    MIB_SYN_AGAIN,
    MIB_DATA_OUT,
    MIB_TWICE_TOLD, // D-SACKs
    MIB_OUT_OF_ORDER,
    MIB_KEEP_ALIVES,
    MIB_CHALLENGES,
    MIB_COUNT
};

void mib_add(u32 counter, u64 n);
void mib_count(u32 counter);                                                // mib_add of 1
void mib_count_ip(const struct ip_address *a, enum mib_of_ip counter);      // of its version
void mib_add_ip(bool v4, enum mib_of_ip counter, u64 n);
u64 mib_read(u32 counter);

// ICMP messages by type.
void mib_icmp(bool v4, bool out, u8 type);
u64 mib_icmp_read(bool v4, bool out, u8 type);
