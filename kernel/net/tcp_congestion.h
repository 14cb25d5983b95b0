// SPDX-License-Identifier: BSD-3-Clause
// How much may be under way: slow start and CUBIC, in bytes. Numbers only. [RFC 5681, RFC 9438]
#pragma once

#include "base/types.h"

struct tcp_congestion {
    u32 window;        // cwnd, bytes
    u32 threshold;     // ssthresh, bytes
    u32 window_max;    // W_max: when the last congestion event began
    u32 window_prior;  // window before the event
    u32 estimate;      // W_est: what Reno would have
    u32 estimate_part; // of it: acknowledged bytes that have not yet made a byte of growth
    u32 growth_part;   // the same for window
    u64 epoch;         // ns, start of this stage of congestion avoidance; 0: not begun
    u64 inflection_ms; // K
};

#define TCP_THRESHOLD_NONE 0x7fffffffu

// The initial window of RFC 6928: 10 segments.
void congestion_init(struct tcp_congestion *c, u32 mss);
// `acked` new bytes were acknowledged while the window was the limit. rtt: ns, smoothed.
void congestion_acked(struct tcp_congestion *c, u32 mss, u32 acked, u64 rtt, u64 now);
// Loss or ECN: a new threshold from the bytes in flight. The window is the caller's business.
void congestion_event(struct tcp_congestion *c, u32 mss, u32 flight);
// RTO: as an event, and back to one segment. first: the segment had not yet been retransmitted by
// timeout.
void congestion_timeout(struct tcp_congestion *c, u32 mss, u32 flight, bool first);
// The connection was idle for longer than the RTO. [RFC 5681, 4.1]
void congestion_idle(struct tcp_congestion *c, u32 mss);
