// SPDX-License-Identifier: BSD-3-Clause
// Text that grows: what the files of /proc and /sys are made of.
//
//     struct text t = { 0 };
//     text_add(&t, "MemTotal: %8llu kB\n", kib);
//     if (t.failed) ... -ENOMEM             text_free(&t);
#pragma once

#include "base/types.h"

struct text {
    char *data;  // heap memory; not terminated
    size_t size; // bytes used
    size_t capacity;
    bool failed; // memory ran out: what was added last is missing
};

printf_like(2, 3) void text_add(struct text *t, const char *format, ...);
void text_add_bytes(struct text *t, const void *bytes, size_t size);
// As bytes, with the characters of `escape` as \ooo: how mounts and maps write names.
void text_add_escaped(struct text *t, const char *s, const char *escape);
void text_pad(struct text *t, size_t column,
              size_t line_start); // blanks up to the column of a line
void text_free(struct text *t);
