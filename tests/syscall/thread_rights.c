// SPDX-License-Identifier: BSD-3-Clause
// Users, groups and capabilities are a thread's: credentials(7), "the kernel ... per-thread attributes". By raw
// calls, as the C library sets those of all threads. In a child, whose status is a set of bits. And directories and
// umask, which a thread may take for itself: unshare(2), CLONE_FS.
#include "harness.h"

#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define USER 1234

static int in_child(int (*run)(void))
{
    int status, pid = fork();

    if (!pid)
        _exit(run());
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static struct {
    pthread_barrier_t barrier;
    int first, second; // what the other thread saw, before and after
} shared;

static unsigned long effective(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];

    return syscall(SYS_capget, &h, d) ? 1 : d[0].effective | (unsigned long)d[1].effective << 32;
}

static void *other_changes(void *unused)
{
    shared.first = (int)syscall(SYS_setresuid, USER, USER, USER);
    shared.second = geteuid() == USER && !effective() && access("private", R_OK) == -1 && errno == EACCES;
    pthread_barrier_wait(&shared.barrier);
    pthread_barrier_wait(&shared.barrier);
    return unused;
}

static int second_thread_changes(void)
{
    int pid, status, result = 0;

    pthread_barrier_init(&shared.barrier, NULL, 2);
    pthread_t t = thread_start(other_changes, NULL);
    pthread_barrier_wait(&shared.barrier);
    result |= shared.first == 0 && shared.second ? 1 : 0;
    result |= geteuid() == 0 && effective() && access("private", R_OK) == 0 ? 2 : 0;
    pid = fork(); // with the first thread's
    if (!pid)
        _exit(geteuid() == 0);
    result |= waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1 ? 4 : 0;
    pthread_barrier_wait(&shared.barrier);
    thread_join(t);
    return result;
}

CASE(second_thread_changes_its_own)
{
    if (getuid())
        SKIP("needs root");
    close(make_file("private", "x"));
    REQUIRE_OK(chmod("private", 0600));
    REQUIRE_OK(chmod(".", 0755));
    EXPECT_EQ(in_child(second_thread_changes), 1 + 2 + 4);
}

static void *other_looks(void *unused)
{
    int pid, status;

    pthread_barrier_wait(&shared.barrier);
    pthread_barrier_wait(&shared.barrier);
    shared.first = geteuid() == 0 && getegid() == 0 && effective() && !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    pid = fork(); // with those of the thread that forks
    if (!pid)
        _exit(geteuid() == 0);
    shared.second = waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1;
    return unused;
}

static int first_thread_changes(void)
{
    int result = 0;

    pthread_barrier_init(&shared.barrier, NULL, 2);
    pthread_t t = thread_start(other_looks, NULL);
    pthread_barrier_wait(&shared.barrier);
    result |= prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 1 : 0;
    result |= syscall(SYS_setresgid, USER, USER, USER) == 0 ? 2 : 0;
    result |= syscall(SYS_setresuid, USER, USER, USER) == 0 && geteuid() == USER && !effective() ? 4 : 0;
    pthread_barrier_wait(&shared.barrier);
    thread_join(t);
    return result | (shared.first ? 8 : 0) | (shared.second ? 16 : 0);
}

CASE(first_thread_changes_its_own)
{
    if (getuid())
        SKIP("needs root");
    EXPECT_EQ(in_child(first_thread_changes), 1 + 2 + 4 + 8 + 16);
}

static void *inherits(void *unused)
{
    shared.first = geteuid() == USER;
    return unused;
}

static void *makes_another(void *unused)
{
    pthread_t t;

    shared.second = (int)syscall(SYS_setresuid, USER, USER, USER);
    if (!pthread_create(&t, NULL, inherits, NULL))
        pthread_join(t, NULL);
    return unused;
}

static int thread_of_thread(void)
{
    thread_join(thread_start(makes_another, NULL));
    return (shared.second == 0 ? 1 : 0) + (shared.first ? 2 : 0) + (geteuid() == 0 ? 4 : 0);
}

CASE(new_threads_have_their_makers)
{
    if (getuid())
        SKIP("needs root");
    EXPECT_EQ(in_child(thread_of_thread), 1 + 2 + 4);
}

static sem_t called;
static int ready, done, first, entry, line; // atomics

static void real_time(void)
{
    struct sched_param p = {.sched_priority = 10};

    EXPECT_OK(sched_setscheduler(0, SCHED_FIFO, &p));
}

static void *spin_until_done(void *unused)
{
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
        ;
    return unused;
}

static void *wait_for_call(void *unused)
{
    real_time();
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    while (sem_wait(&called))
        ;
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    return unused;
}

static void *call_and_spin(void *unused)
{
    real_time();
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    sleep_ms(5);
    sem_post(&called);
    spin_until_done(NULL);
    return unused;
}

// The one that is called must not wait for its caller while the other CPU runs an ordinary thread.
CASE(real_time_threads_go_where_they_can_run)
{
    cpu_set_t cpus;
    pthread_t ordinary, waiter, caller;

    if (getuid())
        SKIP("needs root");
    REQUIRE_OK(sched_getaffinity(0, sizeof(cpus), &cpus));
    if (CPU_COUNT(&cpus) < 2)
        return;
    sem_init(&called, 0, 0);
    ready = done = 0;
    ordinary = thread_start(spin_until_done, NULL);
    waiter = thread_start(wait_for_call, NULL);
    caller = thread_start(call_and_spin, NULL);
    thread_join(waiter);
    thread_join(caller);
    thread_join(ordinary);
}

// The first of them has the lower priority.
static void *wait_in_line(void *priority)
{
    struct sched_param p = {.sched_priority = *(int *)priority};

    EXPECT_OK(sched_setscheduler(0, SCHED_FIFO, &p));
    syscall(SYS_futex, &entry, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    __atomic_compare_exchange_n(&first, &(int){0}, p.sched_priority, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    return NULL;
}

CASE(futexes_wake_by_priority)
{
    static int priorities[] = {5, 20, 10};
    pthread_t threads[3];

    if (getuid())
        SKIP("needs root");
    first = 0;
    for (int i = 0; i < 3; i++) {
        threads[i] = thread_start(wait_in_line, &priorities[i]);
        while (syscall(SYS_futex, &entry, FUTEX_REQUEUE_PRIVATE, 0, 1L, &line, 0) != 1)
            sleep_ms(1); // until it waits
    }
    syscall(SYS_futex, &line, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    while (!__atomic_load_n(&first, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    EXPECT_EQ(first, 20);
    syscall(SYS_futex, &line, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
}

static bool works_in(const char *directory)
{
    char cwd[4096];

    return getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, directory);
}

static int umask_now(void)
{
    int mask = (int)umask(0);

    umask((mode_t)mask);
    return mask;
}

static void *lives_with_its_maker(void *unused)
{
    if (works_in("/usr") && umask_now() == 027)
        EXPECT_OK(chdir("/etc"));
    return unused;
}

static void *lives_elsewhere(void *start)
{
    bool *unshared = start;
    int status;

    *unshared = !unshare(CLONE_FS);
    pthread_barrier_wait(&shared.barrier);
    if (!*unshared)
        return NULL;
    EXPECT_OK(chdir("/usr"));
    umask(027);
    pthread_barrier_wait(&shared.barrier); // the first thread looks, and goes to /proc
    pthread_barrier_wait(&shared.barrier);
    if (!works_in("/usr") || umask_now() != 027)
        return NULL;
    thread_join(thread_start(lives_with_its_maker, start)); // shares its directories, moves both
    if (!works_in("/etc"))
        return NULL;
    if (!fork())
        _exit(!works_in("/etc") || umask_now() != 027);
    shared.second = wait(&status) > 0 && !status;
    return NULL;
}

CASE(directories_of_a_thread)
{
    bool unshared;
    pthread_t thread;
    char before[4096];

    REQUIRE(getcwd(before, sizeof(before)));
    umask(022);
    memset(&shared, 0, sizeof(shared));
    pthread_barrier_init(&shared.barrier, NULL, 2);
    thread = thread_start(lives_elsewhere, &unshared);
    pthread_barrier_wait(&shared.barrier);
    EXPECT(unshared);
    if (unshared) {
        pthread_barrier_wait(&shared.barrier);
        EXPECT(works_in(before));
        EXPECT_EQ(umask_now(), 022);
        EXPECT_OK(chdir("/proc"));
        pthread_barrier_wait(&shared.barrier);
    }
    thread_join(thread);
    EXPECT(shared.second);
    EXPECT(!unshared || works_in("/proc"));
    EXPECT_OK(chdir(before));
}

static const struct test_case cases[] = {
    ENTRY(second_thread_changes_its_own),
    ENTRY(first_thread_changes_its_own),
    ENTRY(new_threads_have_their_makers),
    ENTRY(real_time_threads_go_where_they_can_run),
    ENTRY(futexes_wake_by_priority),
    ENTRY(directories_of_a_thread),
};

TEST_MAIN(cases)
