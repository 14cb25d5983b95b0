// SPDX-License-Identifier: BSD-3-Clause
// What a process may do by its users and capabilities: set-ID programs, the ambient set, settings of
// other processes; and mounts that forbid. capabilities(7), sched(7), mount(2). Most of it needs root.
#include "harness.h"

#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define USER 1234

// Runs it in a child; its status, or 1000 + the signal that ended it.
static int in_child(int (*run)(void))
{
    int status, pid = fork();

    if (!pid)
        _exit(run());
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int exec_as_user(const char *path, const char *next)
{
    const char *argv[] = {path, "--no-watchdog", "--case", next, NULL};
    const char *envp[] = {"TMPDIR=/tmp", NULL};

    execve(path, (char **)(uintptr_t)argv, (char **)(uintptr_t)envp);
    return 90;
}

// Copies this program to ./program with that mode and owner. False: it could not.
static int program_copy(unsigned owner, unsigned mode)
{
    static char buffer[65536];
    int from = open("/proc/self/exe", O_RDONLY), to = open("program", O_WRONLY | O_CREAT, 0700);
    long n;

    while ((n = read(from, buffer, sizeof(buffer))) > 0)
        if (write(to, buffer, (size_t)n) != n)
            break;
    close(from);
    close(to);
    return !n && !chown("program", owner, owner) && !chmod("program", mode) && !chmod(".", 0755);
}

static int start_program(void)
{
    if (setgid(USER) || setuid(USER))
        return 91;
    return exec_as_user("./program", "new_program_tells_its_ids");
}

CASE(new_program_tells_its_ids)
{
    unsigned r, e, s;

    getresuid(&r, &e, &s);
    _exit((r == USER ? 1 : 0) + (e == USER ? 2 : 0) + (s == e ? 4 : 0) +
          (getauxval(AT_SECURE) ? 8 : 0) + (getegid() == USER ? 16 : 0));
}

static int start_program_without_privileges(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return start_program();
}

CASE(set_id_programs_lend_their_owner)
{
    struct statvfs here;

    if (getuid())
        SKIP("needs root");
    if (statvfs(".", &here) || here.f_flag & ST_NOSUID)
        SKIP("needs a file system with set-ID programs");
    REQUIRE(program_copy(USER + 1, 0755));
    EXPECT_EQ(in_child(start_program), 1 + 2 + 4 + 16);
    REQUIRE_OK(chmod("program", 04755));
    EXPECT_EQ(in_child(start_program), 1 + 4 + 8 + 16);
    REQUIRE_OK(chmod("program", 02755));
    EXPECT_EQ(in_child(start_program), 1 + 2 + 4 + 8);
    REQUIRE_OK(chmod("program", 06755));
    EXPECT_EQ(in_child(start_program_without_privileges), 1 + 2 + 4 + 16);
}

CASE(programs_need_not_be_readable)
{
    if (getuid())
        SKIP("needs root");
    REQUIRE(program_copy(0, 0711));
    EXPECT_EQ(in_child(start_program), 1 + 2 + 4 + 16);
    REQUIRE_OK(chmod("program", 0744));
    EXPECT_EQ(in_child(start_program), 90);
}

static int capabilities(uint64_t *inheritable, int set)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];

    if (syscall(SYS_capget, &h, d))
        return -1;
    if (!set) {
        *inheritable = d[0].effective | (uint64_t)d[1].effective << 32;
        return 0;
    }
    d[0].inheritable = (uint32_t)*inheritable;
    d[1].inheritable = (uint32_t)(*inheritable >> 32);
    return (int)syscall(SYS_capset, &h, d);
}

CASE(new_program_tells_its_capabilities)
{
    uint64_t c = 0;

    capabilities(&c, 0);
    _exit(c == 1ull << CAP_NET_RAW ? 42 : c ? 43 : 41);
}

static int keep_one_capability(void)
{
    uint64_t c = 1ull << CAP_NET_RAW;

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) != -1 || errno != EPERM)
        return 1; // it is not inheritable yet
    if (prctl(PR_SET_KEEPCAPS, 1) || setuid(USER) || capabilities(&c, 1))
        return 2;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0))
        return 3;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) != 1)
        return 4;
    return exec_as_user("/proc/self/exe", "new_program_tells_its_capabilities");
}

static int keep_none(void)
{
    if (setuid(USER))
        return 2;
    return exec_as_user("/proc/self/exe", "new_program_tells_its_capabilities");
}

static int start_lending_program(void)
{
    if (setgid(USER) || setuid(USER))
        return 91;
    return exec_as_user("./program", "new_program_tells_its_capabilities");
}

static int start_lending_program_without_privileges(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return start_lending_program();
}

// As setcap(8) makes them.
CASE(programs_lend_their_capabilities)
{
    struct vfs_cap_data caps = {VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, {{1u << CAP_NET_RAW, 0}}};
    struct statvfs here;

    if (getuid())
        SKIP("needs root");
    if (statvfs(".", &here) || here.f_flag & ST_NOSUID)
        SKIP("needs a file system with set-ID programs");
    REQUIRE(program_copy(0, 0755));
    EXPECT_EQ(in_child(start_lending_program), 41);
    EXPECT_ERROR(setxattr("program", "security.capability", &caps, 7, 0), EINVAL);
    REQUIRE_OK(setxattr("program", "security.capability", &caps, sizeof(caps), 0));
    EXPECT_EQ(in_child(start_lending_program), 42);
    EXPECT_EQ(in_child(start_lending_program_without_privileges), 41);
    REQUIRE_OK(chown("program", 0, 0)); // takes them away
    EXPECT_EQ(in_child(start_lending_program), 41);
}

CASE(ambient_capabilities_survive_exec)
{
    if (getuid())
        SKIP("needs root");
    EXPECT_EQ(in_child(keep_one_capability), 42);
    EXPECT_EQ(in_child(keep_none), 41);
}

static int other;

static int look_at_other_as_user(void)
{
    struct sched_param p = {0};

    if (setuid(USER))
        return 1;
    if (sched_getscheduler(other) != SCHED_BATCH || getpriority(PRIO_PROCESS, (id_t)other) != 5)
        return 2;
    if (sched_setscheduler(other, SCHED_OTHER, &p) != -1 || errno != EPERM)
        return 3;
    if (setpriority(PRIO_PROCESS, (id_t)other, 6) != -1 || errno != EPERM)
        return 4;
    p.sched_priority = 1;
    if (sched_setscheduler(0, SCHED_FIFO, &p) != -1 || errno != EPERM)
        return 5;
    return setpriority(PRIO_PROCESS, 0, -1) == -1 && errno == EACCES ? 0 : 6;
}

CASE(settings_of_other_processes)
{
    struct sched_param p = {0};
    cpu_set_t cpus;

    if (getuid())
        SKIP("needs root");
    other = fork();
    if (!other)
        for (;;)
            pause();
    EXPECT_OK(sched_setscheduler(other, SCHED_BATCH, &p));
    EXPECT_EQ(sched_getscheduler(other), SCHED_BATCH);
    EXPECT_OK(setpriority(PRIO_PROCESS, (id_t)other, 5));
    EXPECT_EQ(getpriority(PRIO_PROCESS, (id_t)other), 5);
    EXPECT_OK(sched_getaffinity(other, sizeof(cpus), &cpus));
    EXPECT_EQ(in_child(look_at_other_as_user), 0);
    kill(other, SIGKILL);
    EXPECT_EQ(waitpid(other, NULL, 0), other);
}

static int tell_settings(void)
{
    int policy = sched_getscheduler(0);

    errno = 0;
    return policy * 32 + getpriority(PRIO_PROCESS, 0);
}

static int with_settings(void)
{
    struct sched_param p = {0};

    if (setpriority(PRIO_PROCESS, 0, 7) || sched_setscheduler(0, SCHED_BATCH, &p))
        return 1;
    return in_child(tell_settings);
}

static int with_reset(void)
{
    struct sched_param p = {1};

    if (setpriority(PRIO_PROCESS, 0, -3) ||
        sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &p))
        return 1;
    return in_child(tell_settings);
}

CASE(children_inherit_their_settings)
{
    if (getuid())
        SKIP("needs root");
    EXPECT_EQ(in_child(with_settings), SCHED_BATCH * 32 + 7);
    EXPECT_EQ(in_child(with_reset), SCHED_OTHER * 32 + 0);
}

static int make_lending_file(void)
{
    struct stat info;

    umask(S_IXGRP);
    if (setgid(USER) || setuid(USER))
        return 1;
    close(open("dir/file", O_CREAT | O_WRONLY, 02770));
    return stat("dir/file", &info) ? 2 : info.st_gid == 4 && !(info.st_mode & S_ISGID) ? 0 : 3;
}

CASE(set_group_id_is_not_for_strangers)
{
    if (getuid())
        SKIP("needs root");
    REQUIRE_OK(chmod(".", 0755));
    REQUIRE_OK(mkdir("dir", 0777));
    REQUIRE_OK(chown("dir", 0, 4));
    REQUIRE_OK(chmod("dir", 02777));
    EXPECT_EQ(in_child(make_lending_file), 0);
}

static int end_by_a_core_signal(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    raise(SIGABRT);
    return 0;
}

CASE(no_core_where_none_is_wanted)
{
    siginfo_t info = {0};
    int pid = fork();

    if (!pid)
        _exit(end_by_a_core_signal());
    REQUIRE_OK(waitid(P_PID, (id_t)pid, &info, WEXITED));
    EXPECT_EQ(info.si_code, CLD_KILLED);
    EXPECT_EQ(info.si_status, SIGABRT);
}

// A mount namespace of its own on the host; a unikernel is one.
static int namespace_enter(void)
{
    struct utsname name;

    if (!unshare(CLONE_NEWNS))
        return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return uname(&name) ? -1 : strstr(name.release, "clade") ? 0 : -1;
}

static int on_read_only(void)
{
    if (namespace_enter() || mkdir("ro", 0755) || mount("none", "ro", "tmpfs", 0, NULL))
        return 1;
    if (mkdir("ro/dir", 0755) || close(make_file("ro/file", "text")))
        return 2;
    if (mount("none", "ro", "tmpfs", MS_REMOUNT | MS_RDONLY | MS_NOEXEC, NULL))
        return 3;
    if (open("ro/file", O_WRONLY) != -1 || errno != EROFS)
        return 4;
    if (open("ro/new", O_CREAT | O_WRONLY, 0600) != -1 || errno != EROFS)
        return 5;
    if (mkdir("ro/dir", 0755) != -1 || errno != EEXIST)
        return 6;
    if (chmod("ro/file", 0700) != -1 || errno != EROFS || unlink("ro/file") != -1 ||
        errno != EROFS || rename("ro/file", "ro/other") != -1 || errno != EROFS)
        return 7;
    if (access("ro/file", W_OK) != -1 || errno != EROFS || access("ro/file", R_OK))
        return 8;
    if (mount("none", "ro", "tmpfs", MS_REMOUNT | MS_NOEXEC, NULL) || chmod("ro/file", 0755))
        return 9;
    if (execl("ro/file", "file", NULL) != -1 || errno != EACCES)
        return 10;
    return umount("ro") ? 11 : 0;
}

// The events of /proc/self/mounts, but for those that are always there.
static int mounts_news(int fd)
{
    struct pollfd p = {fd, POLLPRI, 0};

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static int on_watched_mounts(void)
{
    int fd = namespace_enter() ? -1 : open("/proc/self/mounts", O_RDONLY);

    if (fd < 0 || mkdir("new", 0755) || mounts_news(fd))
        return 1;
    if (mount("none", "new", "tmpfs", 0, NULL) || mounts_news(fd) != (POLLPRI | POLLERR) || mounts_news(fd))
        return 2;
    if (umount("new") || mounts_news(fd) != (POLLPRI | POLLERR))
        return 3;
    return 0;
}

CASE(mounts_can_be_watched)
{
    if (getuid())
        SKIP("needs root");
    EXPECT_EQ(in_child(on_watched_mounts), 0);
}

CASE(read_only_mounts_refuse)
{
    if (getuid())
        SKIP("needs root");
    EXPECT_EQ(in_child(on_read_only), 0);
}

static const struct test_case cases[] = {
    ENTRY(set_id_programs_lend_their_owner),
    ENTRY(programs_need_not_be_readable),
    ENTRY(ambient_capabilities_survive_exec),
    ENTRY(settings_of_other_processes),
    ENTRY(children_inherit_their_settings),
    ENTRY(read_only_mounts_refuse),
    ENTRY(mounts_can_be_watched),
    ENTRY(programs_lend_their_capabilities),
    ENTRY(set_group_id_is_not_for_strangers),
    ENTRY(no_core_where_none_is_wanted),
    // Started by the cases above; alone they say what a root's program finds.
    ENDS(new_program_tells_its_ids, 4),
    ENDS(new_program_tells_its_capabilities, 43),
};

TEST_MAIN(cases)
