// SPDX-License-Identifier: BSD-3-Clause
// ELF header, program headers, interpreter and notes; see base/elf.h. The dynamic section is in
// elf_dynamic.c. [System V ABI, AMD64 supplement; elf(5)]
#include <linux/elf.h>

#include "base/elf.h"
#include "base/elf_read.h"
#include "base/string.h"

#define SEGMENTS_MAX    1024
#define INTERPRETER_MAX 4096

const char *elf_fault_words(enum elf_fault fault)
{
    static const char *const words[] = {
        [ELF_FINE] = "fine",
        [ELF_NOT_ELF] = "not an ELF file",
        [ELF_32_BIT] = "a 32-bit program",
        [ELF_OTHER_MACHINE] = "a program for another architecture",
        [ELF_NOT_PROGRAM] = "an object file or core dump, not a program",
        [ELF_TRUNCATED] = "truncated: it is shorter than its headers say",
        [ELF_BAD_HEADERS] = "bad program headers",
        [ELF_OVERFLOW] = "bad program headers: sizes or addresses out of range",
        [ELF_NOTHING_TO_LOAD] = "nothing in it to load",
        [ELF_BAD_DYNAMIC] = "bad dynamic section",
        [ELF_UNREADABLE] = "unreadable",
    };
    return fault < array_count(words) ? words[fault] : "broken";
}

static int memory_read(void *arg, u64 offset, void *to, size_t size)
{
    const struct elf_memory *file = arg;

    memcpy(to, (const u8 *)file->data + offset, size);
    return 0;
}

struct elf_source elf_memory_source(struct elf_memory *file)
{
    return (struct elf_source){memory_read, file, file->size};
}

int elf_fail(struct elf *e, enum elf_fault fault)
{
    e->fault = fault;
    return -ENOEXEC;
}

int elf_read(struct elf *e, u64 offset, void *to, size_t size)
{
    u64 end;

    if (__builtin_add_overflow(offset, (u64)size, &end))
        return elf_fail(e, ELF_OVERFLOW);
    if (end > e->source.size)
        return elf_fail(e, ELF_TRUNCATED);
    int error = e->source.read(e->source.arg, offset, to, size);
    if (error < 0)
        e->fault = ELF_UNREADABLE;
    return error < 0 ? error : 0;
}

int elf_read_string(struct elf *e, u64 offset, u64 limit, char *to, size_t size)
{
    for (size_t n = 0;;) {
        char part[64];
        size_t part_size = min(sizeof(part), limit - n);
        if (!part_size)
            return elf_fail(e, ELF_BAD_HEADERS); // no terminator
        int error = elf_read(e, offset + n, part, part_size);
        if (error < 0)
            return error;
        for (size_t i = 0; i < part_size; i++, n++) {
            if (n == size)
                return -ENAMETOOLONG;
            to[n] = part[i];
            if (!part[i])
                return (int)n;
        }
    }
}

static int check_header(struct elf *e, const Elf64_Ehdr *h)
{
    if (memcmp(h->e_ident, ELFMAG, SELFMAG))
        return elf_fail(e, ELF_NOT_ELF);
    e->machine = h->e_machine;
    if (h->e_ident[EI_DATA] != ELFDATA2LSB)
        return elf_fail(e, ELF_OTHER_MACHINE);
    if (h->e_ident[EI_CLASS] == ELFCLASS32)
        return elf_fail(e, h->e_machine == EM_386 || h->e_machine == EM_X86_64 ? ELF_32_BIT
                                                                               : ELF_OTHER_MACHINE);
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64)
        return elf_fail(e, ELF_OTHER_MACHINE);
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return elf_fail(e, ELF_NOT_PROGRAM);
    if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phnum > SEGMENTS_MAX)
        return elf_fail(e, ELF_BAD_HEADERS);
    return 0;
}

// What must hold for one segment by itself.
static int check_segment(struct elf *e, const struct elf_segment *s)
{
    u64 end;

    if (s->type != ELF_LOAD && s->type != ELF_DYNAMIC && s->type != ELF_INTERP &&
        s->type != ELF_NOTE && s->type != ELF_TLS)
        return 0; // not ours: what it says is nobody's business
    if (__builtin_add_overflow(s->offset, s->file_size, &end))
        return elf_fail(e, ELF_OVERFLOW);
    if (end > e->source.size)
        return elf_fail(e, ELF_TRUNCATED);
    if (s->align & (s->align - 1))
        return elf_fail(e, ELF_BAD_HEADERS);
    if (s->type != ELF_LOAD)
        return 0;
    if (s->file_size > s->memory_size || (s->file_size && (s->offset ^ s->address) & (PAGE_SIZE - 1)))
        return elf_fail(e, ELF_BAD_HEADERS);
    if (__builtin_add_overflow(s->address, s->memory_size, &end) || end > ELF_ADDRESS_END)
        return elf_fail(e, ELF_OVERFLOW);
    return 0;
}

int elf_segment(struct elf *e, u32 index, struct elf_segment *out)
{
    Elf64_Phdr p;

    if (index >= e->segment_count)
        return 0;
    int error = elf_read(e, e->headers_offset + (u64)index * sizeof(p), &p, sizeof(p));
    if (error < 0)
        return error;
    *out = (struct elf_segment){
        .type = p.p_type,
        .flags = p.p_flags,
        .offset = p.p_offset,
        .file_size = p.p_filesz,
        .address = p.p_vaddr,
        .memory_size = p.p_memsz,
        .align = p.p_align,
    };
    error = check_segment(e, out);
    return error < 0 ? error : 1;
}

int elf_open(struct elf *e, struct elf_source source)
{
    Elf64_Ehdr h;
    struct elf_segment s;
    int result;

    *e = (struct elf){.source = source, .low = ~0ull};
    if (source.size < sizeof(h)) {
        char magic[SELFMAG] = {0};
        result = elf_read(e, 0, magic, min(source.size, (u64)SELFMAG));
        if (result < 0)
            return result;
        return elf_fail(e, memcmp(magic, ELFMAG, SELFMAG) ? ELF_NOT_ELF : ELF_TRUNCATED);
    }
    result = elf_read(e, 0, &h, sizeof(h));
    if (result < 0)
        return result;
    result = check_header(e, &h);
    if (result < 0)
        return result;
    e->fixed = h.e_type == ET_EXEC;
    e->entry = h.e_entry;
    e->headers_offset = h.e_phoff;
    if (h.e_phoff > source.size)
        return elf_fail(e, ELF_TRUNCATED);
    e->segment_count = h.e_phnum;

    for (u32 i = 0; (result = elf_segment(e, i, &s)) > 0; i++) {
        if (s.type != ELF_LOAD || !s.memory_size)
            continue;
        if (s.address < e->high)
            return elf_fail(e, ELF_BAD_HEADERS); // out of order, or they overlap
        e->low = min(e->low, s.address);
        e->high = s.address + s.memory_size;
    }
    if (result < 0)
        return result;
    return e->high ? 0 : elf_fail(e, ELF_NOTHING_TO_LOAD);
}

int elf_find(struct elf *e, u32 type, struct elf_segment *out)
{
    int result;

    for (u32 i = 0; (result = elf_segment(e, i, out)) > 0; i++)
        if (out->type == type)
            return 1;
    return result;
}

u64 elf_headers_address(struct elf *e)
{
    u64 size = e->segment_count * sizeof(Elf64_Phdr);
    struct elf_segment s;

    for (u32 i = 0; elf_segment(e, i, &s) > 0; i++)
        if (s.type == ELF_LOAD && s.offset <= e->headers_offset && size <= s.file_size &&
            e->headers_offset - s.offset <= s.file_size - size)
            return s.address + (e->headers_offset - s.offset);
    return 0;
}

int elf_interpreter(struct elf *e, char *to, size_t size)
{
    struct elf_segment s;
    int result = elf_find(e, ELF_INTERP, &s);

    if (result <= 0)
        return result;
    if (s.file_size < 2 || s.file_size > INTERPRETER_MAX)
        return elf_fail(e, ELF_BAD_HEADERS);
    result = elf_read_string(e, s.offset, s.file_size, to, size);
    return result ? result : elf_fail(e, ELF_BAD_HEADERS);
}

// Looks through one PT_NOTE segment: entries of three words, name and descriptor, each padded to
// four.
static int find_note(struct elf *e, const struct elf_segment *s, const char *name, u32 type,
                     void *to, size_t size)
{
    size_t name_size = strlen(name) + 1;
    char found[32];

    for (u64 at = 0; s->file_size - at >= sizeof(Elf64_Nhdr);) {
        Elf64_Nhdr n;
        int error = elf_read(e, s->offset + at, &n, sizeof(n));
        if (error < 0)
            return error;
        at += sizeof(n);
        u64 name_padded = ((u64)n.n_namesz + 3) & ~3ull;
        u64 left = s->file_size - at;
        if (n.n_namesz > left || n.n_descsz > left - min(name_padded, left))
            return elf_fail(e, ELF_BAD_HEADERS);
        if (n.n_type == type && n.n_namesz == name_size && name_size <= sizeof(found)) {
            error = elf_read(e, s->offset + at, found, name_size);
            if (error < 0)
                return error;
            if (!memcmp(found, name, name_size)) {
                error =
                    elf_read(e, s->offset + at + name_padded, to, min(size, (size_t)n.n_descsz));
                return error < 0 ? error : (int)min(n.n_descsz, 0x7fffffffu);
            }
        }
        at += min(left, name_padded + (((u64)n.n_descsz + 3) & ~3ull));
    }
    return -ENOENT;
}

int elf_note(struct elf *e, const char *name, u32 type, void *to, size_t size)
{
    struct elf_segment s;
    int result;

    for (u32 i = 0; (result = elf_segment(e, i, &s)) > 0; i++) {
        if (s.type != ELF_NOTE)
            continue;
        result = find_note(e, &s, name, type, to, size);
        if (result != -ENOENT)
            return result;
    }
    return result < 0 ? result : -ENOENT;
}
