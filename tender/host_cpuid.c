// SPDX-License-Identifier: BSD-3-Clause
#include "tender/host_cpuid.h"

#include <cpuid.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        "CladeCPU"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 36
#define HYBRID       (1u << 15) // of leaf 7's EDX
#define SLOW_TICKS   2000       // of the TSC: what no CPUID takes that the processor itself answers

struct file_head {
    char magic[8];
    char boot_id[BOOT_ID_SIZE];
    u32 count; // of struct boot_cpuid, behind this
};
_Static_assert(sizeof(struct file_head) == 48, "part of the file");

// What C libraries ask at their start: feature bits, caches, the size of the register state. Not
// what is about the processor that answers (1, 0xb, 0x1f: APIC ids).
static const struct {
    u32 leaf, subleaf_count;
} asked[] = {
    {0, 1},          {2, 1},          {4, 5},          {7, 2},          {0xd, 32},
    {0x14, 1},       {0x19, 1},       {0x80000000, 1}, {0x80000001, 1}, {0x80000005, 1},
    {0x80000006, 1}, {0x80000007, 1}, {0x80000008, 1}, {0x8000001d, 5},
};

static void ask(struct boot_cpuid *to, u32 leaf, u32 subleaf)
{
    u32 *r = to->registers;

    to->leaf = leaf;
    to->subleaf = subleaf;
    __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
}

// Of a processor with cores of several kinds only what all have in common counts.
static bool differs(u32 leaf)
{
    struct boot_cpuid features;

    if (leaf != 2 && leaf != 4)
        return false;
    ask(&features, 0, 0);
    if (features.registers[0] < 7)
        return false;
    ask(&features, 7, 0);
    return features.registers[3] & HYBRID;
}

static bool read_boot_id(char *out)
{
    int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, out, BOOT_ID_SIZE);

    if (fd >= 0)
        close(fd);
    return size == BOOT_ID_SIZE;
}

// Reads the file's head and answers; *out_good tells a good file that has no answers (a fast CPUID)
// from none.
static u32 read_file(const char *path, struct boot_cpuid *out, bool *out_good)
{
    struct file_head head;
    char boot_id[BOOT_ID_SIZE];
    struct stat s;
    u32 count = 0;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    *out_good = false;
    if (fd < 0)
        return 0;
    if (!fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_uid == geteuid() && !(s.st_mode & 022) &&
        read(fd, &head, sizeof(head)) == sizeof(head) &&
        !memcmp(head.magic, MAGIC, sizeof(head.magic)) && head.count <= BOOT_CPUID_MAX &&
        s.st_size == (off_t)(sizeof(head) + head.count * sizeof(*out)) && read_boot_id(boot_id) &&
        !memcmp(boot_id, head.boot_id, sizeof(boot_id)) &&
        read(fd, out, head.count * sizeof(*out)) == (ssize_t)(head.count * sizeof(*out))) {
        *out_good = true;
        count = head.count;
    }
    close(fd);
    return count;
}

u32 host_cpuid_read(const char *path, struct boot_cpuid *out)
{
    bool good;

    return read_file(path, out, &good);
}

static u32 ask_all(struct boot_cpuid *to)
{
    u64 start = __builtin_ia32_rdtsc();
    u32 count = 0;

    ask(to, 0, 0);
    if (__builtin_ia32_rdtsc() - start < SLOW_TICKS)
        return 0;
    for (size_t i = 0; i < array_count(asked); i++)
        for (u32 k = 0;
             k < asked[i].subleaf_count && count < BOOT_CPUID_MAX && !differs(asked[i].leaf); k++)
            ask(&to[count++], asked[i].leaf, k);
    return count;
}

void host_cpuid_write(const char *path)
{
    struct {
        struct file_head head;
        struct boot_cpuid answers[BOOT_CPUID_MAX];
    } file = {.head.magic = MAGIC};
    char next[PATH_MAX];
    bool good;

    read_file(path, file.answers, &good);
    if (good || !read_boot_id(file.head.boot_id) ||
        snprintf(next, sizeof(next), "%s.%d", path, (int)getpid()) >= (int)sizeof(next))
        return;
    file.head.count = ask_all(file.answers);
    ssize_t size = (ssize_t)(sizeof(file.head) + file.head.count * sizeof(file.answers[0]));
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    bool written = write(fd, &file, (size_t)size) == size;
    close(fd);
    if (!written || rename(next, path))
        unlink(next);
}
