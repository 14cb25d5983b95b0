// SPDX-License-Identifier: BSD-3-Clause
// Names: link, symlink, unlink, mkdir, rmdir, rename and renameat2.
#include "harness.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE  2
#endif

static long renameat2_(const char *from, const char *to, unsigned flags)
{
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static long links_of(const char *path)
{
    struct stat info;
    return lstat(path, &info) < 0 ? -1 : (long)info.st_nlink;
}

static ino_t inode_of(const char *path)
{
    struct stat info;
    return lstat(path, &info) < 0 ? 0 : info.st_ino;
}

static void make(const char *name, const char *content)
{
    close(make_file(name, content));
}

static void expect_content(const char *name, const char *content)
{
    char buffer[64] = "";
    EXPECT(read_file(name, buffer, sizeof(buffer)) >= 0);
    EXPECT_STR(buffer, content);
}

CASE(hard_link_shares_the_file)
{
    make("a", "one");
    EXPECT_OK(link("a", "b"));
    EXPECT_EQ(links_of("a"), 2);
    EXPECT_EQ(inode_of("a"), inode_of("b"));
    close(make_file("b", "two"));
    expect_content("a", "two");
    EXPECT_OK(unlink("a"));
    EXPECT_EQ(links_of("b"), 1);
    expect_content("b", "two");
}

CASE(link_errors)
{
    make("a", "");
    make("b", "");
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_ERROR(link("a", "b"), EEXIST);
    EXPECT_ERROR(link("missing", "c"), ENOENT);
    EXPECT_ERROR(link("d", "e"), EPERM);
    EXPECT_ERROR(link("a", "missing/c"), ENOENT);
    EXPECT_ERROR(link("a", "b/c"), ENOTDIR);
}

CASE(linkat_of_a_symlink)
{
    make("a", "");
    EXPECT_OK(symlink("a", "s"));
    EXPECT_OK(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0));
    EXPECT_EQ(inode_of("s2"), inode_of("s"));
    EXPECT_OK(linkat(AT_FDCWD, "s", AT_FDCWD, "a2", AT_SYMLINK_FOLLOW));
    EXPECT_EQ(inode_of("a2"), inode_of("a"));
    EXPECT_ERROR(linkat(AT_FDCWD, "a", AT_FDCWD, "a3", 0x8000), EINVAL);
}

CASE(symlink_and_readlink)
{
    char buffer[64];
    struct stat info;
    EXPECT_OK(symlink("some/where", "s"));
    memset(buffer, 'x', sizeof(buffer));
    EXPECT_EQ(readlink("s", buffer, sizeof(buffer)), 10);
    EXPECT(memcmp(buffer, "some/wherex", 11) == 0); // no terminating zero
    EXPECT_EQ(readlink("s", buffer, 4), 4);
    EXPECT_ERROR(readlink("s", buffer, 0), EINVAL);
    EXPECT_OK(lstat("s", &info));
    EXPECT_EQ(info.st_mode, S_IFLNK | 0777);
    EXPECT_EQ(info.st_size, 10);
    EXPECT_ERROR(stat("s", &info), ENOENT);
    EXPECT_ERROR(symlink("other", "s"), EEXIST);
    EXPECT_ERROR(symlink("", "t"), ENOENT);
    make("f", "");
    EXPECT_ERROR(readlink("f", buffer, 10), EINVAL);
}

CASE(long_symlink)
{
    char target[4096], back[4096];
    memset(target, 'a', sizeof(target));
    target[4095] = 0;
    EXPECT_OK(symlink(target, "s"));
    EXPECT_EQ(readlink("s", back, sizeof(back)), 4095);
    EXPECT(memcmp(target, back, 4095) == 0);
}

CASE(readlinkat_of_a_path_descriptor)
{
    char buffer[16] = "";
    EXPECT_OK(symlink("abc", "s"));
    int fd = open("s", O_PATH | O_NOFOLLOW);
    EXPECT_EQ(readlinkat(fd, "", buffer, sizeof(buffer)), 3);
    EXPECT_STR(buffer, "abc");
    close(fd);
}

CASE(symlinks_in_the_middle_of_a_path)
{
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(symlink("d", "s"));
    EXPECT_OK(symlink("../d/./", "d/again"));
    make("s/f", "x");
    expect_content("d/f", "x");
    expect_content("s/again/again/f", "x");
    EXPECT_ERROR(rmdir("s"), ENOTDIR);
}

CASE(unlink_keeps_open_files_alive)
{
    char buffer[8] = "";
    struct stat info;
    int fd = make_file("f", "abc");
    EXPECT_OK(unlink("f"));
    EXPECT_ERROR(access("f", F_OK), ENOENT);
    EXPECT_EQ(read(fd, buffer, 8), 3);
    EXPECT_STR(buffer, "abc");
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_nlink, 0);
    close(fd);
}

CASE(unlink_errors)
{
    EXPECT_OK(mkdir("d", 0755));
    make("f", "");
    EXPECT_ERROR(unlink("missing"), ENOENT);
    EXPECT_ERROR(unlink("d"), EISDIR);
    EXPECT_ERROR(unlink("f/"), ENOTDIR);
    EXPECT_ERROR(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
    EXPECT_ERROR(unlinkat(AT_FDCWD, "f", 0x4), EINVAL);
    EXPECT_OK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
}

CASE(mkdir_mode_and_links)
{
    struct stat info;
    umask(022);
    EXPECT_OK(mkdir("d", 0777));
    EXPECT_OK(stat("d", &info));
    EXPECT_EQ(info.st_mode, S_IFDIR | 0755);
    EXPECT_EQ(info.st_nlink, 2);
    EXPECT_OK(mkdir("d/e", 0700));
    EXPECT_EQ(links_of("d"), 3);
    EXPECT_OK(rmdir("d/e"));
    EXPECT_EQ(links_of("d"), 2);
    EXPECT_OK(mkdir("slash/", 0700));
}

CASE(mkdir_errors)
{
    make("f", "");
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_ERROR(mkdir("d", 0755), EEXIST);
    EXPECT_ERROR(mkdir("f", 0755), EEXIST);
    EXPECT_ERROR(mkdir("missing/d", 0755), ENOENT);
    EXPECT_ERROR(mkdir("f/d", 0755), ENOTDIR);
    EXPECT_ERROR(mkdir(".", 0755), EEXIST);
    EXPECT_ERROR(mkdir("/", 0755), EEXIST);
}

CASE(rmdir_errors)
{
    make("f", "");
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(mkdir("d/e", 0755));
    EXPECT_ERROR(rmdir("d"), ENOTEMPTY);
    EXPECT_ERROR(rmdir("f"), ENOTDIR);
    EXPECT_ERROR(rmdir("missing"), ENOENT);
    EXPECT_ERROR(rmdir("d/e/."), EINVAL);
    EXPECT_ERROR(rmdir("d/e/.."), ENOTEMPTY);
}

CASE(removed_directory_stays_usable_as_cwd)
{
    char buffer[PAGE];
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(chdir("d"));
    EXPECT_OK(rmdir("../d"));
    EXPECT_ERROR(open("f", O_RDWR | O_CREAT, 0600), ENOENT);
    EXPECT_ERROR(syscall(SYS_getcwd, buffer, sizeof(buffer)), ENOENT);
    EXPECT_OK(access(".", F_OK));
}

CASE(rename_moves)
{
    make("a", "one");
    ino_t inode = inode_of("a");
    EXPECT_OK(rename("a", "b"));
    EXPECT_ERROR(access("a", F_OK), ENOENT);
    EXPECT_EQ(inode_of("b"), inode);
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(rename("b", "d/c"));
    expect_content("d/c", "one");
}

CASE(rename_replaces)
{
    char buffer[8] = "";
    make("a", "one");
    int old = make_file("b", "two");
    EXPECT_OK(rename("a", "b"));
    expect_content("b", "one");
    EXPECT_EQ(read(old, buffer, 8), 3); // the replaced file lives on
    EXPECT_STR(buffer, "two");
    close(old);
}

CASE(rename_to_another_link_of_itself)
{
    make("a", "");
    EXPECT_OK(link("a", "b"));
    EXPECT_OK(rename("a", "b"));
    EXPECT_EQ(links_of("a"), 2); // nothing happens
    EXPECT_OK(rename("a", "a"));
}

CASE(rename_directories)
{
    EXPECT_OK(mkdir("a", 0755));
    EXPECT_OK(mkdir("b", 0755));
    EXPECT_OK(mkdir("c", 0755));
    make("a/f", "x");
    EXPECT_OK(rename("a", "b")); // over an empty one
    expect_content("b/f", "x");
    EXPECT_ERROR(rename("c", "b"), ENOTEMPTY);
    EXPECT_OK(rename("b", "c/b"));
    EXPECT_EQ(links_of("c"), 3);
    EXPECT_EQ(inode_of("c/b/.."), inode_of("c"));
}

CASE(rename_errors)
{
    make("f", "");
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(mkdir("d/e", 0755));
    EXPECT_ERROR(rename("missing", "x"), ENOENT);
    EXPECT_ERROR(rename("f", "d"), EISDIR);
    EXPECT_ERROR(rename("d", "f"), ENOTDIR);
    EXPECT_ERROR(rename("d", "d/e/x"), EINVAL);
    EXPECT_ERROR(rename("d/e", "d"), ENOTEMPTY);
    EXPECT_ERROR(rename("f", "missing/x"), ENOENT);
    EXPECT_ERROR(rename(".", "x"), EBUSY);
    EXPECT_ERROR(rename("f", "x/"), ENOTDIR);
}

CASE(rename_symlink_itself)
{
    make("f", "");
    EXPECT_OK(symlink("f", "s"));
    EXPECT_OK(rename("s", "t"));
    char buffer[8];
    EXPECT_EQ(readlink("t", buffer, 8), 1);
    EXPECT_EQ(links_of("f"), 1);
}

CASE(renameat2_noreplace)
{
    make("a", "one");
    make("b", "two");
    EXPECT_ERROR(renameat2_("a", "b", RENAME_NOREPLACE), EEXIST);
    expect_content("b", "two");
    EXPECT_OK(renameat2_("a", "c", RENAME_NOREPLACE));
    expect_content("c", "one");
}

CASE(renameat2_exchange)
{
    make("f", "file");
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(mkdir("x", 0755));
    make("d/inner", "x");
    EXPECT_OK(renameat2_("f", "d", RENAME_EXCHANGE));
    expect_content("d", "file");
    expect_content("f/inner", "x");
    EXPECT_ERROR(renameat2_("f", "missing", RENAME_EXCHANGE), ENOENT);
    EXPECT_ERROR(renameat2_("f", "d", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
    EXPECT_ERROR(renameat2_("f", "d", 0x100), EINVAL);
}

CASE(mknod_fifo_and_regular)
{
    struct stat info;
    EXPECT_OK(mknod("fifo", S_IFIFO | 0600, 0));
    EXPECT_OK(stat("fifo", &info));
    EXPECT_EQ(info.st_mode, S_IFIFO | 0600);
    EXPECT_OK(mknod("plain", S_IFREG | 0640, 0));
    EXPECT_OK(stat("plain", &info));
    EXPECT_EQ(info.st_mode, S_IFREG | 0640);
    EXPECT_ERROR(mknod("fifo", S_IFIFO | 0600, 0), EEXIST);
    EXPECT_ERROR(mknod("d", S_IFDIR | 0700, 0), EPERM);
}

CASE(many_names_in_one_directory)
{
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "name%d", i);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        REQUIRE_OK(fd);
        close(fd);
    }
    for (int i = 0; i < 1000; i += 2) {
        snprintf(name, sizeof(name), "name%d", i);
        EXPECT_OK(unlink(name));
    }
    EXPECT_ERROR(access("name998", F_OK), ENOENT);
    EXPECT_OK(access("name999", F_OK));
}

CASE(deep_directories)
{
    for (int i = 0; i < 60; i++) {
        REQUIRE_OK(mkdir("deep", 0755));
        REQUIRE_OK(chdir("deep"));
    }
    make("f", "bottom");
    for (int i = 0; i < 60; i++)
        EXPECT_OK(chdir(".."));
    EXPECT_OK(access("deep/deep/deep", F_OK));
}

static const struct test_case cases[] = {
    ENTRY(hard_link_shares_the_file),
    ENTRY(link_errors),
    ENTRY(linkat_of_a_symlink),
    ENTRY(symlink_and_readlink),
    ENTRY(long_symlink),
    ENTRY(readlinkat_of_a_path_descriptor),
    ENTRY(symlinks_in_the_middle_of_a_path),
    ENTRY(unlink_keeps_open_files_alive),
    ENTRY(unlink_errors),
    ENTRY(mkdir_mode_and_links),
    ENTRY(mkdir_errors),
    ENTRY(rmdir_errors),
    ENTRY(removed_directory_stays_usable_as_cwd),
    ENTRY(rename_moves),
    ENTRY(rename_replaces),
    ENTRY(rename_to_another_link_of_itself),
    ENTRY(rename_directories),
    ENTRY(rename_errors),
    ENTRY(rename_symlink_itself),
    ENTRY(renameat2_noreplace),
    ENTRY(renameat2_exchange),
    ENTRY(mknod_fifo_and_regular),
    ENTRY(many_names_in_one_directory),
    ENTRY(deep_directories),
};
TEST_MAIN(cases)
