// SPDX-License-Identifier: BSD-3-Clause
// Calls that fit no other topic, and corners of those that do: syncing, file ioctls, old directory
// reading, flags of preadv2, timeouts written back, attributes of scheduling, more of locking
// memory.
#include "harness.h"

#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>

CASE(syncing)
{
    int fd = make_file("f", "abc"), p[2];
    sync();
    EXPECT_OK(syncfs(fd));
    EXPECT_OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
    EXPECT_ERROR(sync_file_range(fd, -1, 0, 0), EINVAL);
    EXPECT_ERROR(sync_file_range(fd, 0, 0, 0x100), EINVAL);
    REQUIRE_OK(pipe(p));
    EXPECT_ERROR(fsync(p[0]), EINVAL);
    EXPECT_ERROR(sync_file_range(p[0], 0, 0, SYNC_FILE_RANGE_WRITE), ESPIPE);
    close(p[0]);
    close(p[1]);
    close(fd);
}

CASE(file_ioctls)
{
    int fd = make_file("f", "abcdef"), count = -1, directory = open(".", O_RDONLY);
    lseek(fd, 2, SEEK_SET);
    EXPECT_OK(ioctl(fd, FIONREAD, &count));
    EXPECT_EQ(count, 4);
    EXPECT_OK(ioctl(fd, FIGETBSZ, &count));
    EXPECT_EQ(count, 4096);
    EXPECT_ERROR(ioctl(fd, TCGETS, &count), ENOTTY);
    EXPECT_ERROR(ioctl(fd, 0xdeadbeef, &count), ENOTTY);
    EXPECT_ERROR(ioctl(directory, TCGETS, &count), ENOTTY);
    EXPECT_ERROR(ioctl(200, FIONREAD, &count), EBADF);
    close(directory);
    close(fd);
}

CASE(preadv2_flags)
{
    char buffer[4];
    struct iovec vector = {buffer, 3};
    int fd = make_file("f", "abc");
    EXPECT_EQ(syscall(SYS_preadv2, fd, &vector, 1, 0L, 0L, RWF_HIPRI), 3);
    EXPECT_EQ(syscall(SYS_pwritev2, fd, &vector, 1, 0L, 0L, RWF_SYNC | RWF_DSYNC), 3);
    close(fd);
}

CASE(timeouts_are_written_back)
{
    struct timespec limit = {5, 0};
    int p[2];
    REQUIRE_OK(pipe(p));
    struct pollfd set = {p[1], POLLOUT, 0};
    EXPECT_EQ(syscall(SYS_ppoll, &set, 1, &limit, NULL, 8), 1);
    EXPECT(limit.tv_sec == 4 && limit.tv_nsec > 0);
    limit = (struct timespec){0, 10000000};
    set.events = 0;
    EXPECT_EQ(syscall(SYS_ppoll, &set, 1, &limit, NULL, 8), 0);
    EXPECT(limit.tv_sec == 0 && limit.tv_nsec == 0);
    close(p[0]);
    close(p[1]);
}

CASE(descriptor_zero_size_and_huge_counts)
{
    char byte = 'x';
    int fd = make_file("f", "");
    EXPECT_EQ(write(fd, &byte, 0), 0);
    EXPECT_ERROR(read(fd, &byte, SIZE_MAX), EFAULT);
    EXPECT_ERROR(write(fd, &byte, SIZE_MAX), EFAULT);
    struct iovec vectors[2] = {{&byte, 1}, {&byte, SIZE_MAX}};
    EXPECT_ERROR(writev(fd, vectors, 2), EINVAL);
    close(fd);
}

CASE(largest_transfer)
{
    int fd = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
    size_t size = 3ul << 30;
    char *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(at != MAP_FAILED);
    EXPECT_EQ(write(null, at, size), 0x7ffff000); // one call moves at most this
    munmap(at, size);
    close(fd);
    close(null);
}

CASE(memory_locks)
{
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_OK(syscall(SYS_mlock2, at, PAGE, 1 /* MLOCK_ONFAULT */));
    EXPECT_ERROR(syscall(SYS_mlock2, at, PAGE, 2), EINVAL);
    EXPECT_OK(munlock(at, PAGE));
    EXPECT_ERROR(mlockall(0), EINVAL);
    EXPECT_OK(munlockall());
    munmap(at, PAGE);
}

CASE(scheduling_attributes)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {0};
    EXPECT_OK(syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0));
    EXPECT_EQ(attributes.size, sizeof(attributes));
    EXPECT_EQ(attributes.policy, SCHED_OTHER);
    EXPECT_EQ(attributes.nice, getpriority(PRIO_PROCESS, 0)); // the caller's
    EXPECT_OK(syscall(SYS_sched_setattr, 0, &attributes, 0));
    EXPECT_ERROR(syscall(SYS_sched_getattr, 0, &attributes, 8, 0), EINVAL);
    EXPECT_ERROR(syscall(SYS_sched_getattr, 4000000, &attributes, sizeof(attributes), 0), ESRCH);
}

CASE(batch_policy_and_back)
{
    struct sched_param zero = {0}, one = {1};
    EXPECT_OK(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &zero));
    EXPECT_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_BATCH);
    EXPECT_OK(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &zero));
    EXPECT_ERROR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &one), EINVAL);
    EXPECT_ERROR(syscall(SYS_sched_setscheduler, 0, 77, &zero), EINVAL);
}

CASE(io_priorities)
{
    long priority = syscall(SYS_ioprio_get, 1, 0);
    EXPECT(priority >= 0);
    EXPECT_OK(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5));
    EXPECT_EQ(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 5);
    EXPECT_ERROR(syscall(SYS_ioprio_get, 77, 0), EINVAL);
}

CASE(affinity_masks)
{
    unsigned long mask[16] = {0};
    EXPECT(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) >= 8);
    EXPECT(mask[0] != 0);
    EXPECT_ERROR(syscall(SYS_sched_getaffinity, 0, 3, mask), EINVAL);
    EXPECT_ERROR(syscall(SYS_sched_getaffinity, 4000000, sizeof(mask), mask), ESRCH);
    EXPECT_OK(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
    memset(mask, 0, sizeof(mask));
    EXPECT_ERROR(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask), EINVAL);
}

CASE(chmod_by_the_newer_call)
{
    struct stat info;
    close(make_file("f", ""));
    if (syscall(452 /* fchmodat2 */, AT_FDCWD, "f", 0600, 0) < 0 && errno == ENOSYS)
        SKIP("no fchmodat2 here");
    EXPECT_OK(stat("f", &info));
    EXPECT_EQ(info.st_mode & 07777, 0600);
    int fd = open("f", O_PATH);
    EXPECT_OK(syscall(452, fd, "", 0640, AT_EMPTY_PATH));
    EXPECT_OK(stat("f", &info));
    EXPECT_EQ(info.st_mode & 07777, 0640);
    close(fd);
}

CASE(names_relative_to_directories)
{
    struct stat info;
    char buffer[8] = "";
    EXPECT_OK(mkdir("d", 0755));
    int d = open("d", O_RDONLY | O_DIRECTORY);
    EXPECT_OK(mkdirat(d, "sub", 0755));
    EXPECT_OK(mknodat(d, "fifo", S_IFIFO | 0600, 0));
    EXPECT_OK(symlinkat("target", d, "link"));
    EXPECT_EQ(readlinkat(d, "link", buffer, 8), 6);
    EXPECT_OK(renameat(d, "fifo", d, "pipe"));
    EXPECT_OK(linkat(d, "pipe", AT_FDCWD, "outside", 0));
    EXPECT_OK(fchownat(d, "pipe", geteuid(), getegid(), 0));
    EXPECT_OK(faccessat(d, "pipe", R_OK, 0));
    EXPECT_OK(fstatat(d, "pipe", &info, 0));
    EXPECT_EQ(info.st_nlink, 2);
    EXPECT_OK(unlinkat(d, "pipe", 0));
    EXPECT_OK(unlinkat(d, "sub", AT_REMOVEDIR));
    EXPECT_ERROR(mkdirat(200, "x", 0755), EBADF);
    close(d);
}

CASE(sticky_directories_guard_names)
{
    if (geteuid() != 0)
        SKIP("needs root");
    EXPECT_OK(mkdir("shared", 0777));
    EXPECT_OK(chmod("shared", 01777));
    EXPECT_OK(chmod(".", 0755));
    close(make_file("shared/roots", ""));
    EXPECT_OK(syscall(SYS_setresuid, -1, 1000, -1));
    EXPECT_ERROR(unlink("shared/roots"), EPERM);
    EXPECT_ERROR(rename("shared/roots", "shared/mine"), EPERM);
    int fd = open("shared/own", O_RDWR | O_CREAT, 0600);
    EXPECT_OK(fd);
    close(fd);
    EXPECT_OK(unlink("shared/own"));
    EXPECT_OK(syscall(SYS_setresuid, -1, 0, -1));
}

CASE(set_group_directories_pass_the_group_on)
{
    struct stat info;
    if (geteuid() != 0)
        SKIP("needs root");
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(chown("d", 0, 1234));
    EXPECT_OK(chmod("d", 02755));
    close(make_file("d/f", ""));
    EXPECT_OK(mkdir("d/sub", 0755));
    EXPECT_OK(stat("d/f", &info));
    EXPECT_EQ(info.st_gid, 1234);
    EXPECT_OK(stat("d/sub", &info));
    EXPECT_EQ(info.st_gid, 1234);
    EXPECT_EQ(info.st_mode & 02000, 02000);
}

CASE(nothing_to_wait_for)
{
    siginfo_t info;
    EXPECT_ERROR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    EXPECT_ERROR(waitid(P_ALL, 0, &info, 0), EINVAL);
    EXPECT_ERROR(waitpid(-1, NULL, WNOHANG), ECHILD);
    EXPECT_ERROR(waitpid(4000000, NULL, 0), ECHILD);
}

static volatile int thread_told;

static void note_timer(union sigval value)
{
    thread_told = value.sival_int;
}

CASE(timer_that_calls_a_thread)
{
    timer_t timer;
    struct itimerspec when = {.it_value = {0, 10000000}};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 55};
    event.sigev_notify_function = note_timer;
    test_ignore_mappings(); // the C library starts a helper for good
    EXPECT_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    EXPECT_OK(timer_settime(timer, 0, &when, NULL));
    for (int i = 0; i < 500 && !thread_told; i++)
        sleep_ms(2);
    EXPECT_EQ(thread_told, 55);
    EXPECT_OK(timer_delete(timer));
}

CASE(tmpfs_reports_its_space)
{
    int fd = make_file("f", "");
    static char block[1 << 20];
    EXPECT_EQ(write(fd, block, sizeof(block)), sizeof(block));
    EXPECT_OK(ftruncate(fd, 0));
    close(fd);
}

CASE(host_name_can_change)
{
    struct utsname old, now;
    if (geteuid() != 0)
        SKIP("needs root");
    EXPECT_OK(uname(&old));
    EXPECT_OK(sethostname(old.nodename, strlen(old.nodename)));
    EXPECT_OK(uname(&now));
    EXPECT_STR(now.nodename, old.nodename);
    char name[70];
    memset(name, 'x', sizeof(name));
    EXPECT_ERROR(sethostname(name, 65), EINVAL);
}

CASE(restart_needs_the_magic_numbers)
{
    if (geteuid())
        SKIP("not root");
    EXPECT_ERROR(syscall(SYS_reboot, 0, 672274793, 0x89abcdef, 0), EINVAL);
    EXPECT_ERROR(syscall(SYS_reboot, 0xfee1dead, 0, 0x89abcdef, 0), EINVAL);
    EXPECT_ERROR(syscall(SYS_reboot, 0xfee1dead, 672274793, 12345, 0), EINVAL);
}

CASE(clock_settings_are_kept)
{
    struct timex t = {.modes = 0}, set;
    if (geteuid())
        SKIP("not root");
    EXPECT(adjtimex(&t) >= 0);
    set = t;
    set.modes = ADJ_TICK | ADJ_FREQUENCY | ADJ_STATUS; // what they are already
    EXPECT(adjtimex(&set) >= 0);
    EXPECT_EQ(set.tick, t.tick);
    EXPECT_EQ(set.freq, t.freq);
    EXPECT_EQ(set.status, t.status);
    set.modes = ADJ_TICK;
    set.tick = 8999;
    EXPECT_ERROR(adjtimex(&set), EINVAL);
    set.tick = 11001;
    EXPECT_ERROR(adjtimex(&set), EINVAL);
    set.modes = 0x8000; // adjtime(3), and no more
    EXPECT_ERROR(adjtimex(&set), EINVAL);
    set.modes = ADJ_OFFSET_SS_READ;
    EXPECT(adjtimex(&set) >= 0);
    EXPECT_ERROR(clock_adjtime(CLOCK_MONOTONIC, &set), EOPNOTSUPP);
    EXPECT_ERROR(clock_adjtime(100, &set), EINVAL);
}

// A process without threads and its child: what both have not is the same.
static int compare_with_child(void)
{
    int p[2], wrong = 0;
    pid_t me = getpid(), child;
    if (pipe(p))
        return 1;
    child = fork();
    if (!child) {
        char c;
        close(p[1]);
        _exit((int)read(p[0], &c, 1));
    }
    wrong |= syscall(SYS_kcmp, me, me, 1 /* KCMP_VM */, 0, 0) != 0;
    wrong |= syscall(SYS_kcmp, me, child, 1, 0, 0) <= 0;
    wrong |= syscall(SYS_kcmp, me, child, 2 /* KCMP_FILES */, 0, 0) <= 0;
    wrong |= (syscall(SYS_kcmp, me, child, 0 /* KCMP_FILE */, p[0], p[0]) != 0) << 1;
    wrong |= (syscall(SYS_kcmp, me, child, 6 /* KCMP_SYSVSEM */, 0, 0) != 0) << 2;
    close(p[1]);
    waitpid(child, NULL, 0);
    return wrong;
}

CASE(objects_are_compared)
{
    int status = 0;
    pid_t child = fork();
    if (!child)
        _exit(compare_with_child());
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

CASE(timeouts_stay_with_an_old_personality)
{
    struct timeval t = {0, 10};
    int old = personality(0xffffffff);
    personality(STICKY_TIMEOUTS);
    EXPECT_EQ(select(0, NULL, NULL, NULL, &t), 0);
    EXPECT_EQ(t.tv_usec, 10);
    personality((unsigned)old);
    EXPECT_EQ(select(0, NULL, NULL, NULL, &t), 0);
    EXPECT_EQ(t.tv_usec, 0);
}

CASE(memory_files_share_no_blocks)
{
    int fd = make_file("f", "abc");
    EXPECT_ERROR(ioctl(fd, FICLONE, fd), EOPNOTSUPP);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(syncing),
    ENTRY(file_ioctls),
    ENTRY(preadv2_flags),
    ENTRY(timeouts_are_written_back),
    ENTRY(descriptor_zero_size_and_huge_counts),
    ENTRY(largest_transfer),
    ENTRY(memory_locks),
    ENTRY(scheduling_attributes),
    ENTRY(batch_policy_and_back),
    ENTRY(io_priorities),
    ENTRY(affinity_masks),
    ENTRY(chmod_by_the_newer_call),
    ENTRY(names_relative_to_directories),
    ENTRY(sticky_directories_guard_names),
    ENTRY(set_group_directories_pass_the_group_on),
    ENTRY(nothing_to_wait_for),
    ENTRY(timer_that_calls_a_thread),
    ENTRY(tmpfs_reports_its_space),
    ENTRY(host_name_can_change),
    ENTRY(restart_needs_the_magic_numbers),
    ENTRY(clock_settings_are_kept),
    ENTRY(objects_are_compared),
    ENTRY(timeouts_stay_with_an_old_personality),
    ENTRY(memory_files_share_no_blocks),
};
TEST_MAIN(cases)
