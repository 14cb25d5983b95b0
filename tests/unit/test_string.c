// SPDX-License-Identifier: BSD-3-Clause
// kernel/base/string.c (under other names, see renames.h) and text.c.
#include "tests/unit/tables.h"

#include "tests/unit/renames.h"
#include "base/string.h"

#define AREA 1400

static u8 area[AREA], wanted[AREA];

static void fill(void)
{
    for (int i = 0; i < AREA; i++)
        area[i] = wanted[i] = (u8)unit_random();
}

// Sizes around every change of method: overlapping moves, word loops, rep.
static const size_t sizes[] = {0,  1,  2,  3,  4,  5,  7,   8,   9,   15,  16,  17, 23,
                               31, 32, 33, 47, 48, 63, 100, 255, 256, 257, 300, 600};

static void compare_areas(const char *what, size_t size, size_t to, size_t from)
{
    for (int i = 0; i < AREA; i++) {
        if (area[i] != wanted[i]) {
            unit_fail(__FILE__, __LINE__, "%s of %zu from %zu to %zu: byte %d is %#x, not %#x",
                      what, size, from, to, i, area[i], wanted[i]);
            return;
        }
    }
}

static void memcpy_copies_exactly(void)
{
    for (size_t s = 0; s < array_count(sizes); s++) {
        for (size_t shift = 0; shift < 9; shift++) {
            fill();
            for (size_t i = 0; i < sizes[s]; i++)
                wanted[shift + i] = wanted[700 + i];
            check(memcpy(area + shift, area + 700, sizes[s]) == area + shift);
            compare_areas("memcpy", sizes[s], shift, 700);
        }
    }
}

static void memmove_overlaps(void)
{
    for (size_t s = 0; s < array_count(sizes); s++) {
        for (size_t to = 0; to < 80; to++) {
            fill();
            u8 copy[600];
            for (size_t i = 0; i < sizes[s]; i++)
                copy[i] = area[40 + i];
            for (size_t i = 0; i < sizes[s]; i++)
                wanted[to + i] = copy[i];
            check(memmove(area + to, area + 40, sizes[s]) == area + to);
            compare_areas("memmove", sizes[s], to, 40);
        }
    }
}

static void memset_fills_exactly(void)
{
    for (size_t s = 0; s < array_count(sizes); s++) {
        fill();
        for (size_t i = 0; i < sizes[s]; i++)
            wanted[3 + i] = 0xa5;
        check(memset(area + 3, 0x5a5, sizes[s]) == area + 3);
        compare_areas("memset", sizes[s], 3, 0);
    }
}

static void memcmp_orders_as_unsigned(void)
{
    u8 a[40], b[40];

    memset(a, 0x80, sizeof(a));
    memset(b, 0x80, sizeof(b));
    check_equal(memcmp(a, b, sizeof(a)), 0);
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 0x7f;
        check(memcmp(a, b, sizeof(a)) > 0);
        check(memcmp(b, a, sizeof(a)) < 0);
        check_equal(memcmp(a, b, i), 0);
        b[i] = 0x80;
    }
    check(memchr(a, 0x180, sizeof(a)) == a);
    check(!memchr(a, 0, sizeof(a)));
}

static void strings_compare_and_search(void)
{
    check_equal(strlen(""), 0);
    check_equal(strlen("abc"), 3);
    check_equal(strnlen("abc", 2), 2);
    check_equal(strnlen("abc", 9), 3);
    check_equal(strcmp("abc", "abc"), 0);
    check(strcmp("abc", "abd") < 0);
    check(strcmp("ab", "abc") < 0);
    check(strcmp("\xff", "a") > 0);
    check_equal(strncmp("abc", "abd", 2), 0);
    check(strncmp("abc", "abd", 3) < 0);
    check_equal(strncmp("ab", "ab", 9), 0);
    const char *text = "hello, hello";
    check(strchr(text, 'l') == text + 2);
    check(strrchr(text, 'l') == text + 10);
    check(strchr(text, 0) == text + 12);
    check(strrchr(text, 0) == text + 12);
    check(!strchr(text, 'z'));
    check(!strrchr(text, 'z'));
    check(strstr(text, "lo,") == text + 3);
    check(strstr(text, "") == text);
    check(!strstr(text, "hello!"));
}

static void strlcpy_terminates(void)
{
    char to[8] = "zzzzzzz";

    check_equal(strlcpy(to, "abc", sizeof(to)), 3);
    check_text(to, "abc");
    check_equal(strlcpy(to, "abcdefghij", sizeof(to)), 10);
    check_text(to, "abcdefg");
    check_equal(strlcpy(to, "x", 0), 1);
    check_text(to, "abcdefg");
    check_equal(strlcpy(to, "ab", sizeof(to)), 2);
    check_equal(strlcat(to, "cd", sizeof(to)), 4);
    check_text(to, "abcd");
    check_equal(strlcat(to, "efghi", sizeof(to)), 9);
    check_text(to, "abcdefg");
}

static void parse_u64_checks(void)
{
    const char *end;
    u64 value = 77;

    check_equal(parse_u64("123abc", 10, &value, &end), 0);
    check_equal(value, 123);
    check_text(end, "abc");
    check_equal(parse_u64("DEADbeefg", 16, &value, &end), 0);
    check_equal(value, 0xdeadbeef);
    check_equal(parse_u64("18446744073709551615", 10, &value, NULL), 0);
    check(value == ~0ull);
    check_equal(parse_u64("18446744073709551616", 10, &value, &end), -ERANGE);
    check_text(end, "");
    check_equal(parse_u64("99999999999999999999999", 10, &value, &end), -ERANGE);
    check_equal(parse_u64("ffffffffffffffff", 16, &value, &end), 0);
    check_equal(parse_u64("", 10, &value, &end), -EINVAL);
    check_equal(parse_u64("-1", 10, &value, &end), -EINVAL);
}

const struct unit_test string_tests[] = {
    TEST(memcpy_copies_exactly),      TEST(memmove_overlaps),
    TEST(memset_fills_exactly),       TEST(memcmp_orders_as_unsigned),
    TEST(strings_compare_and_search), TEST(strlcpy_terminates),
    TEST(parse_u64_checks),           {0},
};
