// SPDX-License-Identifier: BSD-3-Clause
// One process on several CPUs at once: what another thread changes while this one runs, faults, forks, execs,
// ends, or is moved to another CPU. With one CPU the same must hold; there it is only less of a test.
#include "harness.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>

enum { THREADS = 4 };

static volatile int stop;

static int stopped(void)
{
    return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

// Runs `entry` in some threads beside `body`, until that returns.
static void beside(void *(*entry)(void *), int count, void (*body)(void))
{
    pthread_t threads[THREADS];
    stop = 0;
    for (intptr_t i = 0; i < count; i++)
        threads[i] = thread_start(entry, (void *)i);
    body();
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < count; i++)
        thread_join(threads[i]);
}

static void *map_and_unmap(void *unused)
{
    for (unsigned i = 0; !stopped(); i++) {
        size_t size = (1 + i % 7) * PAGE;
        char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) {
            test_fail(__FILE_NAME__, __LINE__, "mmap: errno %d", errno);
            return unused;
        }
        at[0] = at[size - 1] = (char)i;
        if (i % 3 == 0)
            EXPECT_OK(mprotect(at, PAGE, PROT_READ));
        EXPECT(at[0] == (char)i);
        EXPECT_OK(munmap(at, size));
    }
    return unused;
}

static int wait_for(pid_t child)
{
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
}

// The child's areas and its memory are copies of the same instant: it can do with them what it likes.
static void fork_often(void)
{
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        if (!child) {
            char *at = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memset(at, 1, 16 * PAGE);
            munmap(at, 16 * PAGE);
            _exit(7);
        }
        REQUIRE_OK(child);
        EXPECT_EQ(wait_for(child), 7 << 8);
    }
}

CASE(fork_while_others_map)
{
    test_time_limit(60);
    beside(map_and_unmap, 3, fork_often);
}

static volatile char *page;
static int wrong_signals;

static void skip_access(int signal, siginfo_t *info, void *context)
{
    (void)context;
    wrong_signals += signal != SIGSEGV || info->si_code != SEGV_ACCERR;
    mprotect((void *)(uintptr_t)page, PAGE, PROT_READ | PROT_WRITE);
}

static void *protect_and_not(void *unused)
{
    while (!stopped()) {
        mprotect((void *)(uintptr_t)page, PAGE, PROT_NONE);
        mprotect((void *)(uintptr_t)page, PAGE, PROT_READ | PROT_WRITE);
    }
    return unused;
}

static void touch_page(void)
{
    for (int i = 0; i < 20000; i++)
        page[i % PAGE]++;
}

// A fault that another thread has just made harmless is none, and never another signal.
CASE(faults_while_protection_changes)
{
    test_time_limit(60);
    wrong_signals = 0;
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on_signal(SIGSEGV, skip_access, SA_NODEFER);
    on_signal(SIGBUS, skip_access, SA_NODEFER);
    beside(protect_and_not, 2, touch_page);
    EXPECT_EQ(wrong_signals, 0);
    munmap((void *)(uintptr_t)page, PAGE);
}

static int device;

static void copy_into_page(void)
{
    for (int i = 0; i < 5000; i++) {
        ssize_t n = pread(device, (void *)(uintptr_t)page, PAGE, 0);
        EXPECT((n > 0 && n <= (ssize_t)PAGE) || (n == -1 && errno == EFAULT)); // or a part, when it comes in the middle
    }
}

CASE(calls_while_protection_changes)
{
    test_time_limit(60);
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    device = open("/dev/zero", O_RDONLY);
    beside(protect_and_not, 2, copy_into_page);
    close(device);
    munmap((void *)(uintptr_t)page, PAGE);
}

static void *spin(void *unused)
{
    while (!stopped())
        (void)!syscall(SYS_getppid);
    return unused;
}

static void *spin_for_ever(void *unused)
{
    for (volatile unsigned i = 0;; i++)
        if (i % 1024 == 0)
            (void)!syscall(SYS_getppid);
    return unused;
}

// In a child: other threads run user code, or are in the kernel, when one ends all.
static void end_with_threads(int status)
{
    for (int i = 0; i < THREADS; i++)
        thread_start(i % 2 ? spin_for_ever : map_and_unmap, NULL);
    for (volatile int i = 0; i < 20000; i++)
        ;
    _exit(status);
}

CASE(exit_group_ends_running_threads)
{
    test_time_limit(60);
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        if (!child)
            end_with_threads(i);
        REQUIRE_OK(child);
        EXPECT_EQ(wait_for(child), i << 8);
    }
}

static void *exec_true(void *unused)
{
    char *const argv[] = {(char *)(uintptr_t) "/proc/self/exe", (char *)(uintptr_t) "--list", NULL};
    execv("/proc/self/exe", argv);
    return unused;
}

// Several threads want to be the one that goes on with another program: one does, all others end.
CASE(exec_ends_running_threads)
{
    test_time_limit(60);
    for (int i = 0; i < 15; i++) {
        pid_t child = fork();
        if (!child) {
            int null = open("/dev/null", O_WRONLY);
            dup2(null, 1);
            for (int k = 0; k < 2; k++)
                thread_start(k % 2 ? spin_for_ever : map_and_unmap, NULL);
            for (int k = 0; k < 2; k++)
                thread_start(exec_true, NULL);
            for (;;)
                pause();
        }
        REQUIRE_OK(child);
        EXPECT_EQ(wait_for(child), 0);
    }
}

extern char **environ;

static void *spawn_often(void *unused)
{
    char *const argv[] = {(char *)(uintptr_t) "true", (char *)(uintptr_t) "--list", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < 8; i++) {
        pid_t child;
        int error = posix_spawn(&child, "/proc/self/exe", &actions, NULL, argv, environ);
        EXPECT_EQ(error, 0);
        if (!error)
            EXPECT_EQ(wait_for(child), 0);
    }
    posix_spawn_file_actions_destroy(&actions);
    return unused;
}

CASE(threads_spawn_programs)
{
    test_time_limit(60);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(spawn_often, NULL);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}

// Each CPU that the process may use can be had, by every thread, and is the one that it runs on then.
static void *visit_cpus(void *argument)
{
    cpu_set_t all, one;
    EXPECT_OK(sched_getaffinity(0, sizeof(all), &all));
    for (int round = 0; round < 20; round++)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (!CPU_ISSET(cpu, &all))
                continue;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            EXPECT_OK(sched_setaffinity(0, sizeof(one), &one));
            EXPECT_EQ(sched_getcpu(), cpu);
            sched_yield();
            EXPECT_EQ(sched_getcpu(), cpu);
        }
    EXPECT_OK(sched_setaffinity(0, sizeof(all), &all));
    return argument;
}

CASE(affinity_is_obeyed)
{
    test_time_limit(60);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(visit_cpus, NULL);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}

static int moved_tid;

static void *report_and_spin(void *unused)
{
    __atomic_store_n(&moved_tid, thread_id(), __ATOMIC_RELEASE);
    return spin(unused);
}

// Another thread's affinity, while that runs.
static void move_it(void)
{
    cpu_set_t all, one;
    int tid;
    while (!(tid = __atomic_load_n(&moved_tid, __ATOMIC_ACQUIRE)))
        sched_yield();
    EXPECT_OK(sched_getaffinity(0, sizeof(all), &all));
    for (int round = 0; round < 50; round++)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (!CPU_ISSET(cpu, &all))
                continue;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            EXPECT_OK(sched_setaffinity(tid, sizeof(one), &one));
        }
}

CASE(affinity_of_a_running_thread)
{
    moved_tid = 0;
    beside(report_and_spin, 1, move_it);
}

static volatile int mine, theirs, met;

static void *first_half(void *unused)
{
    for (int i = 1; !stopped(); i++) {
        __atomic_store_n(&mine, i, __ATOMIC_RELAXED);
        __asm__ volatile("" ::: "memory"); // the other side's membarrier makes a full barrier of it
        met = theirs;
    }
    return unused;
}

static void barriers(void)
{
    for (int i = 0; i < 300; i++) {
        theirs = i;
        EXPECT_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
        int seen = mine;
        EXPECT(seen >= 0);
    }
}

CASE(membarrier_reaches_running_threads)
{
    test_time_limit(60);
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
        SKIP("no membarrier");
    beside(first_half, 2, barriers);
}

static int counter, changes;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *pass_on(void *argument)
{
    int me = (int)(intptr_t)argument;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        while (counter % THREADS != me)
            pthread_cond_wait(&condition, &mutex);
        counter++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
        __atomic_add_fetch(&changes, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

CASE(conditions_in_turn)
{
    test_time_limit(60);
    pthread_t threads[THREADS];
    counter = changes = 0;
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(pass_on, (void *)i);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    EXPECT_EQ(counter, THREADS * 500);
    EXPECT_EQ(changes, THREADS * 500);
}

static void *end_at_once(void *unused)
{
    return unused;
}

static void *start_and_end(void *unused)
{
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        EXPECT_EQ(pthread_create(&thread, NULL, end_at_once, NULL), 0);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
    }
    return unused;
}

static void signal_threads(void)
{
    for (int i = 0; i < 2000; i++)
        kill(getpid(), SIGUSR1);
}

// Signals of the process find a thread, whichever ends just then.
CASE(signals_while_threads_end)
{
    test_time_limit(60);
    test_ignore_mappings(); // the C library's stacks
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    beside(start_and_end, 3, signal_threads);
    int before = signal_count;
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 5000 && signal_count == before; i++)
        sleep_ms(1);
    EXPECT(signal_count > before);
}

static double sum(int n)
{
    double x = 0;
    for (int i = 1; i <= n; i++)
        x += 1.0 / i;
    return x;
}

// Vector registers go with the thread, whatever CPU it goes on on.
static void *compute(void *unused)
{
    double want = sum(3000);
    for (int i = 0; i < 200; i++) {
        EXPECT(sum(3000) == want);
        sched_yield();
    }
    return unused;
}

CASE(registers_move_along)
{
    test_time_limit(60);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(compute, NULL);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}

static const struct test_case cases[] = {
    ENTRY(fork_while_others_map),
    ENTRY(faults_while_protection_changes),
    ENTRY(calls_while_protection_changes),
    ENTRY(exit_group_ends_running_threads),
    ENTRY(exec_ends_running_threads),
    ENTRY(threads_spawn_programs),
    ENTRY(affinity_is_obeyed),
    ENTRY(affinity_of_a_running_thread),
    ENTRY(membarrier_reaches_running_threads),
    ENTRY(conditions_in_turn),
    ENTRY(signals_while_threads_end),
    ENTRY(registers_move_along),
};
TEST_MAIN(cases)
