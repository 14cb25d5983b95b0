// SPDX-License-Identifier: BSD-3-Clause
// Directories: reading them with getdents64, the current directory, chroot.
#include "harness.h"

#include <dirent.h>

struct linux_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    unsigned short d_reclen;
    unsigned char d_type;
    char d_name[];
};

// The number of entries of `path`, whose names are joined sorted into `names` when there are few.
static int list(const char *path, char *names, size_t size)
{
    struct dirent **entry;
    int count = scandir(path, &entry, NULL, alphasort);
    names[0] = 0;
    for (int i = 0; i < count; i++) {
        if (strlen(names) + strlen(entry[i]->d_name) + 2 < size) {
            strcat(names, entry[i]->d_name);
            strcat(names, " ");
        }
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    return count;
}

CASE(empty_directory_has_dots)
{
    char names[64];
    EXPECT_EQ(list(".", names, sizeof(names)), 2);
    EXPECT_STR(names, ". .. ");
}

CASE(names_are_listed_once)
{
    char names[64];
    close(make_file("b", ""));
    EXPECT_OK(mkdir("a", 0755));
    EXPECT_OK(symlink("x", "c"));
    EXPECT_OK(unlink("b"));
    close(make_file("b", ""));
    EXPECT_EQ(list(".", names, sizeof(names)), 5);
    EXPECT_STR(names, ". .. a b c ");
}

CASE(entry_types_and_inodes)
{
    char buffer[1024];
    struct stat info;
    close(make_file("file", ""));
    EXPECT_OK(mkdir("dir", 0755));
    EXPECT_OK(symlink("x", "link"));
    EXPECT_OK(mkfifo("fifo", 0600));
    int fd = open(".", O_RDONLY | O_DIRECTORY), seen = 0;
    long got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));
    for (long at = 0; at < got;) {
        struct linux_dirent64 *entry = (void *)(buffer + at);
        EXPECT_EQ(entry->d_reclen % 8, 0);
        EXPECT_OK(fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW));
        if (strcmp(entry->d_name, "..") != 0)
            EXPECT_EQ(entry->d_ino, info.st_ino);
        EXPECT_EQ(entry->d_type, (info.st_mode & S_IFMT) >> 12);
        at += entry->d_reclen;
        seen++;
    }
    EXPECT_EQ(seen, 6);
    EXPECT_EQ(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)), 0);
    close(fd);
}

CASE(getdents_errors)
{
    char buffer[1024];
    int file = make_file("f", ""), fd = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT_ERROR(syscall(SYS_getdents64, file, buffer, sizeof(buffer)), ENOTDIR);
    EXPECT_ERROR(syscall(SYS_getdents64, fd, buffer, 4), EINVAL);
    EXPECT_ERROR(syscall(SYS_getdents64, fd, 16, 1024), EFAULT);
    close(fd);
    close(file);
}

CASE(small_buffers_and_seeking)
{
    char buffer[64], name[16], first[64];
    int total = 0, again = 0;
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        close(make_file(name, ""));
    }
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    for (long got; (got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0;)
        for (long at = 0; at < got; at += ((struct linux_dirent64 *)(buffer + at))->d_reclen)
            if (total++ == 0)
                strcpy(first, ((struct linux_dirent64 *)buffer)->d_name);
    EXPECT_EQ(total, 22);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    for (long got; (got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0;)
        for (long at = 0; at < got; at += ((struct linux_dirent64 *)(buffer + at))->d_reclen)
            if (again++ == 0)
                EXPECT_STR(((struct linux_dirent64 *)buffer)->d_name, first);
    EXPECT_EQ(again, 22);
    close(fd);
}

CASE(seekdir_returns_to_a_place)
{
    char name[16], third[256] = "";
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        close(make_file(name, ""));
    }
    DIR *directory = opendir(".");
    REQUIRE(directory != NULL);
    readdir(directory);
    readdir(directory);
    long place = telldir(directory);
    strcpy(third, readdir(directory)->d_name);
    while (readdir(directory))
        ;
    seekdir(directory, place);
    struct dirent *entry = readdir(directory);
    EXPECT(entry && strcmp(entry->d_name, third) == 0);
    closedir(directory);
}

CASE(removal_while_reading)
{
    char name[16];
    int left = 0;
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        close(make_file(name, ""));
    }
    DIR *directory = opendir(".");
    REQUIRE(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] == 'n')
            EXPECT_OK(unlink(entry->d_name));
    rewinddir(directory);
    while (readdir(directory))
        left++;
    EXPECT_EQ(left, 2);
    closedir(directory);
}

CASE(chdir_and_getcwd)
{
    char here[512], there[512];
    EXPECT(getcwd(here, sizeof(here)) != NULL);
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(chdir("d"));
    EXPECT(getcwd(there, sizeof(there)) != NULL);
    EXPECT(strncmp(there, here, strlen(here)) == 0);
    EXPECT_STR(there + strlen(here), "/d");
    EXPECT_EQ(syscall(SYS_getcwd, there, sizeof(there)), strlen(here) + 3);
    EXPECT_ERROR(syscall(SYS_getcwd, there, 3), ERANGE);
    EXPECT_OK(chdir(".."));
    close(make_file("f", ""));
    EXPECT_ERROR(chdir("f"), ENOTDIR);
    EXPECT_ERROR(chdir("missing"), ENOENT);
}

CASE(getcwd_follows_renames)
{
    char name[512];
    EXPECT_OK(mkdir("old", 0755));
    EXPECT_OK(chdir("old"));
    EXPECT_OK(rename("../old", "../new"));
    EXPECT(getcwd(name, sizeof(name)) != NULL);
    EXPECT_STR(strrchr(name, '/'), "/new");
}

CASE(fchdir_moves)
{
    char name[512];
    EXPECT_OK(mkdir("d", 0755));
    int here = open(".", O_PATH), there = open("d", O_RDONLY), file = make_file("f", "");
    EXPECT_OK(fchdir(there));
    EXPECT(getcwd(name, sizeof(name)) != NULL);
    EXPECT_STR(strrchr(name, '/'), "/d");
    EXPECT_OK(fchdir(here));
    EXPECT_OK(access("d", F_OK));
    EXPECT_ERROR(fchdir(file), ENOTDIR);
    close(here);
    close(there);
    close(file);
}

CASE(chroot_and_back)
{
    char name[512];
    if (geteuid() != 0)
        SKIP("needs root");
    int root = open("/", O_RDONLY | O_DIRECTORY), here = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(mkdir("d/inner", 0755));
    close(make_file("d/f", "inside"));
    EXPECT_OK(chroot("d"));
    EXPECT_OK(access("/f", F_OK));
    EXPECT_OK(access("/../../f", F_OK));
    EXPECT_OK(chdir("/inner"));
    EXPECT(getcwd(name, sizeof(name)) != NULL);
    EXPECT_STR(name, "/inner");
    EXPECT_OK(fchdir(root));
    EXPECT_OK(chroot("."));
    EXPECT_OK(fchdir(here));
    EXPECT_ERROR(chroot("d/f"), ENOTDIR);
    EXPECT_ERROR(chroot("missing"), ENOENT);
    close(root);
    close(here);
}

CASE(root_and_its_parent)
{
    struct stat a, b;
    EXPECT_OK(stat("/", &a));
    EXPECT_OK(stat("/..", &b));
    EXPECT_EQ(a.st_ino, b.st_ino);
    EXPECT_OK(stat("//", &b));
    EXPECT_EQ(a.st_ino, b.st_ino);
    EXPECT(S_ISDIR(a.st_mode));
}

static const struct test_case cases[] = {
    ENTRY(empty_directory_has_dots),  ENTRY(names_are_listed_once),
    ENTRY(entry_types_and_inodes),    ENTRY(getdents_errors),
    ENTRY(small_buffers_and_seeking), ENTRY(seekdir_returns_to_a_place),
    ENTRY(removal_while_reading),     ENTRY(chdir_and_getcwd),
    ENTRY(getcwd_follows_renames),    ENTRY(fchdir_moves),
    ENTRY(chroot_and_back),           ENTRY(root_and_its_parent),
};
TEST_MAIN(cases)
