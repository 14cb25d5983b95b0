// SPDX-License-Identifier: BSD-3-Clause
// Random operations on a small file tree, every result printed. The same seed gives the same text
// on a Linux tmpfs and in a unikernel whose image holds the tree, where it starts in the lower
// layer.
//
//     tree DIRECTORY SEED COUNT
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SLOTS         6
#define SIZE_MAX_FILE (600 * 1024)

static uint64_t state;
static char buffer[SIZE_MAX_FILE];
static int slots[SLOTS];
static char *maps[SLOTS];
static size_t map_sizes[SLOTS];
static unsigned long step;

static uint32_t roll(uint32_t below)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33) % below;
}

static uint64_t sum(const void *data, size_t size)
{
    uint64_t hash = 14695981039346656037ull;
    for (const unsigned char *p = data; size--; p++)
        hash = (hash ^ *p) * 1099511628211ull;
    return hash;
}

static void say(const char *what, const char *a, const char *b, long result)
{
    printf("%lu %s %s %s = %ld %s\n", step, what, a, b, result < 0 ? -1 : result,
           result < 0 ? strerrorname_np(errno) : "");
}

static const char *path(void)
{
    static const char *const parts[] = {"a", "b", "c", "d", "sub", "deep", "link", "x", "..", "."};
    static char paths[4][200];
    static int next;
    char *p = paths[next++ % 4];
    int depth = roll(3) ? 1 : 1 + (int)roll(3);
    *p = '\0';
    for (int i = 0; i < depth; i++) {
        strcat(p, i ? "/" : "");
        strcat(p, i + 1 < depth && roll(2) ? parts[4 + roll(3)] : parts[roll(roll(8) ? 8 : 10)]);
    }
    if (!roll(20))
        strcat(p, "/");
    return p;
}

static int slot_fd(void)
{
    uint32_t first = roll(SLOTS);
    for (uint32_t i = 0; i < SLOTS; i++)
        if (slots[(first + i) % SLOTS] >= 0)
            return slots[(first + i) % SLOTS];
    return -1;
}

static uint32_t offset(void)
{
    uint32_t at = roll(2) ? roll(SIZE_MAX_FILE / 2) : roll(20000);
    return roll(3) ? at : at & ~4095u;
}

static void fill(size_t size)
{
    for (size_t i = 0; i < size; i++)
        buffer[i] = (char)(state >> (i % 8 * 8)) + (char)i;
}

static void do_open(void)
{
    static const int flags[] = {O_RDONLY,
                                O_RDWR,
                                O_RDWR | O_CREAT,
                                O_RDWR | O_CREAT | O_EXCL,
                                O_RDWR | O_TRUNC,
                                O_WRONLY | O_APPEND,
                                O_RDWR | O_CREAT | O_TRUNC,
                                O_RDONLY | O_NOFOLLOW,
                                O_RDONLY | O_DIRECTORY,
                                O_PATH,
                                O_CREAT | O_WRONLY};
    int slot = (int)roll(SLOTS), flag = flags[roll(11)];
    const char *p = path();
    int fd = open(p, flag, 0640);
    say("open", p, "", fd < 0 ? -1 : 0);
    if (fd < 0)
        return;
    if (slots[slot] >= 0)
        close(slots[slot]);
    slots[slot] = fd;
}

static void do_write(void)
{
    size_t size = roll(4) ? roll(9000) : roll(200000);
    uint32_t at = offset();
    fill(size);
    say("pwrite", "", "", pwrite(slot_fd(), buffer, size, at));
}

static void do_read(void)
{
    size_t size = roll(300000);
    ssize_t got = pread(slot_fd(), buffer, size, offset());
    say("pread", "", "", got);
    if (got > 0)
        printf("  sum %llx\n", (unsigned long long)sum(buffer, (size_t)got));
}

static void do_truncate(void)
{
    if (roll(2))
        say("ftruncate", "", "", ftruncate(slot_fd(), offset()));
    else {
        const char *p = path();
        say("truncate", p, "", truncate(p, offset()));
    }
}

static void do_allocate(void)
{
    static const int modes[] = {0, 1, 3};
    say("fallocate", "", "", fallocate(slot_fd(), modes[roll(3)], offset(), 1 + roll(50000)));
}

static void do_map(void)
{
    int slot = (int)roll(SLOTS), shared = (int)roll(2);
    struct stat st;
    if (maps[slot])
        munmap(maps[slot], map_sizes[slot]);
    maps[slot] = NULL;
    if (slots[slot] < 0 || fstat(slots[slot], &st) || !S_ISREG(st.st_mode) || !st.st_size)
        return;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ | (shared ? PROT_WRITE : 0), MAP_SHARED,
                   slots[slot], 0);
    say("mmap", "", "", p == MAP_FAILED ? -1 : 0);
    if (p == MAP_FAILED)
        return;
    maps[slot] = p;
    map_sizes[slot] = (size_t)st.st_size;
    if (shared)
        memset(maps[slot] + roll((uint32_t)st.st_size), (int)step, 1);
    printf("  map %llx\n", (unsigned long long)sum(maps[slot], map_sizes[slot]));
}

// What a mapping shows must be what the file has; only as far as the file still reaches.
static void do_look(void)
{
    int slot = (int)roll(SLOTS);
    struct stat st;
    if (!maps[slot] || slots[slot] < 0)
        return;
    if (fstat(slots[slot], &st) || !S_ISREG(st.st_mode))
        return;
    munmap(maps[slot], map_sizes[slot]);
    maps[slot] = NULL;
}

static void do_rename(void)
{
    static const unsigned flags[] = {0, 0, 0, 1, 2};
    const char *a = path(), *b = path();
    say("rename", a, b, syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags[roll(5)]));
}

static void do_names(void)
{
    const char *a = path(), *b = path();
    switch (roll(6)) {
    case 0:
        say("mkdir", a, "", mkdir(a, 0750));
        break;
    case 1:
        say("rmdir", a, "", rmdir(a));
        break;
    case 2:
        say("unlink", a, "", unlink(a));
        break;
    case 3:
        say("link", a, b, link(a, b));
        break;
    case 4:
        say("symlink", a, b, symlink(a, b));
        break;
    case 5:
        say("chmod", a, "", chmod(a, 0600 + roll(0200)));
        break;
    }
}

static void do_stat(void)
{
    const char *p = path();
    struct stat st;
    int result = roll(2) ? stat(p, &st) : lstat(p, &st);
    say("stat", p, "", result);
    if (!result && !S_ISDIR(st.st_mode))
        printf("  %o %lu %ld\n", st.st_mode, (unsigned long)st.st_nlink, (long)st.st_size);
    else if (!result)
        printf("  %o %lu\n", st.st_mode, (unsigned long)st.st_nlink);
}

static void do_xattr(void)
{
    const char *p = path();
    char value[32];
    ssize_t got;
    switch (roll(3)) {
    case 0:
        say("setxattr", p, "", setxattr(p, "trusted.t", &step, 1 + roll(7), 0));
        break;
    case 1:
        got = getxattr(p, "trusted.t", value, sizeof(value));
        say("getxattr", p, "", got);
        break;
    case 2:
        say("removexattr", p, "", removexattr(p, "trusted.t"));
        break;
    }
}

// Between root and a user who has few rights.
static void do_identity(void)
{
    const char *p = path();
    static const struct timespec times[2] = {{1, 0}, {2, 0}};
    switch (roll(6)) {
    case 0:
        if (seteuid(0) || setegid(roll(2) ? 100 : 0) || seteuid(roll(2) ? 1000 : 0))
            say("seteuid", "", "", -1);
        break;
    case 1:
        say("chown", p, "", chown(p, roll(2) ? 1000 : 0, roll(2) ? 100 : 0));
        break;
    case 2:
        say("access", p, "", access(p, (int)roll(8)));
        break;
    case 3:
        say("faccessat", p, "", faccessat(AT_FDCWD, p, (int)roll(8), AT_EACCESS));
        break;
    case 4:
        say("chmod", p, "", chmod(p, roll(010000)));
        break;
    case 5:
        say("utimensat", p, "", utimensat(AT_FDCWD, p, roll(2) ? times : NULL, 0));
        break;
    }
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk(const char *at)
{
    struct dirent **names;
    int count = scandir(at, &names, NULL, by_name);
    printf("%s: %d\n", at, count);
    for (int i = 0; i < count; i++) {
        char p[4096];
        struct stat st;
        snprintf(p, sizeof(p), "%s/%s", at, names[i]->d_name);
        int dots = !strcmp(names[i]->d_name, ".") || !strcmp(names[i]->d_name, "..");
        if (!dots && lstat(p, &st))
            printf("%s: %s\n", p, strerror(errno));
        else if (!dots) {
            printf("%s %o %d %lu %ld", p, st.st_mode, names[i]->d_type, (unsigned long)st.st_nlink,
                   S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
            printf(" %d\n", st.st_ino == names[i]->d_ino);
            int fd = S_ISREG(st.st_mode) ? open(p, O_RDONLY) : -1;
            if (fd >= 0) {
                ssize_t got = read(fd, buffer, sizeof(buffer));
                printf("  %zd %llx\n", got,
                       (unsigned long long)sum(buffer, got > 0 ? (size_t)got : 0));
                close(fd);
            }
            if (S_ISDIR(st.st_mode))
                walk(p);
        }
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

static void walk_all(void)
{
    uid_t uid = geteuid();
    if (seteuid(0))
        exit(2);
    walk(".");
    if (seteuid(uid))
        exit(2);
}

int main(int argc, char **argv)
{
    static void (*const operations[])(void) = {
        do_open,     do_open,     do_open,  do_write, do_write,    do_read,   do_read,
        do_truncate, do_allocate, do_map,   do_look,  do_identity, do_rename, do_rename,
        do_names,    do_names,    do_names, do_stat,  do_xattr};
    unsigned long count;

    if (argc < 4 || chdir(argv[1]) || chroot(".")) {
        fprintf(stderr, "tree DIRECTORY SEED COUNT: %s\n", strerror(errno));
        return 2;
    }
    state = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull;
    count = strtoul(argv[3], NULL, 0);
    for (int i = 0; i < SLOTS; i++)
        slots[i] = -1;
    for (step = 0; step < count; step++) {
        operations[roll(sizeof(operations) / sizeof(*operations))]();
        if (step % 200 == 199)
            walk_all();
    }
    walk_all();
    return 0;
}
