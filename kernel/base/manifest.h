// SPDX-License-Identifier: BSD-3-Clause
// The manifest of an image: parser and writer of the text that abi/image.h describes. Nothing is
// allocated: the parser puts decoded strings into a buffer of the caller's.
//
//     char buffer[MANIFEST_SIZE_MAX];
//     if (manifest_parse(&m, text, size, buffer, &error) < 0)
//         say("manifest line %u: %s", error.line, error.words);
//     for (s = manifest_next(&m.arguments, NULL); s; s = manifest_next(&m.arguments, s)) ...
#pragma once

#include "abi/boot.h"
#include "abi/image.h"
#include "base/types.h"

struct manifest_strings { // `count` strings, each with its terminator, one behind the other
    const char *first;
    u32 count;
    u32 size; // bytes, terminators included
};

struct manifest {
    const char *program;  // absolute path, never NULL
    const char *workdir;  // absolute path; NULL: not given
    const char *hostname; // NULL: not given
    struct manifest_strings arguments, environment, sources;
    u32 rights; // RIGHT_*
    u32 cpus;   // 0: not given
    u64 memory; // bytes; 0: not given
};

struct manifest_error {
    u32 line; // 0: the text as a whole
    const char *words;
};

// buffer holds MANIFEST_SIZE_MAX bytes and lives as long as *m. -EINVAL with *out_error filled.
must_check int manifest_parse(struct manifest *m, const char *text, size_t size, char *buffer,
                              struct manifest_error *out_error);

// Writes the text, not terminated; returns its size. -ENOSPC: it does not fit, or is too long for
// any reader.
must_check s64 manifest_write(const struct manifest *m, char *to, size_t size);

// The string behind `previous` (NULL: the first); NULL at the end.
const char *manifest_next(const struct manifest_strings *strings, const char *previous);

// "memory", ...: the name of one RIGHT_* bit; NULL if it has none.
const char *manifest_right_name(u32 right);
// "512M" and the like, as in the memory line (suffixes K M G T, powers of 1024). -EINVAL
must_check int manifest_parse_size(const char *text, u64 *out_size);
