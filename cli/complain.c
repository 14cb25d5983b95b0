// SPDX-License-Identifier: BSD-3-Clause
// Errors in words. A progress line, if one stands on the terminal, is wiped first.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/complain.h"
#include "cli/progress.h"

static void print_line(const char *kind, const char *format, va_list args)
{
    progress_clear();
    fputs(kind, stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int complain(int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line("clade: ", format, args);
    va_end(args);
    return -error;
}

void warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line("clade: warning: ", format, args);
    va_end(args);
}

int complain_status(int result)
{
    switch (-result) {
    case ENOENT:
        return EXIT_NOT_FOUND;
    case ENOEXEC:
    case EACCES:
        return EXIT_NOT_EXECUTABLE;
    default:
        return EXIT_CLADE;
    }
}
