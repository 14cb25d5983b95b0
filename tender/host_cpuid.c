// SPDX-License-Identifier: BSD-3-Clause
#include "tender/host_cpuid.h"

#include <cpuid.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAGIC        "CladeCPU"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 36
#define HYBRID       (1u << 15) // of leaf 7's EDX
#define SLOW_TICKS   2000       // of the TSC: what no CPUID takes that the processor itself answers

struct file {
    char magic[8];
    char boot_id[BOOT_ID_SIZE];
    u32 count;
    struct boot_cpuid answers[BOOT_CPUID_MAX]; // only `count` of them
};
#define HEAD_SIZE offsetof(struct file, answers)
_Static_assert(HEAD_SIZE == 48, "part of the file");

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

// open(2) without the second call by which musl makes sure of O_CLOEXEC.
static int open_to_read(const char *path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | flags, 0);
}

static bool read_boot_id(char *out)
{
    int fd = open_to_read(BOOT_ID_FILE, 0);
    ssize_t size = fd < 0 ? -1 : read(fd, out, BOOT_ID_SIZE);

    if (fd >= 0)
        close(fd);
    return size == BOOT_ID_SIZE;
}

// False: there is no file that is the caller's own, whole, and of this boot.
static bool read_file(const char *path, struct file *out)
{
    char boot_id[BOOT_ID_SIZE];
    struct stat s;
    bool good = false;
    int fd = open_to_read(path, O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return false;
    if (!fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_uid == geteuid() && !(s.st_mode & 022)) {
        ssize_t size = read(fd, out, sizeof(*out));
        good = size == s.st_size && size >= (ssize_t)HEAD_SIZE &&
               !memcmp(out->magic, MAGIC, sizeof(out->magic)) && out->count <= BOOT_CPUID_MAX &&
               (u64)size == HEAD_SIZE + out->count * sizeof(out->answers[0]) && read_boot_id(boot_id) &&
               !memcmp(boot_id, out->boot_id, sizeof(boot_id));
    }
    close(fd);
    return good;
}

const struct boot_cpuid *host_cpuid_read(const char *path, u32 *out_count)
{
    static struct file file;

    *out_count = read_file(path, &file) ? file.count : 0;
    return file.answers;
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
    struct file file;
    char next[PATH_MAX];

    if (read_file(path, &file) || !read_boot_id(file.boot_id) ||
        snprintf(next, sizeof(next), "%s.%d", path, (int)getpid()) >= (int)sizeof(next))
        return;
    memcpy(file.magic, MAGIC, sizeof(file.magic));
    file.count = ask_all(file.answers);
    ssize_t size = (ssize_t)(HEAD_SIZE + file.count * sizeof(file.answers[0]));
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    bool written = write(fd, &file, (size_t)size) == size;
    close(fd);
    if (!written || rename(next, path))
        unlink(next);
}
