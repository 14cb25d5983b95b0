// SPDX-License-Identifier: BSD-3-Clause
// The ABI of interfaces, and of error queues: Linux's own headers of these, <linux/if.h>,
// <linux/if_arp.h> and <linux/errqueue.h>, cannot be used without a libc. [netdevice(7), ip(7)]
#pragma once

#include "base/types.h"

#define IFF_UP          0x1u
#define IFF_BROADCAST   0x2u
#define IFF_LOOPBACK    0x8u
#define IFF_POINTOPOINT 0x10u
#define IFF_RUNNING     0x40u
#define IFF_NOARP       0x80u
#define IFF_PROMISC     0x100u
#define IFF_ALLMULTI    0x200u
#define IFF_MULTICAST   0x1000u
#define IFF_LOWER_UP    0x10000u

#define ARPHRD_ETHER    1
#define ARPHRD_LOOPBACK 772

#define IFNAMSIZ 16

struct if_request { // struct ifreq
    char name[IFNAMSIZ];
    union {
        u8 address[16]; // struct sockaddr
        s16 flags;
        s32 number; // index, MTU, metric, queue length
        u8 pad[24];
    };
};
_Static_assert(sizeof(struct if_request) == 40, "struct ifreq");

struct if_config { // struct ifconf
    s32 size;
    u32 pad;
    uaddr_t buffer;
};

#define SO_EE_ORIGIN_LOCAL 1
#define SO_EE_ORIGIN_ICMP  2
#define SO_EE_ORIGIN_ICMP6 3

struct sock_extended_err {
    u32 ee_errno;
    u8 ee_origin, ee_type, ee_code, ee_pad;
    u32 ee_info, ee_data;
};
_Static_assert(sizeof(struct sock_extended_err) == 16, "ip(7)");
