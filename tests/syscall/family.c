// SPDX-License-Identifier: BSD-3-Clause
// Parents, orphans and limits: clone(2), wait(2), prctl(2), setpgid(2), signals across processes.
#include "harness.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int in_child(int (*run)(void))
{
    int status, pid = fork();

    if (!pid)
        _exit(run());
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void *shared_page(void)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

// Waits until *at is not 0; gives up after some seconds.
static int wait_for(volatile int *at)
{
    for (int i = 0; i < 5000 && !*at; i++)
        sleep_ms(1);
    return *at;
}

static int subreaper(void)
{
    int status, middle, pid, orphan, p[2];

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) || pipe(p))
        return 1;
    middle = fork();
    if (!middle) {
        int parent = getpid();
        orphan = fork();
        if (!orphan) {
            close(p[1]);
            while (getppid() == parent)
                sleep_ms(1);
            _exit(getppid() == (int)getpgrp() ? 7 : 8); // the subreaper leads the group
        }
        write(p[1], &orphan, sizeof(orphan));
        _exit(5);
    }
    if (read(p[0], &orphan, sizeof(orphan)) != sizeof(orphan))
        return 2;
    if (waitpid(middle, &status, 0) != middle || WEXITSTATUS(status) != 5)
        return 3;
    pid = waitpid(-1, &status, 0);
    if (pid != orphan)
        return 4;
    return WEXITSTATUS(status) == 7 ? 0 : 6;
}

static int subreaper_in_a_group(void)
{
    return setpgid(0, 0) ? 99 : subreaper();
}

CASE(orphans_go_to_the_subreaper)
{
    EXPECT_EQ(in_child(subreaper_in_a_group), 0);
}

CASE(subreaper_is_not_inherited)
{
    int is = 7, status, pid = fork();

    if (!pid) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        pid = fork();
        if (!pid) {
            prctl(PR_GET_CHILD_SUBREAPER, &is);
            _exit(is);
        }
        waitpid(pid, &status, 0);
        _exit(WEXITSTATUS(status));
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

static volatile int *seen;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    seen[signal] = info->si_pid ? info->si_pid : -1;
}

CASE(death_of_the_parent_sends_a_signal)
{
    int middle, status;

    seen = shared_page();
    middle = fork();
    if (!middle) {
        if (!fork()) {
            on_signal(SIGUSR1, note, SA_SIGINFO);
            prctl(PR_SET_PDEATHSIG, SIGUSR1);
            seen[99] = 1;
            wait_for(&seen[SIGUSR1]);
            _exit(0);
        }
        _exit(wait_for(&seen[99]) ? 0 : 1);
    }
    EXPECT_EQ(waitpid(middle, &status, 0), middle);
    EXPECT_EQ(status, 0);
    EXPECT(wait_for(&seen[SIGUSR1]));
    munmap((void *)seen, PAGE);
}

// A stopped process whose group loses its last tie to the session.
static void stopped_orphan(void)
{
    on_signal(SIGHUP, note, SA_SIGINFO);
    on_signal(SIGCONT, note, SA_SIGINFO);
    setpgid(0, 0);
    seen[99] = 1;
    raise(SIGSTOP);
    wait_for(&seen[SIGHUP]);
    wait_for(&seen[SIGCONT]);
    seen[100] = 1;
    _exit(0);
}

CASE(orphaned_groups_are_woken)
{
    int leader, status;

    seen = shared_page();
    leader = fork();
    if (!leader) {
        int child;

        setsid();
        child = fork();
        if (!child)
            stopped_orphan();
        waitpid(child, &status, WUNTRACED);
        _exit(WIFSTOPPED(status) ? 0 : 1);
    }
    EXPECT_EQ(waitpid(leader, &status, 0), leader);
    EXPECT_EQ(status, 0);
    EXPECT(wait_for(&seen[100]));
    EXPECT(seen[SIGHUP] != 0);
    EXPECT(seen[SIGCONT] != 0);
    munmap((void *)seen, PAGE);
}

// A session leader with a terminal, and another process in the foreground group.
static void lead_session(int master)
{
    int slave;

    setsid();
    slave = open(ptsname(master), O_RDWR);
    if (slave < 0 || tcgetpgrp(slave) != getpid())
        _exit(1);
    if (!fork()) {
        on_signal(SIGHUP, note, SA_SIGINFO);
        seen[99] = 1;
        wait_for(&seen[SIGHUP]);
        seen[101] = open("/dev/tty", O_RDWR) == -1 ? errno : -1; // nobody's terminal any more
        seen[100] = 1;
        _exit(0);
    }
    _exit(wait_for(&seen[99]) ? 0 : 2);
}

CASE(leader_takes_the_terminal_with_it)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), leader, status;

    REQUIRE_OK(master);
    grantpt(master);
    unlockpt(master);
    seen = shared_page();
    leader = fork();
    if (!leader)
        lead_session(master);
    EXPECT_EQ(waitpid(leader, &status, 0), leader);
    EXPECT_EQ(status, 0);
    EXPECT(wait_for(&seen[100]));
    EXPECT_EQ(seen[101], ENXIO);
    close(master);
    munmap((void *)seen, PAGE);
}

static void die_in_pairs(void)
{
    int pid = fork();

    if (!pid)
        for (;;)
            pause();
    seen[100] = pid;
    for (;;)
        pause();
}

CASE(kill_of_a_group)
{
    int status, leader;

    seen = shared_page();
    leader = fork();
    if (!leader) {
        setpgid(0, 0);
        die_in_pairs();
    }
    EXPECT(wait_for(&seen[100]));
    EXPECT_OK(kill(-leader, SIGTERM));
    EXPECT_EQ(waitpid(leader, &status, 0), leader);
    EXPECT_EQ(status, SIGTERM);
    for (int i = 0; i < 5000 && !kill(-leader, 0); i++) { // an orphan is reaped by the first process
        waitpid(seen[100], &status, WNOHANG);
        sleep_ms(1);
    }
    EXPECT_ERROR(kill(-leader, 0), ESRCH);
    munmap((void *)seen, PAGE);
}

// In a child, since orphans come to the first process of a unikernel.
static int sibling(void)
{
    int status, pid = fork(), ended = 0;

    if (!pid) {
        int parent = getppid();
        long made = syscall(SYS_clone, CLONE_PARENT | SIGUSR2, 0, 0, 0, 0);
        if (!made)
            _exit(getppid() == parent ? 4 : 50);
        if (waitpid((int)made, &status, 0) != -1 || errno != ECHILD)
            _exit(60);
        _exit(made > 0 ? 3 : 70);
    }
    for (int i = 0; i < 2; i++) {
        if (waitpid(-1, &status, 0) < 0) // both end with SIGCHLD
            return 1;
        ended += WEXITSTATUS(status);
    }
    return waitpid(-1, &status, 0) == -1 && errno == ECHILD ? ended : 2;
}

CASE(clone_parent_makes_a_sibling)
{
    EXPECT_EQ(in_child(sibling), 7);
}

static int clone_children(void)
{
    int status;
    long pid = syscall(SYS_clone, 0, 0, 0, 0, 0); // ends without a signal

    if (!pid)
        _exit(9);
    if (waitpid((int)pid, &status, 0) != -1 || errno != ECHILD)
        return 1;
    if (waitpid(-1, &status, 0) != -1 || errno != ECHILD)
        return 2;
    if (waitpid((int)pid, &status, __WCLONE) != pid || WEXITSTATUS(status) != 9)
        return 3;
    pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (!pid)
        _exit(9);
    if (waitpid((int)pid, &status, __WALL) != pid)
        return 4;
    pid = fork();
    if (!pid)
        _exit(9);
    if (waitpid((int)pid, &status, __WCLONE) != -1 || errno != ECHILD)
        return 5;
    return waitpid((int)pid, &status, 0) == pid ? 0 : 6;
}

CASE(clone_children_are_waited_for_by_wclone)
{
    EXPECT_EQ(in_child(clone_children), 0);
}

CASE(no_zombies_for_who_ignores_them)
{
    int status, pid;

    signal(SIGCHLD, SIG_IGN);
    pid = fork();
    if (!pid)
        _exit(0);
    EXPECT_ERROR(waitpid(pid, &status, 0), ECHILD);
    EXPECT_ERROR(kill(pid, 0), ESRCH);
    signal(SIGCHLD, SIG_DFL);
}

static int limited(void)
{
    struct rlimit one = {1, 1};
    int pid;

    if (setgid(54321) || setuid(54321) || setrlimit(RLIMIT_NPROC, &one))
        return 1;
    pid = fork();
    if (!pid)
        _exit(0);
    return pid == -1 && errno == EAGAIN ? 0 : 2;
}

CASE(processes_of_a_user_are_limited)
{
    if (geteuid())
        SKIP("not root");
    EXPECT_EQ(in_child(limited), 0);
}

CASE(no_new_group_after_exec)
{
    siginfo_t info;
    int status, pid = fork();

    if (!pid) {
        dup2(open("/dev/null", O_WRONLY), 1);
        execl("/proc/self/exe", "self", "--list", NULL);
        _exit(1);
    }
    EXPECT_OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    EXPECT_ERROR(setpgid(pid, pid), EACCES);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_ERROR(setpgid(pid, pid), ESRCH);
}

CASE(threads_of_other_processes)
{
    int status, pid = fork();

    if (!pid)
        for (;;)
            pause();
    EXPECT_OK(syscall(SYS_tgkill, pid, pid, 0));
    EXPECT_OK(syscall(SYS_tkill, pid, 0));
    EXPECT_ERROR(syscall(SYS_tgkill, getpid(), pid, 0), ESRCH);
    EXPECT_OK(syscall(SYS_tgkill, pid, pid, SIGTERM));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, SIGTERM);
}

static int signals_without_rights(void)
{
    int parent = getppid();

    if (setgid(54321) || setuid(54321))
        return 1;
    if (kill(parent, SIGTERM) != -1 || errno != EPERM)
        return 2;
    if (syscall(SYS_tgkill, parent, parent, SIGTERM) != -1 || errno != EPERM)
        return 3;
    if (kill(getpid(), 0))
        return 4;
    if (kill(parent, SIGCONT)) // of the same session
        return 5;
    return 0;
}

CASE(signals_need_the_same_user)
{
    if (geteuid())
        SKIP("not root");
    EXPECT_EQ(in_child(signals_without_rights), 0);
}

static void *waits_for_it(void *pid)
{
    int *result = pid, status;

    *result = waitpid(*result, &status, __WNOTHREAD) == -1 ? errno : 0;
    return NULL;
}

CASE(what_a_wait_does_not_count)
{
    int status, pid = fork(), result;
    siginfo_t info;

    if (!pid)
        _exit(3);
    result = pid;
    thread_join(thread_start(waits_for_it, &result)); // another thread's child
    EXPECT_EQ(result, ECHILD);
    EXPECT_OK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    EXPECT_ERROR(waitid(P_PID, pid, &info, WSTOPPED), ECHILD); // it can't stop any more
    EXPECT_EQ(waitpid(pid, &status, __WNOTHREAD), pid);
    EXPECT_EQ(status, 3 << 8);
}

static const struct test_case cases[] = {
    ENTRY(orphans_go_to_the_subreaper),
    ENTRY(subreaper_is_not_inherited),
    ENTRY(death_of_the_parent_sends_a_signal),
    ENTRY(orphaned_groups_are_woken),
    ENTRY(leader_takes_the_terminal_with_it),
    ENTRY(kill_of_a_group),
    ENTRY(clone_parent_makes_a_sibling),
    ENTRY(clone_children_are_waited_for_by_wclone),
    ENTRY(no_zombies_for_who_ignores_them),
    ENTRY(processes_of_a_user_are_limited),
    ENTRY(no_new_group_after_exec),
    ENTRY(threads_of_other_processes),
    ENTRY(signals_need_the_same_user),
    ENTRY(what_a_wait_does_not_count),
};

TEST_MAIN(cases)
