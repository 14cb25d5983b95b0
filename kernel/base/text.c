// SPDX-License-Identifier: BSD-3-Clause
// The functions of base/string.h that libc lacks: built for the kernel and for the host.
#include "base/string.h"

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);

    if (size) {
        size_t n = min(length, size - 1);
        memcpy(to, from, n);
        to[n] = '\0';
    }
    return length;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t used = strnlen(to, size);

    return used + strlcpy(to + used, from, size - used);
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A') + 10;
    return ~0u;
}

int parse_u64(const char *s, unsigned base, u64 *out_value, const char **out_end)
{
    const char *start = s;
    u64 value = 0;
    bool overflow = false;

    for (unsigned digit; (digit = digit_value(*s)) < base; s++) {
        overflow |= __builtin_mul_overflow(value, (u64)base, &value);
        overflow |= __builtin_add_overflow(value, (u64)digit, &value);
    }
    if (out_end)
        *out_end = s;
    if (s == start)
        return -EINVAL;
    if (overflow)
        return -ERANGE;
    *out_value = value;
    return 0;
}
