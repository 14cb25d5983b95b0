// SPDX-License-Identifier: BSD-3-Clause
// The frame of the system-call tests (harness.h). Each case starts in an empty directory with
// default signals, an empty mask and no alternate stack, and is checked for descriptors and
// mappings left over. A watchdog thread, not alarm(2), ends a program whose case hangs.
#include "harness.h"

#include <ftw.h>
#include <malloc.h>
#include <stdarg.h>
#include <sys/time.h>

enum { DESCRIPTOR_MAX = 256, TIME_LIMIT = 10 };

static struct {
    const struct test_case *running;
    volatile int failed, skipped; // set once, by compare and exchange
    char message[512];
    uint64_t deadline_ns; // of the running case; read by the watchdog (atomic)
    char directory[256];  // of the program; cases get sub-directories
    unsigned char open[DESCRIPTOR_MAX];
    uint64_t mapped; // at the start of the case, 0: don't check
} state;

void test_fail(const char *file, int line, const char *format, ...)
{
    int none = 0;
    if (!__atomic_compare_exchange_n(&state.failed, &none, 1, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return;
    int length = snprintf(state.message, sizeof(state.message), "%s:%d: ", file, line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(state.message + length, sizeof(state.message) - (size_t)length, format, arguments);
    va_end(arguments);
}

void test_skip(const char *why)
{
    if (state.failed)
        return;
    state.skipped = 1;
    snprintf(state.message, sizeof(state.message), "%s", why);
}

int test_failed(void)
{
    return state.failed;
}

void test_time_limit(int seconds)
{
    __atomic_store_n(&state.deadline_ns, now_ns() + (uint64_t)seconds * 1000000000u,
                     __ATOMIC_RELEASE); // pairs with the watchdog's load
}

void test_ignore_mappings(void)
{
    state.mapped = 0;
}

static void print_line(const char *word, const char *name, const char *detail)
{
    char line[800];
    int length =
        snprintf(line, sizeof(line), "%s %s%s%s\n", word, name, *detail ? ": " : "", detail);
    for (int i = 0; i + 1 < length; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = '?'; // one line a case
    ssize_t ignored = write(1, line, (size_t)length);
    (void)ignored;
}

static void *watchdog(void *unused)
{
    for (;;) {
        struct timespec tick = {.tv_nsec = 100000000};
        nanosleep(&tick, NULL);
        uint64_t deadline = __atomic_load_n(&state.deadline_ns, __ATOMIC_ACQUIRE);
        if (deadline && now_ns() > deadline) {
            print_line("FAIL", state.running->name, "time limit");
            _exit(9);
        }
    }
    return unused;
}

static void start_watchdog(void)
{
    sigset_t all, old;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    if (pthread_create(&thread, NULL, watchdog, NULL) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    remove(path);
    return 0;
}

// Bytes mapped outside heap, stack and the stubs of patched calls, 0 when /proc/self/maps can't be read.
static uint64_t mapped_bytes(void)
{
    static char text[65536];
    uint64_t total = 0;
    if (read_file("/proc/self/maps", text, sizeof(text)) <= 0)
        return 0;
    for (char *line = text, *next; line && *line; line = next) {
        unsigned long start, end;
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && !strstr(line, "[heap]") &&
            !strstr(line, "[stack]") && !strstr(line, "[syscall stubs]"))
            total += end - start;
    }
    return total;
}

static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    stack_t no_stack = {.ss_flags = SS_DISABLE};
    struct itimerval off = {0};
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++)
        setitimer(which, &off, NULL);
    sigfillset(&none); // consume what is still pending before the mask opens
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    struct timespec now = {0};
    while (sigtimedwait(&none, NULL, &now) > 0)
        ;
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        if (signal < 32 || signal >= SIGRTMIN) // between: the C library's own
            sigaction(signal, &standard, NULL);
    sigaltstack(&no_stack, NULL);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    signal_count = 0;
    memset(&signal_last, 0, sizeof(signal_last));
}

static void enter_case(const struct test_case *test)
{
    state.running = test;
    state.failed = state.skipped = 0;
    state.message[0] = 0;
    reset_signals();
    umask(022);
    if (chdir(state.directory) < 0 || mkdir(test->name, 0777) < 0 || chdir(test->name) < 0)
        test_fail(__FILE_NAME__, __LINE__, "no directory for the case: errno %d", errno);
    for (int fd = 0; fd < DESCRIPTOR_MAX; fd++)
        state.open[fd] = fcntl(fd, F_GETFD) >= 0;
    state.mapped = mapped_bytes();
    test_time_limit(TIME_LIMIT);
}

// Compares descriptors and mappings with those at the start of the case.
static void check_leaks(void)
{
    for (int fd = 0; fd < DESCRIPTOR_MAX; fd++) {
        int open = fcntl(fd, F_GETFD) >= 0;
        if (open == state.open[fd])
            continue;
        test_fail(__FILE_NAME__, __LINE__, "descriptor %d %s", fd, open ? "leaked" : "vanished");
        if (open)
            close(fd);
    }
    uint64_t mapped = mapped_bytes();
    if (state.mapped && mapped != state.mapped)
        test_fail(__FILE_NAME__, __LINE__, "mapped bytes changed by %lld",
                  (long long)(mapped - state.mapped));
}

static void leave_case(void)
{
    __atomic_store_n(&state.deadline_ns, 0, __ATOMIC_RELEASE); // pairs with the watchdog's load
    check_leaks();
    if (chdir(state.directory) == 0)
        nftw(state.running->name, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (state.failed)
        print_line("FAIL", state.running->name, state.message);
    else if (state.skipped)
        print_line("skip", state.running->name, state.message);
    else
        print_line("ok", state.running->name, "");
}

static int make_directory(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(state.directory, sizeof(state.directory), "%s/syscall-test-XXXXXX",
             base && *base ? base : "/tmp");
    if (!mkdtemp(state.directory)) {
        dprintf(2, "mkdtemp %s: %s\n", state.directory, strerror(errno));
        return -1;
    }
    return chmod(state.directory, 0755);
}

int test_main(const struct test_case *cases, size_t count, int argc, char **argv)
{
    const char *only = NULL, *after = NULL;
    int watched = 1, failures = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            for (size_t n = 0; n < count; n++)
                printf(cases[n].ends < 0 ? "case %s\n" : "ends %s %d\n", cases[n].name,
                       cases[n].ends);
            return 0;
        }
        if (strcmp(argv[i], "--no-watchdog") == 0)
            watched = 0;
        else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--after") == 0 && i + 1 < argc)
            after = argv[++i];
    }
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1); // no arena per thread: mappings are counted
#endif
    for (int fd = 3; fd < DESCRIPTOR_MAX; fd++)
        close(fd); // whatever the host's shell handed down
    if (make_directory() < 0)
        return 2;
    if (watched)
        start_watchdog();
    for (size_t n = 0; n < count; n++) {
        if (after || (only && strcmp(only, cases[n].name) != 0) || (!only && cases[n].ends >= 0)) {
            if (after && strcmp(after, cases[n].name) == 0)
                after = NULL;
            continue;
        }
        if (cases[n].ends >= 0 && chdir("/") == 0)
            rmdir(state.directory); // nobody comes back to clean up
        else
            enter_case(&cases[n]);
        cases[n].run();
        if (cases[n].ends >= 0)
            return 99; // it should not have come back
        leave_case();
        failures += state.failed;
    }
    if (chdir("/") == 0)
        nftw(state.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failures != 0;
}
