// SPDX-License-Identifier: BSD-3-Clause
// For images without right memory: the static program, its heap and its stack are mapped before the
// sandbox shuts, since nothing can be mapped afterwards.
//
//     load_bias + segments    where the ELF says, or at a random base (static-PIE)
//     heap                    behind a random gap; for brk and mmap
//     stack                   high, with unmapped pages around it
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/erofs.h"
#include "base/error_words.h"
#include "tender/image_path.h"
#include "tender/message.h"
#include "tender/process/member.h"

#define EXIT_NO_PROGRAM 127
#define HEAP_SIZE       (256ull << 20) // a reservation; what is not touched costs nothing
#define STACK_SIZE      (8ull << 20)
#define PIE_BASE        0x10000000000ull
#define HEAP_BASE       0x20000000000ull
#define STACK_BASE      0x30000000000ull

struct program {
    const char *path;
    u64 offset; // in the image
    u64 bias;
    struct elf_memory file;
    struct elf elf;
};

static int find_program(struct member *m, struct program *p)
{
    struct erofs fs;
    struct erofs_inode inode;
    const char *words = "broken";

    if (erofs_open(&fs, (const u8 *)m->image_base, m->image.size, &words) < 0)
        return message_image(m->image.path, "its file system: %s", words);
    int error = image_path_find(&fs, p->path, &inode);
    if (error < 0) {
        message_image(m->image.path, "%s: %s", p->path, error_words(error));
        _exit(error == -ENOENT ? EXIT_NO_PROGRAM : 126);
    }
    if (!S_ISREG(inode.mode) || erofs_map_offset(&fs, &inode, &p->offset) < 0 ||
        p->offset > m->image.size || inode.size > m->image.size - p->offset)
        return message_image(m->image.path, "%s: can't be mapped", p->path);
    p->file = (struct elf_memory){(const u8 *)m->image_base + p->offset, inode.size};
    return 0;
}

static int open_program(struct member *m, struct program *p)
{
    struct elf_segment s;

    if (elf_open(&p->elf, elf_memory_source(&p->file)) < 0)
        return message_image(m->image.path, "%s: %s", p->path, elf_fault_words(p->elf.fault));
    if (elf_find(&p->elf, ELF_INTERP, &s) > 0)
        return message_image(m->image.path,
                             "%s: a program with shared libraries needs right memory", p->path);
    p->bias = p->elf.fixed ? 0 : PIE_BASE;
    if (p->elf.low + p->bias < USER_LOW || p->elf.high + p->bias > USER_HIGH)
        return message_image(m->image.path, "%s: addresses out of range", p->path);
    return 0;
}

static int user_map(u64 start, u64 end, int prot, int flags, int fd, u64 offset)
{
    if (start == end)
        return 0;
    void *at = mmap((void *)start, end - start, prot,
                    flags | MAP_PRIVATE | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, (off_t)offset);
    return at == (void *)start ? 0 : -1;
}

// File pages, the zeroed rest of the last one, and whole zero pages behind.
static int map_segment(struct member *m, struct program *p, const struct elf_segment *s)
{
    u64 start = p->bias + s->address, file_end = start + s->file_size;
    u64 end = page_round_up(start + s->memory_size), first = page_round_down(start);
    u64 offset = p->offset + s->offset - (start - first);
    int prot = (s->flags & ELF_READ ? PROT_READ : 0) | (s->flags & ELF_WRITE ? PROT_WRITE : 0) |
               (s->flags & ELF_EXECUTE ? PROT_EXEC : 0);
    u64 file_pages = s->file_size ? page_round_up(file_end) : first;

    if (s->memory_size > s->file_size && !(s->flags & ELF_WRITE))
        return -1;
    if (user_map(first, file_pages, prot, 0, m->image.fd, offset) ||
        user_map(file_pages, end, prot, MAP_ANONYMOUS, -1, 0))
        return -1;
    if (s->memory_size > s->file_size && file_pages > file_end)
        memset((void *)file_end, 0, file_pages - file_end);
    return 0;
}

static int map_program(struct member *m, struct program *p)
{
    struct elf_segment s;

    for (u32 i = 0; elf_segment(&p->elf, i, &s) > 0; i++)
        if (s.type == ELF_LOAD && map_segment(m, p, &s))
            return message_image(m->image.path, "%s: can't be mapped where it wants to be: %s",
                                 p->path, message_error(errno));
    u64 low = page_round_down(p->bias + p->elf.low);
    return member_keep(m, low, page_round_up(p->bias + p->elf.high) - low);
}

static int map_area(struct member *m, u64 base, u64 size, u64 random, __u64 *out_start)
{
    u64 start = base + (random & 0xffffff) * PAGE_SIZE;

    *out_start = start;
    if (user_map(start, start + size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS, -1, 0))
        return message_image(m->image.path, "no memory: %s", message_error(errno));
    return member_keep(m, start, size);
}

int preload_program(struct member *m)
{
    struct boot_info *boot = member_boot(m);
    struct program p = {.path =
                            m->config->program ? m->config->program : m->image.manifest.program};

    if (find_program(m, &p) || open_program(m, &p))
        return -1;
    if (p.bias)
        p.bias += (m->random >> 40) * PAGE_SIZE;
    if (map_program(m, &p) || map_area(m, HEAP_BASE, HEAP_SIZE, m->random, &boot->preload_heap) ||
        map_area(m, STACK_BASE, STACK_SIZE, m->random >> 20, &boot->preload_stack))
        return -1;
    boot->preload_heap_size = HEAP_SIZE;
    boot->preload_stack_size = STACK_SIZE;
    boot->preload_entry = p.bias + p.elf.entry;
    boot->preload_phdr = p.bias + elf_headers_address(&p.elf);
    boot->preload_phnum = p.elf.segment_count;
    return 0;
}
