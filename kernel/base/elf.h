// SPDX-License-Identifier: BSD-3-Clause
// A reader of x86-64 ELF programs, for hostile input: nothing in the file is believed before it is
// checked, and what is checked is a copy, so the file may even change meanwhile.
//
//     struct elf_memory file = { data, size };            // or a source of your own
//     struct elf elf;
//     if (elf_open(&elf, elf_memory_source(&file)) < 0)
//         say(elf_fault_words(elf.fault));
//     for (u32 i = 0; elf_segment(&elf, i, &segment) > 0; i++) ...
//
// Every function returns a negative errno for a broken file: -ENOEXEC, with the reason in
// elf.fault, or the error of the source's read function. Addresses are the file's own (add the load
// bias yourself).
#pragma once

#include "base/types.h"

// Where the bytes come from. read copies [offset, offset + size), which lies within the file's size
// as given here; 0 or a negative errno.
struct elf_source {
    int (*read)(void *arg, u64 offset, void *to, size_t size);
    void *arg;
    u64 size;
};

struct elf_memory {
    const void *data;
    u64 size;
};
struct elf_source elf_memory_source(struct elf_memory *file); // reads from memory

enum elf_fault {
    ELF_FINE,
    ELF_NOT_ELF,
    ELF_32_BIT,
    ELF_OTHER_MACHINE,
    ELF_NOT_PROGRAM, // an object file or a core dump
    ELF_TRUNCATED,   // headers or segments point behind the end of the file
    ELF_BAD_HEADERS,
    ELF_OVERFLOW, // sizes or addresses that overflow or leave the address space
    ELF_NOTHING_TO_LOAD,
    ELF_BAD_DYNAMIC,
    ELF_UNREADABLE, // the source failed
};
const char *elf_fault_words(enum elf_fault fault); // "not an ELF file", ...

// Segment types (p_type) and flags (p_flags), and dynamic tags that callers ask for.
#define ELF_LOAD    1u
#define ELF_DYNAMIC 2u
#define ELF_INTERP  3u
#define ELF_NOTE    4u
#define ELF_TLS     7u
#define ELF_STACK   0x6474e551u // PT_GNU_STACK
#define ELF_RELRO   0x6474e552u // PT_GNU_RELRO

#define ELF_EXECUTE 1u
#define ELF_WRITE   2u
#define ELF_READ    4u

#define ELF_NEEDED  1
#define ELF_SONAME  14
#define ELF_RPATH   15
#define ELF_RUNPATH 29

#define ELF_ADDRESS_END (1ull << 47) // segments must end at or below

struct elf_segment {
    u32 type, flags;
    u64 offset, file_size;    // in the file; file_size <= memory_size for ELF_LOAD
    u64 address, memory_size; // address + memory_size <= ELF_ADDRESS_END for ELF_LOAD
    u64 align;                // 0, or a power of two
};

struct elf {
    struct elf_source source;
    enum elf_fault fault; // why the last call failed
    bool fixed;           // ET_EXEC: addresses are absolute; otherwise position-independent
    u16 machine;          // as in the file, for messages
    u64 entry;
    u64 headers_offset; // of the program headers in the file
    u32 segment_count;
    u64 low, high; // addresses of all ELF_LOADs: [low, high)
};

// Checks the header and every program header. ELF_LOADs are in ascending order, do not overlap, and
// their offset and address agree modulo the page size (of those that have bytes in the file).
must_check int elf_open(struct elf *e, struct elf_source source);

// Segment number `index`: 1 and *out; 0: there is none.
must_check int elf_segment(struct elf *e, u32 index, struct elf_segment *out);
// The first segment of a type: 1 and *out; 0: there is none.
must_check int elf_find(struct elf *e, u32 type, struct elf_segment *out);
// Where the segment with the program headers puts them: their address in memory, 0 if nowhere. For
// AT_PHDR.
u64 elf_headers_address(struct elf *e);

// The program's interpreter: its length, 0 if it has none. -ENAMETOOLONG if `size` is too small.
must_check int elf_interpreter(struct elf *e, char *to, size_t size);

// Copies at most `size` bytes of the descriptor of the note with this name and type; returns its
// whole size, or -ENOENT.
must_check int elf_note(struct elf *e, const char *name, u32 type, void *to, size_t size);

// The nth entry with this tag in the dynamic section. 1 and *out; 0: there is none.
must_check int elf_dynamic(struct elf *e, s64 tag, u32 nth, u64 *out_value);
// The same for tags whose value is a string: its length; -ENOENT; -ENAMETOOLONG.
must_check int elf_dynamic_string(struct elf *e, s64 tag, u32 nth, char *to, size_t size);

// The file offset of [address, address + size), which must lie within the bytes of one ELF_LOAD.
must_check int elf_address_offset(struct elf *e, u64 address, u64 size, u64 *out_offset);
