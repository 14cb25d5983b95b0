// SPDX-License-Identifier: BSD-3-Clause
// The host's side of a guest's network interface: a TAP, or passt at the other end of a socket
// pair.
//
//     network_plan          supervisor, before the clone
//     network_open          the same: descriptors, addresses, published ports
//     network_fill          member: boot_network, and room for the queues
//     network_started       supervisor, behind the clone
//     network_serve         supervisor, whenever it woke up: starts passt when the guest wants it
//
// Packets are moved by the gate, see network_gate.h.
#pragma once

#include <sys/types.h>

#include "abi/boot.h"
#include "base/types.h"
#include "tender/run.h"

#define NETWORK_SAID_MAX 1024

struct network {
    const struct tender_network *config;
    bool is_stream; // passt's socket, not a TAP
    int fd;         // what the member gets
    u64 features;   // of boot_network
    u32 mtu;
    u8 mac[6];

    int peer_fd; // passt's end, until it has started; -1
    pid_t pid;   // of passt; 0: not started, or ended
    int said_fd; // its standard error; -1
    char said[NETWORK_SAID_MAX];
    u32 said_size;
};

void network_plan(struct network *n, const struct tender_network *config, u64 random);
// 0, or -1 after a message.
must_check int network_open(struct network *n);
// What queues and stage take of family memory, in bytes.
u64 network_size(const struct network *n);
// Fills in *out for queues at address `at`.
void network_fill(const struct network *n, struct boot_network *out, u64 at);
// The stage behind the queues; 0: a TAP needs none.
u64 network_stage(const struct network *n, u64 queues);
// The member has its descriptor: drops ours.
void network_started(struct network *n);
// Looks after passt; wanted: the guest has a socket. -1 after a message: no network, though the
// user asked for one.
must_check int network_serve(struct network *n, bool wanted);
// The guest has ended: its ports are free again.
void network_end(struct network *n);

// tap.c: sets fd, features, mtu. 0, or -1 after a message.
must_check int tap_open(struct network *n, const char *name);
// publish.c: 0, or -1 after a message which port can't be had, and why.
must_check int publish_check(const struct tender_network *config);
// passt.c
must_check int passt_open(struct network *n);
// Starts it. 0, or -1 after a message.
must_check int passt_start(struct network *n);
// Started before the guest: waits until its ports are open. 0, or -1 after a message.
must_check int passt_await(struct network *n);
// 0: it runs, or was never started; -1 after a message: it has ended.
must_check int passt_look(struct network *n);
void passt_end(struct network *n); // and waits for it
