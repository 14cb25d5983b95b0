// SPDX-License-Identifier: BSD-3-Clause
// open, openat, openat2, creat: flags, creation, permissions, temporary files, descriptors.
#include "harness.h"

#include <linux/openat2.h>
#include <sys/resource.h>

static long openat2(int directory, const char *path, uint64_t flags, uint64_t mode,
                    uint64_t resolve)
{
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

CASE(missing_file_is_enoent)
{
    EXPECT_ERROR(open("missing", O_RDONLY), ENOENT);
    EXPECT_ERROR(open("missing/f", O_RDONLY | O_CREAT, 0600), ENOENT);
    EXPECT_ERROR(open("", O_RDONLY), ENOENT);
    close(make_file("f", ""));
    EXPECT_ERROR(open("f/x", O_RDONLY), ENOTDIR);
    EXPECT_ERROR(open("f/", O_RDONLY), ENOTDIR);
}

CASE(create_applies_mode_and_umask)
{
    struct stat info;
    umask(027);
    int fd = open("f", O_WRONLY | O_CREAT, 0666);
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_mode, S_IFREG | 0640);
    EXPECT_EQ(info.st_size, 0);
    EXPECT_EQ(info.st_nlink, 1);
    EXPECT_EQ(info.st_uid, geteuid());
    close(fd);
}

CASE(exclusive_create)
{
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0600);
    EXPECT_OK(fd);
    EXPECT_ERROR(open("f", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    EXPECT_OK(symlink("nowhere", "link"));
    EXPECT_ERROR(open("link", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    close(fd);
}

CASE(create_through_dangling_symlink)
{
    struct stat info;
    EXPECT_OK(symlink("target", "link"));
    int fd = open("link", O_RDWR | O_CREAT, 0600);
    EXPECT_OK(fd);
    EXPECT_OK(stat("target", &info));
    close(fd);
}

CASE(truncate_flag_empties)
{
    struct stat info;
    close(make_file("f", "abc"));
    int fd = open("f", O_WRONLY | O_TRUNC);
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_size, 0);
    close(fd);
}

CASE(directory_flag)
{
    close(make_file("f", ""));
    EXPECT_ERROR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT_OK(fd);
    close(fd);
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_ERROR(open("d", O_RDWR), EISDIR);
    EXPECT_ERROR(open("d", O_RDONLY | O_CREAT, 0600), EISDIR);
}

CASE(nofollow_flag)
{
    close(make_file("f", ""));
    EXPECT_OK(symlink("f", "link"));
    EXPECT_ERROR(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    int fd = open("link", O_PATH | O_NOFOLLOW);
    struct stat info;
    EXPECT_OK(fstat(fd, &info));
    EXPECT(S_ISLNK(info.st_mode));
    close(fd);
}

CASE(path_descriptor_allows_little)
{
    char buffer[4];
    struct stat info;
    close(make_file("f", "abc"));
    int fd = open("f", O_PATH);
    EXPECT_OK(fd);
    EXPECT_ERROR(read(fd, buffer, 1), EBADF);
    EXPECT_ERROR(write(fd, buffer, 1), EBADF);
    EXPECT_ERROR(lseek(fd, 0, SEEK_SET), EBADF);
    EXPECT_ERROR(fchmod(fd, 0600), EBADF);
    EXPECT_ERROR(ftruncate(fd, 0), EBADF);
    EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EBADF);
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_size, 3);
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
    int other = dup(fd);
    EXPECT_OK(other);
    close(other);
    close(fd);
}

CASE(path_descriptor_reopens_by_proc)
{
    char name[64], buffer[8] = "";
    close(make_file("f", "abc"));
    int path = open("f", O_PATH);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
    int fd = open(name, O_RDONLY);
    REQUIRE_OK(fd);
    EXPECT_EQ(read(fd, buffer, 8), 3);
    EXPECT_STR(buffer, "abc");
    close(fd);
    close(path);
}

CASE(tmpfile_has_no_name)
{
    struct stat info;
    int fd = open(".", O_TMPFILE | O_RDWR, 0640);
    REQUIRE_OK(fd);
    EXPECT_EQ(write(fd, "abc", 3), 3);
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_nlink, 0);
    EXPECT_EQ(info.st_mode, S_IFREG | 0640);
    EXPECT_ERROR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    close(fd);
}

CASE(tmpfile_can_be_linked)
{
    char name[64], buffer[8];
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    REQUIRE_OK(fd);
    EXPECT_EQ(write(fd, "abc", 3), 3);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    EXPECT_OK(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    EXPECT_EQ(read_file("named", buffer, sizeof(buffer)), 3);
    EXPECT_STR(buffer, "abc");
    close(fd);
}

CASE(tmpfile_exclusive_cannot_be_linked)
{
    char name[64];
    int fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    REQUIRE_OK(fd);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    EXPECT_ERROR(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT);
    close(fd);
}

CASE(lowest_descriptor_is_used)
{
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);
    EXPECT_EQ(b, a + 1);
    close(a);
    EXPECT_EQ(open("/dev/null", O_RDONLY), a);
    close(a);
    close(b);
}

CASE(close_on_exec_flag)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_OK(fcntl(fd, F_SETFD, 0));
    EXPECT_EQ(fcntl(fd, F_GETFD), 0);
    close(fd);
}

CASE(status_flags_are_reported)
{
    close(make_file("f", ""));
    int fd = open("f", O_WRONLY | O_APPEND | O_NONBLOCK | O_CREAT | O_TRUNC, 0600);
    EXPECT_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT | O_TRUNC),
              O_WRONLY | O_APPEND | O_NONBLOCK);
    close(fd);
}

CASE(openat_relative_to_directory)
{
    EXPECT_OK(mkdir("d", 0755));
    int directory = open("d", O_RDONLY | O_DIRECTORY);
    int fd = openat(directory, "f", O_RDWR | O_CREAT, 0600);
    EXPECT_OK(fd);
    EXPECT_OK(access("d/f", F_OK));
    EXPECT_ERROR(openat(fd, "x", O_RDONLY), ENOTDIR);
    EXPECT_ERROR(openat(200, "x", O_RDONLY), EBADF);
    int absolute = openat(200, "/dev/null", O_RDONLY);
    EXPECT_OK(absolute);
    close(absolute);
    close(fd);
    close(directory);
}

CASE(permissions_do_not_bind_the_open_descriptor)
{
    int fd = open("f", O_RDWR | O_CREAT, 0400); // mode does not limit this open
    EXPECT_EQ(write(fd, "x", 1), 1);
    close(fd);
}

CASE(name_lengths)
{
    char name[300], path[5000];
    memset(name, 'n', sizeof(name));
    name[255] = 0;
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    EXPECT_OK(fd);
    close(fd);
    name[255] = 'n';
    name[256] = 0;
    EXPECT_ERROR(open(name, O_RDWR | O_CREAT, 0600), ENAMETOOLONG);
    memset(path, '/', sizeof(path));
    path[4999] = 0;
    EXPECT_ERROR(open(path, O_RDONLY), ENAMETOOLONG);
}

CASE(symlink_loop_is_eloop)
{
    EXPECT_OK(symlink("b", "a"));
    EXPECT_OK(symlink("a", "b"));
    EXPECT_ERROR(open("a", O_RDONLY), ELOOP);
    EXPECT_ERROR(open("a/x", O_RDONLY), ELOOP);
}

CASE(path_with_dots_and_slashes)
{
    EXPECT_OK(mkdir("d", 0755));
    close(make_file("f", ""));
    int fd = open("./d/..//d/.././/f", O_RDONLY);
    EXPECT_OK(fd);
    close(fd);
    fd = open("/../../dev/null", O_RDONLY);
    EXPECT_OK(fd);
    close(fd);
}

CASE(openat2_plain)
{
    struct {
        struct open_how how;
        uint64_t more;
    } big = {.how = {.flags = O_RDONLY}};
    long fd = openat2(AT_FDCWD, "f", O_RDWR | O_CREAT, 0600, 0);
    EXPECT_OK(fd);
    close((int)fd);
    EXPECT_ERROR(openat2(AT_FDCWD, "f", O_RDONLY, 0600, 0), EINVAL); // mode without create
    EXPECT_ERROR(openat2(AT_FDCWD, "f", 1ull << 40, 0, 0), EINVAL);
    EXPECT_ERROR(openat2(AT_FDCWD, "f", O_RDONLY, 0, 1ull << 40), EINVAL);
    EXPECT_ERROR(syscall(SYS_openat2, AT_FDCWD, "f", &big.how, 8), EINVAL);
    fd = syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big));
    EXPECT_OK(fd);
    close((int)fd);
    big.more = 1;
    EXPECT_ERROR(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big)), E2BIG);
}

CASE(openat2_beneath)
{
    EXPECT_OK(mkdir("d", 0755));
    close(make_file("d/f", ""));
    close(make_file("g", ""));
    EXPECT_OK(symlink("../g", "d/up"));
    EXPECT_OK(symlink("f", "d/in"));
    int directory = open("d", O_PATH);
    long fd = openat2(directory, "in", O_RDONLY, 0, RESOLVE_BENEATH);
    EXPECT_OK(fd);
    close((int)fd);
    EXPECT_ERROR(openat2(directory, "up", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
    EXPECT_ERROR(openat2(directory, "../g", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
    EXPECT_ERROR(openat2(directory, "/dev/null", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
    close(directory);
}

CASE(openat2_no_symlinks)
{
    close(make_file("f", ""));
    EXPECT_OK(symlink("f", "link"));
    EXPECT_ERROR(openat2(AT_FDCWD, "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
    EXPECT_ERROR(openat2(AT_FDCWD, "/proc/self/fd/0", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS), ELOOP);
}

CASE(openat2_in_root)
{
    EXPECT_OK(mkdir("d", 0755));
    close(make_file("d/f", "inside"));
    EXPECT_OK(symlink("/f", "d/absolute"));
    int directory = open("d", O_PATH);
    char buffer[16] = "";
    long fd = openat2(directory, "/../absolute", O_RDONLY, 0, RESOLVE_IN_ROOT);
    EXPECT_EQ(read((int)fd, buffer, sizeof(buffer)), 6);
    EXPECT_STR(buffer, "inside");
    close((int)fd);
    close(directory);
}

CASE(descriptor_limit_is_emfile)
{
    struct rlimit old, few = {20, 0};
    int fd[32], n = 0;
    EXPECT_OK(getrlimit(RLIMIT_NOFILE, &old));
    few.rlim_max = old.rlim_max;
    EXPECT_OK(setrlimit(RLIMIT_NOFILE, &few));
    while (n < 32 && (fd[n] = open("/dev/null", O_RDONLY)) >= 0)
        n++;
    EXPECT_EQ(errno, EMFILE);
    EXPECT(n > 0 && fd[n - 1] == 19);
    EXPECT_ERROR(dup(0), EMFILE);
    while (n > 0)
        close(fd[--n]);
    EXPECT_OK(setrlimit(RLIMIT_NOFILE, &old));
}

CASE(bad_path_pointer_is_efault)
{
    EXPECT_ERROR(syscall(SYS_open, 16, O_RDONLY), EFAULT);
    EXPECT_ERROR(syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY), EFAULT);
}

CASE(access_mode_three)
{
    char c;

    close(make_file("f", "abc"));
    int fd = open("f", O_WRONLY | O_RDWR); // neither reads nor writes: open(2)
    REQUIRE(fd >= 0);
    EXPECT_ERROR(read(fd, &c, 1), EBADF);
    EXPECT_ERROR(write(fd, &c, 1), EBADF);
    close(fd);
    EXPECT_ERROR(open(".", O_RDONLY | O_DIRECT), EINVAL);
}

CASE(seeks_to_nowhere)
{
    int fd = make_file("f", "abc"), proc = open("/proc", O_RDONLY);

    EXPECT_ERROR(lseek(fd, INT64_MAX, SEEK_END), EINVAL);
    EXPECT_EQ(lseek(fd, 1, SEEK_SET), 1);
    EXPECT_ERROR(lseek(fd, INT64_MAX, SEEK_CUR), EINVAL);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 1);
    EXPECT_OK(lseek(proc, 0, SEEK_END));
    close(fd);
    close(proc);
}

CASE(creat_is_open)
{
    int fd = creat("f", 0600);
    EXPECT_OK(fd);
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(missing_file_is_enoent),
    ENTRY(create_applies_mode_and_umask),
    ENTRY(exclusive_create),
    ENTRY(create_through_dangling_symlink),
    ENTRY(truncate_flag_empties),
    ENTRY(directory_flag),
    ENTRY(nofollow_flag),
    ENTRY(path_descriptor_allows_little),
    ENTRY(path_descriptor_reopens_by_proc),
    ENTRY(tmpfile_has_no_name),
    ENTRY(tmpfile_can_be_linked),
    ENTRY(tmpfile_exclusive_cannot_be_linked),
    ENTRY(lowest_descriptor_is_used),
    ENTRY(close_on_exec_flag),
    ENTRY(status_flags_are_reported),
    ENTRY(openat_relative_to_directory),
    ENTRY(permissions_do_not_bind_the_open_descriptor),
    ENTRY(name_lengths),
    ENTRY(symlink_loop_is_eloop),
    ENTRY(path_with_dots_and_slashes),
    ENTRY(openat2_plain),
    ENTRY(openat2_beneath),
    ENTRY(openat2_no_symlinks),
    ENTRY(openat2_in_root),
    ENTRY(descriptor_limit_is_emfile),
    ENTRY(bad_path_pointer_is_efault),
    ENTRY(access_mode_three),
    ENTRY(seeks_to_nowhere),
    ENTRY(creat_is_open),
};
TEST_MAIN(cases)
