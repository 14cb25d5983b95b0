// SPDX-License-Identifier: BSD-3-Clause
// Core files: core(5). Where the system sends its cores elsewhere, the cases say so and are left out.
#include "harness.h"

#include <elf.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/wait.h>

static volatile unsigned long marked = 0x1122334455667788;

static int elsewhere(void)
{
    char pattern[200] = "", pid[20] = "";
    read_file("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
    read_file("/proc/sys/kernel/core_uses_pid", pid, sizeof(pid));
    return strcmp(pattern, "core\n") || pid[0] != '0';
}

static void *sleeper(void *argument)
{
    pause();
    return argument;
}

// A child that sets the limit and ends by `signal`, with so many threads beside. Its status.
static int die(rlim_t limit, int signal, int threads, int dumpable)
{
    int status = 0;
    pid_t child = fork();
    if (!child) {
        struct rlimit both = {limit, limit};
        setrlimit(RLIMIT_CORE, &both);
        prctl(PR_SET_DUMPABLE, dumpable);
        marked = 0x8877665544332211;
        for (int i = 0; i < threads; i++)
            thread_start(sleeper, NULL);
        if (threads)
            sleep_ms(20);
        raise(signal);
        _exit(1);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
}

struct found {
    int statuses, signal, names, vectors;
    unsigned long value; // at &marked
};

static void look_at_notes(const unsigned char *at, const unsigned char *end, struct found *found)
{
    while (at < end) {
        const Elf64_Nhdr *n = (const void *)at;
        const unsigned char *data = at + sizeof(*n) + ((n->n_namesz + 3u) & ~3u);
        if (n->n_type == NT_PRSTATUS && !found->statuses++)
            found->signal = ((const prstatus_t *)(const void *)data)->pr_cursig;
        found->names += n->n_type == NT_FILE || n->n_type == NT_AUXV || n->n_type == NT_PRPSINFO;
        found->vectors += n->n_type == NT_FPREGSET;
        at = data + ((n->n_descsz + 3u) & ~3u);
    }
}

static void look_at_core(const unsigned char *core, struct found *found)
{
    const Elf64_Ehdr *e = (const void *)core;
    const Elf64_Phdr *p = (const void *)(core + e->e_phoff);
    uintptr_t at = (uintptr_t)&marked;
    EXPECT(!memcmp(e->e_ident, ELFMAG, SELFMAG));
    EXPECT_EQ(e->e_type, ET_CORE);
    for (int i = 0; i < e->e_phnum; i++, p++) {
        if (p->p_type == PT_NOTE)
            look_at_notes(core + p->p_offset, core + p->p_offset + p->p_filesz, found);
        else if (at >= p->p_vaddr && at < p->p_vaddr + p->p_filesz)
            found->value = *(const unsigned long *)(const void *)(core + p->p_offset + at - p->p_vaddr);
    }
}

static void read_core(struct found *found)
{
    struct stat info;
    int fd = open("core", O_RDONLY);
    memset(found, 0, sizeof(*found));
    REQUIRE(fd >= 0);
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_mode & 07777, 0600);
    void *core = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    REQUIRE(core != MAP_FAILED);
    look_at_core(core, found);
    munmap(core, (size_t)info.st_size);
    close(fd);
}

CASE(core_shows_memory_and_signal)
{
    struct found found;
    if (elsewhere())
        SKIP("cores go elsewhere");
    int status = die(RLIM_INFINITY, SIGQUIT, 0, 1);
    EXPECT_EQ(WTERMSIG(status), SIGQUIT);
    EXPECT(WCOREDUMP(status));
    read_core(&found);
    EXPECT_EQ(found.statuses, 1);
    EXPECT_EQ(found.signal, SIGQUIT);
    EXPECT_EQ(found.names, 3);
    EXPECT_EQ(found.vectors, 1);
    EXPECT(found.value == 0x8877665544332211);
    unlink("core");
}

CASE(core_has_all_threads)
{
    struct found found;
    if (elsewhere())
        SKIP("cores go elsewhere");
    int status = die(RLIM_INFINITY, SIGSEGV, 3, 1);
    EXPECT_EQ(WTERMSIG(status), SIGSEGV);
    EXPECT(WCOREDUMP(status));
    read_core(&found);
    EXPECT_EQ(found.statuses, 4);
    EXPECT_EQ(found.signal, SIGSEGV);
    unlink("core");
}

CASE(no_core_is_wanted)
{
    if (elsewhere())
        SKIP("cores go elsewhere");
    EXPECT(!WCOREDUMP(die(0, SIGABRT, 0, 1)));
    EXPECT(!WCOREDUMP(die(100, SIGABRT, 0, 1)));
    EXPECT(!WCOREDUMP(die(RLIM_INFINITY, SIGTERM, 0, 1)));
    EXPECT(!WCOREDUMP(die(RLIM_INFINITY, SIGABRT, 0, 0)));
    EXPECT_ERROR(access("core", F_OK), ENOENT);
}

CASE(core_stops_at_its_limit)
{
    struct stat info;
    if (elsewhere())
        SKIP("cores go elsewhere");
    die(16384, SIGABRT, 0, 1);
    EXPECT_OK(stat("core", &info));
    EXPECT(info.st_size <= 16384);
    unlink("core");
}

CASE(core_replaces_what_is_there)
{
    if (elsewhere())
        SKIP("cores go elsewhere");
    EXPECT_OK(symlink("target", "core"));
    EXPECT(WCOREDUMP(die(RLIM_INFINITY, SIGABRT, 0, 1)));
    EXPECT_ERROR(access("target", F_OK), ENOENT);
    struct stat info;
    EXPECT_OK(lstat("core", &info));
    EXPECT(S_ISREG(info.st_mode));
    unlink("core");
}

static const struct test_case cases[] = {
    ENTRY(core_shows_memory_and_signal), ENTRY(core_has_all_threads), ENTRY(no_core_is_wanted),
    ENTRY(core_stops_at_its_limit),      ENTRY(core_replaces_what_is_there),
};
TEST_MAIN(cases)
