// SPDX-License-Identifier: BSD-3-Clause
// The table of CPUID instructions in the program and in its interpreter, whose start executes
// dozens of them (base/text_site.h says why that matters).
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/image.h"
#include "base/elf.h"
#include "base/instruction.h"
#include "base/text_site.h"
#include "cli/pack.h"

#define PAGE        4096ull
#define CALLS_MIN   16       // of a page
#define SITES_MAX   60       // as many stubs as a page has
#define SWEEP       4096ull  // decoding from anywhere finds the instructions again within this
#define JUMPS       32768ull // how far around a site jumps to it are looked for
#define INTERPRETER "/lib64/ld-linux-x86-64.so.2" // of what the program may start
#define PATH_SIZE   4096

struct code { // a segment's text, by offsets in the file
    const uint8_t *bytes;
    uint64_t from, to;
};

struct sites {
    uint32_t offsets[SITES_MAX];
    uint32_t count;
};

static void sites_add(struct sites *s, uint64_t at)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->offsets[i] == at)
            return;
    if (s->count < SITES_MAX && at <= UINT32_MAX)
        s->offsets[s->count++] = (uint32_t)at;
}

static int compare_offsets(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool site_at(const struct code *c, uint64_t at, struct text_site *out)
{
    uint64_t room = c->to - at;
    return text_site_at(c->bytes + at, room < TEXT_SITE_SIZE_MAX ? room : TEXT_SITE_SIZE_MAX, out);
}

// The next system call whose number stands in front of it, at or behind `at`; `to` if there is
// none.
static uint64_t next_call(const struct code *c, uint64_t at, uint64_t to)
{
    struct text_site site;
    for (; at + TEXT_SITE_SIZE_MAX <= to; at++) {
        const uint8_t *next = memchr(c->bytes + at, 0xb8, to - TEXT_SITE_SIZE_MAX - at + 1);
        if (!next)
            break;
        at = (uint64_t)(next - c->bytes);
        if (site_at(c, at, &site) && site.kind == TEXT_SITE_SYSCALL)
            return at;
    }
    return to;
}

// System calls in the page of `at`. A page that is written to is copied for each exec, so only
// where there are many it is worth it: the ones of glibc's loader are, nearly all, in one page.
static unsigned page_calls(const struct code *c, uint64_t at)
{
    uint64_t end = (at | (PAGE - 1)) + 1, to = end < c->to ? end + TEXT_SITE_SIZE_MAX : c->to;
    unsigned count = 0;
    if (to > c->to)
        to = c->to;
    for (at = next_call(c, at & ~(PAGE - 1), to); at < to && at < end;
         at = next_call(c, at + 1, to))
        count++;
    return count;
}

static void find_calls(const struct code *c, struct sites *out)
{
    for (uint64_t at = next_call(c, c->from, c->to); at < c->to; at = next_call(c, at + 1, c->to))
        if (page_calls(c, at) >= CALLS_MIN)
            sites_add(out, at);
}

// Does a jump or call around lead behind `at`, but not as far as `end`? All bytes that could be one
// count.
static bool is_jumped_into(const struct code *c, uint64_t at, uint64_t end)
{
    uint64_t from = at - c->from > JUMPS ? at - JUMPS : c->from,
             to = c->to - at > JUMPS ? at + JUMPS : c->to;
    for (uint64_t i = from; i + 5 <= to; i++) {
        uint8_t op = c->bytes[i];
        int32_t far;
        memcpy(&far, c->bytes + i + 1, sizeof(far));
        bool is_short = (op & 0xf0) == 0x70 || op == 0xeb || (op & 0xfc) == 0xe0;
        bool is_far = op == 0xe8 || op == 0xe9 || (op & 0xf0) == 0x80; // 80..8f: behind 0f
        uint64_t target =
            is_short ? i + 2 + (uint64_t)(int8_t)c->bytes[i + 1] : i + 5 + (uint64_t)(int64_t)far;
        if ((is_short || is_far) && target > at && target < end)
            return true;
    }
    return false;
}

// The instructions in front of the CPUID at `end`: writes where those that are at most `most` bytes
// away begin, nearest first. Decoding may begin within an instruction, but gets into step soon.
static unsigned instructions_before(const struct code *c, uint64_t end, uint64_t most,
                                    uint64_t *out)
{
    uint64_t at = end - c->from > SWEEP ? end - SWEEP : c->from, starts[TEXT_SITE_SIZE_MAX];
    unsigned count = 0;
    while (at < end) {
        uint32_t size = instruction_size(c->bytes + at, c->to - at);
        if (end - at <= most)
            starts[count++] = at;
        if (!size)
            count = 0; // no code: begin anew behind it
        at += size ? size : 1;
    }
    if (at != end)
        return 0;
    for (unsigned i = 0; i < count; i++)
        out[i] = starts[count - 1 - i];
    return count;
}

static void find_cpuid(const struct code *c, struct sites *out)
{
    static const uint8_t cpuid[] = {0x0f, 0xa2};
    uint64_t starts[TEXT_SITE_SIZE_MAX];
    const uint8_t *next = c->bytes + c->from;
    struct text_site site;
    while ((next = memmem(next, (size_t)(c->bytes + c->to - next), cpuid, sizeof(cpuid)))) {
        uint64_t end = (uint64_t)(next++ - c->bytes);
        unsigned count = instructions_before(c, end, TEXT_SITE_SIZE_MAX - sizeof(cpuid), starts);
        for (unsigned i = 0; i < count; i++) {
            if (!site_at(c, starts[i], &site) || site.kind != TEXT_SITE_CPUID ||
                starts[i] + site.lead != end)
                continue;
            if (site.first_size >= TEXT_SITE_JUMP ||
                !is_jumped_into(c, starts[i], starts[i] + TEXT_SITE_JUMP)) {
                sites_add(out, starts[i]);
                break;
            }
        }
    }
}

// Adds the program's part of the table. Writes its interpreter's path, or "".
static void add_program(const void *bytes, uint64_t size, struct text *table, char *interpreter)
{
    struct elf_memory memory = {bytes, size};
    struct image_sites head = {.file_size = (uint32_t)size};
    struct elf_segment s;
    struct sites sites = {0};
    struct elf elf;
    *interpreter = '\0';
    if (elf_open(&elf, elf_memory_source(&memory)) < 0)
        return;
    if (elf_interpreter(&elf, interpreter, PATH_SIZE) <= 0)
        *interpreter = '\0';
    head.entry = (uint32_t)elf.entry;
    for (uint32_t i = 0; elf_segment(&elf, i, &s) > 0; i++)
        if (s.type == ELF_LOAD && (s.flags & ELF_EXECUTE) && !(s.flags & ELF_WRITE)) {
            struct code code = {bytes, s.offset, s.offset + s.file_size};
            find_cpuid(&code, &sites);
            find_calls(&code, &sites);
        }
    head.count = sites.count;
    qsort(sites.offsets, sites.count, sizeof(sites.offsets[0]), compare_offsets);
    if (head.count) {
        text_add(table, &head, sizeof(head));
        text_add(table, sites.offsets, sites.count * sizeof(sites.offsets[0]));
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
