// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "tests/unit/fake_host.h"

#include <asm/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "driver/random.h"
#include "memory/commit.h"
#include "cpu/magazine.h"
#include "cpu/vcpu.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/killed.h"
#include "tests/unit/unit.h"
#include "thread/lock_order.h"
#include "x86_64/patch.h"

#define FAMILY_SIZE (256ul << 20)

static struct {
    bool started;
    struct boot_info boot;
    int family, image; // descriptors
    char *family_base;
    u64 calls;
    u64 fail_after;
    struct vcpu vcpu;
} host = {.fail_after = ~0ull};

static void on_fault(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    u64 resume = user_copy_fixup((u64)registers[REG_RIP]);

    if (!resume)
        abort();
    registers[REG_RIP] = (greg_t)resume;
}

static int memory_file(const char *name, u64 size)
{
    int fd = memfd_create(name, 0);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        abort();
    return fd;
}

void fake_host_start(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    if (host.started)
        return;
    host.started = true;
    host.vcpu.self = &host.vcpu;
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &host.vcpu))
        abort();
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    host.family = memory_file("family", FAMILY_SIZE);
    host.image = memory_file("image", FAKE_IMAGE_PAGES * PAGE_SIZE);
    for (u64 i = 0; i < FAKE_IMAGE_PAGES; i++) {
        u64 word = FAKE_IMAGE_WORD + i;
        if (pwrite(host.image, &word, sizeof(word), (off_t)(i * PAGE_SIZE)) != sizeof(word))
            abort();
    }
    host.family_base = mmap(NULL, FAMILY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, host.family, 0);
    host.boot.family_base = (u64)host.family_base;
    host.boot.family_size = FAMILY_SIZE;
    host.boot.family_free = 3 * PAGE_SIZE + 100;
    pages_init(&host.boot);
    commit_init(&host.boot);
}

struct boot_info *fake_boot(void)
{
    return &host.boot;
}

u64 fake_host_calls(void)
{
    return host.calls;
}

void fake_host_fail_after(u64 count)
{
    host.fail_after = count;
}

static int result(int r)
{
    host.calls++;
    return r == 0 ? 0 : -ENOMEM;
}

static int host_prot(u32 prot)
{
    return (prot & MAP_READ ? PROT_READ : 0) | (prot & MAP_WRITE ? PROT_WRITE : 0) |
           (prot & MAP_EXEC ? PROT_EXEC : 0);
}

static void *user_pointer(uaddr_t va, u64 size)
{
    if (va % PAGE_SIZE || size % PAGE_SIZE || !size || va < FAKE_USER_BOTTOM ||
        va + size > FAKE_USER_TOP)
        panic("host call for %lx, %lx bytes", (unsigned long)va, (unsigned long)size);
    return (void *)va;
}

int platform_map(uaddr_t va, u64 size, u32 prot, u32 source, u64 offset)
{
    static const int flags[] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE};
    int fd = source == MAP_SOURCE_ZERO ? -1 : source == MAP_SOURCE_IMAGE ? host.image : host.family;

    if (host.fail_after != ~0ull && host.fail_after-- == 0)
        return -ENOMEM;
    void *p = mmap(user_pointer(va, size), size, host_prot(prot),
                   flags[source] | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset);
    return result(p == MAP_FAILED);
}

int platform_protect(uaddr_t va, u64 size, u32 prot)
{
    if (prot & MAP_HUGE)
        return result(madvise(user_pointer(va, size), size, MADV_HUGEPAGE));
    return result(mprotect(user_pointer(va, size), size, host_prot(prot)));
}

int platform_unmap(uaddr_t va, u64 size)
{
    return result(munmap(user_pointer(va, size), size));
}

int platform_discard(uaddr_t va, u64 size)
{
    return result(madvise(user_pointer(va, size), size, MADV_DONTNEED));
}

int platform_discard_family(void *at, u64 size)
{
    return result(madvise(at, size, MADV_REMOVE));
}

// One vCPU: kernel/thread/lock.c never waits.
void lock_order_take(const struct lock *l)
{
}

void lock_order_give(const struct lock *l)
{
}

void killed_spin(void)
{
}

s64 platform_wait(u64 timeout, u64 interest)
{
    abort();
}

void vcpu_kick_deferred(struct vcpu *from)
{
}

u8 magazine_number(void)
{
    return 0;
}

void *magazine_take(const struct slab_cache *c)
{
    return NULL;
}

bool magazine_give(const struct slab_cache *c, void *object)
{
    return false;
}

u64 random_u64(void)
{
    return unit_random();
}

int patch_fork(struct address_space *from, struct address_space *s)
{
    return 0;
}

void patch_clear(struct address_space *s)
{
}

void patch_forget(struct address_space *s, uaddr_t start, uaddr_t end)
{
}
