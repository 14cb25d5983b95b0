// SPDX-License-Identifier: BSD-3-Clause
// Processes that outlive their parents, are killed while they run or start, or fault.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "harness.h"

#define ROUNDS 20

static void work(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        int p[2];
        if (pipe(p) || write(p[1], "x", 1) != 1 || close(p[0]) || close(p[1]))
            _exit(1);
    }
}

// The orphan's system calls go on after its parent's memory has been used for others.
CASE(orphan_goes_on)
{
    int p[2], back[2], status;
    char c = 0;

    REQUIRE_OK(pipe(p));
    REQUIRE_OK(pipe(back));
    work(50);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (!child) {
        work(50);
        if (!fork()) {
            char gate = 0; // comes when the rounds below are over
            if (read(p[0], &gate, 1) != 1)
                _exit(1);
            work(50);
            if (gate == 'g' && write(back[1], "d", 1) == 1)
                _exit(0);
            _exit(1);
        }
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    for (int i = 0; i < ROUNDS; i++) {
        child = fork();
        if (!child) {
            work(50);
            _exit(7);
        }
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT_EQ(WEXITSTATUS(status), 7);
    }
    EXPECT_EQ(write(p[1], "g", 1), 1);
    close(back[1]);
    EXPECT_EQ(read(back[0], &c, 1), 1);
    EXPECT_EQ(c, 'd');
    close(back[0]);
    close(p[1]);
    close(p[0]);
}

static void spin(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

// SIGKILL ends a process that makes no system call, and one that has hardly started.
CASE(kill_busy)
{
    for (int i = 0; i < ROUNDS; i++) {
        int status = 0;
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (!child)
            spin();
        if (i % 2)
            usleep(2000);
        EXPECT_OK(kill(child, SIGKILL));
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT(WIFSIGNALED(status));
        EXPECT_EQ(WTERMSIG(status), SIGKILL);
    }
}

CASE(fault_ends_child_only)
{
    int status = 0;
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (!child) {
        *(volatile int *)8 = 1;
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGSEGV);
}

CASE(group_is_killed)
{
    pid_t members[4], leader = 0;
    int status;

    for (size_t i = 0; i < COUNT(members); i++) {
        members[i] = fork();
        REQUIRE(members[i] >= 0);
        if (!members[i]) {
            for (;;)
                pause();
        }
        leader = leader ? leader : members[i];
        EXPECT_OK(setpgid(members[i], leader));
    }
    EXPECT_OK(kill(-leader, SIGTERM));
    for (size_t i = 0; i < COUNT(members); i++) {
        status = 0;
        EXPECT(waitpid(-leader, &status, 0) > 0);
        EXPECT_EQ(WTERMSIG(status), SIGTERM);
    }
    EXPECT_EQ(kill(-leader, 0), -1);
    EXPECT_EQ(errno, ESRCH);
}

static void *fork_and_end(void *unused)
{
    int *child = unused, p[2];
    char c;

    if (pipe(p))
        return NULL;
    *child = fork();
    if (!*child) {
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        write(p[1], "x", 1);
        for (;;)
            pause();
    }
    read(p[0], &c, 1);
    close(p[0]);
    close(p[1]);
    return NULL;
}

// The parent, whose death a child may want to hear of, is the thread that made it. prctl(2), PR_SET_PDEATHSIG
CASE(parent_is_a_thread)
{
    int child = 0, status = 0;

    thread_join(thread_start(fork_and_end, &child));
    EXPECT(waitpid(child, &status, 0) == child && child > 0);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

// A child in a session or a group of its own, which stops itself by `signal`. Its status; a stopped one goes on and ends.
static int stop_oneself(int signal, int new_session)
{
    int status = 0, end;
    pid_t child = fork();

    if (!child) {
        if (new_session ? setsid() < 0 : setpgid(0, 0))
            _exit(1);
        raise(signal);
        _exit(7);
    }
    EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
    if (WIFSTOPPED(status)) {
        EXPECT_OK(kill(child, SIGCONT));
        EXPECT_EQ(waitpid(child, &end, 0), child);
        EXPECT_EQ(WEXITSTATUS(end), 7);
    }
    return status;
}

// The terminal's signals do not stop who could not be continued; SIGSTOP does. [setpgid(2), signal(7)]
CASE(orphaned_group_is_not_stopped)
{
    static const int signals[] = {SIGTSTP, SIGTTIN, SIGTTOU};

    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQ(stop_oneself(signals[i], /*new_session=*/1), 7 << 8);
        EXPECT_EQ(stop_oneself(signals[i], /*new_session=*/0), signals[i] << 8 | 0x7f);
    }
    EXPECT_EQ(stop_oneself(SIGSTOP, /*new_session=*/1), SIGSTOP << 8 | 0x7f);
}

enum end { ENDS_BY_EXIT, ENDS_BY_EXEC, CHILD_EXECS };

static struct {
    enum end how;
    int parent, news;        // descriptor
    volatile int first_word; // in the memory of both
} sharers;

static unsigned char sharer_stack[65536] __attribute__((aligned(16)));

static void exec_silently(void)
{
    close(1);
    execl("/proc/self/exe", "self", "--list", NULL);
    _exit(9);
}

static int sharer(void *unused)
{
    (void)unused;
    while (getppid() == sharers.parent && sharers.how != ENDS_BY_EXEC)
        usleep(1000);
    while (sharers.first_word == 1) // so it has gone on
        usleep(1000);
    pid_t self = (pid_t)syscall(SYS_getpid);
    if (write(sharers.news, &self, sizeof(self)) != sizeof(self))
        return 6;
    if (sharers.how == CHILD_EXECS)
        exec_silently();
    return 5;
}

// Two processes on one memory: the one that was there first ends, or execs, and the other goes on.
static void outlive(enum end how)
{
    int p[2], status = -1;
    pid_t child = -1;

    REQUIRE_OK(pipe(p));
    REQUIRE_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t first = fork();
    if (!first) {
        sharers.how = how;
        sharers.parent = getpid();
        sharers.news = p[1];
        sharers.first_word = 1;
        if (clone(sharer, sharer_stack + sizeof(sharer_stack), CLONE_VM | SIGCHLD, NULL) < 0)
            _exit(8);
        sharers.first_word = 2;
        if (how == ENDS_BY_EXEC)
            exec_silently();
        _exit(0);
    }
    close(p[1]);
    EXPECT_EQ(read(p[0], &child, sizeof(child)), sizeof(child));
    EXPECT_EQ(waitpid(first, &status, 0), first);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, how == CHILD_EXECS ? 0 : 5 << 8);
    close(p[0]);
    REQUIRE_OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

CASE(shared_memory_outlives_whose_it_was)
{
    outlive(ENDS_BY_EXIT);
    outlive(ENDS_BY_EXEC);
    outlive(CHILD_EXECS);
}

static const struct test_case cases[] = {
    ENTRY(orphan_goes_on),
    ENTRY(kill_busy),
    ENTRY(fault_ends_child_only),
    ENTRY(group_is_killed),
    ENTRY(parent_is_a_thread),
    ENTRY(orphaned_group_is_not_stopped),
    ENTRY(shared_memory_outlives_whose_it_was),
};
TEST_MAIN(cases)
