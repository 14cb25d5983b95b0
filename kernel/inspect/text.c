// SPDX-License-Identifier: BSD-3-Clause
// Text that grows by doubling. After the first failure nothing is added any more.
#include "inspect/text.h"

#include "base/printf.h"
#include "base/string.h"
#include "memory/heap.h"

#define FIRST_CAPACITY 1024

static bool text_reserve(struct text *t, size_t more)
{
    size_t capacity = max(t->capacity, (size_t)FIRST_CAPACITY);
    if (t->failed)
        return false;
    if (t->size + more <= t->capacity)
        return true;
    while (capacity < t->size + more)
        capacity *= 2;
    char *data = heap_alloc(capacity);
    if (!data) {
        t->failed = true;
        return false;
    }
    if (t->size)
        memcpy(data, t->data, t->size);
    heap_free(t->data);
    t->data = data;
    t->capacity = capacity;
    return true;
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args;
    size_t room = 128;
    for (;;) {
        if (!text_reserve(t, room))
            return;
        va_start(args, format);
        size_t length = (size_t)vsnprintf(t->data + t->size, t->capacity - t->size, format, args);
        va_end(args);
        if (length < t->capacity - t->size) {
            t->size += length;
            return;
        }
        room = length + 1;
    }
}

void text_add_bytes(struct text *t, const void *bytes, size_t size)
{
    if (!text_reserve(t, size))
        return;
    memcpy(t->data + t->size, bytes, size);
    t->size += size;
}

void text_add_escaped(struct text *t, const char *s, const char *escape)
{
    for (; *s; s++) {
        if (strchr(escape, *s))
            text_add(t, "\\%03o", (unsigned)(u8)*s);
        else
            text_add_bytes(t, s, 1);
    }
}

void text_pad(struct text *t, size_t column, size_t line_start)
{
    while (!t->failed && t->size - line_start < column)
        text_add_bytes(t, " ", 1);
}

void text_free(struct text *t)
{
    heap_free(t->data);
    *t = (struct text){0};
}
