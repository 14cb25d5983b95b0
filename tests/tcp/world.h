// SPDX-License-Identifier: BSD-3-Clause
// A world for TCP alone: two hosts, a line between them that loses, repeats, delays and damages
// segments by seed, and a clock that only moves when nothing else can happen. The kernel's tcp_*.c
// run in it unchanged; what they need from the rest of the kernel is world_kernel.c.
#pragma once

#include "base/types.h"
#include "net/address.h"
#include "net/socket.h"
#include "net/tcp_connection.h"

struct world_line { // per 10,000 segments
    u32 loss, duplicate, reorder, corrupt;
    u64 delay;     // ns one way
    u64 byte_time; // ns a byte takes; 0: none
    u32 mtu;
};

struct world_counters {
    u64 sent, lost, damaged;
};

extern struct world_counters world_counters;

void world_start(u64 seed, const struct world_line *line);
u64 world_now(void);
u64 world_random(void);
// One event: a segment arrives or a timer fires. False: nothing will ever happen any more, or not
// before `until`, which it is then.
bool world_step(u64 until);
void world_run(u64 duration); // ns
// Everything is given back: objects, packets, bound ports. Prints what is not.
bool world_clean(void);
u64 world_objects(void);

struct ip_address world_host(u32 n); // 0, 1
struct socket *world_socket(u32 host);
int world_bind(struct socket *s, u32 host, u16 port);
int world_connect(struct socket *s, u32 host, u16 port);
struct socket *world_accept(struct socket *listener); // NULL: nobody there
s64 world_write(struct socket *s, const void *data, size_t size, u32 flags);
s64 world_read(struct socket *s, void *data, size_t size, u32 flags);
void world_close(struct socket *s);
// Two connected sockets; the listener is closed again.
void world_pair(struct socket *out[2]);

// A segment of the test's own making for host n, as it is on the wire behind the IP header. The
// checksum is filled in.
void world_inject(u32 n, const void *segment, u32 size);
// Sees each segment on its way (before loss); false: it is dropped. NULL: none.
extern bool (*world_watch)(const struct ip_address *from, u8 *segment, u32 size);
