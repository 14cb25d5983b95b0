// SPDX-License-Identifier: BSD-3-Clause
// CUBIC [RFC 9438]: behind a loss the window grows along a cubic curve that is flat near the window
// where the loss happened:
//
//     W(t) = C * (t - K)^3 + W_max,   K = cbrt((W_max - cwnd_epoch) / C),   C = 0.4
//
// with windows in segments and times in seconds; here windows are bytes and times milliseconds. The
// decrease is beta = 0.7. Where Reno would be faster (W_est), its estimate is used.
#include "net/tcp_congestion.h"

#define INITIAL_SEGMENTS 10u
#define WINDOW_LIMIT     (64u << 20)
#define TIME_MAX_MS      100000ull // the curve is cut there: (10^5)^3 * 4 fits 64 bits

void congestion_init(struct tcp_congestion *c, u32 mss)
{
    *c = (struct tcp_congestion){.threshold = TCP_THRESHOLD_NONE};
    c->window = INITIAL_SEGMENTS * mss;
}

static u64 cube_root(u64 x)
{
    u64 root = 0;

    for (u64 bit = 1ull << 20; bit; bit >>= 1) {
        u64 next = root | bit;
        if (next * next * next <= x)
            root = next;
    }
    return root;
}

static u32 beta(u32 window) // 0.7
{
    return (u32)((u64)window * 7 / 10);
}

static void epoch_begin(struct tcp_congestion *c, u32 mss, u64 now)
{
    u64 below = c->window_max > c->window ? c->window_max - c->window : 0;

    c->epoch = now;
    c->estimate = c->window;
    c->estimate_part = c->growth_part = 0;
    if (!below)
        c->window_max = c->window;
    // Segments / 0.4, in cubic milliseconds.
    c->inflection_ms = cube_root(min(below * 2500000000ull / mss, 1ull << 59));
}

// W(t) in bytes.
static u64 curve(const struct tcp_congestion *c, u32 mss, u64 ms)
{
    bool behind = ms >= c->inflection_ms;
    u64 x = min(behind ? ms - c->inflection_ms : c->inflection_ms - ms, TIME_MAX_MS);
    u64 segments_1024 = x * x * x * 4 / 9765625; // 0.4 * (x / 1000)^3 * 1024
    u64 bytes = segments_1024 * mss >> 10;

    if (behind)
        return c->window_max + bytes;
    return c->window_max > bytes ? c->window_max - bytes : 0;
}

// W_est grows by alpha segments a window: alpha = 3 (1 - beta) / (1 + beta), or 1 above
// window_prior.
static void estimate_acked(struct tcp_congestion *c, u32 mss, u32 acked)
{
    u64 alpha = c->estimate >= c->window_prior ? 1000 : 529;
    u64 part = c->estimate_part + (u64)acked * mss / 1000 * alpha;

    c->estimate += (u32)min(part / c->window, (u64)mss);
    c->estimate_part = (u32)(part % c->window);
}

static void avoidance_acked(struct tcp_congestion *c, u32 mss, u32 acked, u64 rtt, u64 now)
{
    u64 target, part;

    if (!c->epoch)
        epoch_begin(c, mss, now);
    target = curve(c, mss, (now - c->epoch + rtt) / 1000000);
    estimate_acked(c, mss, acked);
    target = max(target, (u64)c->estimate);
    target = min(target, (u64)c->window + c->window / 2); // at most 1.5 windows a round trip
    if (target <= c->window)
        return;
    part = c->growth_part + (target - c->window) * acked;
    c->growth_part = (u32)(part % c->window);
    c->window += (u32)min(part / c->window, (u64)acked);
}

void congestion_acked(struct tcp_congestion *c, u32 mss, u32 acked, u64 rtt, u64 now)
{
    if (c->window < c->threshold) {
        u32 growth = min(acked, c->threshold - c->window);
        c->window += growth;
        acked -= growth;
    }
    if (acked && c->window >= c->threshold)
        avoidance_acked(c, mss, acked, rtt, now);
    c->window = min(c->window, WINDOW_LIMIT);
}

void congestion_event(struct tcp_congestion *c, u32 mss, u32 flight)
{
    u32 floor = max(flight, 2 * mss), window = min(c->window, floor);

    // Fast convergence: who loses before the old maximum leaves room to newcomers.
    c->window_max = c->window < c->window_max ? (u32)((u64)c->window * 17 / 20) : c->window;
    c->window_prior = c->window;
    c->threshold = max(beta(window), 2 * mss);
    c->epoch = 0;
}

void congestion_timeout(struct tcp_congestion *c, u32 mss, u32 flight, bool first)
{
    if (first)
        congestion_event(c, mss, flight);
    c->window = mss;
    c->epoch = 0;
}

void congestion_idle(struct tcp_congestion *c, u32 mss)
{
    c->threshold = max(c->threshold, c->window / 4 * 3);
    c->window = min(c->window, INITIAL_SEGMENTS * mss);
    c->epoch = 0;
}
