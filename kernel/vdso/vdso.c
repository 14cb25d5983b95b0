// SPDX-License-Identifier: BSD-3-Clause
// The code of the vDSO: user code, in every program's memory, that reads the clocks without a
// system call. It may use only its arguments, the page of time, and GS, which points to the vCPU.
// vdso(7)
//
//     clock_gettime: line over the TSC (linux/clock_page.h) while it is fresh, else the kernel
#include <asm/unistd.h>
#include <linux/time.h>

#include "linux/clock_page.h"
#include "x86_64/offsets.h"

#define NS_PER_S 1000000000ull

extern const struct clock_page vdso_clock __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int id, struct timespec *to);
int __vdso_gettimeofday(struct __kernel_old_timeval *to, struct timezone *zone);
int __vdso_clock_getres(int id, struct timespec *to);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
__kernel_old_time_t __vdso_time(__kernel_old_time_t *to);

#define PUBLIC(name, type, ...) type name(__VA_ARGS__) __attribute__((weak, alias("__vdso_" #name)))
PUBLIC(clock_gettime, int, int id, struct timespec *to);
PUBLIC(gettimeofday, int, struct __kernel_old_timeval *to, struct timezone *zone);
PUBLIC(clock_getres, int, int id, struct timespec *to);
PUBLIC(getcpu, long, unsigned *cpu, unsigned *node, void *unused);
PUBLIC(time, __kernel_old_time_t, __kernel_old_time_t *to);

// The kernel's entry without a trap. The `syscall` that is jumped over stands there because the
// kernel restarts a call by going back two bytes from where it returns to.
static long system_call(long number, long a, long b)
{
    long result;

    __asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
                     "jmp *%[entry]\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), [entry] "r"(vdso_clock.entry)
                     : "rcx", "r11", "cc", "memory");
    return result;
}

// The TSC, not before the loads that stand before it in the program.
static u64 tsc_ordered(void)
{
    u32 low, high;

    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return low | (u64)high << 32;
}

// The TSC, perhaps read a little early: for clocks that nobody compares with other events.
static u64 tsc_unordered(void)
{
    u32 low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (u64)high << 32;
}

// ns of CLOCK_MONOTONIC, or of CLOCK_REALTIME. False: the line is stale. Inlined: the call costs 2
// ns.
static inline __attribute__((always_inline)) bool look(bool realtime, bool ordered, u64 *out_ns)
{
    struct clock_page line;
    u64 ticks;

    clock_page_read(&vdso_clock, &line);
    ticks = (ordered ? tsc_ordered() : tsc_unordered()) - line.anchor;
    if (__builtin_expect(ticks > line.window, 0))
        return false;
    *out_ns = line.base + clock_scale(ticks, line.rate) + (-(u64)realtime & line.realtime);
    return true;
}

// The same as seconds and ns, for who wants both: a line is good for some seconds at most, so counting them takes less
// than a division. Ordered.
static inline __attribute__((always_inline)) bool look_split(u32 clock, struct timespec *to)
{
    const struct clock_page *page = &vdso_clock;
    u64 anchor, rate, window, seconds, ns;
    u32 before;

    do { // as clock_page_read
        before = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
        anchor = __atomic_load_n(&page->anchor, __ATOMIC_RELAXED);
        rate = __atomic_load_n(&page->rate, __ATOMIC_RELAXED);
        window = __atomic_load_n(&page->window, __ATOMIC_RELAXED);
        seconds = __atomic_load_n(&page->start[clock].seconds, __ATOMIC_RELAXED);
        ns = __atomic_load_n(&page->start[clock].ns, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (before & 1 || before != __atomic_load_n(&page->sequence, __ATOMIC_RELAXED));
    u64 ticks = tsc_ordered() - anchor;
    if (__builtin_expect(ticks > window, 0))
        return false;
    ns += clock_scale(ticks, rate);
    for (; ns >= NS_PER_S; ns -= NS_PER_S) {
        seconds++;
        __asm__("" : "+r"(seconds)); // or the compiler makes a division of it
    }
    to->tv_sec = (long)seconds;
    to->tv_nsec = (long)ns;
    return true;
}

int __vdso_clock_gettime(int id, struct timespec *to)
{
    const u32 realtime = 1u << CLOCK_REALTIME | 1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_TAI;
    const u32 monotonic = 1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_RAW |
                          1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME;

    if ((u32)id < 32 && (realtime | monotonic) >> id & 1 && look_split(realtime >> id & 1, to))
        return 0;
    return (int)system_call(__NR_clock_gettime, id, (long)to);
}

int __vdso_gettimeofday(struct __kernel_old_timeval *to, struct timezone *zone)
{
    u64 ns;

    if (zone || !to || !look(true, true, &ns))
        return (int)system_call(__NR_gettimeofday, (long)to, (long)zone);
    to->tv_sec = (long)(ns / NS_PER_S);
    to->tv_usec = (long)(ns % NS_PER_S / 1000);
    return 0;
}

__kernel_old_time_t __vdso_time(__kernel_old_time_t *to)
{
    u64 ns;

    if (!look(true, false, &ns))
        return system_call(__NR_time, (long)to, 0);
    if (to)
        *to = (long)(ns / NS_PER_S);
    return (long)(ns / NS_PER_S);
}

int __vdso_clock_getres(int id, struct timespec *to)
{
    return (int)system_call(__NR_clock_getres, id, (long)to);
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    if (cpu)
        __asm__ volatile("movl %%gs:%c1, %0" : "=r"(*cpu) : "i"(VCPU_CPU));
    if (node)
        *node = 0;
    return 0;
}
