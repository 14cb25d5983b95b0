// SPDX-License-Identifier: BSD-3-Clause
// What a file says of itself: stat, statx, chmod, chown, times, access, extended attributes.
#include "harness.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>

#define OLD 1000000000 // a time long ago

static struct stat stat_of(const char *path)
{
    struct stat info;
    memset(&info, 0xff, sizeof(info));
    if (lstat(path, &info) < 0)
        test_fail(__FILE_NAME__, __LINE__, "lstat %s: errno %d", path, errno);
    return info;
}

CASE(stat_of_a_regular_file)
{
    time_t now = time(NULL);
    close(make_file("f", "hello"));
    struct stat info = stat_of("f");
    EXPECT_EQ(info.st_mode, S_IFREG | 0644);
    EXPECT_EQ(info.st_size, 5);
    EXPECT_EQ(info.st_nlink, 1);
    EXPECT_EQ(info.st_uid, geteuid());
    EXPECT_EQ(info.st_gid, getegid());
    EXPECT_EQ(info.st_blksize, 4096);
    EXPECT_EQ(info.st_blocks, 8);
    EXPECT(info.st_ino != 0);
    EXPECT(info.st_mtime >= now - 1 && info.st_mtime <= now + 5);
    EXPECT(info.st_atim.tv_nsec < 1000000000 && info.st_mtim.tv_nsec < 1000000000);
}

CASE(fstat_and_fstatat)
{
    struct stat a, b, c, d;
    int fd = make_file("f", "hello");
    EXPECT_OK(fstat(fd, &a));
    EXPECT_OK(fstatat(AT_FDCWD, "f", &b, 0));
    EXPECT_OK(fstatat(fd, "", &c, AT_EMPTY_PATH));
    EXPECT_EQ(a.st_ino, b.st_ino);
    EXPECT_EQ(a.st_ino, c.st_ino);
    EXPECT_ERROR(fstatat(fd, "", &c, 0), ENOENT);
    EXPECT_OK(symlink("f", "s"));
    EXPECT_OK(fstatat(AT_FDCWD, "s", &d, AT_SYMLINK_NOFOLLOW));
    EXPECT(S_ISLNK(d.st_mode));
    EXPECT_ERROR(fstatat(AT_FDCWD, "f", &d, 0x40000000), EINVAL);
    EXPECT_ERROR(syscall(SYS_newfstatat, AT_FDCWD, "f", 16, 0), EFAULT);
    close(fd);
}

CASE(stat_of_devices_and_pipes)
{
    struct stat info;
    int p[2];
    EXPECT_OK(stat("/dev/null", &info));
    EXPECT(S_ISCHR(info.st_mode));
    EXPECT_EQ(major(info.st_rdev), 1);
    EXPECT_EQ(minor(info.st_rdev), 3);
    EXPECT_OK(stat("/dev/urandom", &info));
    EXPECT_EQ(minor(info.st_rdev), 9);
    REQUIRE_OK(pipe(p));
    EXPECT_OK(fstat(p[0], &info));
    EXPECT(S_ISFIFO(info.st_mode));
    EXPECT_EQ(info.st_mode & 0777, 0600);
    close(p[0]);
    close(p[1]);
}

CASE(statx_fields)
{
    struct statx x;
    struct stat info;
    int fd = make_file("f", "hello");
    EXPECT_OK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &x));
    info = stat_of("f");
    EXPECT_EQ(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    EXPECT_EQ(x.stx_mode, info.st_mode);
    EXPECT_EQ(x.stx_size, 5);
    EXPECT_EQ(x.stx_ino, info.st_ino);
    EXPECT_EQ(x.stx_nlink, 1);
    EXPECT_EQ(x.stx_mtime.tv_sec, info.st_mtim.tv_sec);
    EXPECT_EQ(makedev(x.stx_dev_major, x.stx_dev_minor), info.st_dev);
    EXPECT_OK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    EXPECT_EQ(x.stx_size, 5);
    EXPECT_ERROR(statx(AT_FDCWD, "f", 0, 0x80000000u, &x), EINVAL);
    EXPECT_ERROR(statx(AT_FDCWD, "missing", 0, 0, &x), ENOENT);
    close(fd);
}

CASE(chmod_all_ways)
{
    int fd = make_file("f", "");
    EXPECT_OK(chmod("f", 0600));
    EXPECT_EQ(stat_of("f").st_mode, S_IFREG | 0600);
    EXPECT_OK(fchmod(fd, 04755));
    EXPECT_EQ(stat_of("f").st_mode, S_IFREG | 04755);
    EXPECT_OK(fchmodat(AT_FDCWD, "f", 0400, 0));
    EXPECT_EQ(stat_of("f").st_mode, S_IFREG | 0400);
    EXPECT_OK(symlink("f", "s"));
    EXPECT_OK(chmod("s", 0644));
    EXPECT_EQ(stat_of("f").st_mode, S_IFREG | 0644);
    EXPECT_EQ(stat_of("s").st_mode, S_IFLNK | 0777);
    EXPECT_ERROR(chmod("missing", 0600), ENOENT);
    close(fd);
}

CASE(chmod_changes_ctime_only)
{
    struct timespec times[2] = {{OLD, 0}, {OLD, 0}};
    close(make_file("f", ""));
    EXPECT_OK(utimensat(AT_FDCWD, "f", times, 0));
    EXPECT_OK(chmod("f", 0600));
    struct stat info = stat_of("f");
    EXPECT_EQ(info.st_mtime, OLD);
    EXPECT(info.st_ctime > OLD);
}

CASE(chown_to_others)
{
    if (geteuid() != 0)
        SKIP("needs root");
    int fd = make_file("f", "");
    EXPECT_OK(chown("f", 1000, 1001));
    EXPECT_EQ(stat_of("f").st_uid, 1000);
    EXPECT_EQ(stat_of("f").st_gid, 1001);
    EXPECT_OK(fchown(fd, (uid_t)-1, 7));
    EXPECT_EQ(stat_of("f").st_uid, 1000);
    EXPECT_EQ(stat_of("f").st_gid, 7);
    EXPECT_OK(symlink("f", "s"));
    EXPECT_OK(lchown("s", 5, 6));
    EXPECT_EQ(stat_of("s").st_uid, 5);
    EXPECT_EQ(stat_of("f").st_uid, 1000);
    EXPECT_OK(fchownat(fd, "", 0, 0, AT_EMPTY_PATH));
    EXPECT_EQ(stat_of("f").st_uid, 0);
    close(fd);
}

CASE(chown_clears_setuid)
{
    int fd = open("f", O_RDWR | O_CREAT, 0755);
    EXPECT_OK(fchmod(fd, 06755));
    EXPECT_OK(chown("f", geteuid(), getegid()));
    EXPECT_EQ(stat_of("f").st_mode & 07777, 0755);
    close(fd);
}

CASE(utimensat_sets_times)
{
    struct timespec times[2] = {{OLD, 123456789}, {OLD + 1, 987654321}};
    int fd = make_file("f", "");
    EXPECT_OK(utimensat(AT_FDCWD, "f", times, 0));
    struct stat info = stat_of("f");
    EXPECT_EQ(info.st_atim.tv_sec, OLD);
    EXPECT_EQ(info.st_atim.tv_nsec, 123456789);
    EXPECT_EQ(info.st_mtim.tv_sec, OLD + 1);
    EXPECT_EQ(info.st_mtim.tv_nsec, 987654321);
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){OLD + 5, 0};
    EXPECT_OK(futimens(fd, times));
    info = stat_of("f");
    EXPECT_EQ(info.st_atim.tv_sec, OLD);
    EXPECT_EQ(info.st_mtim.tv_sec, OLD + 5);
    times[0].tv_nsec = UTIME_NOW;
    EXPECT_OK(futimens(fd, times));
    EXPECT(stat_of("f").st_atime > OLD + 100);
    EXPECT_OK(futimens(fd, NULL));
    EXPECT(stat_of("f").st_mtime > OLD + 100);
    times[1].tv_nsec = 1000000000;
    EXPECT_ERROR(futimens(fd, times), EINVAL);
    close(fd);
}

CASE(utimensat_of_symlinks)
{
    struct timespec times[2] = {{OLD, 0}, {OLD, 0}};
    close(make_file("f", ""));
    EXPECT_OK(symlink("f", "s"));
    EXPECT_OK(utimensat(AT_FDCWD, "s", times, AT_SYMLINK_NOFOLLOW));
    EXPECT_EQ(stat_of("s").st_mtime, OLD);
    EXPECT(stat_of("f").st_mtime > OLD);
    EXPECT_ERROR(utimensat(AT_FDCWD, "missing", times, 0), ENOENT);
}

CASE(old_time_calls)
{
    struct timeval times[2] = {{OLD, 5}, {OLD + 2, 7}};
    long seconds[2] = {OLD + 3, OLD + 4};
    close(make_file("f", ""));
    EXPECT_OK(utimes("f", times));
    EXPECT_EQ(stat_of("f").st_mtim.tv_nsec, 7000);
    EXPECT_OK(syscall(SYS_utime, "f", seconds));
    EXPECT_EQ(stat_of("f").st_mtime, OLD + 4);
    EXPECT_EQ(stat_of("f").st_atime, OLD + 3);
}

CASE(writing_updates_times)
{
    struct timespec times[2] = {{OLD, 0}, {OLD, 0}};
    int fd = make_file("f", "abc");
    EXPECT_OK(futimens(fd, times));
    EXPECT_EQ(write(fd, "x", 1), 1);
    EXPECT(stat_of("f").st_mtime > OLD);
    EXPECT_EQ(stat_of("f").st_atime, OLD);
    EXPECT_OK(futimens(fd, times));
    EXPECT_OK(ftruncate(fd, 1));
    EXPECT(stat_of("f").st_mtime > OLD);
    close(fd);
}

CASE(directory_times_follow_its_names)
{
    struct timespec times[2] = {{OLD, 0}, {OLD, 0}};
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(utimensat(AT_FDCWD, "d", times, 0));
    close(make_file("d/f", ""));
    EXPECT(stat_of("d").st_mtime > OLD);
    EXPECT_OK(utimensat(AT_FDCWD, "d", times, 0));
    EXPECT_OK(unlink("d/f"));
    EXPECT(stat_of("d").st_mtime > OLD);
}

CASE(access_checks)
{
    close(make_file("f", ""));
    EXPECT_OK(access("f", F_OK));
    EXPECT_OK(access("f", R_OK | W_OK));
    EXPECT_ERROR(access("f", X_OK), EACCES); // root too: nobody has an x bit
    EXPECT_ERROR(access("missing", F_OK), ENOENT);
    EXPECT_ERROR(access("f", 0x10), EINVAL);
    EXPECT_OK(chmod("f", 0100));
    EXPECT_OK(access("f", X_OK));
    EXPECT_OK(syscall(SYS_faccessat2, AT_FDCWD, "f", X_OK, AT_EACCESS));
}

CASE(xattr_round_trip)
{
    char buffer[64] = "";
    int fd = make_file("f", "");
    if (setxattr("f", "user.one", "value", 5, 0) < 0 && errno == EOPNOTSUPP) {
        close(fd);
        SKIP("no user attributes on this file system");
    }
    EXPECT_EQ(getxattr("f", "user.one", NULL, 0), 5);
    EXPECT_EQ(getxattr("f", "user.one", buffer, sizeof(buffer)), 5);
    EXPECT_STR(buffer, "value");
    EXPECT_ERROR(getxattr("f", "user.one", buffer, 2), ERANGE);
    EXPECT_ERROR(getxattr("f", "user.two", buffer, 2), ENODATA);
    EXPECT_ERROR(setxattr("f", "user.one", "x", 1, XATTR_CREATE), EEXIST);
    EXPECT_ERROR(setxattr("f", "user.two", "x", 1, XATTR_REPLACE), ENODATA);
    EXPECT_OK(fsetxattr(fd, "user.one", "new", 3, XATTR_REPLACE));
    EXPECT_EQ(fgetxattr(fd, "user.one", buffer, sizeof(buffer)), 3);
    EXPECT_OK(fremovexattr(fd, "user.one"));
    EXPECT_ERROR(removexattr("f", "user.one"), ENODATA);
    close(fd);
}

CASE(xattr_list)
{
    char buffer[128];
    close(make_file("f", ""));
    if (setxattr("f", "user.a", "1", 1, 0) < 0 && errno == EOPNOTSUPP)
        SKIP("no user attributes on this file system");
    EXPECT_OK(setxattr("f", "user.bb", "", 0, 0));
    EXPECT_EQ(listxattr("f", NULL, 0), 15);
    EXPECT_EQ(listxattr("f", buffer, sizeof(buffer)), 15);
    EXPECT(memmem(buffer, 15, "user.a", 7) && memmem(buffer, 15, "user.bb", 8));
    EXPECT_ERROR(listxattr("f", buffer, 3), ERANGE);
    EXPECT_ERROR(setxattr("f", "nodot", "", 0, 0), EOPNOTSUPP);
    EXPECT_OK(symlink("f", "s"));
    EXPECT_ERROR(lsetxattr("s", "user.x", "", 0, 0), EPERM);
}

CASE(statfs_of_what_has_no_name)
{
    struct statfs s;
    int p[2], q[2], e = eventfd(0, 0);

    REQUIRE_OK(pipe(p));
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, q));
    EXPECT_OK(fstatfs(p[0], &s));
    EXPECT_EQ(s.f_type, PIPEFS_MAGIC);
    EXPECT_OK(fstatfs(q[0], &s));
    EXPECT_EQ(s.f_type, SOCKFS_MAGIC);
    EXPECT_OK(fstatfs(e, &s));
    EXPECT_EQ(s.f_type, ANON_INODE_FS_MAGIC);
    close(p[0]);
    close(p[1]);
    close(q[0]);
    close(q[1]);
    close(e);
}

CASE(statfs_is_sane)
{
    struct statfs a, b;
    int fd = make_file("f", "");
    EXPECT_OK(statfs(".", &a));
    EXPECT_OK(fstatfs(fd, &b));
    EXPECT_EQ(a.f_type, b.f_type);
    EXPECT_EQ(a.f_namelen, 255);
    EXPECT(a.f_bsize >= 512);
    EXPECT_OK(statfs("/proc", &a));
    EXPECT_EQ(a.f_type, 0x9fa0);
    EXPECT_ERROR(statfs("missing", &a), ENOENT);
    close(fd);
}

static int set_flags(const char *path, int flags)
{
    int fd = open(path, O_RDONLY), result = ioctl(fd, FS_IOC_SETFLAGS, &flags), error = errno;

    close(fd);
    errno = error;
    return result;
}

// chattr(1), lsattr(1)
CASE(immutable_and_append_only)
{
    int fd = make_file("f", "hello"), flags = -1;
    struct statx more;

    close(fd);
    if (set_flags("f", FS_APPEND_FL) && (errno == ENOTTY || errno == EOPNOTSUPP || errno == EPERM))
        SKIP("not root, or a file system that has no such flags");
    fd = open("f", O_RDONLY);
    EXPECT_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    close(fd);
    EXPECT_EQ(flags & (FS_APPEND_FL | FS_IMMUTABLE_FL), FS_APPEND_FL);
    EXPECT_OK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &more));
    EXPECT(more.stx_attributes & STATX_ATTR_APPEND && !(more.stx_attributes & STATX_ATTR_IMMUTABLE));
    EXPECT_ERROR(open("f", O_WRONLY), EPERM);
    EXPECT_ERROR(open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
    fd = open("f", O_WRONLY | O_APPEND);
    EXPECT_EQ(write(fd, "more", 4), 4);
    EXPECT_ERROR(fcntl(fd, F_SETFL, 0), EPERM);
    EXPECT_ERROR(ftruncate(fd, 0), EPERM);
    close(fd);
    EXPECT_ERROR(truncate("f", 0), EPERM);
    EXPECT_ERROR(unlink("f"), EPERM);
    EXPECT_OK(utimensat(AT_FDCWD, "f", NULL, 0));
    EXPECT_OK(set_flags("f", FS_IMMUTABLE_FL));
    EXPECT_ERROR(open("f", O_WRONLY | O_APPEND), EPERM);
    EXPECT_ERROR(chmod("f", 0600), EPERM);
    EXPECT_ERROR(chown("f", 0, 0), EPERM);
    EXPECT_ERROR(rename("f", "g"), EPERM);
    EXPECT_ERROR(link("f", "g"), EPERM);
    EXPECT_ERROR(utimensat(AT_FDCWD, "f", NULL, 0), EPERM);
    EXPECT_ERROR(setxattr("f", "user.a", "b", 1, 0), EPERM);
    EXPECT_OK(set_flags("f", 0));
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(set_flags("d", FS_IMMUTABLE_FL));
    EXPECT_ERROR(rename("f", "d/f"), EPERM);
    EXPECT_ERROR(mkdir("d/e", 0755), EPERM);
    EXPECT_OK(set_flags("d", 0));
    EXPECT_OK(unlink("f"));
}

static const struct test_case cases[] = {
    ENTRY(stat_of_a_regular_file),
    ENTRY(fstat_and_fstatat),
    ENTRY(stat_of_devices_and_pipes),
    ENTRY(statx_fields),
    ENTRY(chmod_all_ways),
    ENTRY(chmod_changes_ctime_only),
    ENTRY(chown_to_others),
    ENTRY(chown_clears_setuid),
    ENTRY(utimensat_sets_times),
    ENTRY(utimensat_of_symlinks),
    ENTRY(old_time_calls),
    ENTRY(writing_updates_times),
    ENTRY(directory_times_follow_its_names),
    ENTRY(access_checks),
    ENTRY(xattr_round_trip),
    ENTRY(xattr_list),
    ENTRY(statfs_of_what_has_no_name),
    ENTRY(statfs_is_sane),
    ENTRY(immutable_and_append_only),
};
TEST_MAIN(cases)
