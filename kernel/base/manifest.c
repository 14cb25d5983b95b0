// SPDX-License-Identifier: BSD-3-Clause
// The parser of base/manifest.h. It goes over the text once per kind of list, so that the strings
// of one kind come to stand together in the buffer; every line is checked in the first pass.
#include "base/manifest.h"
#include "base/string.h"

#define HOSTNAME_MAX 64
#define CPUS_MAX     1024

enum key {
    KEY_PROGRAM,
    KEY_ARG,
    KEY_ENV,
    KEY_WORKDIR,
    KEY_HOSTNAME,
    KEY_RIGHT,
    KEY_MEMORY,
    KEY_CPUS,
    KEY_SOURCE,
    KEY_COUNT
};

static const char *const key_names[KEY_COUNT] = {
    [KEY_PROGRAM] = "program", [KEY_ARG] = "arg",           [KEY_ENV] = "env",
    [KEY_WORKDIR] = "workdir", [KEY_HOSTNAME] = "hostname", [KEY_RIGHT] = "right",
    [KEY_MEMORY] = "memory",   [KEY_CPUS] = "cpus",         [KEY_SOURCE] = "source",
};

static const char *const right_names[] = {"memory", "tick", "fork", "vcpu", "network"};

struct parser {
    struct manifest *m;
    const char *at, *end; // the rest of the text
    char *to;             // the rest of the buffer: never less than of the text, see take_value
    u32 line;
    u32 seen;          // bit per enum key
    const char *words; // the error
};

struct line {
    const char *key, *value, *end;
    size_t key_size;
};

const char *manifest_right_name(u32 right)
{
    for (u32 i = 0; i < array_count(right_names); i++)
        if (right == 1u << i)
            return right_names[i];
    return NULL;
}

const char *manifest_next(const struct manifest_strings *strings, const char *previous)
{
    if (!previous)
        return strings->count ? strings->first : NULL;
    const char *next = previous + strlen(previous) + 1;
    return next < strings->first + strings->size ? next : NULL;
}

int manifest_parse_size(const char *text, u64 *out_size)
{
    const char *end;
    u64 value;
    u32 shift = 0;

    if (parse_u64(text, 10, &value, &end) < 0)
        return -EINVAL;
    if (*end) {
        const char *suffixes = "KMGT", *suffix = strchr(suffixes, *end++);
        if (!suffix || *end)
            return -EINVAL;
        shift = (u32)(suffix - suffixes + 1) * 10;
    }
    if (value << shift >> shift != value)
        return -EINVAL;
    *out_size = value << shift;
    return 0;
}

static int fail(struct parser *p, const char *words)
{
    p->words = words;
    return -EINVAL;
}

// The next line that is no comment and not empty. 1, or 0 at the end.
static int next_line(struct parser *p, struct line *out)
{
    while (p->at < p->end) {
        const char *start = p->at;
        const char *end = memchr(start, '\n', (size_t)(p->end - start));

        if (!end)
            end = p->end;
        p->at = end < p->end ? end + 1 : end;
        p->line++;
        if (start == end || *start == '#')
            continue;
        const char *space = memchr(start, ' ', (size_t)(end - start));
        out->key = start;
        out->key_size = (size_t)((space ? space : end) - start);
        out->value = space ? space + 1 : end;
        out->end = end;
        return 1;
    }
    return 0;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && !memcmp(text, word, size);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Decodes one escape behind the backslash at *at. Returns the byte, or -EINVAL.
static int decode_escape(const char **at, const char *end)
{
    static const char names[] = "nt\\", bytes[] = "\n\t\\";
    const char *s = *at;

    if (s == end)
        return -EINVAL;
    if (*s == 'x') {
        int high = end - s > 2 ? hex_digit(s[1]) : -1, low = end - s > 2 ? hex_digit(s[2]) : -1;
        *at = s + 3;
        return high < 0 || low < 0 ? -EINVAL : high * 16 + low;
    }
    const char *found = *s ? strchr(names, *s) : NULL;
    *at = s + 1;
    return found ? bytes[found - names] : -EINVAL;
}

// Decodes the line's value to p->to, with a terminator; *out is where it stands. A key and its
// space are longer than a terminator, so the buffer never fills up before the text ends.
static int take_value(struct parser *p, const struct line *l, const char **out)
{
    *out = p->to;
    for (const char *at = l->value; at < l->end;) {
        int c = (u8)*at++;
        if (c == '\\')
            c = decode_escape(&at, l->end);
        if (c < 0)
            return fail(p, "bad escape: \\n, \\t, \\\\ and \\xHH are known");
        if (!c)
            return fail(p, "a NUL byte");
        *p->to++ = (char)c;
    }
    *p->to++ = '\0';
    return 0;
}

static int take_right(struct parser *p, const char *value)
{
    for (u32 i = 0; i < array_count(right_names); i++) {
        if (!strcmp(value, right_names[i])) {
            p->m->rights |= 1u << i;
            return 0;
        }
    }
    return fail(p, "unknown right");
}

static int take_path(struct parser *p, const char *value, const char **out)
{
    *out = value;
    return *value == '/' ? 0 : fail(p, "not an absolute path");
}

static int take_cpus(struct parser *p, const char *value)
{
    const char *end;
    u64 n;

    if (parse_u64(value, 10, &n, &end) < 0 || *end || !n || n > CPUS_MAX)
        return fail(p, "not a number of vCPUs");
    p->m->cpus = (u32)n;
    return 0;
}

// Checks a value of the lists; the later passes store it.
static int check_listed(struct parser *p, enum key key, const char *value)
{
    if (key == KEY_ENV && (!strchr(value, '=') || *value == '='))
        return fail(p, "not NAME=value");
    return 0;
}

static int take_key(struct parser *p, enum key key, const char *value)
{
    struct manifest *m = p->m;

    switch (key) {
    case KEY_PROGRAM:
        return take_path(p, value, &m->program);
    case KEY_WORKDIR:
        return take_path(p, value, &m->workdir);
    case KEY_HOSTNAME:
        m->hostname = value;
        return *value && strlen(value) <= HOSTNAME_MAX ? 0 : fail(p, "not a host name");
    case KEY_RIGHT:
        return take_right(p, value);
    case KEY_MEMORY:
        return manifest_parse_size(value, &m->memory) < 0 || !m->memory
                   ? fail(p, "not a size (like 512M)")
                   : 0;
    case KEY_CPUS:
        return take_cpus(p, value);
    default:
        return check_listed(p, key, value);
    }
}

// The first pass's work on one line.
static int take_line(struct parser *p, const struct line *l)
{
    const u32 repeats = 1u << KEY_ARG | 1u << KEY_ENV | 1u << KEY_RIGHT | 1u << KEY_SOURCE;
    const u32 lists = 1u << KEY_ARG | 1u << KEY_ENV | 1u << KEY_SOURCE;
    char *start = p->to;
    const char *value;

    for (u32 key = 0; key < KEY_COUNT; key++) {
        if (!is_word(l->key, l->key_size, key_names[key]))
            continue;
        if (p->seen & ~repeats & 1u << key)
            return fail(p, "given twice");
        p->seen |= 1u << key;
        int error = take_value(p, l, &value);
        if (!error)
            error = take_key(p, (enum key)key, value);
        if (1u << key & lists)
            p->to = start; // stored by take_list
        return error;
    }
    return fail(p, "unknown key");
}

static void take_list(struct parser *p, const char *text, enum key key,
                      struct manifest_strings *out)
{
    struct line l;

    p->at = text;
    out->first = p->to;
    while (next_line(p, &l)) {
        const char *value;
        if (is_word(l.key, l.key_size, key_names[key]) && !take_value(p, &l, &value))
            out->count++;
    }
    out->size = (u32)(p->to - out->first);
}

static int parse_lines(struct parser *p, size_t size)
{
    static const char version[] = "clade 1";
    struct line l;

    if (size > MANIFEST_SIZE_MAX)
        return fail(p, "longer than 64 KiB");
    const char *first_end = memchr(p->at, '\n', size);
    size_t first_size = first_end ? (size_t)(first_end - p->at) : size;
    p->line = 1;
    if (!is_word(p->at, first_size, version))
        return fail(p, size >= 6 && !memcmp(p->at, version, 6)
                           ? "a version that is not supported"
                           : "not a manifest: 'clade 1' is missing");
    p->at += first_size;
    p->line = 0; // the rest of line 1 is empty, and is counted
    while (next_line(p, &l)) {
        int error = take_line(p, &l);
        if (error)
            return error;
    }
    p->line = 0;
    return p->seen & 1u << KEY_PROGRAM ? 0 : fail(p, "no program");
}

int manifest_parse(struct manifest *m, const char *text, size_t size, char *buffer,
                   struct manifest_error *out_error)
{
    struct parser p = {.m = m, .at = text, .end = text + size, .to = buffer};

    *m = (struct manifest){0};
    int error = parse_lines(&p, size);
    *out_error = (struct manifest_error){p.line, error ? p.words : "fine"};
    if (error)
        return error;
    take_list(&p, text, KEY_ARG, &m->arguments);
    take_list(&p, text, KEY_ENV, &m->environment);
    take_list(&p, text, KEY_SOURCE, &m->sources);
    return 0;
}
