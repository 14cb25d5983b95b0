// SPDX-License-Identifier: BSD-3-Clause
// Strings and memory for the commands. A command is short: what it allocates here stays until it
// exits. When the host has no memory left the command says so and ends with EXIT_CLADE.
#pragma once

#include <stddef.h>

// Zeroed memory; never NULL.
void *keep(size_t size);
char *keep_string(const char *s);
char *keep_string_size(const char *s, size_t size);
char *keep_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

// DIR/NAME, with one slash between them. Absolute names stay as they are.
char *keep_path(const char *dir, const char *name);

// `path` made absolute (by the working directory) and clean: no "//", no "/./". ".." stays, since
// what it means depends on symbolic links.
char *keep_absolute(const char *path);

// A growing list of strings, of which it has copies. NULL-terminated once it has an element.
struct strings {
    char **items;
    size_t count;
};
void strings_add(struct strings *s, const char *item);

// A growing text.
struct text {
    char *bytes; // NUL-terminated once something was added
    size_t size; // without the NUL
    size_t room;
};
void text_add(struct text *t, const void *bytes, size_t size);
void text_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Reads a whole file, at most `limit` bytes of it. Negative errno without a complaint.
int text_read_file(struct text *t, const char *path, size_t limit);

// "1.5 MiB"; kept.
char *keep_size(unsigned long long bytes);
