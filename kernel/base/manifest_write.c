// SPDX-License-Identifier: BSD-3-Clause
// The writer of base/manifest.h. Whatever it writes, manifest_parse reads back to the same values.
#include "base/manifest.h"
#include "base/printf.h"
#include "base/string.h"

struct writer {
    char *to;
    size_t size, used; // used goes on past size
};

static void put(struct writer *w, char c)
{
    if (w->used < w->size)
        w->to[w->used] = c;
    w->used++;
}

static void put_plain(struct writer *w, const char *text)
{
    while (*text)
        put(w, *text++);
}

static void put_line(struct writer *w, const char *key, const char *value)
{
    put_plain(w, key);
    put(w, ' ');
    for (; *value; value++) {
        u8 c = (u8)*value;
        char escape[8];
        if (c == '\n' || c == '\t' || c == '\\') {
            put(w, '\\');
            put(w, c == '\n' ? 'n' : c == '\t' ? 't' : '\\');
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(escape, sizeof(escape), "\\x%02x", c);
            put_plain(w, escape);
        } else {
            put(w, (char)c);
        }
    }
    put(w, '\n');
}

static void put_list(struct writer *w, const char *key, const struct manifest_strings *strings)
{
    for (const char *s = manifest_next(strings, NULL); s; s = manifest_next(strings, s))
        put_line(w, key, s);
}

static void put_size(struct writer *w, u64 size)
{
    static const char suffixes[] = "KMGT";
    char text[32];
    int i = -1;

    while (i < 3 && size && size % 1024 == 0) {
        size /= 1024;
        i++;
    }
    int n = snprintf(text, sizeof(text), "%lu", (unsigned long)size);
    if (i >= 0) {
        text[n] = suffixes[i];
        text[n + 1] = '\0';
    }
    put_line(w, "memory", text);
}

s64 manifest_write(const struct manifest *m, char *to, size_t size)
{
    struct writer w = {.to = to, .size = size};
    char number[16];

    put_plain(&w, "clade 1\n");
    put_line(&w, "program", m->program);
    put_list(&w, "arg", &m->arguments);
    put_list(&w, "env", &m->environment);
    if (m->workdir)
        put_line(&w, "workdir", m->workdir);
    if (m->hostname)
        put_line(&w, "hostname", m->hostname);
    for (u32 bit = 1; bit && manifest_right_name(bit); bit <<= 1)
        if (m->rights & bit)
            put_line(&w, "right", manifest_right_name(bit));
    if (m->memory)
        put_size(&w, m->memory);
    if (m->cpus) {
        snprintf(number, sizeof(number), "%u", m->cpus);
        put_line(&w, "cpus", number);
    }
    put_list(&w, "source", &m->sources);
    return w.used > size || w.used > MANIFEST_SIZE_MAX ? -ENOSPC : (s64)w.used;
}
