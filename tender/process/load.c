// SPDX-License-Identifier: BSD-3-Clause
// The kernel's ELF into the member's address space: text and read-only data straight from the image
// file, shared with every instance; data into family memory, relocated.
//
// All this runs before the sandbox is shut, on input that may be hostile: the addresses were
// checked by base/elf.c and plan.c, and a relocation is checked once more here.
#include <elf.h>
#include <errno.h>
#include <unistd.h>
#include <sys/mman.h>

#include "base/relr.h"
#include "tender/message.h"
#include "tender/process/member.h"

#ifndef DT_RELR // as in the gABI; older C libraries do not name it
#define DT_RELR   36
#define DT_RELRSZ 35
#endif

#ifndef MADV_POPULATE_WRITE // Linux 5.14; older C libraries do not name it
#define MADV_POPULATE_WRITE 23
#endif

#define START_PAGES_MAX 32ull

static int map_segment(struct member *m, const struct elf_segment *s)
{
    u64 start = page_round_down(s->address), size = s->address + s->file_size - start;
    u64 offset = m->image.header.kernel_offset + page_round_down(s->offset);
    void *at = (void *)(m->kernel_base + start);
    int prot = PROT_READ | (s->flags & ELF_EXECUTE ? PROT_EXEC : 0);

    if (!size ||
        mmap(at, size, prot, MAP_PRIVATE | MAP_FIXED_NOREPLACE, m->image.fd, (off_t)offset) == at)
        return 0;
    return message_image(m->image.path, "can't map its kernel: %s", message_error(errno));
}

// What each start writes to, by two calls instead of a fault each page (0.5 us less each). A host before Linux 5.14
// can't, and it does no harm: those of an image without memory of its own have no heap.
static void make_pages(const struct member *m)
{
    const struct kernel_note *note = &m->image.note;
    u64 heap = m->rights & RIGHT_MEMORY ? note->heap_pages : 0;
    u64 data_size = min((u64)note->data_pages, START_PAGES_MAX) * PAGE_SIZE,
        boot_size = (1 + min(heap, START_PAGES_MAX)) * PAGE_SIZE;

    if (data_size <= page_round_up(m->segments[m->segment_count - 1].memory_size))
        (void)madvise((void *)m->family_base, data_size, MADV_POPULATE_WRITE);
    (void)madvise((void *)member_boot(m), boot_size, MADV_POPULATE_WRITE);
}

static int read_data(struct member *m, const struct elf_segment *s)
{
    u64 offset = m->image.header.kernel_offset + s->offset;
    ssize_t count = pread(m->image.fd, (void *)m->family_base, s->file_size, (off_t)offset);

    if (count == (ssize_t)s->file_size)
        return 0;
    return message_image(m->image.path, "torn image: its kernel can't be read");
}

static int map_image(struct member *m)
{
    void *at = (void *)m->image_base;

    if (mmap(at, m->image.size, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, m->image.fd, 0) == at)
        return 0;
    return message_image(m->image.path, "can't map it: %s", message_error(errno));
}

// The value of a tag in the dynamic section, which stands in the data already: no page of the image
// is touched for it, and it can't change any more. 0: it is not there.
static u64 dynamic_value(const struct member *m, s64 tag)
{
    const struct elf_segment *data = &m->segments[m->segment_count - 1];
    u64 offset = m->dynamic_address - data->address;

    if (offset > data->file_size || m->dynamic_size > data->file_size - offset ||
        offset % sizeof(u64))
        return 0;
    const Elf64_Dyn *entries = (const void *)(m->family_base + offset);
    for (u64 i = 0; i < m->dynamic_size / sizeof(*entries) && entries[i].d_tag; i++)
        if (entries[i].d_tag == tag)
            return entries[i].d_un.d_val;
    return 0;
}

// There are a thousand of them, at every start. The table lies in a read-only segment, and as the file may change
// under the mapping an entry is read once and checked then.
static int relocate(struct member *m)
{
    const struct elf_segment *data = &m->segments[m->segment_count - 1], *s = m->segments;
    u64 table = dynamic_value(m, DT_RELR), size = dynamic_value(m, DT_RELRSZ), address;

    if (!size)
        return 0;
    while (s < data && table - s->address >= s->file_size)
        s++;
    if (s == data || size > s->file_size - (table - s->address) || table % sizeof(u64))
        return -ENOEXEC;
    const u64 *entries = (const void *)(m->kernel_base + table);
    struct relr r = {entries, entries + size / sizeof(u64), 0, 0, 0};
    while (relr_next(&r, &address)) {
        u64 at = address - data->address;
        if (at > data->memory_size - sizeof(u64))
            return -ENOEXEC;
        if (at < data->file_size) // and not in kernel.ld's .late, which the kernel loads itself
            *(u64 *)(m->family_base + at) += m->kernel_base;
    }
    return 0;
}

int load_kernel(struct member *m)
{
    const struct elf_segment *data = &m->segments[m->segment_count - 1];

    if (map_image(m))
        return -1;
    for (u32 i = 0; i + 1 < m->segment_count; i++)
        if (map_segment(m, &m->segments[i]))
            return -1;
    make_pages(m);
    if (read_data(m, data))
        return -1;
    if (data->memory_size < sizeof(u64) || relocate(m) < 0)
        return message_image(m->image.path, "its kernel: bad relocations");
    // The gate and its stack lie between.
    return member_keep(m, m->image_base, m->family_base + m->family_size - m->image_base);
}
