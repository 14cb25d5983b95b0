// SPDX-License-Identifier: BSD-3-Clause
// Between elf.c and elf_dynamic.c only.
#pragma once

#include "base/elf.h"

int elf_fail(struct elf *e, enum elf_fault fault); // sets e->fault; -ENOEXEC
// Reads within the file's size.
must_check int elf_read(struct elf *e, u64 offset, void *to, size_t size);
// Reads a string whose terminator stands within `limit` bytes; its length, or -ENAMETOOLONG.
must_check int elf_read_string(struct elf *e, u64 offset, u64 limit, char *to, size_t size);
