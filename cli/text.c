// SPDX-License-Identifier: BSD-3-Clause
// Strings and memory for the commands: allocation cannot fail and is never undone.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/text.h"

static void *must_have(void *memory)
{
    if (!memory) {
        complain(ENOMEM, "the host has no memory left");
        exit(EXIT_CLADE);
    }
    return memory;
}

void *keep(size_t size)
{
    return must_have(calloc(1, size ? size : 1));
}

// Room for a string. The first few need no heap, whose mappings the clone of a start would have to
// copy.
static char *keep_room(size_t size)
{
    static char room[192];
    static size_t used;
    size_t at = used;
    if (size > sizeof(room) - at)
        return keep(size);
    used += size;
    return room + at;
}

char *keep_string(const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(keep_room(size), s, size);
}

char *keep_string_size(const char *s, size_t size)
{
    return must_have(strndup(s, size));
}

char *keep_format(const char *format, ...)
{
    va_list args;
    char *s = NULL;
    va_start(args, format);
    int length = vasprintf(&s, format, args);
    va_end(args);
    return must_have(length < 0 ? NULL : s);
}

char *keep_path(const char *dir, const char *name)
{
    if (name[0] == '/')
        return keep_string(name);
    size_t length = strlen(dir);
    while (length && dir[length - 1] == '/')
        length--;
    char *path = keep_room(length + 1 + strlen(name) + 1);
    memcpy(path, dir, length);
    path[length] = '/';
    strcpy(path + length + 1, name);
    return path;
}

char *keep_absolute(const char *path)
{
    char *whole = keep_string(path);
    if (path[0] != '/') {
        char *here = getcwd(NULL, 0);
        if (!here) {
            complain(errno, "the folder that clade was called in can't be used: %s",
                     strerror(errno));
            exit(EXIT_CLADE);
        }
        whole = keep_path(here, path);
    }
    char *clean = keep(strlen(whole) + 2);
    char *end = clean;
    for (char *save = NULL, *part = strtok_r(whole, "/", &save); part;
         part = strtok_r(NULL, "/", &save)) {
        if (!strcmp(part, "."))
            continue;
        *end++ = '/';
        end = stpcpy(end, part);
    }
    if (end == clean)
        *end = '/';
    return clean;
}

void strings_add(struct strings *s, const char *item)
{
    s->items = must_have(realloc(s->items, (s->count + 2) * sizeof(*s->items)));
    s->items[s->count++] = keep_string(item);
    s->items[s->count] = NULL;
}

static void text_reserve(struct text *t, size_t more)
{
    if (t->room > t->size + more)
        return;
    t->room = 2 * t->room + more + 64;
    t->bytes = must_have(realloc(t->bytes, t->room));
}

void text_add(struct text *t, const void *bytes, size_t size)
{
    text_reserve(t, size);
    if (size)
        memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
}

void text_format(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *s = NULL;
    int length = vasprintf(&s, format, args);
    va_end(args);
    text_add(t, must_have(length < 0 ? NULL : s), (size_t)length);
    free(s);
}

int text_read_file(struct text *t, const char *path, size_t limit)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = 1;
    while (got > 0 && t->size < limit) {
        text_reserve(t, 65536);
        got = read(fd, t->bytes + t->size, limit - t->size < 65536 ? limit - t->size : 65536);
        if (got > 0)
            t->size += (size_t)got;
    }
    int result = got < 0 ? -errno : 0;
    close(fd);
    text_add(t, "", 0);
    return result;
}

char *keep_size(unsigned long long bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024)
        return keep_format("%llu B", bytes);
    double value = (double)bytes;
    size_t unit = 0;
    for (value /= 1024; value >= 1024 && unit < 3; unit++)
        value /= 1024;
    return keep_format("%.1f %s", value, units[unit]);
}
