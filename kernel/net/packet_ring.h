// SPDX-License-Identifier: BSD-3-Clause
// PACKET_RX_RING: memory that a program shares with its packet socket, so that it reads packets
// without a call for each. Three layouts; V1 and V2 are frames of one size, V3 blocks that are
// filled one packet behind the other and handed over when full, or after a while.
// [Documentation/networking/packet_mmap.rst]
//
//     V2   frame  | header, sockaddr_ll, gap | packet |
//     V3   block  | block header, private | header, sockaddr_ll, gap, packet | header ...
//
// Each frame or block starts with a status word: TP_STATUS_KERNEL while it is ours, else the
// program's. The program can write all of the memory, so nothing but the status is read from it.
#pragma once

#include <linux/if_packet.h>

#include "thread/timer.h"

struct map_extent;
struct packet;

struct packet_ring { // guarded by taps.lock
    u8 *memory;      // NULL: no ring
    u64 size;
    u32 version; // TPACKET_*; for the next ring, too
    u32 reserve; // PACKET_RESERVE
    u32 block_size, block_count, frame_size, frame_count;
    u32 head; // the frame, or block, that is filled next
    bool mapped;
    // V3: the block that is being filled
    u32 used; // bytes of it; 0: none is
    u32 packets;
    struct tpacket3_hdr *last;
    u32 private_size;
    u64 sequence, timeout, deadline; // ns
    u64 last_time;
    bool frozen; // the next block is the program's
    u32 freezes;
};

struct ring_packet { // one that is to go into a ring
    const struct packet *p;
    struct sockaddr_ll address;
    u32 header; // bytes of link header in front
    u32 wanted; // bytes
    u32 status; // TP_STATUS_*
    u64 time;   // CLOCK_REALTIME
};

// PACKET_RX_RING with a struct tpacket_req or tpacket_req3 (which V3 needs): makes a ring, or
// (all zeros) ends it. -EINVAL, -EBUSY, -ENOMEM
must_check int ring_set(struct packet_ring *r, const struct tpacket_req3 *q);
void ring_free(struct packet_ring *r);
// True: it is in the ring. False: no room. *out_wake: the program has something to read.
bool ring_put(struct packet_ring *r, const struct ring_packet *p, bool *out_wake);
// V3's open block goes to the program if its time is over. Returns when to look again;
// DEADLINE_NONE if there is none.
u64 ring_expire(struct packet_ring *r, bool *out_wake);
bool ring_readable(const struct packet_ring *r);
must_check int ring_map(struct packet_ring *r, u64 offset, u64 size, struct map_extent *out);
u32 ring_header_size(u32 version); // 0: no such version
