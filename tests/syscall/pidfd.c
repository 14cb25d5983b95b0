// SPDX-License-Identifier: BSD-3-Clause
// pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), CLONE_PIDFD, waitid(P_PIDFD).
#include "harness.h"

#include <linux/sched.h>
#include <poll.h>
#include <sys/wait.h>

#define P_PIDFD_ 3

static int pidfd_open_(int pid, unsigned flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send(int fd, int signal, siginfo_t *info, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int getfd(int fd, int target, unsigned flags)
{
    return (int)syscall(SYS_pidfd_getfd, fd, target, flags);
}

static int wait_fd(int fd, siginfo_t *info, int options)
{
    return (int)syscall(SYS_waitid, P_PIDFD_, fd, info, options, NULL);
}

static int events(int fd, int timeout)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout) > 0 ? p.revents : 0;
}

static int sleeping_child(void)
{
    int pid = fork();

    if (!pid)
        for (;;)
            pause();
    return pid;
}

CASE(pidfd_open_arguments)
{
    EXPECT_ERROR(pidfd_open_(0, 0), EINVAL);
    EXPECT_ERROR(pidfd_open_(-1, 0), EINVAL);
    EXPECT_ERROR(pidfd_open_(4194303, 0), ESRCH);
    EXPECT_ERROR(pidfd_open_(getpid(), 1), EINVAL);
    int fd = pidfd_open_(getpid(), 0), nonblocking = pidfd_open_(getpid(), O_NONBLOCK);
    char c;
    REQUIRE_OK(fd);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(fd, F_GETFL), O_RDWR);
    EXPECT_EQ(fcntl(nonblocking, F_GETFL), O_RDWR | O_NONBLOCK);
    EXPECT_ERROR(read(fd, &c, 1), EINVAL);
    EXPECT_ERROR(write(fd, "", 1), EINVAL);
    EXPECT_EQ(events(fd, 0), 0);
    close(fd);
    close(nonblocking);
}

CASE(pidfd_life)
{
    char path[64], text[512], want[64];
    siginfo_t info = {0};
    int pid = sleeping_child(), fd = pidfd_open_(pid, 0);

    REQUIRE_OK(fd);
    EXPECT_EQ(events(fd, 0), 0);
    EXPECT_OK(wait_fd(fd, &info, WEXITED | WNOHANG));
    EXPECT_EQ(info.si_signo, 0);
    EXPECT_OK(send(fd, 0, NULL, 0));
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    snprintf(want, sizeof(want), "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
    EXPECT(read_file(path, text, sizeof(text)) > 0);
    EXPECT(strstr(text, want));
    EXPECT_OK(send(fd, SIGKILL, NULL, 0));
    EXPECT_EQ(events(fd, 5000), POLLIN);
    EXPECT_OK(send(fd, 0, NULL, 0)); // a zombie can be sent to
    EXPECT_ERROR(getfd(fd, 1, 0), ESRCH);
    EXPECT_OK(wait_fd(fd, &info, WEXITED));
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(info.si_code, CLD_KILLED);
    EXPECT_EQ(info.si_status, SIGKILL);
    EXPECT_EQ(events(fd, 0) & POLLIN, POLLIN);
    EXPECT_ERROR(send(fd, 0, NULL, 0), ESRCH);
    EXPECT_ERROR(getfd(fd, 1, 0), ESRCH);
    EXPECT_ERROR(wait_fd(fd, &info, WEXITED), ECHILD);
    EXPECT_ERROR(pidfd_open_(pid, 0), ESRCH);
    EXPECT(read_file(path, text, sizeof(text)) > 0);
    EXPECT(strstr(text, "Pid:\t-1\nNSpid:\t-1\n"));
    close(fd);
}

CASE(pidfd_signals)
{
    siginfo_t info = {0};
    int status, pid = sleeping_child(), fd = pidfd_open_(pid, 0), self = pidfd_open_(getpid(), 0);

    EXPECT_ERROR(send(fd, 100, NULL, 0), EINVAL);
    EXPECT_ERROR(send(fd, 0, NULL, 64), EINVAL);
    EXPECT_ERROR(send(-1, 0, NULL, 0), EBADF);
    EXPECT_ERROR(send(0, 0, NULL, 0), EBADF);
    EXPECT_ERROR(send(fd, 0, (void *)1, 0), EFAULT);
    info.si_signo = SIGUSR1;
    info.si_code = SI_QUEUE;
    EXPECT_ERROR(send(fd, SIGUSR2, &info, 0), EINVAL);
    info.si_code = SI_USER;
    EXPECT_ERROR(send(fd, SIGUSR1, &info, 0), EPERM);
    on_signal(SIGUSR1, count_signal, SA_SIGINFO);
    info.si_value.sival_int = 77;
    EXPECT_OK(send(self, SIGUSR1, &info, 0));
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(signal_last.si_value.sival_int, 77);
    EXPECT_OK(send(self, SIGUSR1, NULL, 0));
    EXPECT_EQ(signal_count, 2);
    EXPECT_EQ(signal_last.si_code, SI_USER);
    EXPECT_EQ(signal_last.si_pid, getpid());
    EXPECT_OK(send(fd, SIGTERM, NULL, 0));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, SIGTERM);
    close(fd);
    close(self);
}

CASE(pidfd_wait)
{
    siginfo_t info = {0};
    int pid = sleeping_child(), fd = pidfd_open_(pid, O_NONBLOCK), self = pidfd_open_(getpid(), 0);

    EXPECT_ERROR(wait_fd(fd, &info, WEXITED), EAGAIN);
    EXPECT_ERROR(wait_fd(0, &info, WEXITED), EBADF);
    EXPECT_ERROR(wait_fd(-1, &info, WEXITED), EINVAL);
    EXPECT_ERROR(wait_fd(222, &info, WEXITED), EBADF);
    EXPECT_ERROR(wait_fd(self, &info, WEXITED), ECHILD);
    EXPECT_OK(kill(pid, SIGKILL));
    EXPECT_EQ(events(fd, 5000), POLLIN);
    EXPECT_OK(wait_fd(fd, &info, WEXITED | WNOWAIT));
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_OK(wait_fd(fd, &info, WEXITED));
    close(fd);
    close(self);
}

CASE(pidfd_getfd_takes_a_descriptor)
{
    int p[2], status, pid, fd, got;
    char c = 0;

    REQUIRE_OK(pipe(p));
    pid = fork();
    if (!pid) {
        int high = fcntl(p[1], F_DUPFD, 100);
        close(p[1]);
        write(high, "x", 1);
        for (;;)
            pause();
    }
    EXPECT_EQ(read(p[0], &c, 1), 1);
    close(p[1]);
    fd = pidfd_open_(pid, 0);
    EXPECT_ERROR(getfd(fd, 77, 0), EBADF);
    EXPECT_ERROR(getfd(fd, 1, 1), EINVAL);
    EXPECT_ERROR(getfd(0, 1, 0), EBADF);
    got = getfd(fd, 100, 0);
    REQUIRE_OK(got);
    EXPECT_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
    EXPECT_OK(kill(pid, SIGKILL));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(write(got, "y", 1), 1);
    EXPECT_EQ(read(p[0], &c, 1), 1);
    EXPECT_EQ(c, 'y');
    close(got);
    close(fd);
    close(p[0]);
}

static int child_has_no_rights(void)
{
    int fd = pidfd_open_(getppid(), 0);

    if (fd < 0 || setgid(1234) || setuid(1234))
        return 1;
    if (getfd(fd, 1, 0) != -1 || errno != EPERM)
        return 2;
    if (send(fd, 0, NULL, 0) != -1 || errno != EPERM)
        return 3;
    if (kill(getppid(), 0) != -1 || errno != EPERM)
        return 4;
    return 0;
}

CASE(pidfd_permissions)
{
    int status, pid;

    if (geteuid())
        SKIP("not root");
    pid = fork();
    if (!pid)
        _exit(child_has_no_rights());
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

CASE(pidfd_clone)
{
    int status, fd = -1, tid = 0;
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);

    if (!pid)
        _exit(3);
    REQUIRE_OK(pid);
    EXPECT(fd >= 0);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(events(fd, 5000), POLLIN);
    EXPECT_EQ(waitpid((int)pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    close(fd);
    EXPECT_ERROR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0),
                 EINVAL);
    EXPECT_ERROR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, NULL, 0, 0), EFAULT);
    EXPECT_ERROR(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0), EINVAL);
    struct clone_args a = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                           .pidfd = (uintptr_t)&fd,
                           .parent_tid = (uintptr_t)&fd,
                           .exit_signal = SIGCHLD};
    EXPECT_ERROR(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
    a.parent_tid = (uintptr_t)&tid;
    pid = syscall(SYS_clone3, &a, sizeof(a));
    if (!pid)
        _exit(4);
    EXPECT_EQ(tid, pid);
    EXPECT_EQ(waitpid((int)pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 4);
    close(fd);
}

CASE(pidfd_is_not_fooled_by_new_processes)
{
    int status, pid = sleeping_child(), fd = pidfd_open_(pid, 0);

    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    for (int i = 0; i < 150; i++) {
        int other = fork();
        if (!other)
            _exit(0);
        waitpid(other, &status, 0);
    }
    EXPECT_ERROR(send(fd, 0, NULL, 0), ESRCH);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(pidfd_open_arguments),
    ENTRY(pidfd_life),
    ENTRY(pidfd_signals),
    ENTRY(pidfd_wait),
    ENTRY(pidfd_getfd_takes_a_descriptor),
    ENTRY(pidfd_permissions),
    ENTRY(pidfd_clone),
    ENTRY(pidfd_is_not_fooled_by_new_processes),
};

TEST_MAIN(cases)
