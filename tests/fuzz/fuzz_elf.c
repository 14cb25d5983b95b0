// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the ELF reader: everything a loader asks of a file.
#include "base/elf.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct elf_memory memory = {data, size};
    struct elf e;
    struct elf_segment s;
    char text[64];
    u64 value;

    if (elf_open(&e, elf_memory_source(&memory)) < 0)
        return 0;
    elf_headers_address(&e);
    int ignored = elf_interpreter(&e, text, sizeof(text));
    ignored |= elf_note(&e, "GNU", 3, text, sizeof(text));
    ignored |= elf_find(&e, ELF_TLS, &s);
    for (u32 i = 0; i < 8 && elf_dynamic_string(&e, ELF_NEEDED, i, text, sizeof(text)) >= 0; i++)
        ;
    ignored |= elf_dynamic(&e, ELF_SONAME, 0, &value);
    (void)ignored;
    return 0;
}
