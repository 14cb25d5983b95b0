// SPDX-License-Identifier: BSD-3-Clause
// The frame of the system-call tests. A test program is an ordinary Linux program: one file per
// topic, cases in an explicit table, run in order in one process without fork.
//
//     CASE(pipe_is_empty) { int p[2]; REQUIRE_OK(pipe(p)); ... EXPECT_EQ(got, 0); }
//     static const struct test_case cases[] = {ENTRY(pipe_is_empty), ENDS(abort_ends, 134)};
//     TEST_MAIN(cases)
//
// One line per case: "ok NAME", "FAIL NAME: file:line: ..." or "skip NAME: why". Nothing that may
// differ between two right systems is printed. README.md tells how to run and extend them.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE         4096ul

struct test_case {
    const char *name;
    void (*run)(void);
    int ends; // the status the process must end with (128 + N for signal N), or -1: it returns
};

#define CASE(name) static void case_##name(void)
#define ENTRY(name)                                                                                \
    {                                                                                              \
#name, case_##name, -1                                                                     \
    }
#define ENDS(name, status)                                                                         \
    {                                                                                              \
#name, case_##name, status                                                                 \
    }
#define TEST_MAIN(cases)                                                                           \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return test_main(cases, COUNT(cases), argc, argv);                                         \
    }

// Runs what the arguments ask for: nothing (all cases but ENDS ones), --list, --case NAME,
// --after NAME, --no-watchdog. Returns 0 when no case failed.
int test_main(const struct test_case *cases, size_t count, int argc, char **argv);

// Marks the running case as failed or skipped; the first mark counts. Safe from any thread.
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void test_skip(const char *why);
int test_failed(void);

// Gives the running case another time limit than the usual ten seconds.
void test_time_limit(int seconds);

// The running case may leave mappings behind (the C library loads something for it).
void test_ignore_mappings(void);

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE_NAME__, __LINE__, "%s is false", #condition);                         \
    } while (0)

#define EXPECT_EQ(got, want)                                                                       \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            test_fail(__FILE_NAME__, __LINE__, "%s: expected %lld got %lld", #got, want_, got_);   \
    } while (0)

#define EXPECT_STR(got, want)                                                                      \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (strcmp(got_, want_) != 0)                                                              \
            test_fail(__FILE_NAME__, __LINE__, "%s: expected \"%s\" got \"%s\"", #got, want_,      \
                      got_);                                                                       \
    } while (0)

// The call must not return -1.
#define EXPECT_OK(call)                                                                            \
    do {                                                                                           \
        if ((long)(call) == -1)                                                                    \
            test_fail(__FILE_NAME__, __LINE__, "%s: errno %d", #call, errno);                      \
    } while (0)

// The call must return -1 with this errno.
#define EXPECT_ERROR(call, error)                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long got_ = (long)(call);                                                                  \
        if (got_ != -1)                                                                            \
            test_fail(__FILE_NAME__, __LINE__, "%s: expected errno %d got result %ld", #call,      \
                      error, got_);                                                                \
        else if (errno != (error))                                                                 \
            test_fail(__FILE_NAME__, __LINE__, "%s: expected errno %d got %d", #call, error,       \
                      errno);                                                                      \
    } while (0)

// As EXPECT and EXPECT_OK, and the case (or helper returning void) ends there.
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_fail(__FILE_NAME__, __LINE__, "%s is false (errno %d)", #condition, errno);       \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define REQUIRE_OK(call) REQUIRE((long)(call) != -1)

#define SKIP(why)                                                                                  \
    do {                                                                                           \
        test_skip(why);                                                                            \
        return;                                                                                    \
    } while (0)

// Time and threads. Threads run on stacks of the harness, at most 16 at once.
uint64_t now_ns(void);
void sleep_ms(int milliseconds);
int thread_id(void);
pthread_t thread_start(void *(*entry)(void *), void *argument);
void thread_join(pthread_t thread);

// Signals: installs a handler with an empty mask; `count_signal` only counts into signal_count.
typedef void (*signal_handler)(int signal, siginfo_t *info, void *context);
void on_signal(int signal, signal_handler handler, int flags);
void count_signal(int signal, siginfo_t *info, void *context);
extern volatile sig_atomic_t signal_count;
extern siginfo_t signal_last; // what count_signal saw last
void block_signal(int signal);
void unblock_signal(int signal);
// Sends `signal` to the calling thread from a helper thread after `milliseconds`.
void signal_me_later(int signal, int milliseconds);
void signal_me_done(void); // joins the helper

// Runs `run(argument)` and returns the fault signal it raised, 0 for none. *out_info may be NULL.
int fault_of(void (*run)(void *), void *argument, siginfo_t *out_info);
// The signal that one byte's access at `address` raises, 0 for none.
int fault_of_read(const volatile void *address);
int fault_of_write(volatile void *address);

// Files in the case's own empty directory, which is the current one.
int make_file(const char *name, const char *content); // open O_RDWR, offset 0
// Reads the whole of `path` (proc files too) as a string; returns bytes or -1.
long read_file(const char *path, char *buffer, size_t size);
