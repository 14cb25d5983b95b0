// SPDX-License-Identifier: BSD-3-Clause
// brk, madvise, mincore, msync, mlock, process_vm access of oneself, membarrier.
#include "harness.h"

#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MADV_FREE
#define MADV_FREE 8
#endif

static char *current_break(void)
{
    return (char *)syscall(SYS_brk, 0);
}

CASE(brk_grows_and_shrinks)
{
    char *start = current_break();
    char *page = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));
    EXPECT((char *)syscall(SYS_brk, page + 3 * PAGE) == page + 3 * PAGE);
    EXPECT_EQ(page[0], 0);
    page[3 * PAGE - 1] = 'x';
    EXPECT((char *)syscall(SYS_brk, page + PAGE) == page + PAGE);
    EXPECT_EQ(fault_of_read(page + 2 * PAGE), SIGSEGV);
    EXPECT((char *)syscall(SYS_brk, page + 3 * PAGE) == page + 3 * PAGE);
    EXPECT_EQ(page[3 * PAGE - 1], 0); // fresh
    EXPECT((char *)syscall(SYS_brk, start) == start);
}

CASE(brk_refuses_nonsense)
{
    char *start = current_break();
    EXPECT((char *)syscall(SYS_brk, 16) == start);
    EXPECT((char *)syscall(SYS_brk, 0x7ffffffff000) == start);
    EXPECT((char *)syscall(SYS_brk, start + 1) == start + 1); // byte by byte
    EXPECT((char *)syscall(SYS_brk, start) == start);
}

CASE(brk_stops_at_a_mapping)
{
    char *start = current_break();
    char *page = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));
    char *block = mmap(page + 16 * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(block == page + 16 * PAGE);
    EXPECT((char *)syscall(SYS_brk, page + 64 * PAGE) == start);
    munmap(block, PAGE);
}

CASE(dontneed_zeros_private_memory)
{
    char *at = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0);
    memset(at, 'x', 3 * PAGE);
    EXPECT_OK(madvise(at + PAGE, PAGE, MADV_DONTNEED));
    EXPECT_EQ(at[PAGE - 1], 'x');
    EXPECT_EQ(at[PAGE], 0);
    EXPECT_EQ(at[2 * PAGE - 1], 0);
    EXPECT_EQ(at[2 * PAGE], 'x');
    munmap(at, 3 * PAGE);
}

CASE(dontneed_brings_file_content_back)
{
    int fd = make_file("f", "original");
    char *at = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    strcpy(at, "changed!");
    EXPECT_OK(madvise(at, PAGE, MADV_DONTNEED));
    EXPECT_STR(at, "original");
    munmap(at, PAGE);
    at = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    strcpy(at, "changed!");
    EXPECT_OK(madvise(at, PAGE, MADV_DONTNEED));
    EXPECT_STR(at, "changed!"); // the file holds it
    munmap(at, PAGE);
    close(fd);
}

CASE(free_keeps_or_zeros)
{
    char *at = mmap(NULL, PAGE, RW, ANON, -1, 0);
    at[0] = 'x';
    EXPECT_OK(madvise(at, PAGE, MADV_FREE));
    EXPECT(at[0] == 'x' || at[0] == 0);
    at[0] = 'y';
    EXPECT_EQ(at[0], 'y');
    munmap(at, PAGE);
}

CASE(remove_punches_shared_memory)
{
    int fd = make_file("f", "");
    EXPECT_OK(ftruncate(fd, 2 * PAGE));
    char *at = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
    memset(at, 'x', 2 * PAGE);
    EXPECT_OK(madvise(at, PAGE, MADV_REMOVE));
    EXPECT_EQ(at[0], 0);
    EXPECT_EQ(at[PAGE], 'x');
    munmap(at, 2 * PAGE);
    close(fd);
}

CASE(hints_are_accepted)
{
    char *at = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
    int hints[] = {MADV_NORMAL,   MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
                   MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP,   MADV_DODUMP};
    at[0] = 'x';
    for (size_t i = 0; i < COUNT(hints); i++)
        EXPECT_OK(madvise(at, 2 * PAGE, hints[i]));
    EXPECT_EQ(at[0], 'x');
    munmap(at, 2 * PAGE);
}

CASE(advice_errors)
{
    char *at = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
    EXPECT_ERROR(madvise(at + 1, PAGE, MADV_DONTNEED), EINVAL);
    EXPECT_ERROR(madvise(at, PAGE, 9999), EINVAL);
    EXPECT_OK(madvise(at, 0, MADV_DONTNEED));
    EXPECT_OK(munmap(at + PAGE, PAGE));
    at[0] = 'x';
    EXPECT_ERROR(madvise(at, 2 * PAGE, MADV_DONTNEED), ENOMEM);
    EXPECT_EQ(at[0], 0); // done all the same where memory was
    munmap(at, PAGE);
}

CASE(mincore_of_touched_pages)
{
    unsigned char vector[4] = {0};
    char *at = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
    at[0] = at[2 * PAGE] = 1;
    EXPECT_OK(mincore(at, 4 * PAGE, vector));
    EXPECT_EQ(vector[0] & 1, 1);
    EXPECT_EQ(vector[2] & 1, 1);
    EXPECT_ERROR(mincore(at + 1, PAGE, vector), EINVAL);
    EXPECT_ERROR(mincore(at, PAGE, (void *)16), EFAULT);
    munmap(at, 4 * PAGE);
    EXPECT_ERROR(mincore(at, 4 * PAGE, vector), ENOMEM);
}

CASE(msync_arguments)
{
    char *at = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
    EXPECT_OK(msync(at, 2 * PAGE, MS_SYNC));
    EXPECT_OK(msync(at, 2 * PAGE, MS_ASYNC | MS_INVALIDATE));
    EXPECT_ERROR(msync(at, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    EXPECT_ERROR(msync(at + 1, PAGE, MS_SYNC), EINVAL);
    EXPECT_ERROR(msync(at, PAGE, 0x100), EINVAL);
    munmap(at, 2 * PAGE);
    EXPECT_ERROR(msync(at, PAGE, MS_SYNC), ENOMEM);
}

CASE(locking_memory)
{
    char *at = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
    EXPECT_OK(mlock(at, 2 * PAGE));
    EXPECT_OK(munlock(at, 2 * PAGE));
    munmap(at, 2 * PAGE);
    EXPECT_ERROR(mlock(at, 2 * PAGE), ENOMEM);
}

// Without CAP_IPC_LOCK the limit counts, be it of user 0. In a child.
static int lock_limits(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    struct rlimit limit = {PAGE, PAGE};
    int result = 0;
    char *m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

    syscall(SYS_capget, &h, d);
    d[CAP_IPC_LOCK / 32].effective &= ~(1u << CAP_IPC_LOCK % 32);
    syscall(SYS_capset, &h, d);
    setrlimit(RLIMIT_MEMLOCK, &limit);
    result |= mremap(m, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EAGAIN ? 1 : 0;
    munmap(m, PAGE);
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_MEMLOCK, &limit);
    m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    return result | (m == MAP_FAILED && errno == EPERM ? 2 : 0);
}

CASE(limits_of_locking)
{
    char *m = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status = 0, pid;

    EXPECT_ERROR(mlock(m, PAGE), ENOMEM); // what can't be touched can't be made resident
    munmap(m, PAGE);
    pid = fork();
    if (!pid)
        _exit(lock_limits());
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 3 << 8);
}

CASE(own_memory_by_process_vm)
{
    char from[] = "process memory", to[16] = "";
    struct iovec local = {to, sizeof(from)}, remote = {from, sizeof(from)};
    if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0 && errno == ENOSYS)
        SKIP("not supported");
    EXPECT_STR(to, from);
    remote.iov_base = (void *)16;
    EXPECT_ERROR(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), EFAULT);
}

CASE(membarrier_commands)
{
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    EXPECT(commands >= 0);
    EXPECT(commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    EXPECT_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    EXPECT_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    EXPECT_ERROR(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
}

CASE(freed_memory_is_really_zero_again)
{
    for (int round = 0; round < 20; round++) {
        unsigned char *at = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
        for (size_t i = 0; i < 16 * PAGE; i += 97)
            if (at[i])
                EXPECT_EQ(at[i], 0);
        memset(at, 0xcc, 16 * PAGE);
        munmap(at, 16 * PAGE);
    }
}

CASE(advice_for_private_memory_only)
{
    int fd = make_file("f", "abc");
    char *file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(file != MAP_FAILED && shared != MAP_FAILED);
    file[0] = 'x';
    EXPECT_ERROR(madvise(file, PAGE, MADV_FREE), EINVAL);
    EXPECT_ERROR(madvise(shared, PAGE, MADV_FREE), EINVAL);
    EXPECT_ERROR(madvise(file, PAGE, 18 /* MADV_WIPEONFORK */), EINVAL);
    EXPECT_ERROR(madvise(shared, PAGE, 18), EINVAL);
    EXPECT_EQ(file[0], 'x');
    munmap(shared, PAGE);
    munmap(file, PAGE);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(brk_grows_and_shrinks),
    ENTRY(brk_refuses_nonsense),
    ENTRY(brk_stops_at_a_mapping),
    ENTRY(dontneed_zeros_private_memory),
    ENTRY(dontneed_brings_file_content_back),
    ENTRY(free_keeps_or_zeros),
    ENTRY(remove_punches_shared_memory),
    ENTRY(hints_are_accepted),
    ENTRY(advice_errors),
    ENTRY(advice_for_private_memory_only),
    ENTRY(mincore_of_touched_pages),
    ENTRY(msync_arguments),
    ENTRY(locking_memory),
    ENTRY(limits_of_locking),
    ENTRY(own_memory_by_process_vm),
    ENTRY(membarrier_commands),
    ENTRY(freed_memory_is_really_zero_again),
};
TEST_MAIN(cases)
