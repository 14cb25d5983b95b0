// SPDX-License-Identifier: BSD-3-Clause
// What a process knows and sets of itself: ids, names, limits, prctl, priorities, system facts.
#include "harness.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

CASE(process_ids)
{
    EXPECT(getpid() > 0);
    EXPECT_EQ(getpid(), thread_id());
    EXPECT(getppid() >= 0);
    EXPECT_EQ(getpgid(0), getpgrp());
    EXPECT_EQ(getpgid(getpid()), getpgrp());
    EXPECT(getsid(0) >= 0);
    EXPECT_ERROR(getpgid(4000000), ESRCH);
    EXPECT_ERROR(getsid(-1), ESRCH);
}

CASE(user_and_group_ids)
{
    uid_t r, e, s;
    EXPECT_EQ(syscall(SYS_getuid), getuid());
    EXPECT_OK(getresuid(&r, &e, &s));
    EXPECT_EQ(r, getuid());
    EXPECT_EQ(e, geteuid());
    EXPECT_OK(getresgid(&r, &e, &s));
    EXPECT_EQ(e, getegid());
    EXPECT_OK(setuid(geteuid()));
    EXPECT_OK(setgid(getegid()));
    EXPECT_OK(setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1));
}

CASE(effective_ids_can_change_and_return)
{
    if (geteuid() != 0)
        SKIP("needs root");
    EXPECT_OK(syscall(SYS_setresgid, -1, 1000, -1));
    EXPECT_EQ(getegid(), 1000);
    EXPECT_OK(syscall(SYS_setresuid, -1, 1000, -1)); // this thread only: all that runs here
    EXPECT_EQ(geteuid(), 1000);
    EXPECT_EQ(getuid(), 0);
    EXPECT_ERROR(syscall(SYS_setresuid, 5, -1, -1), EPERM);
    EXPECT_OK(syscall(SYS_setresuid, -1, 0, -1));
    EXPECT_OK(syscall(SYS_setresgid, -1, 0, -1));
    EXPECT_EQ(geteuid(), 0);
}

CASE(permissions_bind_ordinary_users)
{
    if (geteuid() != 0)
        SKIP("needs root");
    close(make_file("secret", "x"));
    EXPECT_OK(chmod("secret", 0600));
    EXPECT_OK(mkdir("closed", 0700));
    EXPECT_OK(syscall(SYS_setresuid, -1, 1000, -1));
    EXPECT_ERROR(open("secret", O_RDONLY), EACCES);
    EXPECT_ERROR(open("closed/x", O_RDONLY), EACCES);
    EXPECT_ERROR(open("new", O_RDWR | O_CREAT, 0600), EACCES);
    EXPECT_ERROR(chmod("secret", 0666), EPERM);
    EXPECT_ERROR(unlink("secret"), EACCES);
    EXPECT_ERROR(chown("secret", 1000, 1000), EPERM);
    EXPECT_OK(syscall(SYS_setresuid, -1, 0, -1));
}

CASE(groups)
{
    gid_t groups[64];
    int count = getgroups(0, NULL);
    EXPECT(count >= 0 && count <= 64);
    EXPECT_EQ(getgroups(64, groups), count);
    EXPECT_ERROR(getgroups(-1, groups), EINVAL);
    if (geteuid() == 0) {
        gid_t two[2] = {5, 7};
        EXPECT_OK(syscall(SYS_setgroups, 2, two));
        EXPECT_EQ(getgroups(64, two), 2);
        EXPECT_EQ(two[1], 7);
        gid_t many[300], got[300];
        for (gid_t i = 0; i < 300; i++)
            many[i] = 1000 + (i * 7) % 300;
        EXPECT_OK(syscall(SYS_setgroups, 300, many));
        EXPECT_ERROR(getgroups(299, got), EINVAL);
        EXPECT_EQ(getgroups(300, got), 300);
        for (gid_t i = 0; i < 300; i++) // Linux keeps them in order
            EXPECT_EQ(got[i], 1000 + i);
        EXPECT_ERROR(syscall(SYS_setgroups, 65537, many), EINVAL);
        EXPECT_OK(syscall(SYS_setgroups, count, groups));
    }
}

CASE(uname_fields)
{
    struct utsname name;
    EXPECT_OK(uname(&name));
    EXPECT_STR(name.sysname, "Linux");
    EXPECT_STR(name.machine, "x86_64");
    EXPECT(strlen(name.nodename) > 0 && strlen(name.version) > 0);
    EXPECT(atoi(name.release) >= 4 && strchr(name.release, '.'));
    EXPECT_ERROR(syscall(SYS_uname, 16), EFAULT);
}

CASE(sysinfo_is_sane)
{
    struct sysinfo info;
    EXPECT_OK(sysinfo(&info));
    EXPECT(info.uptime >= 0);
    EXPECT(info.totalram > 0 && info.freeram <= info.totalram);
    EXPECT(info.procs >= 1);
    EXPECT(info.mem_unit >= 1);
}

CASE(umask_swaps)
{
    EXPECT_EQ(umask(027), 022);
    EXPECT_EQ(umask(07777), 027);
    EXPECT_EQ(umask(022), 0777); // only these bits count
}

CASE(thread_names)
{
    char name[17] = "";
    EXPECT_OK(prctl(PR_SET_NAME, "a-rather-long-name"));
    EXPECT_OK(prctl(PR_GET_NAME, name));
    EXPECT_STR(name, "a-rather-long-n");
    char comm[32];
    EXPECT(read_file("/proc/self/comm", comm, sizeof(comm)) > 0);
    EXPECT_STR(comm, "a-rather-long-n\n");
}

CASE(prctl_flags)
{
    int value = -1;
    EXPECT_OK(prctl(PR_SET_DUMPABLE, 1)); // changes of ids have cleared it
    EXPECT_EQ(prctl(PR_GET_DUMPABLE), 1);
    EXPECT_OK(prctl(PR_SET_DUMPABLE, 0));
    EXPECT_EQ(prctl(PR_GET_DUMPABLE), 0);
    EXPECT_OK(prctl(PR_SET_DUMPABLE, 1));
    EXPECT_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    EXPECT_OK(prctl(PR_GET_PDEATHSIG, &value));
    EXPECT_EQ(value, SIGUSR1);
    EXPECT_OK(prctl(PR_SET_PDEATHSIG, 0));
    EXPECT_ERROR(prctl(PR_SET_PDEATHSIG, 99), EINVAL);
    EXPECT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EXPECT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    EXPECT_ERROR(prctl(99999), EINVAL);
    EXPECT_OK(prctl(PR_SET_TIMERSLACK, 50000));
    EXPECT_EQ(prctl(PR_GET_TIMERSLACK), 50000);
    EXPECT_EQ(prctl(PR_GET_KEEPCAPS), 0);
    EXPECT_OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

CASE(limits_read_and_write)
{
    struct rlimit limit, old, back;
    for (int i = 0; i < 16; i++) {
        EXPECT_OK(getrlimit(i, &limit));
        EXPECT(limit.rlim_cur <= limit.rlim_max);
    }
    EXPECT_ERROR(getrlimit(99, &limit), EINVAL);
    EXPECT_OK(getrlimit(RLIMIT_CORE, &old));
    limit = old;
    limit.rlim_cur = 0;
    EXPECT_OK(prlimit(0, RLIMIT_CORE, &limit, &back));
    EXPECT(back.rlim_cur == old.rlim_cur);
    EXPECT_OK(prlimit(getpid(), RLIMIT_CORE, NULL, &back));
    EXPECT_EQ(back.rlim_cur, 0);
    limit.rlim_cur = 10;
    limit.rlim_max = 5;
    EXPECT_ERROR(setrlimit(RLIMIT_CORE, &limit), EINVAL);
    EXPECT_OK(setrlimit(RLIMIT_CORE, &old));
    EXPECT_ERROR(prlimit(4000000, RLIMIT_CORE, NULL, &back), ESRCH);
    EXPECT_OK(getrlimit(RLIMIT_STACK, &limit));
    EXPECT(limit.rlim_cur >= 1 << 20);
}

CASE(priorities)
{
    errno = 0;
    int now = getpriority(PRIO_PROCESS, 0);
    EXPECT_EQ(errno, 0);
    EXPECT_OK(setpriority(PRIO_PROCESS, 0, now));
    EXPECT_ERROR(getpriority(99, 0), EINVAL);
    EXPECT_ERROR(getpriority(PRIO_PROCESS, 4000000), ESRCH);
}

CASE(schedulers)
{
    struct sched_param parameter = {0};
    struct timespec slice;
    EXPECT_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
    EXPECT_OK(syscall(SYS_sched_getparam, 0, &parameter));
    EXPECT_EQ(parameter.sched_priority, 0);
    EXPECT_EQ(sched_get_priority_max(SCHED_FIFO), 99);
    EXPECT_EQ(sched_get_priority_min(SCHED_FIFO), 1);
    EXPECT_EQ(sched_get_priority_max(SCHED_OTHER), 0);
    EXPECT_OK(syscall(SYS_sched_rr_get_interval, 0, &slice));
    EXPECT_ERROR(syscall(SYS_sched_getscheduler, -1), EINVAL);
    EXPECT_ERROR(syscall(SYS_sched_getscheduler, 4000000), ESRCH);
}

CASE(auxiliary_vector)
{
    EXPECT_EQ(getauxval(AT_PAGESZ), 4096);
    EXPECT_EQ(getauxval(AT_UID), getuid());
    EXPECT_EQ(getauxval(AT_EGID), getegid());
    EXPECT_EQ(getauxval(AT_SECURE), 0);
    EXPECT_EQ(getauxval(AT_CLKTCK), 100);
    EXPECT(getauxval(AT_RANDOM) != 0);
    EXPECT(getauxval(AT_PHDR) != 0 && getauxval(AT_PHNUM) > 1);
    EXPECT(getauxval(AT_ENTRY) != 0);
    EXPECT_STR((const char *)getauxval(AT_PLATFORM), "x86_64");
    EXPECT(getauxval(AT_HWCAP) != 0);
    EXPECT(strstr((const char *)getauxval(AT_EXECFN), "process_info") != NULL);
}

CASE(random_bytes)
{
    unsigned char a[64] = {0}, b[64] = {0};
    EXPECT_EQ(getrandom(a, 64, 0), 64);
    EXPECT_EQ(getrandom(b, 64, GRND_NONBLOCK), 64);
    EXPECT(memcmp(a, b, 64) != 0);
    EXPECT_EQ(getrandom(a, 0, 0), 0);
    EXPECT_EQ(getrandom(a, 8, GRND_RANDOM), 8);
    EXPECT_ERROR(syscall(SYS_getrandom, a, 8, 0x100), EINVAL);
    EXPECT_ERROR(syscall(SYS_getrandom, 16, 8, 0), EFAULT);
    static unsigned char big[1 << 20];
    EXPECT_EQ(syscall(SYS_getrandom, big, sizeof(big), 0), sizeof(big));
    unsigned ones = 0;
    for (size_t i = 0; i < sizeof(big); i++)
        ones += (unsigned)__builtin_popcount(big[i]);
    EXPECT(ones > 4190000 && ones < 4199000); // 4194304, more than 3 deviations either way
}

CASE(capabilities)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    EXPECT_OK(syscall(SYS_capget, &header, data));
    EXPECT_EQ(data[0].effective & ~data[0].permitted, 0);
    header.version = 0;
    EXPECT_ERROR(syscall(SYS_capget, &header, data), EINVAL);
    EXPECT_EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
    EXPECT(prctl(PR_CAPBSET_READ, 0) >= 0);
}

CASE(personality_can_be_asked)
{
    EXPECT_EQ(personality(0xffffffff) & 0xff, PER_LINUX);
}

CASE(getcpu_and_node)
{
    unsigned cpu = 9999, node = 9999;
    EXPECT_OK(syscall(SYS_getcpu, &cpu, &node, NULL));
    EXPECT(cpu < 1024 && node < 64);
    EXPECT(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    EXPECT(sysconf(_SC_PHYS_PAGES) > 0);
}

CASE(clear_tid_address)
{
    int word = 0;
    EXPECT_EQ(syscall(SYS_set_tid_address, &word), thread_id());
}

CASE(no_children_to_wait_for)
{
    EXPECT_ERROR(syscall(SYS_wait4, -1, NULL, 0, NULL), ECHILD);
    EXPECT_ERROR(syscall(SYS_wait4, -1, NULL, 0x10000000, NULL), EINVAL);
}

static const struct test_case cases[] = {
    ENTRY(process_ids),
    ENTRY(user_and_group_ids),
    ENTRY(effective_ids_can_change_and_return),
    ENTRY(permissions_bind_ordinary_users),
    ENTRY(groups),
    ENTRY(uname_fields),
    ENTRY(sysinfo_is_sane),
    ENTRY(umask_swaps),
    ENTRY(thread_names),
    ENTRY(prctl_flags),
    ENTRY(limits_read_and_write),
    ENTRY(priorities),
    ENTRY(schedulers),
    ENTRY(auxiliary_vector),
    ENTRY(random_bytes),
    ENTRY(capabilities),
    ENTRY(personality_can_be_asked),
    ENTRY(getcpu_and_node),
    ENTRY(clear_tid_address),
    ENTRY(no_children_to_wait_for),
};
TEST_MAIN(cases)
