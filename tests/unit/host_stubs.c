// SPDX-License-Identifier: BSD-3-Clause
// What kernel/base needs from its surroundings, for unit tests and fuzzers on the host.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/panic.h"

void log_message(const char *format, ...) printf_like(1, 2);

void log_message(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "clade: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
}

void panic_at(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "clade: panic: %s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    abort();
}
