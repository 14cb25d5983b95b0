// SPDX-License-Identifier: BSD-3-Clause
// Network interfaces: what the stack knows of a device. A driver fills in a struct net_interface
// (name pattern, MAC, MTU, features, transmit, poll) and registers it; from then on it pushes each
// received frame to `receive` (p->data at the link header, p->interface set), and is pushed frames
// by `transmit`. Interfaces are never removed.
//
//     driver --receive--> [ethernet ...]        [... ethernet] --interface_transmit--> driver
#pragma once

#include "base/list.h"
#include "net/address.h"
#include "net/push.h"
#include "thread/lock.h"

#define INTERFACE_NAME_SIZE 16 // IFNAMSIZ
#define MAC_SIZE            6

// Features. Without CHECKSUM the stack completes checksums itself, without TSO it makes the
// segments.
#define INTERFACE_TX_CHECKSUM (1u << 0)
#define INTERFACE_TSO4        (1u << 1)
#define INTERFACE_TSO6        (1u << 2)
#define INTERFACE_USO         (1u << 3)
// What comes is for us, whatever its link address: passt sends to 0 or to all until it has seen
// ours, and does not send a SYN again.
#define INTERFACE_ONE_PEER (1u << 4)

struct interface_counters { // atomic
    u64 rx_packets, rx_bytes, rx_errors, rx_dropped, multicast;
    u64 tx_packets, tx_bytes, tx_errors, tx_dropped;
};

struct interface_address {
    struct list node; // of interface.addresses, guarded by the lock of interface.c
    struct ip_address address;
    u32 prefix;                       // bits of the 128: IPv4 /24 is 120
    struct ip_address broadcast;      // IPv4; any: none
    u32 flags;                        // IFA_F_* of <linux/if_addr.h>
    u64 valid_until, preferred_until; // CLOCK_MONOTONIC; DEADLINE_NONE: for ever
};

struct net_interface {
    // The driver's, set before interface_register, then constant:
    char name[INTERFACE_NAME_SIZE]; // "eth%d": the number is filled in; may be renamed later
    u16 type;                       // ARPHRD_ETHER, ARPHRD_LOOPBACK
    u8 mac[MAC_SIZE];
    u32 features;
    u32 mtu;              // bytes of an IP packet; may change later: atomic
    struct push transmit; // consumes a frame, whole: p->data at the link header
    // Looks for received frames and pushes them, a batch at most; true: there were some. Called
    // with no lock held from net_work (work.h) by any vCPU, not twice at a time. NULL: needs none.
    bool (*poll)(struct net_interface *i);
    void *driver; // the driver's own

    // The stack's:
    u32 index;           // from 1
    u32 flags;           // IFF_*, atomic
    u8 hop_limit;        // as routers say; 0: the default
    struct push receive; // for the driver, set by interface_register (wiring.c)
    struct list addresses;
    struct interface_counters counters;
    struct list joined; // multicast groups: see multicast.h
    u64 old_querier[2]; // IPv6, IPv4: an old router asked for groups, until when it counts
};

// Gives it a name, an index and its place in the wiring. -ENOMEM
must_check int interface_register(struct net_interface *i);
struct net_interface *interface_find(u32 index);             // NULL: none
struct net_interface *interface_find_name(const char *name); // NULL: none
// In the order of registration; NULL: the first / no more.
struct net_interface *interface_next(struct net_interface *i);

// New flags (IFF_*) and a new MTU.
void interface_change(struct net_interface *i, u32 flags, u32 mtu);

// A frame for the driver: taps (packet sockets) see it, checksum and segments are made if the
// device cannot, counters count. Consumes p; p->interface is set.
void interface_transmit(struct packet *p);

// Adds or changes an address and the routes that come with it. -EEXIST, -ENOMEM
must_check int interface_add_address(struct net_interface *i, const struct interface_address *a);
must_check int interface_remove_address(struct net_interface *i, const struct ip_address *address,
                                        u32 prefix); // -EADDRNOTAVAIL
// Some interface has this address (interface: a certain one, or NULL).
bool interface_is_local(const struct net_interface *i, const struct ip_address *a);
// Some interface has this as its broadcast address, or it is 255.255.255.255.
bool interface_is_broadcast(const struct ip_address *a);
// It has no IPv4 address yet, so that it takes what DHCP servers send.
bool interface_unconfigured(const struct net_interface *i);
// Marks addresses whose preferred lifetime is over; true: *out has ended, and is to be removed.
// *next: lowered to when the next change is due.
bool interface_age(struct net_interface *i, u64 now, struct interface_address *out, u64 *next);
// interface_life.c: lifetimes have changed; from now on they are looked at.
void interface_life_changed(void);
// Calls visit with each address of i until it says false; the lock is held.
void interface_visit_addresses(struct net_interface *i,
                               bool (*visit)(const struct interface_address *a, void *arg),
                               void *arg);
// An address of i for packets to `to`: same version, best scope [RFC 6724]. False: none.
bool interface_source(struct net_interface *i, const struct ip_address *to, struct ip_address *out);
