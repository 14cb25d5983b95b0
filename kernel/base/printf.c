// SPDX-License-Identifier: BSD-3-Clause
// snprintf, see base/printf.h. One pass: each directive is parsed into a struct spec, turned into
// digits in a small buffer, and padded into the output, which counts what does not fit.
#include "base/printf.h"
#include "base/string.h"

struct output {
    char *at, *end; // end: where the terminator goes at the latest; NULL: nothing can be stored
    size_t length;  // of the whole text so far
};

struct spec {
    bool left, zero, plus, space, alternate;
    int width, precision; // precision -1: none
    char size;            // 'H' hh, 'h', 0, 'l', 'L' ll, 'z'
};

static void put(struct output *o, char c)
{
    if (o->at < o->end)
        *o->at++ = c;
    o->length++;
}

static void put_repeated(struct output *o, char c, int count)
{
    while (count-- > 0)
        put(o, c);
}

static void put_text(struct output *o, const char *text, size_t size, const struct spec *s)
{
    int pad = s->width > (int)size ? s->width - (int)size : 0;

    if (!s->left)
        put_repeated(o, ' ', pad);
    for (size_t i = 0; i < size; i++)
        put(o, text[i]);
    if (s->left)
        put_repeated(o, ' ', pad);
}

// prefix: sign or 0x; stands in front of zero padding.
static void put_number(struct output *o, u64 value, unsigned base, bool upper, const char *prefix,
                       const struct spec *s)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char buffer[24];
    int count = 0;

    for (; value; value /= base)
        buffer[count++] = digits[value % base];
    int precision = s->precision < 0 ? 1 : s->precision;
    if (base == 8 && s->alternate && precision <= count)
        precision = count + 1;
    int prefix_size = (int)strlen(prefix);
    if (s->zero && !s->left && s->precision < 0)
        precision = max(precision, s->width - prefix_size);
    int zeros = max(precision - count, 0);
    int pad = s->width - prefix_size - zeros - count;

    if (!s->left)
        put_repeated(o, ' ', pad);
    while (*prefix)
        put(o, *prefix++);
    put_repeated(o, '0', zeros);
    while (count)
        put(o, buffer[--count]);
    if (s->left)
        put_repeated(o, ' ', pad);
}

// va_list travels inside a struct: passed by pointer alone its type differs between ABIs.
struct arguments {
    va_list list;
};

static s64 get_signed(struct arguments *a, char size)
{
    switch (size) {
    case 'H':
        return (s8)va_arg(a->list, int);
    case 'h':
        return (s16)va_arg(a->list, int);
    case 'l':
    case 'z':
        return va_arg(a->list, long);
    case 'L':
        return va_arg(a->list, long long);
    default:
        return va_arg(a->list, int);
    }
}

static u64 get_unsigned(struct arguments *a, char size)
{
    switch (size) {
    case 'H':
        return (u8)va_arg(a->list, unsigned);
    case 'h':
        return (u16)va_arg(a->list, unsigned);
    case 'l':
    case 'z':
        return va_arg(a->list, unsigned long);
    case 'L':
        return va_arg(a->list, unsigned long long);
    default:
        return va_arg(a->list, unsigned);
    }
}

static const char *parse_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            s->left = true;
            break;
        case '0':
            s->zero = true;
            break;
        case '+':
            s->plus = true;
            break;
        case ' ':
            s->space = true;
            break;
        case '#':
            s->alternate = true;
            break;
        default:
            return f;
        }
    }
}

// A width or precision: digits or '*'. Bounded, so that no sum of them overflows.
static const char *parse_count(const char *f, int *out, struct arguments *a)
{
    int n = 0;

    if (*f == '*') {
        n = va_arg(a->list, int);
        f++;
    } else {
        for (; *f >= '0' && *f <= '9'; f++)
            n = min(n * 10 + (*f - '0'), 1 << 24);
    }
    *out = max(min(n, 1 << 24), -(1 << 24));
    return f;
}

static const char *parse_spec(const char *f, struct spec *s, struct arguments *a)
{
    *s = (struct spec){.precision = -1};
    f = parse_count(parse_flags(f, s), &s->width, a);
    if (s->width < 0) {
        s->left = true;
        s->width = -s->width;
    }
    if (*f == '.')
        f = parse_count(f + 1, &s->precision, a);
    if (*f == 'h' || *f == 'l') {
        s->size = *f++;
        if (*f == s->size) {
            s->size = s->size == 'h' ? 'H' : 'L';
            f++;
        }
    } else if (*f == 'z' || *f == 'j' || *f == 't') {
        s->size = 'z';
        f++;
    }
    return f;
}

static void put_directive(struct output *o, char c, struct spec *s, struct arguments *a)
{
    s64 number;
    u64 value;
    const char *text;
    char one;

    switch (c) {
    case 'd':
    case 'i':
        number = get_signed(a, s->size);
        value = number < 0 ? -(u64)number : (u64)number;
        put_number(o, value, 10, false, number < 0 ? "-" : s->plus ? "+" : s->space ? " " : "", s);
        break;
    case 'u':
        put_number(o, get_unsigned(a, s->size), 10, false, "", s);
        break;
    case 'o':
        put_number(o, get_unsigned(a, s->size), 8, false, "", s);
        break;
    case 'x':
    case 'X':
        value = get_unsigned(a, s->size);
        put_number(o, value, 16, c == 'X',
                   !value || !s->alternate ? ""
                   : c == 'x'              ? "0x"
                                           : "0X",
                   s);
        break;
    case 'p':
        put_number(o, (u64)va_arg(a->list, void *), 16, false, "0x", s);
        break;
    case 'c':
        one = (char)va_arg(a->list, int);
        put_text(o, &one, 1, s);
        break;
    case 's':
        text = va_arg(a->list, const char *);
        if (!text)
            text = "(null)";
        put_text(o, text, s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision), s);
        break;
    case '%':
        put(o, '%');
        break;
    default: // a format that this printf does not know: show it, so that it is seen
        put(o, '%');
        put(o, c);
    }
}

int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
    struct output o = {.at = to, .end = size ? to + size - 1 : to};
    struct arguments a;
    struct spec s;

    va_copy(a.list, args);
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(&o, *f);
            continue;
        }
        f = parse_spec(f + 1, &s, &a);
        if (!*f)
            break;
        put_directive(&o, *f, &s, &a);
    }
    va_end(a.list);
    if (size)
        *o.at = '\0';
    return (int)o.length;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(to, size, format, args);
    va_end(args);
    return n;
}
