// SPDX-License-Identifier: BSD-3-Clause
#include "tender/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_SIZE 1024

static void print(const char *path, const char *format, va_list args)
{
    char line[LINE_MAX_SIZE];
    size_t size = (size_t)snprintf(line, 512, path ? "clade: %s: " : "clade: ", path);

    size = size < 512 ? size : 511;
    int more = vsnprintf(line + size, sizeof(line) - size - 1, format, args);
    size += more < 0 ? 0 : min((size_t)more, sizeof(line) - size - 2);
    line[size++] = '\n';
    if (write(2, line, size) < 0)
        return; // there is nobody to tell
}

const char *message_error(int error)
{
    switch (error) {
    case EMFILE:
        return "too many open files (ulimit -n)";
    case EAGAIN:
        return "no more processes or timers (ulimit -u, -i)";
    case ENOMEM:
        return "not enough memory (or ulimit -v)";
    case EFBIG:
        return "larger than a file may be (ulimit -f)";
    default:
        return strerror(error);
    }
}

void message(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(NULL, format, args);
    va_end(args);
}

int message_image(const char *path, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(path, format, args);
    va_end(args);
    return -1;
}
