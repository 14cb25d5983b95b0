// SPDX-License-Identifier: BSD-3-Clause
// The dynamic section of an ELF file: its strings and its relative relocations; see base/elf.h.
// It is found through PT_DYNAMIC alone: section headers may be stripped, or lie.
#include <linux/elf.h>

#include "base/elf.h"
#include "base/elf_read.h"

#define DYNAMIC_MAX        4096 // entries
#define DYNAMIC_STRING_MAX 4096

int elf_dynamic(struct elf *e, s64 tag, u32 nth, u64 *out_value)
{
    struct elf_segment s;
    int result = elf_find(e, ELF_DYNAMIC, &s);

    if (result <= 0)
        return result;
    u64 count = min(s.file_size / sizeof(Elf64_Dyn), (u64)DYNAMIC_MAX);
    for (u64 i = 0; i < count; i++) {
        Elf64_Dyn d;
        int error = elf_read(e, s.offset + i * sizeof(d), &d, sizeof(d));
        if (error < 0)
            return error;
        if (d.d_tag == DT_NULL)
            break;
        if (d.d_tag == tag && !nth--) {
            *out_value = d.d_un.d_val;
            return 1;
        }
    }
    return 0;
}

int elf_address_offset(struct elf *e, u64 address, u64 size, u64 *out_offset)
{
    struct elf_segment s;
    int result;

    for (u32 i = 0; (result = elf_segment(e, i, &s)) > 0; i++) {
        if (s.type == ELF_LOAD && address >= s.address && size <= s.file_size &&
            address - s.address <= s.file_size - size) {
            *out_offset = s.offset + (address - s.address);
            return 0;
        }
    }
    return result < 0 ? result : elf_fail(e, ELF_BAD_DYNAMIC);
}

int elf_dynamic_string(struct elf *e, s64 tag, u32 nth, char *to, size_t size)
{
    u64 index, table, table_size, offset;
    int result = elf_dynamic(e, tag, nth, &index);

    if (result <= 0)
        return result < 0 ? result : -ENOENT;
    result = elf_dynamic(e, DT_STRTAB, 0, &table);
    if (result > 0)
        result = elf_dynamic(e, DT_STRSZ, 0, &table_size);
    if (result <= 0)
        return result < 0 ? result : elf_fail(e, ELF_BAD_DYNAMIC);
    if (index >= table_size)
        return elf_fail(e, ELF_BAD_DYNAMIC);
    result = elf_address_offset(e, table, table_size, &offset);
    if (result < 0)
        return result;
    return elf_read_string(e, offset + index, min(table_size - index, (u64)DYNAMIC_STRING_MAX), to,
                           size);
}
