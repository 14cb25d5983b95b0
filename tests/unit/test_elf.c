// SPDX-License-Identifier: BSD-3-Clause
// The ELF reader: the test program's own file, and a small one built here and then broken.
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/elf.h"
#include "base/relr.h"
#include "tests/unit/tables.h"

//  0      header, 3 program headers (PT_LOAD r-x, PT_LOAD rw-, PT_DYNAMIC), PT_NOTE, PT_INTERP
//  0x1000 data: dynamic section, strings, note, interpreter
#define DATA_ADDRESS 0x5000ull

struct small_elf {
    Elf64_Ehdr header;
    Elf64_Phdr segments[5];
    u8 pad[0x1000 - sizeof(Elf64_Ehdr) - 5 * sizeof(Elf64_Phdr)];
    Elf64_Dyn dynamic[8];
    char strings[32];
    Elf64_Nhdr notes[1];
    char note_name[8];
    u32 note_value[2];
    char interpreter[16];
};

static u64 address_of(size_t offset)
{
    return DATA_ADDRESS + offset - 0x1000;
}

#define ADDRESS(member) address_of(offsetof(struct small_elf, member))
#define SEGMENT(kind, member)                                                                      \
    {                                                                                              \
        .p_type = kind, .p_offset = offsetof(struct small_elf, member),                            \
        .p_vaddr = ADDRESS(member), .p_filesz = sizeof(((struct small_elf *)0)->member),           \
        .p_memsz = sizeof(((struct small_elf *)0)->member), .p_align = 8,                          \
    }

static struct small_elf small(void)
{
    struct small_elf f = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                   .e_type = ET_DYN,
                   .e_machine = EM_X86_64,
                   .e_entry = 0x100,
                   .e_phoff = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 5},
        .segments = {{.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_X,
                      .p_filesz = 0x1000,
                      .p_memsz = 0x1000,
                      .p_align = 0x1000},
                     {.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_W,
                      .p_offset = 0x1000,
                      .p_vaddr = DATA_ADDRESS,
                      .p_filesz = sizeof(struct small_elf) - 0x1000,
                      .p_memsz = 0x3000,
                      .p_align = 0x1000},
                     SEGMENT(PT_DYNAMIC, dynamic),
                     SEGMENT(PT_NOTE, notes),
                     SEGMENT(PT_INTERP, interpreter)},
        .dynamic = {{DT_NEEDED, {1}},
                    {DT_NEEDED, {6}},
                    {DT_STRTAB, {ADDRESS(strings)}},
                    {DT_STRSZ, {32}},
                    {0}},
        .strings = "\0liba\0libb",
        .notes = {{6, 8, 1}},
        .note_name = "Clade",
        .note_value = {7, 8},
        .interpreter = "/lib/ld.so",
    };
    f.segments[3].p_filesz = sizeof(f.notes) + sizeof(f.note_name) + sizeof(f.note_value);
    return f;
}

static struct elf_memory memory;

// Opens a copy of exactly its size, so that the sanitizer sees reads behind the end.
static int open_copy(struct elf *e, const void *data, size_t size)
{
    static void *copy;

    free(copy);
    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    memory = (struct elf_memory){copy, size};
    return elf_open(e, elf_memory_source(&memory));
}

static void small_file_reads(void)
{
    struct small_elf f = small();
    struct elf e;
    struct elf_segment s;
    char text[32];
    u32 note[2];
    u64 offset;

    check_equal(open_copy(&e, &f, sizeof(f)), 0);
    check(!e.fixed);
    check_equal(e.entry, 0x100);
    check_equal(e.low, 0);
    check_equal(e.high, DATA_ADDRESS + 0x3000);
    check_equal(elf_headers_address(&e), sizeof(Elf64_Ehdr));
    check_equal(elf_find(&e, ELF_TLS, &s), 0);
    check_equal(elf_find(&e, ELF_LOAD, &s), 1);
    check_equal(s.flags, ELF_READ | ELF_EXECUTE);
    check_equal(elf_interpreter(&e, text, sizeof(text)), 10);
    check_text(text, "/lib/ld.so");
    check_equal(elf_interpreter(&e, text, 10), -ENAMETOOLONG);
    check_equal(elf_note(&e, "Clade", 1, note, sizeof(note)), 8);
    check_equal(note[1], 8);
    check_equal(elf_note(&e, "Clade", 2, note, sizeof(note)), -ENOENT);
    check_equal(elf_dynamic_string(&e, ELF_NEEDED, 0, text, sizeof(text)), 4);
    check_text(text, "liba");
    check_equal(elf_dynamic_string(&e, ELF_NEEDED, 1, text, sizeof(text)), 4);
    check_equal(elf_dynamic_string(&e, ELF_NEEDED, 2, text, sizeof(text)), -ENOENT);
    check_equal(elf_dynamic_string(&e, ELF_RUNPATH, 0, text, sizeof(text)), -ENOENT);
    check_equal(elf_address_offset(&e, DATA_ADDRESS + 4, 4, &offset), 0);
    check_equal(offset, 0x1004);
    check(elf_address_offset(&e, DATA_ADDRESS + 0x2ff0, 4, &offset) < 0); // bss is not in the file
}

#define broken(fault_wanted, change)                                                               \
    do {                                                                                           \
        struct small_elf f = small();                                                              \
        struct elf e;                                                                              \
        change;                                                                                    \
        check_equal(open_copy(&e, &f, sizeof(f)), -ENOEXEC);                                       \
        check_text(elf_fault_words(e.fault), elf_fault_words(fault_wanted));                       \
    } while (0)

static void broken_headers_are_named(void)
{
    broken(ELF_NOT_ELF, f.header.e_ident[0] = 0);
    broken(ELF_32_BIT, (f.header.e_ident[EI_CLASS] = ELFCLASS32, f.header.e_machine = EM_386));
    broken(ELF_OTHER_MACHINE, f.header.e_machine = EM_AARCH64);
    broken(ELF_OTHER_MACHINE, f.header.e_ident[EI_DATA] = ELFDATA2MSB);
    broken(ELF_NOT_PROGRAM, f.header.e_type = ET_REL);
    broken(ELF_BAD_HEADERS, f.header.e_phnum = 0);
    broken(ELF_BAD_HEADERS, f.header.e_phentsize = 32);
    broken(ELF_TRUNCATED, f.header.e_phoff = 1 << 20);
    broken(ELF_TRUNCATED, f.header.e_phoff = ~0ull);
    broken(ELF_TRUNCATED, f.segments[1].p_offset = 0x2000);
    broken(ELF_OVERFLOW, (f.segments[1].p_offset = ~0xfffull, f.segments[1].p_filesz = 0x2000));
    broken(ELF_OVERFLOW, f.segments[1].p_vaddr = ~0xfffull);
    broken(ELF_OVERFLOW, f.segments[1].p_memsz = 1ull << 47);
    broken(ELF_BAD_HEADERS, f.segments[1].p_memsz = 1);
    broken(ELF_BAD_HEADERS, f.segments[1].p_vaddr = 0x5001);
    broken(ELF_BAD_HEADERS, f.segments[1].p_vaddr = 0);
    broken(ELF_BAD_HEADERS, f.segments[1].p_align = 3);
    broken(ELF_NOTHING_TO_LOAD, f.segments[0].p_type = f.segments[1].p_type = PT_NULL);
}

static void broken_contents_are_named(void)
{
    struct elf e;
    char text[32];
    struct small_elf f = small();

    f.dynamic[0].d_un.d_val = 32;
    check_equal(open_copy(&e, &f, sizeof(f)), 0);
    check_equal(elf_dynamic_string(&e, ELF_NEEDED, 0, text, sizeof(text)), -ENOEXEC);
    check_equal(e.fault, ELF_BAD_DYNAMIC);
    f = small();
    memset(f.interpreter, 'x', sizeof(f.interpreter));
    check_equal(open_copy(&e, &f, sizeof(f)), 0);
    check_equal(elf_interpreter(&e, text, sizeof(text)), -ENOEXEC);
    f = small();
    f.notes[0].n_descsz = 9;
    check_equal(open_copy(&e, &f, sizeof(f)), 0);
    check_equal(elf_note(&e, "Clade", 1, text, sizeof(text)), -ENOEXEC);
}

// An address, the words behind it by two bitmaps, and another address. [gABI, Relative Relocation Table]
static void packed_relocations(void)
{
    static const u64 table[] = {0x1000, 1 | 1ull << 1 | 1ull << 63, 1 | 1ull << 2, 0x8000, 1};
    static const u64 wanted[] = {0x1000, 0x1008, 0x11f8, 0x1208, 0x8000};
    struct relr r = {table, table + array_count(table), 0, 0, 0};
    u64 address;

    for (u32 i = 0; i < array_count(wanted); i++) {
        check(relr_next(&r, &address));
        check_equal(address, wanted[i]);
    }
    check(!relr_next(&r, &address));
}

static void every_truncation_is_safe(void)
{
    struct small_elf f = small();
    struct elf e;
    int fine = 0;

    for (size_t size = 0; size < sizeof(f); size += size < 512 ? 1 : 61)
        fine += open_copy(&e, &f, size) == 0;
    check_equal(fine, 0);
}

static void own_program_reads(void)
{
    struct elf e;
    char text[256];
    bool found = false;
    size_t size;
    void *data = unit_read_file("/proc/self/exe", &size);

    check_equal(open_copy(&e, data, size), 0);
    free(data);
    check(elf_interpreter(&e, text, sizeof(text)) > 0);
    check(strstr(text, "ld-linux") != NULL);
    for (u32 i = 0; elf_dynamic_string(&e, ELF_NEEDED, i, text, sizeof(text)) > 0; i++)
        found |= !strcmp(text, "libc.so.6");
    check(found);
    check(elf_note(&e, "GNU", NT_GNU_BUILD_ID, text, sizeof(text)) == 20);
}

const struct unit_test elf_tests[] = {
    TEST(small_file_reads),         TEST(broken_headers_are_named), TEST(broken_contents_are_named),
    TEST(packed_relocations), TEST(every_truncation_is_safe), TEST(own_program_reads), {0},
};
