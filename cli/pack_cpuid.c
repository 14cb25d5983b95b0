// SPDX-License-Identifier: BSD-3-Clause
// The table of CPUID instructions in the program and in its interpreter, whose start executes
// dozens of them (base/cpuid_site.h says why that matters).
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/image.h"
#include "base/cpuid_site.h"
#include "base/elf.h"
#include "cli/pack.h"

#define SITES_MAX   60                            // as many stubs as a page has
#define INTERPRETER "/lib64/ld-linux-x86-64.so.2" // of what the program may start
#define PATH_SIZE   4096

static void find_sites(const uint8_t *bytes, uint64_t from, uint64_t to, struct text *table,
                       uint32_t *count)
{
    struct cpuid_site site;
    for (uint64_t at = from; at + CPUID_SITE_SIZE_MAX <= to && *count < SITES_MAX; at++) {
        const uint8_t *next = memchr(bytes + at, 0xb8, to - CPUID_SITE_SIZE_MAX - at);
        if (!next)
            break;
        at = (uint64_t)(next - bytes);
        if (at > UINT32_MAX || !cpuid_site_at(next, CPUID_SITE_SIZE_MAX, &site))
            continue;
        uint32_t offset = (uint32_t)at;
        text_add(table, &offset, sizeof(offset));
        ++*count;
    }
}

// Adds the program's part of the table. Writes its interpreter's path, or "".
static void add_program(const void *bytes, uint64_t size, struct text *table, char *interpreter)
{
    struct elf_memory memory = {bytes, size};
    struct image_cpuid head = {.file_size = (uint32_t)size};
    struct elf_segment s;
    struct text offsets = {0};
    struct elf elf;
    *interpreter = '\0';
    if (elf_open(&elf, elf_memory_source(&memory)) < 0)
        return;
    if (elf_interpreter(&elf, interpreter, PATH_SIZE) <= 0)
        *interpreter = '\0';
    head.entry = (uint32_t)elf.entry;
    for (uint32_t i = 0; elf_segment(&elf, i, &s) > 0; i++)
        if (s.type == ELF_LOAD && (s.flags & ELF_EXECUTE) && !(s.flags & ELF_WRITE))
            find_sites(bytes, s.offset, s.offset + s.file_size, &offsets, &head.count);
    if (head.count) {
        text_add(table, &head, sizeof(head));
        text_add(table, offsets.bytes, offsets.size);
    }
}

// Looks into the file at a guest path. Each file once: `seen` has two places.
static void add_file(struct pack *p, const char *path, struct text *table, const struct node **seen,
                     char *interpreter)
{
    const struct node *n = *path ? image_tree_follow(p->tree, path) : NULL;
    struct stat s;
    *interpreter = '\0';
    if (!n || !n->host || n == seen[0] || n == seen[1])
        return;
    seen[seen[0] ? 1 : 0] = n;
    int fd = open(n->host, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            add_program(bytes, (uint64_t)s.st_size, table, interpreter);
            munmap(bytes, (size_t)s.st_size);
        }
    }
    if (fd >= 0)
        close(fd);
}

void pack_cpuid(struct pack *p)
{
    const struct node *seen[2] = {NULL, NULL};
    char interpreter[PATH_SIZE], none[PATH_SIZE];
    struct text table = {0};
    add_file(p, p->program, &table, seen, interpreter);
    add_file(p, interpreter, &table, seen, none);
    add_file(p, INTERPRETER, &table, seen, none);
    if (table.size)
        image_tree_put_text(p->tree, IMAGE_CPUID, 0444, table.bytes, table.size);
}
