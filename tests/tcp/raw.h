// SPDX-License-Identifier: BSD-3-Clause
// A peer that is played by the test, segment by segment: host 0 speaks, host 1 is the kernel. What
// the kernel sends is kept and never delivered.
#pragma once

#include "tests/tcp/world.h"

struct raw_segment { // as it was sent
    u32 sequence, acknowledgment, payload;
    u16 window, urgent, source;
    u8 flags;
    struct tcp_options options;
    u8 data[64]; // the first bytes
};

struct raw {
    u16 port, kernel_port;
    u32 sequence, acknowledgment; // of what the test sends next
    u16 window, urgent;
    struct tcp_options options;  // put into all segments
    struct socket *listener, *s; // the kernel's side
};

// Starts a world with nothing in it.
void raw_start(void);
// A listener at port 80 of the kernel's host.
struct socket *raw_listen(int backlog);
// The whole handshake with the given options in the SYN; s is accepted.
void raw_connect(struct raw *r, const struct tcp_options *options);
void raw_send_at(struct raw *r, u8 flags, u32 sequence, u32 acknowledgment, const void *data,
                 u32 size);
void raw_send(struct raw *r, u8 flags, const void *data, u32 size); // at, and past, r->sequence
// The oldest segment that the kernel sent and nobody has looked at; false: none.
bool raw_take(struct raw_segment *out);
u32 raw_drain(void); // forgets them; how many there were
// Ends the test: RST, close, and all must be given back.
void raw_end(struct raw *r, const char *name);
