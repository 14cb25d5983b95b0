// SPDX-License-Identifier: BSD-3-Clause
// The clocks: CLOCK_MONOTONIC is a line over the TSC (clock_page.h), drawn anew from the host's
// clock when its window is over. Windows double from the first up to WINDOW_MAX, since a rate
// measured over a time is good for about as long again.
//
//     ns                                        error at the end of a window = the two readings'
//      |            . - host                    errors (50 ns each) + what the host's rate changed
//      by |       ./ . |   ./ .   <- a new line begins where the last one ended if that is ahead of
//      the host: then | /          it is drawn flatter, to meet the host at its window's end. If
//      the host is ahead,
//      +---------   it begins at the host's time: nobody has read anything behind the window.
//
// So time never steps back, and being asleep for hours costs no precision.
#include "linux/clock.h"

#include "abi/boot.h"
#include "base/panic.h"
#include "linux/clock_page.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "thread/lock.h"
#include "x86_64/cpu.h"
#include "x86_64/upcall.h"

#define NS_PER_S      1000000000ull
#define WINDOW_MAX_NS NS_PER_S
#define WINDOW_MIN_NS 20000ull
#define FIRST_WINDOW  4000000ull // ns, when the tender knew the TSC's frequency
#define READINGS      4          // attempts to read TSC and host at one instant
#define GOOD_BRACKET  1000u      // ns between the two TSC readings around a good one
#define REALTIME_STEP 20000      // ns; the host's realtime was set if it moved by more than this

struct reading { // of both clocks, at one instant
    u64 tsc, monotonic;
    u64 doubt; // ticks between the two TSC readings
};

static struct {
    struct lock lock;        // of all that follows, and for writing the page
    struct clock_page *page; // set once
    struct reading last;
    u64 rate; // the host's, over the last window; the page's may be flatter
    u32 steps; // of realtime; atomic
    s64 step; // ns by which the guest has set its realtime ahead of the host's
} clock;

static struct reading read_both(int id)
{
    struct reading best = {.doubt = ~0ull};

    for (int i = 0; i < READINGS; i++) {
        u64 before = cpu_tsc(), ns = platform_clock(id), after = cpu_tsc();
        u64 doubt = after - before;
        if (doubt < best.doubt)
            best = (struct reading){before + doubt / 2, ns, doubt};
        // Before the rate is known: no counter is slower than 1 GHz.
        if ((clock.rate ? clock_scale(best.doubt, clock.rate) : best.doubt) < GOOD_BRACKET)
            break;
    }
    return best;
}

// With clock.lock held, or before anybody else reads.
static void page_write(u64 anchor, u64 base, u64 rate, u64 window, u64 realtime)
{
    struct clock_page *p = clock.page;

    __atomic_store_n(&p->sequence, p->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE); // pairs with the fence in clock_page_read
    __atomic_store_n(&p->anchor, anchor, __ATOMIC_RELAXED);
    __atomic_store_n(&p->base, base, __ATOMIC_RELAXED);
    __atomic_store_n(&p->rate, rate, __ATOMIC_RELAXED);
    __atomic_store_n(&p->window, window, __ATOMIC_RELAXED);
    __atomic_store_n(&p->realtime, realtime, __ATOMIC_RELAXED);
    for (u64 i = 0; i < array_count(p->start); i++) {
        u64 ns = base + (i ? realtime : 0);
        __atomic_store_n(&p->start[i].seconds, ns / NS_PER_S, __ATOMIC_RELAXED);
        __atomic_store_n(&p->start[i].ns, ns % NS_PER_S, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&p->sequence, p->sequence + 1, __ATOMIC_RELEASE);
}

// ns below 2^32: the compiler's 128-bit division is not there in a kernel.
static u64 ns_to_ticks(u64 ns)
{
    return (ns << 32) / clock.rate;
}

// The rate between two readings, times 2^32; 0 if they say nothing.
static u64 measure_rate(const struct reading *from, const struct reading *to)
{
    if (to->tsc <= from->tsc || to->monotonic <= from->monotonic)
        return 0;
    u64 ticks = to->tsc - from->tsc, ns = to->monotonic - from->monotonic;
    for (; ns >> 32; ns >>= 1)
        ticks >>= 1;
    return ticks ? (ns << 32) / ticks : 0;
}

// The next window's length in ns, and the rate in clock.rate. A reading that was interrupted, for
// more than a thousandth of the time since the last, does not change the rate.
static u64 next_window(const struct reading *now)
{
    u64 elapsed = now->monotonic - clock.last.monotonic;
    u64 rate = measure_rate(&clock.last, now);

    if (!rate || clock_scale(now->doubt, clock.rate) > elapsed / 1000)
        return WINDOW_MIN_NS * 20;
    u64 change = rate > clock.rate ? rate - clock.rate : clock.rate - rate;
    bool other_machine = change > clock.rate / 100; // moved by a live migration, for example
    clock.rate = rate;
    clock.last = *now;
    if (other_machine)
        return WINDOW_MIN_NS * 20;
    return max(min(elapsed * 2, WINDOW_MAX_NS), WINDOW_MIN_NS);
}

// The host's realtime may have been set. Small differences are the readings' doubt, and are left
// alone, so that realtime does not jitter against monotonic.
static u64 next_realtime(u64 old, u64 monotonic_at, u64 tsc_at)
{
    struct reading r = read_both(CLOCK_WAIST_REALTIME);
    u64 monotonic = monotonic_at + clock_scale(r.tsc - tsc_at, clock.rate);
    u64 realtime = r.monotonic - monotonic + (u64)clock.step;
    s64 difference = (s64)(realtime - old);
    s64 doubt = (s64)clock_scale(r.doubt, clock.rate);

    return difference > REALTIME_STEP + doubt || difference < -REALTIME_STEP - doubt ? realtime
                                                                                     : old;
}

// The line's window is over: draws the next one.
static void clock_renew(void)
{
    struct clock_page old;

    lock_acquire(&clock.lock);
    clock_page_read(clock.page, &old);
    if (cpu_tsc() - old.anchor > old.window) { // nobody was faster
        struct reading now = read_both(CLOCK_WAIST_MONOTONIC);
        u64 latest = old.base + clock_scale(min(now.tsc - old.anchor, old.window), old.rate);
        u64 window = next_window(&now);
        u64 realtime = next_realtime(old.realtime, now.monotonic, now.tsc);
        u64 ticks = ns_to_ticks(window), rate = clock.rate;
        if (latest > now.monotonic) {
            u64 ahead = min(latest - now.monotonic, window / 2);
            rate = ((window - ahead) << 32) / ticks;
        }
        page_write(now.tsc, max(latest, now.monotonic), rate, ticks, realtime);
        if (realtime != old.realtime)
            __atomic_add_fetch(&clock.steps, 1, __ATOMIC_RELEASE); // pairs with clock_steps
    }
    lock_release(&clock.lock);
}

void clock_init(const struct boot_info *boot)
{
    struct reading boot_reading = {boot->clock_tsc, boot->clock_monotonic, 0};
    u64 window = FIRST_WINDOW;

    clock.page = pages_alloc(1);
    if (!clock.page)
        panic("no memory for the page of time");
    clock.page->entry = (u64)syscall_entry_fast;
    clock.last = boot_reading;
    if (boot->tsc_hz) {
        clock.rate = (NS_PER_S << 32) / boot->tsc_hz;
    } else {
        struct reading now;
        do
            now = read_both(CLOCK_WAIST_MONOTONIC);
        while (now.monotonic < boot_reading.monotonic + WINDOW_MIN_NS);
        clock.rate = measure_rate(&boot_reading, &now);
        if (!clock.rate)
            panic("the time-stamp counter does not count");
        window = 2 * (now.monotonic - boot_reading.monotonic);
    }
    page_write(boot->clock_tsc, boot->clock_monotonic, clock.rate, ns_to_ticks(window),
               boot->clock_realtime - boot->clock_monotonic);
}

// A copy of the line, and ns of CLOCK_MONOTONIC now.
static u64 clock_look(struct clock_page *line)
{
    for (;;) {
        clock_page_read(clock.page, line);
        u64 ticks = cpu_tsc() - line->anchor;
        if (likely(ticks <= line->window))
            return line->base + clock_scale(ticks, line->rate);
        if (ticks >> 63) // another vCPU's counter is a little behind the one that drew the line
            return line->base;
        clock_renew();
    }
}

u64 clock_monotonic(void)
{
    struct clock_page line;

    return clock_look(&line);
}

u64 clock_realtime(void)
{
    struct clock_page line;
    u64 ns = clock_look(&line);

    return ns + line.realtime;
}

void clock_set_realtime(u64 ns)
{
    struct clock_page line;

    lock_acquire(&clock.lock);
    clock_page_read(clock.page, &line);
    u64 ticks = min(cpu_tsc() - line.anchor, line.window);
    u64 realtime = ns - (line.base + clock_scale(ticks, line.rate));
    clock.step += (s64)(realtime - line.realtime);
    page_write(line.anchor, line.base, line.rate, line.window, realtime);
    __atomic_add_fetch(&clock.steps, 1, __ATOMIC_RELEASE); // pairs with clock_steps
    lock_release(&clock.lock);
}

u32 clock_steps(void)
{
    return __atomic_load_n(&clock.steps, __ATOMIC_ACQUIRE);
}

u64 clock_tsc(void)
{
    return cpu_tsc();
}

u64 clock_ticks_to_ns(u64 ticks)
{
    return clock_scale(ticks, __atomic_load_n(&clock.rate, __ATOMIC_RELAXED));
}

const struct clock_page *clock_page(void)
{
    return clock.page;
}

u64 clock_tsc_hz(void)
{
    return (NS_PER_S << 32) / clock.rate;
}

struct __kernel_timespec timespec_from_ns(u64 ns)
{
    return (struct __kernel_timespec){
        .tv_sec = (s64)(ns / NS_PER_S),
        .tv_nsec = (s64)(ns % NS_PER_S),
    };
}

int timespec_to_ns(const struct __kernel_timespec *t, u64 *out_ns)
{
    if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= (s64)NS_PER_S)
        return -EINVAL;
    if ((u64)t->tv_sec >= INT64_MAX / NS_PER_S)
        *out_ns = INT64_MAX;
    else
        *out_ns = (u64)t->tv_sec * NS_PER_S + (u64)t->tv_nsec;
    return 0;
}

int timespec_read(uaddr_t from, u64 *out_ns)
{
    struct __kernel_timespec t;

    if (user_read(&t, from, sizeof(t)))
        return -EFAULT;
    return timespec_to_ns(&t, out_ns);
}
