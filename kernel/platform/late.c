// SPDX-License-Identifier: BSD-3-Clause
// Loads the section .late of kernel.ld: its bytes are in the kernel's ELF in the image, which is mapped, and its
// relocations stand among the others in read-only data. What the image says about places is checked, since it
// need not be the kernel that runs that a hand-made image names.
#include "platform/late.h"

#include <linux/elf.h>

#include "abi/boot.h"
#include "abi/image.h"
#include "base/relr.h"
#include "base/string.h"
#include "platform/platform.h"
#include "thread/lock.h"

extern u8 late_start[], late_end[];
extern const u64 relocations_start[], relocations_end[];

static struct {
    struct lock lock;
    bool loaded; // atomic
} late;

// The section's bytes in the ELF of `size` bytes. NULL: it has none such.
static const u8 *late_find(const u8 *elf, u64 size, u64 address)
{
    const Elf64_Ehdr *h = (const void *)elf;
    const Elf64_Phdr *p = (const void *)(elf + sizeof(*h)); // ld puts them there
    u64 wanted = (u64)(late_end - late_start);

    if (size < PAGE_SIZE || (size_t)h->e_phnum * sizeof(*p) > PAGE_SIZE - sizeof(*h))
        return NULL;
    for (u32 i = 0; i < h->e_phnum; i++, p++)
        if (p->p_type == PT_LOAD && p->p_vaddr == address && p->p_filesz == wanted && p->p_offset < size &&
            wanted <= size - p->p_offset)
            return elf + p->p_offset;
    return NULL;
}

static int late_read(const struct boot_info *boot)
{
    const struct image_header *image = (const void *)(uintptr_t)boot->image_base;
    u64 base = boot->kernel_base, size = (u64)(late_end - late_start);
    const u8 *bytes;

    if (boot->image_size < PAGE_SIZE || image->kernel_offset >= boot->image_size ||
        image->kernel_size > boot->image_size - image->kernel_offset)
        return -ENOEXEC;
    bytes = late_find((const u8 *)image + image->kernel_offset, image->kernel_size,
                      (u64)late_start - base);
    if (!bytes)
        return -ENOEXEC;
    memcpy(late_start, bytes, size);
    struct relr r = {relocations_start, relocations_end, 0, 0, 0};
    for (u64 address; relr_next(&r, &address);) {
        u64 at = base + address - (u64)late_start;
        if (at < size)
            *(u64 *)(void *)(late_start + at) += base;
    }
    return 0;
}

int late_load(const void *needed)
{
    int error = 0;

    if ((u64)needed - (u64)late_start >= (u64)(late_end - late_start))
        return 0;
    if (__atomic_load_n(&late.loaded, __ATOMIC_ACQUIRE)) // pairs with the store below
        return 0;
    lock_acquire(&late.lock);
    if (!late.loaded)
        error = late_read(platform_boot());
    if (!error)
        __atomic_store_n(&late.loaded, true, __ATOMIC_RELEASE);
    lock_release(&late.lock);
    return error;
}
