// SPDX-License-Identifier: BSD-3-Clause
// mmap, munmap, mprotect, mremap of anonymous memory: placement, protection, huge reservations.
#include "harness.h"

#include <sys/resource.h>

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static char *map(size_t pages, int prot)
{
    char *at = mmap(NULL, pages * PAGE, prot, ANON, -1, 0);
    if (at == MAP_FAILED)
        test_fail(__FILE_NAME__, __LINE__, "mmap: errno %d", errno);
    return at;
}

CASE(anonymous_memory_is_zero)
{
    char *at = map(3, RW);
    EXPECT_EQ((uintptr_t)at % PAGE, 0);
    for (size_t i = 0; i < 3 * PAGE; i += 512)
        EXPECT_EQ(at[i], 0);
    at[3 * PAGE - 1] = 1;
    EXPECT_OK(munmap(at, 3 * PAGE));
    EXPECT_EQ(fault_of_read(at), SIGSEGV);
}

CASE(length_is_rounded_up)
{
    char *at = mmap(NULL, 1, RW, ANON, -1, 0);
    at[PAGE - 1] = 1;
    EXPECT_OK(munmap(at, 1));
    EXPECT_EQ(fault_of_read(at + PAGE - 1), SIGSEGV);
}

CASE(bad_arguments)
{
    EXPECT_ERROR(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
    EXPECT_ERROR(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL); // neither kind
    EXPECT_ERROR(mmap(NULL, PAGE, RW, MAP_PRIVATE, 200, 0), EBADF);
    EXPECT_ERROR(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, 0, 1), EINVAL);
    EXPECT_ERROR(mmap((void *)100, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
    EXPECT_ERROR(mmap(NULL, 1ul << 62, RW, ANON, -1, 0), ENOMEM);
    EXPECT_ERROR(mmap((void *)0x7ffffffff000, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
    EXPECT_ERROR(munmap((void *)100, PAGE), EINVAL);
    EXPECT_ERROR(munmap((void *)0x10000, 0), EINVAL);
    EXPECT_OK(munmap((void *)0x10000, PAGE)); // nothing there is fine
}

CASE(hint_is_taken_when_free)
{
    char *at = map(4, RW);
    EXPECT_OK(munmap(at, 4 * PAGE));
    EXPECT(mmap(at, 4 * PAGE, RW, ANON, -1, 0) == at);
    char *other = mmap(at, 4 * PAGE, RW, ANON, -1, 0); // taken: somewhere else
    EXPECT(other != MAP_FAILED && other != at);
    munmap(at, 4 * PAGE);
    munmap(other, 4 * PAGE);
}

CASE(fixed_replaces)
{
    char *at = map(3, RW);
    memset(at, 'x', 3 * PAGE);
    EXPECT(mmap(at + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == at + PAGE);
    EXPECT_EQ(at[0], 'x');
    EXPECT_EQ(at[PAGE], 0);
    EXPECT_EQ(at[2 * PAGE], 'x');
    munmap(at, 3 * PAGE);
}

CASE(fixed_noreplace_refuses)
{
    char *at = map(2, RW);
    EXPECT_ERROR(mmap(at + PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    EXPECT_OK(munmap(at + PAGE, PAGE));
    EXPECT(mmap(at + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == at + PAGE);
    munmap(at, 2 * PAGE);
}

CASE(unmap_a_hole)
{
    char *at = map(5, RW);
    memset(at, 'x', 5 * PAGE);
    EXPECT_OK(munmap(at + 2 * PAGE, PAGE));
    EXPECT_EQ(fault_of_read(at + 2 * PAGE), SIGSEGV);
    EXPECT_EQ(at[2 * PAGE - 1], 'x');
    EXPECT_EQ(at[3 * PAGE], 'x');
    EXPECT_OK(munmap(at, 5 * PAGE)); // over the hole
}

CASE(protection_is_enforced)
{
    char *at = map(3, RW);
    at[0] = 'a';
    EXPECT_OK(mprotect(at, PAGE, PROT_READ));
    EXPECT_EQ(fault_of_write(at), SIGSEGV);
    EXPECT_EQ(fault_of_read(at), 0);
    EXPECT_EQ(fault_of_write(at + PAGE), 0);
    EXPECT_OK(mprotect(at, 2 * PAGE, PROT_NONE));
    EXPECT_EQ(fault_of_read(at), SIGSEGV);
    EXPECT_EQ(fault_of_read(at + PAGE), SIGSEGV);
    EXPECT_EQ(fault_of_read(at + 2 * PAGE), 0);
    EXPECT_OK(mprotect(at, 3 * PAGE, RW));
    EXPECT_EQ(at[0], 'a');
    munmap(at, 3 * PAGE);
}

CASE(protect_errors)
{
    char *at = map(3, RW);
    EXPECT_ERROR(mprotect(at + 1, PAGE, RW), EINVAL);
    EXPECT_OK(munmap(at + PAGE, PAGE));
    EXPECT_ERROR(mprotect(at, 3 * PAGE, PROT_READ), ENOMEM);
    EXPECT_EQ(fault_of_write(at), SIGSEGV); // the part before the hole has changed
    EXPECT_EQ(fault_of_write(at + 2 * PAGE), 0);
    EXPECT_ERROR(mprotect(at, PAGE, 0x100), EINVAL);
    EXPECT_OK(mprotect(at, 0, PROT_READ));
    munmap(at, 3 * PAGE);
}

CASE(code_can_be_written_and_run)
{
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; // mov $42, %eax; ret
    unsigned char *at = (void *)map(1, RW);
    memcpy(at, code, sizeof(code));
    EXPECT_OK(mprotect(at, PAGE, PROT_READ | PROT_EXEC));
    EXPECT_EQ(((int (*)(void))(uintptr_t)at)(), 42);
    EXPECT_EQ(fault_of_write(at), SIGSEGV);
    munmap(at, PAGE);
    at = mmap(NULL, PAGE, RW | PROT_EXEC, ANON, -1, 0); // and both at once
    memcpy(at, code, sizeof(code));
    EXPECT_EQ(((int (*)(void))(uintptr_t)at)(), 42);
    at[1] = 43;
    EXPECT_EQ(((int (*)(void))(uintptr_t)at)(), 43);
    munmap(at, PAGE);
}

CASE(terabytes_of_reserve)
{
    size_t size = 4ul << 40;
    char *at = mmap(NULL, size, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    REQUIRE(at != MAP_FAILED);
    EXPECT_EQ(fault_of_read(at + size / 2), SIGSEGV);
    EXPECT_OK(mprotect(at + size / 2, 16 * PAGE, RW));
    at[size / 2 + 5] = 7;
    EXPECT(mmap(at + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == at + PAGE);
    at[PAGE] = 8;
    EXPECT_EQ(at[size / 2 + 5], 7);
    EXPECT_OK(munmap(at, size));
    EXPECT_EQ(fault_of_read(at + size / 2 + 5), SIGSEGV);
}

CASE(noreserve_gigabytes_readable)
{
    size_t size = 64ul << 30;
    char *at = mmap(NULL, size, RW, ANON | MAP_NORESERVE, -1, 0);
    REQUIRE(at != MAP_FAILED);
    at[0] = 1;
    at[size - 1] = 2;
    at[size / 3] = 3;
    EXPECT_EQ(at[0] + at[size - 1] + at[size / 3] + at[size / 5], 6);
    EXPECT_OK(munmap(at, size));
}

CASE(aligned_reservation_by_trimming)
{
    size_t align = 1 << 22, size = 1 << 22; // as allocators do
    char *at = mmap(NULL, size + align, RW, ANON, -1, 0);
    char *good = (char *)(((uintptr_t)at + align - 1) & ~(align - 1));
    if (good > at)
        EXPECT_OK(munmap(at, (size_t)(good - at)));
    EXPECT_OK(munmap(good + size, align - (size_t)(good - at)));
    good[0] = good[size - 1] = 1;
    EXPECT_OK(munmap(good, size));
}

CASE(offsets_beyond_every_file)
{
    int fd = make_file("f", "x");

    EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, INT64_MAX & -(long)PAGE) == MAP_FAILED);
    EXPECT_EQ(errno, EOVERFLOW);
    EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, -2 * (long)PAGE) == MAP_FAILED);
    EXPECT_EQ(errno, EOVERFLOW);
    close(fd);
}

CASE(mremap_grows_and_shrinks)
{
    char *at = map(8, RW);
    EXPECT_OK(munmap(at + 4 * PAGE, 4 * PAGE));
    memset(at, 'x', 4 * PAGE);
    EXPECT(mremap(at, 4 * PAGE, 6 * PAGE, 0) == at); // room behind it
    EXPECT_EQ(at[4 * PAGE], 0);
    EXPECT(mremap(at, 6 * PAGE, 2 * PAGE, 0) == at);
    EXPECT_EQ(fault_of_read(at + 2 * PAGE), SIGSEGV);
    EXPECT_EQ(at[2 * PAGE - 1], 'x');
    munmap(at, 2 * PAGE);
}

CASE(mremap_moves_when_it_must)
{
    char *at = map(3, RW);
    memset(at, 'x', PAGE);
    char *blocker = at + PAGE; // the next page is taken
    EXPECT(mprotect(blocker, PAGE, PROT_READ) == 0);
    EXPECT_ERROR(mremap(at, PAGE, 2 * PAGE, 0), ENOMEM);
    char *moved = mremap(at, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    REQUIRE(moved != MAP_FAILED);
    EXPECT(moved != at);
    EXPECT_EQ(moved[0] + moved[PAGE - 1], 2 * 'x');
    EXPECT_EQ(moved[PAGE], 0);
    EXPECT_EQ(fault_of_read(at), SIGSEGV);
    munmap(moved, 4 * PAGE);
    munmap(at + PAGE, 2 * PAGE);
}

CASE(mremap_to_a_fixed_place)
{
    char *from = map(2, RW), *to = map(2, RW);
    strcpy(from, "moved");
    EXPECT(mremap(from, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    EXPECT_STR(to, "moved");
    EXPECT_EQ(fault_of_read(from), SIGSEGV);
    EXPECT_ERROR(mremap(to, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE), EINVAL);
    munmap(to, 2 * PAGE);
}

CASE(mremap_errors)
{
    char *at = map(2, RW);
    EXPECT_ERROR(mremap(at + 1, PAGE, PAGE, 0), EINVAL);
    EXPECT_ERROR(mremap(at, PAGE, 0, 0), EINVAL);
    EXPECT_ERROR(mremap(at, PAGE, PAGE, 0x100), EINVAL);
    EXPECT_OK(munmap(at + PAGE, PAGE));
    EXPECT_ERROR(mremap(at, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), EFAULT);
    EXPECT_OK(munmap(at, PAGE));
    EXPECT_ERROR(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

CASE(mremap_large_keeps_content)
{
    size_t size = 8 << 20;
    unsigned *at = mmap(NULL, size, RW, ANON, -1, 0);
    for (size_t i = 0; i < size / 4; i += 1024)
        at[i] = (unsigned)i;
    at = mremap(at, size, 4 * size, MREMAP_MAYMOVE);
    REQUIRE(at != MAP_FAILED);
    for (size_t i = 0; i < size / 4; i += 1024)
        if (at[i] != (unsigned)i)
            EXPECT_EQ(at[i], i);
    EXPECT_EQ(at[size / 4], 0);
    munmap(at, 4 * size);
}

CASE(shared_anonymous_memory)
{
    char *at = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    EXPECT_EQ(at[PAGE], 0);
    at[PAGE] = 5;
    char *again = mremap(at, 0, 2 * PAGE, MREMAP_MAYMOVE); // size 0: a second view
    REQUIRE(again != MAP_FAILED);
    EXPECT_EQ(again[PAGE], 5);
    again[0] = 6;
    EXPECT_EQ(at[0], 6);
    munmap(at, 2 * PAGE);
    munmap(again, 2 * PAGE);
}

CASE(many_small_mappings)
{
    enum { N = 500 };
    static char *at[N];
    for (int i = 0; i < N; i++) {
        at[i] = mmap(NULL, PAGE, i % 2 ? RW : PROT_READ, ANON, -1, 0);
        REQUIRE(at[i] != MAP_FAILED);
    }
    for (int i = 1; i < N; i += 2)
        at[i][0] = (char)i;
    for (int i = 1; i < N; i += 2)
        EXPECT_EQ(at[i][0], (char)i);
    for (int i = 0; i < N; i++)
        EXPECT_OK(munmap(at[i], PAGE));
}

CASE(address_space_limit)
{
    struct rlimit old, small;
    EXPECT_OK(getrlimit(RLIMIT_AS, &old));
    small = old;
    small.rlim_cur = 1ul << 30;
    EXPECT_OK(setrlimit(RLIMIT_AS, &small));
    EXPECT_ERROR(mmap(NULL, 2ul << 30, RW, ANON, -1, 0), ENOMEM);
    EXPECT_OK(setrlimit(RLIMIT_AS, &old));
}

CASE(page_zero_is_never_given)
{
    char *at = mmap((void *)1, PAGE, RW, ANON, -1, 0); // a hint below the minimum
    EXPECT(at != MAP_FAILED && (uintptr_t)at >= 65536);
    munmap(at, PAGE);
}

CASE(low_memory_by_map_32bit)
{
    char *at = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
    EXPECT(at != MAP_FAILED && (uintptr_t)at < (1ul << 31));
    munmap(at, PAGE);
}

CASE(grow_down_and_stack_flags_are_accepted)
{
    char *at = mmap(NULL, 4 * PAGE, RW, ANON | MAP_STACK | MAP_NORESERVE | MAP_POPULATE, -1, 0);
    REQUIRE(at != MAP_FAILED);
    at[0] = 1;
    munmap(at, 4 * PAGE);
}

CASE(kernel_writes_respect_protection)
{
    char *at = map(2, RW);
    int p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(write(p[1], "abcdef", 6), 6);
    EXPECT_OK(mprotect(at + PAGE, PAGE, PROT_READ));
    EXPECT_ERROR(read(p[0], at + PAGE, 6), EFAULT);
    EXPECT_EQ(read(p[0], at + PAGE - 6, 6), 6);
    EXPECT_OK(mprotect(at, PAGE, PROT_NONE));
    EXPECT_ERROR(write(p[1], at, 6), EFAULT);
    close(p[0]);
    close(p[1]);
    munmap(at, 2 * PAGE);
}

static __attribute__((noinline)) int deep(int kilobytes)
{
    volatile char frame[1024];

    memset((char *)frame, kilobytes, sizeof(frame));
    return kilobytes ? deep(kilobytes - 1) + (frame[1] == (char)kilobytes) : 0;
}

// Compilers do this, for deep recursion.
CASE(stack_follows_its_limit)
{
    struct rlimit old, more;

    REQUIRE_OK(getrlimit(RLIMIT_STACK, &old));
    more = old;
    more.rlim_cur = 64ul << 20;
    if (old.rlim_max < more.rlim_cur) {
        test_skip("the hard limit of the stack is too low");
        return;
    }
    test_ignore_mappings();
    REQUIRE_OK(setrlimit(RLIMIT_STACK, &more));
    EXPECT_EQ(deep(30 << 10), 30 << 10);
    REQUIRE_OK(setrlimit(RLIMIT_STACK, &old));
    EXPECT_EQ(deep(1 << 10), 1 << 10);
}

// AddressSanitizer's heap and shadow.
CASE(places_of_the_sanitizers)
{
    char *heap = (char *)0x600000000000, *shadow = (char *)0x7fff8000;
    const size_t heap_size = 1ul << 42, shadow_size = 0x10007fff8000 - 0x7fff8000;
    int flags = ANON | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

    if (mmap(heap, heap_size, PROT_NONE, flags, -1, 0) != heap) { // vm.mmap_rnd_bits may be 32
        test_skip("a library is in the way");
        return;
    }
    EXPECT_OK(mprotect(heap + heap_size - PAGE, PAGE, RW));
    heap[heap_size - 1] = 1;
    munmap(heap, heap_size);
    if (mmap(shadow, shadow_size, RW, flags, -1, 0) != shadow) {
        test_skip("the program's heap, or the host, is in the way");
        return;
    }
    shadow[shadow_size - 1] = shadow[0] = 1;
    munmap(shadow, shadow_size);
}

static const struct test_case cases[] = {
    ENTRY(anonymous_memory_is_zero),
    ENTRY(length_is_rounded_up),
    ENTRY(bad_arguments),
    ENTRY(hint_is_taken_when_free),
    ENTRY(fixed_replaces),
    ENTRY(fixed_noreplace_refuses),
    ENTRY(unmap_a_hole),
    ENTRY(protection_is_enforced),
    ENTRY(protect_errors),
    ENTRY(code_can_be_written_and_run),
    ENTRY(terabytes_of_reserve),
    ENTRY(noreserve_gigabytes_readable),
    ENTRY(aligned_reservation_by_trimming),
    ENTRY(offsets_beyond_every_file),
    ENTRY(mremap_grows_and_shrinks),
    ENTRY(mremap_moves_when_it_must),
    ENTRY(mremap_to_a_fixed_place),
    ENTRY(mremap_errors),
    ENTRY(mremap_large_keeps_content),
    ENTRY(shared_anonymous_memory),
    ENTRY(many_small_mappings),
    ENTRY(address_space_limit),
    ENTRY(page_zero_is_never_given),
    ENTRY(low_memory_by_map_32bit),
    ENTRY(grow_down_and_stack_flags_are_accepted),
    ENTRY(kernel_writes_respect_protection),
    ENTRY(stack_follows_its_limit),
    ENTRY(places_of_the_sanitizers),
};
TEST_MAIN(cases)
