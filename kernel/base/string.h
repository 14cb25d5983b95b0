// SPDX-License-Identifier: BSD-3-Clause
// C's string functions, with C's contracts, plus the few of the BSDs. No locale, no locks.
#pragma once

#include "base/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *s, int byte, size_t size);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *word);
// Copies at most size - 1 bytes and always terminates; returns strlen(from). [strlcpy(3bsd)]
size_t strlcpy(char *to, const char *from, size_t size);
size_t strlcat(char *to, const char *from, size_t size);
// Parses an unsigned number in `base` (10 or 16); the end of the digits goes to *out_end.
// -EINVAL: no digit; -ERANGE: does not fit.
must_check int parse_u64(const char *s, unsigned base, u64 *out_value, const char **out_end);
