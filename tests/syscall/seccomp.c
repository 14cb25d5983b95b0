// SPDX-License-Identifier: BSD-3-Clause
// seccomp(2): strict mode, filters and their actions, what children and threads inherit.
#include "harness.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LOAD(field)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static long seccomp(unsigned operation, unsigned flags, const void *argument)
{
    return syscall(SYS_seccomp, operation, flags, argument);
}

// getppid gets `action`, everything else is allowed.
static long filter_getppid(unsigned action, unsigned flags)
{
    struct sock_filter code[] = {
        LOAD(arch), IF_EQUAL(AUDIT_ARCH_X86_64, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),   IF_EQUAL(SYS_getppid, 0, 1),       RETURN(action),
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {COUNT(code), code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

// Runs it in a child; its status, or 1000 + the signal that ended it.
static int in_child(int (*run)(void))
{
    int status, pid = fork();

    if (!pid)
        syscall(SYS_exit, run()); // strict mode allows no other
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int strict_reads(void)
{
    char c = 0;
    int p[2];

    if (pipe(p) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
        return 1;
    return write(p[1], "x", 1) == 1 && read(p[0], &c, 1) == 1 && c == 'x' ? 7 : 2;
}

static int strict_asks(void)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
        return 1;
    return (int)syscall(SYS_getppid);
}

CASE(strict_mode)
{
    EXPECT_EQ(in_child(strict_reads), 7);
    EXPECT_EQ(in_child(strict_asks), 1000 + SIGKILL);
}

static int error_action(void)
{
    if (filter_getppid(SECCOMP_RET_ERRNO | EXDEV, 0))
        return 1;
    if (syscall(SYS_getppid) != -1 || errno != EXDEV)
        return 2;
    for (int i = 0; i < 100; i++) // also when the site is patched
        if (syscall(SYS_getppid) != -1 || syscall(SYS_getpid) <= 0)
            return 3;
    return prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER ? 7 : 4;
}

static int inherited(void)
{
    int status, pid;

    if (filter_getppid(SECCOMP_RET_ERRNO | EXDEV, 0))
        return 1;
    pid = fork();
    if (!pid)
        _exit(syscall(SYS_getppid) == -1 && errno == EXDEV ? 7 : 2);
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int kill_action(void)
{
    if (filter_getppid(SECCOMP_RET_KILL_PROCESS, 0))
        return 1;
    return (int)syscall(SYS_getppid) * 0;
}

static int strongest_action(void)
{
    if (filter_getppid(SECCOMP_RET_ERRNO | EXDEV, 0) || filter_getppid(SECCOMP_RET_ALLOW, 0) ||
        filter_getppid(SECCOMP_RET_ERRNO | EDOM, 0))
        return 1;
    return syscall(SYS_getppid) == -1 && errno == EDOM ? 7 : 2; // of equals the newest
}

static volatile int trapped, trapped_call;

static void on_trap(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    trapped = info->si_errno;
    trapped_call = info->si_syscall;
}

static int trap_action(void)
{
    on_signal(SIGSYS, on_trap, 0);
    if (filter_getppid(SECCOMP_RET_TRAP | 55, 0))
        return 1;
    syscall(SYS_getppid);
    return trapped == 55 && trapped_call == SYS_getppid ? 7 : 2;
}

CASE(filters_act)
{
    EXPECT_EQ(in_child(error_action), 7);
    EXPECT_EQ(in_child(inherited), 7);
    EXPECT_EQ(in_child(strongest_action), 7);
    EXPECT_EQ(in_child(trap_action), 7);
    EXPECT_EQ(in_child(kill_action), 1000 + SIGSYS);
}

static volatile int started, filtered;

static void *ask_later(void *unused)
{
    started = 1;
    while (!filtered)
        sleep_ms(1);
    return (void *)(uintptr_t)(syscall(SYS_getppid) == -1 && errno == EXDEV ? unused : NULL);
}

static int all_threads(void)
{
    void *result;
    pthread_t thread;

    if (pthread_create(&thread, NULL, ask_later, "yes"))
        return 1;
    while (!started)
        sleep_ms(1);
    if (filter_getppid(SECCOMP_RET_ERRNO | EXDEV, SECCOMP_FILTER_FLAG_TSYNC))
        return 2;
    filtered = 1;
    pthread_join(thread, &result);
    return result ? 7 : 3;
}

static int argument_filter(void)
{
    struct sock_filter code[] = {
        LOAD(nr),      IF_EQUAL(SYS_dup2, 0, 3),           LOAD(args[1]), IF_EQUAL(99, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | EPERM), RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {COUNT(code), code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 1;
    if (syscall(SYS_dup2, 1, 99) != -1 || errno != EPERM)
        return 2;
    return syscall(SYS_dup2, 1, 98) == 98 ? 7 : 3;
}

CASE(filters_reach)
{
    EXPECT_EQ(in_child(all_threads), 7);
    EXPECT_EQ(in_child(argument_filter), 7);
}

static int without_rights(void)
{
    struct sock_filter code[] = {RETURN(SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {COUNT(code), code};

    if (!getuid() && setuid(1234))
        return 1;
    return seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) == -1 && errno == EACCES ? 7 : 2;
}

CASE(bad_filters)
{
    struct sock_filter word[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(SECCOMP_RET_ALLOW)};
    struct sock_filter byte[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RETURN(SECCOMP_RET_ALLOW)};
    struct sock_filter open[] = {LOAD(nr)};
    struct sock_fprog program = {2, word};
    unsigned action = SECCOMP_RET_ERRNO;

    EXPECT_EQ(in_child(without_rights), 7);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    EXPECT_ERROR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), EINVAL);
    program.filter = byte;
    EXPECT_ERROR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), EINVAL);
    program.filter = open;
    program.len = 1;
    EXPECT_ERROR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), EINVAL);
    program.len = 0;
    EXPECT_ERROR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), EINVAL);
    EXPECT_ERROR(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)8), EFAULT);
    EXPECT_ERROR(seccomp(SECCOMP_SET_MODE_FILTER, 0x80000000u, &program), EINVAL);
    EXPECT_ERROR(seccomp(99, 0, NULL), EINVAL);
    EXPECT_OK(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action));
    action = 0x12340000;
    EXPECT_ERROR(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), EOPNOTSUPP);
    EXPECT_EQ(prctl(PR_GET_SECCOMP), 0);
}

static const struct test_case cases[] = {
    ENTRY(strict_mode),
    ENTRY(filters_act),
    ENTRY(filters_reach),
    ENTRY(bad_filters),
};

TEST_MAIN(cases)
