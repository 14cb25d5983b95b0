// SPDX-License-Identifier: BSD-3-Clause
// The table of CPUID instructions in the program and in its interpreter, whose start executes
// dozens of them (base/text_site.h says why that matters).
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/image.h"
#include "base/text_site.h"
#include "base/elf.h"
#include "cli/pack.h"

#define PAGE        4096ull
#define CALLS_MIN   16                            // of a page
#define SITES_MAX   60                            // as many stubs as a page has
#define INTERPRETER "/lib64/ld-linux-x86-64.so.2" // of what the program may start
#define PATH_SIZE   4096

// The next site at or behind `at`; `to` if there is none.
static uint64_t next_site(const uint8_t *bytes, uint64_t at, uint64_t to, struct text_site *out)
{
    for (; at + TEXT_SITE_SIZE_MAX <= to; at++) {
        const uint8_t *next = memchr(bytes + at, 0xb8, to - TEXT_SITE_SIZE_MAX - at + 1);
        if (!next)
            break;
        at = (uint64_t)(next - bytes);
        if (text_site_at(next, TEXT_SITE_SIZE_MAX, out))
            return at;
    }
    return to;
}

// System calls in the page of `at`. A page that is written to is copied for each exec, so only
// where there are many it is worth it: the ones of glibc's loader are, nearly all, in one page.
static unsigned page_calls(const uint8_t *bytes, uint64_t at, uint64_t to)
{
    uint64_t end = (at | (PAGE - 1)) + 1;
    struct text_site site;
    unsigned count = 0;
    for (at = next_site(bytes, at & ~(PAGE - 1), to, &site); at < to && at < end;
         at = next_site(bytes, at + 1, to, &site))
        count += site.kind == TEXT_SITE_SYSCALL;
    return count;
}

static void find_sites(const uint8_t *bytes, uint64_t from, uint64_t to, struct text *table,
                       uint32_t *count)
{
    struct text_site site;
    for (uint64_t at = next_site(bytes, from, to, &site);
         at < to && at <= UINT32_MAX && *count < SITES_MAX;
         at = next_site(bytes, at + 1, to, &site)) {
        uint32_t offset = (uint32_t)at;
        if (site.kind == TEXT_SITE_SYSCALL && page_calls(bytes, at, to) < CALLS_MIN)
            continue;
        text_add(table, &offset, sizeof(offset));
        ++*count;
    }
}

// Adds the program's part of the table. Writes its interpreter's path, or "".
static void add_program(const void *bytes, uint64_t size, struct text *table, char *interpreter)
{
    struct elf_memory memory = {bytes, size};
    struct image_sites head = {.file_size = (uint32_t)size};
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

void pack_sites(struct pack *p)
{
    const struct node *seen[2] = {NULL, NULL};
    char interpreter[PATH_SIZE], none[PATH_SIZE];
    struct text table = {0};
    add_file(p, p->program, &table, seen, interpreter);
    add_file(p, interpreter, &table, seen, none);
    add_file(p, INTERPRETER, &table, seen, none);
    if (table.size)
        image_tree_put_text(p->tree, IMAGE_SITES, 0444, table.bytes, table.size);
}
