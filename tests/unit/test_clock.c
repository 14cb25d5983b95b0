// SPDX-License-Identifier: BSD-3-Clause
// kernel/linux/clock.c over this machine's TSC and a host clock of the test's own, which drifts, is
// slow to answer now and then, and is set.
#include <stdlib.h>

#include "abi/boot.h"
#include "linux/clock.h"
#include "platform/platform.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/tables.h"
#include "x86_64/cpu.h"
#include "x86_64/upcall.h"

static struct {
    u64 tsc;      // where the host's clock began
    double rate;  // its ns in a tick
    u64 base;     // ns at `tsc`
    s64 realtime; // ahead of monotonic
    u32 asked;
} host;

const char syscall_entry_fast[1];

static u64 host_monotonic(void)
{
    return host.base + (u64)((double)(cpu_tsc() - host.tsc) * host.rate);
}

static void host_set_rate(double rate)
{
    u64 now = host_monotonic();

    host.tsc = cpu_tsc();
    host.base = now;
    host.rate = rate;
}

u64 platform_clock(int id)
{
    u64 until = cpu_tsc() + (++host.asked % 7 == 0 ? 20000 : 300); // sometimes it is interrupted

    while (cpu_tsc() < until)
        ;
    return host_monotonic() + (id == CLOCK_WAIST_REALTIME ? (u64)host.realtime : 0);
}

static void start(u64 tsc_hz)
{
    fake_host_start();
    host.rate = 0.4; // 2.5 GHz, whatever this machine's is
    host.tsc = cpu_tsc();
    host.base = 1000000000000;
    host.realtime = 1700000000000000000;
    struct boot_info boot = {
        .clock_tsc = host.tsc,
        .clock_monotonic = host.base,
        .clock_realtime = host.base + (u64)host.realtime,
        .tsc_hz = tsc_hz,
    };
    clock_init(&boot);
}

// Reads for so long; the largest difference from the host, which must not be above `bound` at the
// end, and no step back.
static void follow(u64 ns, u64 settle, s64 bound)
{
    u64 begin = host_monotonic(), last = 0;
    s64 worst = 0;

    while (host_monotonic() < begin + ns) {
        u64 before = host_monotonic(), now = clock_monotonic(), after = host_monotonic();
        check(now >= last);
        last = now;
        if (before < begin + settle || after - before > 1000)
            continue; // not yet there, or interrupted between the three
        s64 difference = now < before ? (s64)(before - now) : now > after ? (s64)(now - after) : 0;
        worst = max(worst, difference);
    }
    if (worst > bound)
        unit_fail(__FILE__, __LINE__, "off by %ld ns, not by %ld at most", (long)worst,
                  (long)bound);
}

static void clock_follows_the_host(void)
{
    start(0);
    follow(30000000, 1000000, 5000);
    start(2500000000);
    follow(30000000, 1000000, 5000);
}

static void wrong_frequency_is_mended(void)
{
    start(2520000000); // 0.8 % off
    follow(60000000, 40000000, 5000);
    start(2480000000); // runs ahead: it is slowed, not set back
    follow(90000000, 70000000, 5000);
}

static void changed_rate_is_followed(void)
{
    start(0);
    follow(10000000, 5000000, 5000);
    host_set_rate(0.4 * 1.0005); // the most that adjtimex(2) does
    follow(40000000, 39000000, 20000);
}

static void realtime_follows_a_step(void)
{
    start(0);
    s64 ahead = (s64)(clock_realtime() - clock_monotonic());
    check(llabs(ahead - host.realtime) < 100000);
    host.realtime -= 3600000000000;
    follow(10000000, 10000000, 5000);
    ahead = (s64)(clock_realtime() - clock_monotonic());
    check(llabs(ahead - host.realtime) < 100000);
}

static void timespec_limits(void)
{
    u64 ns;

    check_equal(timespec_to_ns(&(struct __kernel_timespec){-1, 0}, &ns), -EINVAL);
    check_equal(timespec_to_ns(&(struct __kernel_timespec){0, -1}, &ns), -EINVAL);
    check_equal(timespec_to_ns(&(struct __kernel_timespec){0, 1000000000}, &ns), -EINVAL);
    check_equal(timespec_to_ns(&(struct __kernel_timespec){1, 5}, &ns), 0);
    check_equal(ns, 1000000005);
    check_equal(timespec_to_ns(&(struct __kernel_timespec){INT64_MAX, 999999999}, &ns), 0);
    check_equal(ns, INT64_MAX);
    check_equal(timespec_from_ns(2000000007).tv_nsec, 7);
}

const struct unit_test clock_tests[] = {
    TEST(clock_follows_the_host),  TEST(wrong_frequency_is_mended), TEST(changed_rate_is_followed),
    TEST(realtime_follows_a_step), TEST(timespec_limits),           {0},
};
