// SPDX-License-Identifier: BSD-3-Clause
// kernel/base/printf.c against libc's: the same arguments must give the same text and length.
#include <stdlib.h>

#include "tests/unit/tables.h"

static printf_like(2, 3) int libc_print(char *to, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(to, 200, format, args);
    va_end(args);
    return n;
}

#include "tests/unit/renames.h"
#include "base/printf.h"

#pragma GCC diagnostic ignored "-Wformat" // odd flag combinations are the point

#define same(...)                                                                                  \
    do {                                                                                           \
        char ours[200], theirs[200];                                                               \
        int our_length = snprintf(ours, sizeof(ours), __VA_ARGS__);                                \
        check_equal(our_length, libc_print(theirs, __VA_ARGS__));                                  \
        check_text(ours, theirs);                                                                  \
    } while (0)

static void numbers_print_as_in_libc(void)
{
    static const long values[] = {0,
                                  1,
                                  -1,
                                  7,
                                  8,
                                  42,
                                  -300,
                                  123456789,
                                  -2147483648,
                                  4294967296,
                                  0x7fffffffffffffff,
                                  -0x7fffffffffffffff - 1};

    for (size_t i = 0; i < array_count(values); i++) {
        long v = values[i];
        same("%ld|%5ld|%-5ld|%05ld|%+ld|% ld|%.3ld|%8.3ld|%-8.3ld|%+05ld", v, v, v, v, v, v, v, v,
             v, v);
        same("%lu|%lx|%lX|%lo|%#lx|%#lX|%#lo|%#010lx|%-#12lx|", v, v, v, v, v, v, v, v, v);
        same("%d|%u|%x|%hd|%hhd|%hu|%hhu|%hhx", (int)v, (int)v, (int)v, (int)v, (int)v, (int)v,
             (int)v, (int)v);
        same("%lld|%llu|%zu|%zx|%#.0lo|%.0ld|%5.0ld|", (long long)v, (long long)v, v, v, v, v, v);
    }
    same("%p", (void *)0x1234abcd);
    same("%08.3d|%+08d|%-+8d|% 08d|", 5, 5, 5, 5);
}

static void text_prints_as_in_libc(void)
{
    same("%s|%10s|%-10s|%.2s|%10.2s|%-10.2s|%.0s|", "hello", "hello", "hello", "hello", "hello",
         "hello", "hello");
    same("%c|%5c|%-5c|%%", 'a', 'b', 'c');
    same("%*d|%-*d|%*d|%.*d|%.*s", 6, 1, 6, 2, -6, 3, 4, 5, 2, "xyz");
    same("%.*s|%.*d", -1, "all", -1, 7);
    char text[20];
    char *volatile nothing = NULL;
    check_equal(snprintf(text, sizeof(text), "%s", nothing), 6);
    check_text(text, "(null)");
    const char unterminated[3] = {'a', 'b', 'c'};
    check_equal(snprintf(text, sizeof(text), "%.3s", unterminated), 3);
}

static void output_is_cut(void)
{
    char text[8] = "zzzzzzz";

    check_equal(snprintf(text, 4, "%d", 123456), 6);
    check_text(text, "123");
    check_equal(text[4], 'z');
    check_equal(snprintf(text, 1, "abc"), 3);
    check_text(text, "");
    check_equal(snprintf(NULL, 0, "%100d", 1), 100);
    check_equal(snprintf(text, sizeof(text), "%1000000s", "x"), 1000000);
}

static void unknown_directives_show(void)
{
    char text[20];

    check_equal(snprintf(text, sizeof(text), "a%yb"), 4);
    check_text(text, "a%yb");
    check_equal(snprintf(text, sizeof(text), "100%"), 3);
}

const struct unit_test printf_tests[] = {
    TEST(numbers_print_as_in_libc),
    TEST(text_prints_as_in_libc),
    TEST(output_is_cut),
    TEST(unknown_directives_show),
    {0},
};
