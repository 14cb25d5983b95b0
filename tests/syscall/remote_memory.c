// SPDX-License-Identifier: BSD-3-Clause
// The memory of another process: process_vm_readv and its kin, /proc/PID/mem, cmdline and environ; while that
// process sleeps, computes, and has ended.
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

static volatile long word = 1;

static void wait_killed(pid_t child)
{
    EXPECT_OK(kill(child, SIGKILL));
    EXPECT_EQ(waitpid(child, NULL, 0), child);
}

static pid_t start_child(bool computes)
{
    pid_t child = fork();
    if (!child) {
        word = 2;
        while (computes || word != 4)
            if (!computes)
                usleep(1000);
        _exit(7);
    }
    return child;
}

static long peek(pid_t pid, const volatile void *at)
{
    long value = -1;
    struct iovec here = {&value, sizeof(value)}, there = {(void *)(uintptr_t)at, sizeof(value)};
    ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    return got == sizeof(value) ? value : -1;
}

static void await_word(pid_t pid, long value)
{
    for (int i = 0; i < 10000 && peek(pid, &word) != value; i++)
        usleep(1000);
    EXPECT_EQ(peek(pid, &word), value);
}

CASE(memory_of_a_child_that_sleeps)
{
    long four = 4;
    int status;
    struct iovec here = {&four, sizeof(four)}, there = {(void *)(uintptr_t)&word, sizeof(four)};
    pid_t child = start_child(false);
    await_word(child, 2);
    EXPECT_EQ(word, 1);
    EXPECT_EQ(process_vm_writev(child, &here, 1, &there, 1, 0), (ssize_t)sizeof(four));
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7);
    EXPECT_ERROR(process_vm_readv(child, &here, 1, &there, 1, 0), ESRCH);
}

CASE(memory_of_a_child_that_computes)
{
    char *large = malloc(100000), *copy = malloc(100000);
    struct iovec here = {copy, 100000}, there = {large, 100000};
    memset(large, 5, 100000);
    pid_t child = start_child(true);
    await_word(child, 2);
    memset(large, 6, 100000);
    EXPECT_EQ(process_vm_readv(child, &here, 1, &there, 1, 0), 100000);
    EXPECT(copy[0] == 5 && copy[99999] == 5);
    wait_killed(child);
    free(large);
    free(copy);
}

CASE(faults_in_the_other_process)
{
    char here_bytes[8192];
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct iovec here = {here_bytes, 8192}, there = {two, 8192};
    memset(two, 7, 8192);
    EXPECT_OK(munmap(two + 4096, 4096));
    pid_t child = start_child(true);
    EXPECT_EQ(process_vm_readv(child, &here, 1, &there, 1, 0), 4096);
    there.iov_base = two + 4096;
    EXPECT_ERROR(process_vm_readv(child, &here, 1, &there, 1, 0), EFAULT);
    there.iov_base = (void *)(uintptr_t)wait_killed; // its text
    there.iov_len = 1;
    EXPECT_ERROR(process_vm_writev(child, &here, 1, &there, 1, 0), EFAULT);
    wait_killed(child);
    EXPECT_OK(munmap(two, 4096));
}

static int __attribute__((noinline)) answer(void)
{
    return 42;
}

CASE(mem_file_writes_text)
{
    static const unsigned char code[] = {0xb8, 43, 0, 0, 0, 0xc3}; // mov $43, %eax; ret
    unsigned char old[sizeof(code)];
    char path[64];
    int status, go[2];
    EXPECT_OK(pipe(go));
    pid_t child = fork();
    if (!child) {
        char byte;
        int (*volatile f)(void) = answer;
        if (read(go[0], &byte, 1) != 1)
            _exit(1);
        _exit(f());
    }
    snprintf(path, sizeof(path), "/proc/%d/mem", child);
    int fd = open(path, O_RDWR);
    EXPECT(fd >= 0);
    EXPECT_EQ(pread(fd, old, sizeof(old), (off_t)(uintptr_t)answer), (ssize_t)sizeof(old));
    EXPECT(!memcmp(old, (void *)(uintptr_t)answer, sizeof(old)));
    EXPECT_EQ(pwrite(fd, code, sizeof(code), (off_t)(uintptr_t)answer), (ssize_t)sizeof(code));
    EXPECT_EQ(answer(), 42);
    EXPECT_EQ(write(go[1], "x", 1), 1);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 43);
    EXPECT_EQ(pread(fd, old, sizeof(old), (off_t)(uintptr_t)answer), 0);
    close(fd);
    close(go[0]);
    close(go[1]);
}

static size_t proc_text(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, out, size);
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

CASE(arguments_of_others)
{
    char mine[4096], its[4096];
    size_t size = proc_text(getpid(), "cmdline", mine, sizeof(mine));
    pid_t child = start_child(true);
    await_word(child, 2);
    EXPECT(size > 0);
    EXPECT_EQ(proc_text(child, "cmdline", its, sizeof(its)), size);
    EXPECT(!memcmp(mine, its, size));
    size = proc_text(getpid(), "environ", mine, sizeof(mine));
    EXPECT_EQ(proc_text(child, "environ", its, sizeof(its)), size);
    EXPECT(!memcmp(mine, its, size));
    wait_killed(child);
}

CASE(memory_of_many_that_end)
{
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (!child) {
            usleep((useconds_t)(i * 20));
            _exit(0);
        }
        long value;
        while ((value = peek(child, &word)) == 1)
            ;
        EXPECT_EQ(value, -1);
        EXPECT(errno == ESRCH || errno == EFAULT);
        EXPECT_EQ(waitpid(child, NULL, 0), child);
    }
}

CASE(who_may_look)
{
    if (geteuid() != 0)
        SKIP("needs root");
    pid_t child = start_child(true);
    await_word(child, 2);
    pid_t other = fork();
    if (!other) {
        char path[64];
        if (setgid(1000) || setuid(1000))
            _exit(9);
        long value;
        struct iovec here = {&value, sizeof(value)}, there = {(void *)(uintptr_t)&word, sizeof(value)};
        bool refused = process_vm_readv(child, &here, 1, &there, 1, 0) < 0 && errno == EPERM;
        snprintf(path, sizeof(path), "/proc/%d/mem", child);
        _exit(refused && open(path, O_RDONLY) < 0 && errno == EACCES ? 0 : 1);
    }
    int status;
    EXPECT_EQ(waitpid(other, &status, 0), other);
    EXPECT_EQ(status, 0);
    wait_killed(child);
}

static const struct test_case cases[] = {
    ENTRY(memory_of_a_child_that_sleeps),
    ENTRY(memory_of_a_child_that_computes),
    ENTRY(faults_in_the_other_process),
    ENTRY(mem_file_writes_text),
    ENTRY(arguments_of_others),
    ENTRY(memory_of_many_that_end),
    ENTRY(who_may_look),
};
TEST_MAIN(cases)
