// SPDX-License-Identifier: BSD-3-Clause
// Clocks and sleeping: clock_gettime of every clock, resolutions, nanosleep, clock_nanosleep.
#include "harness.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now = {-1, -1};
    if (syscall(SYS_clock_gettime, clock, &now) < 0)
        test_fail(__FILE_NAME__, __LINE__, "clock %d: errno %d", (int)clock, errno);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void burn(int milliseconds)
{
    uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - start < (uint64_t)milliseconds * 1000000)
        ;
}

CASE(monotonic_never_goes_back)
{
    uint64_t last = now_ns();
    for (int i = 0; i < 20000; i++) {
        uint64_t now = i % 16 ? now_ns() : clock_ns(CLOCK_MONOTONIC);
        if (now < last)
            EXPECT(now >= last);
        last = now;
    }
}

CASE(vdso_and_system_call_agree)
{
    struct timespec fast;
    for (int i = 0; i < 100; i++) {
        uint64_t before = clock_ns(CLOCK_REALTIME);
        clock_gettime(CLOCK_REALTIME, &fast);
        uint64_t after = clock_ns(CLOCK_REALTIME);
        uint64_t middle = (uint64_t)fast.tv_sec * 1000000000u + (uint64_t)fast.tv_nsec;
        EXPECT(middle >= before && middle <= after);
    }
}

CASE(realtime_is_this_century)
{
    struct timeval day;
    time_t seconds = time(NULL), second_again;
    EXPECT(seconds > 1600000000 && seconds < 4102444800);
    EXPECT_OK(gettimeofday(&day, NULL));
    EXPECT(day.tv_sec >= seconds && day.tv_sec <= seconds + 2);
    EXPECT(day.tv_usec >= 0 && day.tv_usec < 1000000);
    EXPECT_OK(syscall(SYS_gettimeofday, &day, NULL));
    second_again = (time_t)syscall(SYS_time, &seconds);
    EXPECT_EQ(second_again, seconds);
    EXPECT(clock_ns(CLOCK_REALTIME) / 1000000000 >= (uint64_t)seconds);
}

CASE(clocks_relate)
{
    uint64_t monotonic = clock_ns(CLOCK_MONOTONIC), raw = clock_ns(CLOCK_MONOTONIC_RAW);
    uint64_t boot = clock_ns(CLOCK_BOOTTIME), coarse = clock_ns(CLOCK_MONOTONIC_COARSE);
    EXPECT(raw > 0);
    EXPECT(boot >= monotonic);
    EXPECT(coarse + 1000000000 > monotonic);
    EXPECT(coarse <= clock_ns(CLOCK_MONOTONIC));
    EXPECT(clock_ns(CLOCK_REALTIME_COARSE) <= clock_ns(CLOCK_REALTIME));
    EXPECT(clock_ns(CLOCK_TAI) + 1000000000 > clock_ns(CLOCK_REALTIME));
}

CASE(resolutions)
{
    struct timespec resolution;
    EXPECT_OK(clock_getres(CLOCK_MONOTONIC, &resolution));
    EXPECT(resolution.tv_sec == 0 && resolution.tv_nsec == 1);
    EXPECT_OK(clock_getres(CLOCK_PROCESS_CPUTIME_ID, &resolution));
    EXPECT(resolution.tv_sec == 0 && resolution.tv_nsec == 1);
    EXPECT_OK(clock_getres(CLOCK_REALTIME_COARSE, &resolution));
    EXPECT(resolution.tv_nsec >= 1000000 && resolution.tv_nsec <= 10000000);
    EXPECT_OK(clock_getres(CLOCK_MONOTONIC, NULL));
}

CASE(bad_clocks)
{
    struct timespec now;
    EXPECT_ERROR(syscall(SYS_clock_gettime, 99, &now), EINVAL);
    EXPECT_ERROR(syscall(SYS_clock_getres, 99, &now), EINVAL);
    EXPECT_ERROR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 16), EFAULT);
    EXPECT_ERROR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now), EINVAL);
}

CASE(cpu_clocks_count_work_only)
{
    uint64_t thread = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    sleep_ms(60);
    EXPECT(clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread < 30000000);
    uint64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    burn(30);
    EXPECT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process >= 30000000);
}

static void *burn_some(void *unused)
{
    burn(30);
    return unused;
}

CASE(threads_add_up_in_the_process_clock)
{
    uint64_t mine = UINT64_MAX;
    for (int i = 0; i < 50 && mine >= 25000000; i++) { // a busy host takes some of it
        uint64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID), start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        thread_join(thread_start(burn_some, NULL));
        EXPECT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process >= 30000000);
        mine = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    EXPECT(mine < 25000000);
}

CASE(cpu_clock_of_a_pthread)
{
    clockid_t clock;
    EXPECT_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0);
    uint64_t before = clock_ns(clock);
    burn(10);
    EXPECT(clock_ns(clock) - before >= 10000000);
    EXPECT_EQ(clock_getcpuclockid(0, &clock), 0);
    EXPECT(clock_ns(clock) > 0);
}

CASE(rusage_and_times)
{
    struct rusage use;
    struct tms ticks;
    burn(30);
    EXPECT_OK(getrusage(RUSAGE_SELF, &use));
    EXPECT(use.ru_utime.tv_sec * 1000000 + use.ru_utime.tv_usec + use.ru_stime.tv_sec * 1000000 +
               use.ru_stime.tv_usec >=
           10000);
    EXPECT(use.ru_maxrss > 0);
    EXPECT_OK(getrusage(RUSAGE_THREAD, &use));
    EXPECT_OK(getrusage(RUSAGE_CHILDREN, &use));
    EXPECT_EQ(use.ru_utime.tv_sec, 0);
    EXPECT_ERROR(getrusage(77, &use), EINVAL);
    EXPECT(times(&ticks) != (clock_t)-1);
    EXPECT(ticks.tms_utime + ticks.tms_stime >= 1);
}

static uint64_t ns_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

// CPU time from now on: 200 ms of it in `work`. What was the system's, and the user's.
static void split_of(void (*work)(void), uint64_t *user, uint64_t *system)
{
    struct rusage before, after;
    struct timespec start, now;
    getrusage(RUSAGE_SELF, &before);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    do {
        work();
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < 200000000);
    getrusage(RUSAGE_SELF, &after);
    *user = ns_of(after.ru_utime) - ns_of(before.ru_utime);
    *system = ns_of(after.ru_stime) - ns_of(before.ru_stime);
}

static int zeros;

static void work_in_calls(void)
{
    static char buffer[1 << 20];
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(read(zeros, buffer, sizeof(buffer)), sizeof(buffer));
}

static void work_in_program(void)
{
    for (volatile int i = 0; i < 1000000; i++)
        ;
}

CASE(system_time_is_told_apart)
{
    uint64_t user, system;
    struct tms t;
    zeros = open("/dev/zero", O_RDONLY);
    split_of(work_in_calls, &user, &system);
    EXPECT(system > (user + system) / 50); // most of it, but what a busy machine takes away may count as user time
    split_of(work_in_program, &user, &system);
    EXPECT(user > (user + system) / 50);
    EXPECT(times(&t) != (clock_t)-1);
    EXPECT(t.tms_stime > 0);
    EXPECT(t.tms_utime > 0);
    close(zeros);
}

CASE(nanosleep_sleeps_enough)
{
    uint64_t start = now_ns();
    struct timespec brief = {0, 20000000}, none = {0, 0};
    EXPECT_OK(nanosleep(&brief, NULL));
    EXPECT(now_ns() - start >= 20000000);
    EXPECT_OK(nanosleep(&none, NULL));
}

CASE(short_sleeps_are_short)
{
    struct timespec brief = {0, 100000};
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 20; i++) {
        uint64_t start = now_ns();
        EXPECT_OK(nanosleep(&brief, NULL));
        uint64_t spent = now_ns() - start;
        best = spent < best ? spent : best;
    }
    EXPECT(best >= 100000 && best < 5000000);
}

CASE(sleep_errors)
{
    struct timespec bad = {0, 1000000000}, negative = {-1, 0};
    EXPECT_ERROR(nanosleep(&bad, NULL), EINVAL);
    EXPECT_ERROR(nanosleep(&negative, NULL), EINVAL);
    EXPECT_ERROR(syscall(SYS_nanosleep, 16, NULL), EFAULT);
    EXPECT_EQ(clock_nanosleep(99, 0, &negative, NULL), EINVAL);
    EXPECT_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &negative, NULL), EINVAL);
}

CASE(absolute_sleeps)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t start = now_ns();
    EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0); // past
    until.tv_nsec += 30000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
    EXPECT(now_ns() - start >= 29000000);
    clock_gettime(CLOCK_REALTIME, &until);
    EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
}

static void *sleep_a_bit(void *argument)
{
    sleep_ms((int)(intptr_t)argument);
    return NULL;
}

CASE(sleeps_overlap)
{
    pthread_t thread[8];
    uint64_t start = now_ns();
    for (int i = 0; i < 8; i++)
        thread[i] = thread_start(sleep_a_bit, (void *)100);
    for (int i = 0; i < 8; i++)
        thread_join(thread[i]);
    uint64_t spent = now_ns() - start;
    EXPECT(spent >= 100000000 && spent < 700000000);
}

CASE(adjtimex_can_be_read)
{
    struct timex query = {.modes = 0};
    EXPECT(adjtimex(&query) >= 0);
    EXPECT(query.tick >= 9000 && query.tick <= 11000);
}

// The host's own clock is left alone.
CASE(realtime_can_be_set)
{
    struct timespec before, now, monotonic;
    struct utsname name;

    if (uname(&name) || !strstr(name.release, "clade"))
        SKIP("would set the machine's clock");
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &before);
    now = before;
    now.tv_sec += 100000;
    REQUIRE_OK(clock_settime(CLOCK_REALTIME, &now));
    clock_gettime(CLOCK_REALTIME, &now);
    EXPECT(now.tv_sec >= before.tv_sec + 100000 && now.tv_sec < before.tv_sec + 100100);
    sleep_ms(50); // over a window of the clock
    clock_gettime(CLOCK_REALTIME, &now);
    EXPECT(now.tv_sec >= before.tv_sec + 100000 && now.tv_sec < before.tv_sec + 100100);
    REQUIRE_OK(clock_settime(CLOCK_REALTIME, &before));
    clock_gettime(CLOCK_REALTIME, &now);
    EXPECT(now.tv_sec < before.tv_sec + 100);
    clock_gettime(CLOCK_MONOTONIC, &now);
    EXPECT(now.tv_sec < monotonic.tv_sec + 100);
    now.tv_sec = -1;
    EXPECT_ERROR(clock_settime(CLOCK_REALTIME, &now), EINVAL);
    EXPECT_ERROR(clock_settime(CLOCK_MONOTONIC, &before), EINVAL);
}

static void *set_ahead(void *seconds)
{
    struct timespec now;

    sleep_ms(20);
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += *(int *)seconds;
    clock_settime(CLOCK_REALTIME, &now);
    return NULL;
}

// Each wait is for a time that only comes because the clock is set.
CASE(waits_follow_realtime)
{
    int ahead = 100000, back = -200000, fd;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct itimerspec far = {0};
    struct timespec until;
    struct utsname name;
    uint64_t count;
    pthread_t thread;

    if (uname(&name) || !strstr(name.release, "clade"))
        SKIP("would set the machine's clock");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ahead / 2;
    thread = thread_start(set_ahead, &ahead);
    EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
    thread_join(thread);
    until.tv_sec += ahead;
    thread = thread_start(set_ahead, &ahead);
    pthread_mutex_lock(&mutex);
    EXPECT_EQ(pthread_cond_timedwait(&condition, &mutex, &until), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    thread_join(thread);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    far.it_value.tv_sec = until.tv_sec + ahead;
    EXPECT_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL));
    thread = thread_start(set_ahead, &back);
    EXPECT_ERROR(read(fd, &count, 8), ECANCELED);
    thread_join(thread);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(monotonic_never_goes_back),
    ENTRY(vdso_and_system_call_agree),
    ENTRY(realtime_is_this_century),
    ENTRY(clocks_relate),
    ENTRY(resolutions),
    ENTRY(bad_clocks),
    ENTRY(cpu_clocks_count_work_only),
    ENTRY(threads_add_up_in_the_process_clock),
    ENTRY(cpu_clock_of_a_pthread),
    ENTRY(rusage_and_times),
    ENTRY(system_time_is_told_apart),
    ENTRY(nanosleep_sleeps_enough),
    ENTRY(short_sleeps_are_short),
    ENTRY(sleep_errors),
    ENTRY(absolute_sleeps),
    ENTRY(sleeps_overlap),
    ENTRY(adjtimex_can_be_read),
    ENTRY(realtime_can_be_set),
    ENTRY(waits_follow_realtime),
};
TEST_MAIN(cases)
