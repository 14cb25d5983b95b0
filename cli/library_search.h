// SPDX-License-Identifier: BSD-3-Clause
// Where a dynamic loader looks for libraries: ld.so(8) of glibc, and musl's.
#pragma once

#include "cli/pack.h"

// An ELF file of the host whose libraries are looked for; `loader` is the one that needs it, up to
// the program. Strings as in the file, "" if there is none.
struct elf_object {
    const struct elf_object *loader;
    const char *path;    // on the host, links resolved as far as $ORIGIN asks for it
    const char *rpath;   // DT_RPATH
    const char *runpath; // DT_RUNPATH
    bool musl;           // which loader's rules
};

// Finds a library by the name in DT_NEEDED. 0 and its path; -ENOENT: nowhere; -ENOEXEC: only files
// for another machine. *out_by_environment: it was LD_LIBRARY_PATH that led there.
int library_find(struct pack *p, const struct elf_object *needed_by, const char *name,
                 const char **out_path, bool *out_by_environment);
