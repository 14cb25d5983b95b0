// SPDX-License-Identifier: BSD-3-Clause
// Which memory goes into a core file, and how. As Linux's coredump_filter 0x33: what is private and the process's
// own, shared memory without a file, and the first page of ELF files that it only reads. Which pages were changed is
// the host's knowledge, so read-only private pages (what the dynamic linker has relocated) are compared with the file.
#include <linux/elf.h>

#include "abi/boot.h"
#include "base/string.h"
#include "file/file.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/core.h"
#include "process/process.h"
#include "thread/thread.h"

#define PART_MAX (1u << 20) // bytes that are written in one go

// -1: cannot be told.
static int page_differs(const struct area *a, u64 offset, u8 *buffers)
{
    u64 position = a->file_offset + offset;
    struct io io;

    memset(buffers, 0, 2 * PAGE_SIZE);
    io_init_kernel(&io, buffers, PAGE_SIZE);
    if (user_read(buffers + PAGE_SIZE, a->start + offset, PAGE_SIZE) || file_read(a->file, &io, &position) < 0)
        return -1;
    return memcmp(buffers, buffers + PAGE_SIZE, PAGE_SIZE) != 0;
}

static bool differs(const struct area *a)
{
    u8 *buffers = heap_alloc(2 * PAGE_SIZE);
    int result = 0;

    for (u64 at = 0; buffers && result == 0 && at < a->end - a->start; at += PAGE_SIZE)
        result = page_differs(a, at, buffers);
    heap_free(buffers);
    return result > 0;
}

static bool is_elf(const struct area *a)
{
    u8 magic[SELFMAG];

    return !a->file_offset && !user_read(magic, a->start, SELFMAG) && !memcmp(magic, ELFMAG, SELFMAG);
}

u64 core_area_size(const struct area *a)
{
    u64 size = a->end - a->start;

    if ((a->flags & AREA_DONTDUMP) || !(a->flags & AREA_PROTECTION))
        return 0;
    if (!a->file)
        return size;
    if (a->flags & AREA_SHARED)
        return 0;
    if (a->flags & (AREA_WRITE | AREA_OWN))
        return size;
    if (!(a->flags & AREA_EXEC) && differs(a))
        return size;
    return is_elf(a) ? PAGE_SIZE : 0;
}

// True: there is something on the page that is not zero. Memory that can't be read is left out, as Linux does.
static bool is_worth(uaddr_t at)
{
    return user_is_zero(at, PAGE_SIZE) == 0;
}

int core_area_write(const struct area *a, u64 size, struct file *f, u64 position)
{
    for (u64 at = 0; at < size;) {
        u64 end = at;
        struct io io;

        while (end < size && end - at < PART_MAX && is_worth(a->start + end))
            end += PAGE_SIZE;
        if (end == at) {
            at += PAGE_SIZE;
            continue;
        }
        u64 to = position + at;
        io_init_user(&io, a->start + at, min(end, size) - at);
        if (file_write(f, &io, &to) < 0)
            return -EIO;
        at = end;
    }
    return 0;
}
