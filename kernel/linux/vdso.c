// SPDX-License-Identifier: BSD-3-Clause
// Puts the vDSO into a new program's memory: the page of time (clock_page.h), shared and read-only,
// and behind it the object of kernel/vdso, which is a part of the kernel's file in the image and is
// mapped from there. Both are areas of the kernel's own, which user code cannot unmap.
#include "abi/boot.h"
#include "abi/image.h"
#include "base/elf.h"
#include "linux/clock.h"
#include "memory/pages.h"
#include "platform/platform.h"
#include "process/exec.h"

#define VDSO_REACH (1ull << 32)

extern const char vdso_image[];

// Where the vDSO's page stands in the image. -ENOENT: the image does not say.
static int image_offset(u64 *out)
{
    const struct boot_info *boot = platform_boot();
    const struct image_header *header = (const void *)boot->image_base;
    struct elf_memory file;
    struct elf elf;
    u64 offset;

    if (header->magic != IMAGE_MAGIC || header->kernel_offset > boot->image_size ||
        header->kernel_size > boot->image_size - header->kernel_offset)
        return -ENOENT;
    file = (struct elf_memory){(const u8 *)header + header->kernel_offset, header->kernel_size};
    if (elf_open(&elf, elf_memory_source(&file)) < 0 ||
        elf_address_offset(&elf, (u64)vdso_image - boot->kernel_base, PAGE_SIZE, &offset) < 0)
        return -ENOENT;
    *out = header->kernel_offset + offset;
    return *out % PAGE_SIZE ? -ENOENT : 0;
}

int vdso_map(struct process *p, uaddr_t *out_ehdr)
{
    struct address_space *space = p->space;
    uaddr_t data, code;
    u64 offset;
    int error;

    *out_ehdr = 0;
    // Without it programs make system calls: nothing else depends on it.
    if (image_offset(&offset))
        return 0;
    data = address_space_find_near(space, space->map_top, VDSO_REACH, 2 * PAGE_SIZE);
    code = data + PAGE_SIZE;
    if (!data)
        return 0;
    error = address_space_map_source(space, code, PAGE_SIZE, AREA_READ | AREA_EXEC, MAP_SOURCE_IMAGE, offset,
                                     "[vdso]");
    if (!error)
        error = address_space_map_source(space, data, PAGE_SIZE, AREA_READ, MAP_SOURCE_FAMILY,
                                         pages_offset(clock_page()), "[vvar]");
    if (!error)
        *out_ehdr = code;
    return error == -EEXIST ? 0 : error;
}
