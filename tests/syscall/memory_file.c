// SPDX-License-Identifier: BSD-3-Clause
// Files in memory: shared and private mappings, their ends, growth, truncation, memfd and seals.
#include "harness.h"

#include <sys/sendfile.h>

#define RW (PROT_READ | PROT_WRITE)
#ifndef F_ADD_SEALS
#define F_ADD_SEALS   1033
#define F_GET_SEALS   1034
#define F_SEAL_SEAL   1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW   4
#define F_SEAL_WRITE  8
#endif

static int file_of_pages(int pages)
{
    char page[PAGE];
    int fd = make_file("f", "");
    for (int i = 0; i < pages; i++) {
        memset(page, 'a' + i, PAGE);
        EXPECT_EQ(write(fd, page, PAGE), PAGE);
    }
    return fd;
}

static char *map_file(int fd, size_t size, int prot, int flags, long offset)
{
    char *at = mmap(NULL, size, prot, flags, fd, offset);
    if (at == MAP_FAILED)
        test_fail(__FILE_NAME__, __LINE__, "mmap: errno %d", errno);
    return at;
}

CASE(private_mapping_reads_the_file)
{
    int fd = file_of_pages(3);
    char *at = map_file(fd, 2 * PAGE, PROT_READ, MAP_PRIVATE, PAGE);
    close(fd); // the mapping outlives it
    EXPECT_EQ(at[0], 'b');
    EXPECT_EQ(at[2 * PAGE - 1], 'c');
    munmap(at, 2 * PAGE);
}

CASE(private_writes_stay_private)
{
    char byte;
    int fd = file_of_pages(1);
    char *at = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
    at[5] = 'X';
    EXPECT_EQ(pread(fd, &byte, 1, 5), 1);
    EXPECT_EQ(byte, 'a');
    EXPECT_EQ(at[4], 'a');
    munmap(at, PAGE);
    close(fd);
}

CASE(shared_writes_reach_the_file)
{
    char byte;
    int fd = file_of_pages(2);
    char *at = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
    char *other = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 0);
    at[PAGE + 7] = 'X';
    EXPECT_EQ(pread(fd, &byte, 1, PAGE + 7), 1);
    EXPECT_EQ(byte, 'X');
    EXPECT_EQ(other[PAGE + 7], 'X');
    EXPECT_EQ(pwrite(fd, "Y", 1, 3), 1);
    EXPECT_EQ(at[3], 'Y');
    EXPECT_EQ(other[3], 'Y');
    EXPECT_OK(msync(at, 2 * PAGE, MS_SYNC));
    munmap(at, 2 * PAGE);
    munmap(other, 2 * PAGE);
    close(fd);
}

CASE(private_mapping_sees_later_writes_until_copied)
{
    int fd = file_of_pages(2);
    char *at = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);
    at[0] = 'P';
    EXPECT_EQ(pwrite(fd, "ZZ", 2, 0), 2);
    EXPECT_EQ(pwrite(fd, "ZZ", 2, PAGE), 2);
    EXPECT_EQ(at[0], 'P');
    EXPECT_EQ(at[1], 'a');    // this page was copied
    EXPECT_EQ(at[PAGE], 'Z'); // this was not
    munmap(at, 2 * PAGE);
    close(fd);
}

CASE(access_mode_of_the_descriptor_counts)
{
    close(file_of_pages(1));
    int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
    EXPECT_ERROR(mmap(NULL, PAGE, RW, MAP_SHARED, reader, 0), EACCES);
    EXPECT_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES);
    char *at = map_file(reader, PAGE, RW, MAP_PRIVATE, 0);
    at[0] = 1;
    munmap(at, PAGE);
    at = map_file(reader, PAGE, PROT_READ, MAP_SHARED, 0);
    EXPECT_ERROR(mprotect(at, PAGE, RW), EACCES);
    munmap(at, PAGE);
    close(reader);
    close(writer);
}

CASE(bus_error_past_the_end)
{
    int fd = make_file("f", "abc");
    char *at = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);
    EXPECT_EQ(at[2], 'c');
    EXPECT_EQ(at[PAGE - 1], 0); // the rest of the last page is zeros
    EXPECT_EQ(fault_of_read(at + PAGE), SIGBUS);
    EXPECT_EQ(fault_of_write(at + 2 * PAGE), SIGBUS);
    munmap(at, 3 * PAGE);
    at = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);
    EXPECT_EQ(fault_of_read(at + PAGE), SIGBUS);
    munmap(at, 2 * PAGE);
    close(fd);
}

static void read_far(void *address)
{
    (void)*(volatile char *)address;
}

CASE(bus_error_details)
{
    siginfo_t info;
    int fd = make_file("f", "abc");
    char *at = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
    EXPECT_EQ(fault_of(read_far, at + PAGE + 5, &info), SIGBUS);
    EXPECT_EQ(info.si_code, BUS_ADRERR);
    EXPECT((uintptr_t)info.si_addr / PAGE == (uintptr_t)(at + PAGE) / PAGE);
    EXPECT_ERROR(write(fd, at + PAGE, 1), EFAULT); // and the kernel says EFAULT
    munmap(at, 2 * PAGE);
    close(fd);
}

CASE(growing_file_shows_in_the_mapping)
{
    int fd = make_file("f", "");
    char *at = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);
    EXPECT_EQ(fault_of_read(at), SIGBUS);
    EXPECT_OK(ftruncate(fd, 2 * PAGE));
    EXPECT_EQ(fault_of_read(at), 0);
    at[PAGE] = 'g';
    EXPECT_EQ(fault_of_read(at + 2 * PAGE), SIGBUS);
    EXPECT_EQ(pwrite(fd, "z", 1, 3 * PAGE), 1);
    EXPECT_EQ(at[3 * PAGE], 'z');
    EXPECT_EQ(at[PAGE], 'g');
    munmap(at, 4 * PAGE);
    close(fd);
}

CASE(shrinking_file_takes_pages_away)
{
    int fd = file_of_pages(3);
    char *at = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);
    char *private = map_file(fd, 3 * PAGE, RW, MAP_PRIVATE, 0);
    EXPECT_EQ(at[2 * PAGE], 'c');
    private[2 * PAGE] = 'p';
    EXPECT_OK(ftruncate(fd, PAGE + 10));
    EXPECT_EQ(fault_of_read(at + 2 * PAGE), SIGBUS);
    EXPECT_EQ(fault_of_read(private + 2 * PAGE), SIGBUS); // even the private copy goes
    EXPECT_EQ(at[PAGE + 9], 'b');
    EXPECT_EQ(at[PAGE + 10], 0); // zeroed behind the new end
    EXPECT_OK(ftruncate(fd, 3 * PAGE));
    EXPECT_EQ(at[2 * PAGE], 0);
    munmap(at, 3 * PAGE);
    munmap(private, 3 * PAGE);
    close(fd);
}

CASE(sparse_file_in_memory)
{
    int fd = make_file("f", "");
    struct stat info;
    EXPECT_OK(ftruncate(fd, 64 << 20));
    char *at = map_file(fd, 64 << 20, RW, MAP_SHARED, 0);
    EXPECT_EQ(at[32 << 20], 0);
    at[(48 << 20) + 1] = 's';
    char byte;
    EXPECT_EQ(pread(fd, &byte, 1, (48 << 20) + 1), 1);
    EXPECT_EQ(byte, 's');
    EXPECT_OK(fstat(fd, &info));
    EXPECT(info.st_blocks < 1000);
    munmap(at, 64 << 20);
    close(fd);
}

CASE(unlinked_file_stays_mapped)
{
    int fd = file_of_pages(1);
    char *at = map_file(fd, PAGE, RW, MAP_SHARED, 0);
    EXPECT_OK(unlink("f"));
    close(fd);
    EXPECT_EQ(at[0], 'a');
    at[0] = 'b';
    EXPECT_EQ(at[0], 'b');
    munmap(at, PAGE);
}

CASE(unmappable_files)
{
    int p[2], directory = open(".", O_RDONLY);
    REQUIRE_OK(pipe(p));
    EXPECT_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0), ENODEV);
    EXPECT_ERROR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0), ENODEV);
    close(p[0]);
    close(p[1]);
    close(directory);
}

CASE(dev_zero_mapping)
{
    int fd = open("/dev/zero", O_RDWR);
    char *at = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
    close(fd);
    EXPECT_EQ(at[9], 0);
    at[9] = 1;
    munmap(at, PAGE);
}

CASE(mapping_of_the_program_itself)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    REQUIRE_OK(fd);
    char *at = map_file(fd, PAGE, PROT_READ, MAP_PRIVATE, 0);
    EXPECT(memcmp(at, "\177ELF", 4) == 0);
    munmap(at, PAGE);
    at = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
    at[0] = 'X';
    char byte;
    EXPECT_EQ(pread(fd, &byte, 1, 0), 1);
    EXPECT_EQ(byte, 0x7f);
    munmap(at, PAGE);
    close(fd);
}

CASE(mremap_of_a_shared_file)
{
    int fd = file_of_pages(4);
    char *at = map_file(fd, PAGE, RW, MAP_SHARED, 0);
    at = mremap(at, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    REQUIRE(at != MAP_FAILED);
    EXPECT_EQ(at[3 * PAGE], 'd');
    at[3 * PAGE] = 'D';
    char byte;
    EXPECT_EQ(pread(fd, &byte, 1, 3 * PAGE), 1);
    EXPECT_EQ(byte, 'D');
    munmap(at, 4 * PAGE);
    close(fd);
}

CASE(read_into_own_mapping)
{
    int fd = file_of_pages(2);
    char *at = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
    EXPECT_EQ(pread(fd, at, PAGE, PAGE), PAGE);
    EXPECT_EQ(at[100], 'b');
    EXPECT_EQ(pwrite(fd, at, 10, PAGE + 20), 10);
    munmap(at, 2 * PAGE);
    close(fd);
}

CASE(memfd_basics)
{
    struct stat info;
    char name[64], link[64] = "";
    int fd = (int)syscall(SYS_memfd_create, "some name", 1u /* MFD_CLOEXEC */);
    REQUIRE_OK(fd);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    EXPECT_OK(ftruncate(fd, PAGE));
    EXPECT_OK(fstat(fd, &info));
    EXPECT_EQ(info.st_size, PAGE);
    EXPECT_EQ(info.st_nlink, 0);
    EXPECT_EQ(info.st_mode, S_IFREG | 0777);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    EXPECT(readlink(name, link, sizeof(link) - 1) > 0);
    EXPECT_STR(link, "/memfd:some name (deleted)");
    char *at = map_file(fd, PAGE, RW, MAP_SHARED, 0);
    strcpy(at, "shared");
    char back[8] = "";
    EXPECT_EQ(pread(fd, back, 7, 0), 7);
    EXPECT_STR(back, "shared");
    munmap(at, PAGE);
    close(fd);
    EXPECT_ERROR(syscall(SYS_memfd_create, "x", 0x1000u), EINVAL);
}

CASE(memfd_seals)
{
    int fd = (int)syscall(SYS_memfd_create, "x", 2u /* MFD_ALLOW_SEALING */);
    REQUIRE_OK(fd);
    EXPECT_OK(ftruncate(fd, PAGE));
    EXPECT_EQ(fcntl(fd, F_GET_SEALS), 0);
    EXPECT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    EXPECT_ERROR(ftruncate(fd, 10), EPERM);
    EXPECT_ERROR(ftruncate(fd, 2 * PAGE), EPERM);
    EXPECT_ERROR(pwrite(fd, "x", 1, PAGE), EPERM);
    EXPECT_EQ(pwrite(fd, "x", 1, 0), 1);
    char *at = map_file(fd, PAGE, RW, MAP_SHARED, 0);
    EXPECT_ERROR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY); // a writable mapping
    munmap(at, PAGE);
    EXPECT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    EXPECT_ERROR(pwrite(fd, "y", 1, 0), EPERM);
    EXPECT_ERROR(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
    at = map_file(fd, PAGE, PROT_READ, MAP_PRIVATE, 0);
    munmap(at, PAGE);
    EXPECT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    EXPECT_ERROR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    EXPECT_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    close(fd);
}

CASE(memfd_without_sealing)
{
    int fd = (int)syscall(SYS_memfd_create, "x", 0u), pipes[2];
    EXPECT_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    EXPECT_ERROR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    REQUIRE_OK(pipe(pipes));
    EXPECT_ERROR(fcntl(pipes[0], F_GET_SEALS), EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(private_mapping_reads_the_file),
    ENTRY(private_writes_stay_private),
    ENTRY(shared_writes_reach_the_file),
    ENTRY(private_mapping_sees_later_writes_until_copied),
    ENTRY(access_mode_of_the_descriptor_counts),
    ENTRY(bus_error_past_the_end),
    ENTRY(bus_error_details),
    ENTRY(growing_file_shows_in_the_mapping),
    ENTRY(shrinking_file_takes_pages_away),
    ENTRY(sparse_file_in_memory),
    ENTRY(unlinked_file_stays_mapped),
    ENTRY(unmappable_files),
    ENTRY(dev_zero_mapping),
    ENTRY(mapping_of_the_program_itself),
    ENTRY(mremap_of_a_shared_file),
    ENTRY(read_into_own_mapping),
    ENTRY(memfd_basics),
    ENTRY(memfd_seals),
    ENTRY(memfd_without_sealing),
};
TEST_MAIN(cases)
