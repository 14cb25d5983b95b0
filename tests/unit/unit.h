// SPDX-License-Identifier: BSD-3-Clause
// A test runner of our own, for code that also runs in the kernel. A test is a function in its
// file's table; main.c has the list of tables.
//
//     static void push_and_pop(void) { check_equal(list_count(&l), 3); }
//     const struct unit_test list_tests[] = { TEST(push_and_pop), {0} };
#pragma once

#include <stdio.h>

#include "base/types.h"

struct unit_test {
    const char *name;
    void (*run)(void);
};
#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

// Records a failure of the running test; it goes on, so that all values are seen.
printf_like(3, 4) void unit_fail(const char *file, int line, const char *format, ...);

#define check(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            unit_fail(__FILE__, __LINE__, "%s is false", #x);                                      \
    } while (0)

#define check_equal(x, y)                                                                          \
    do {                                                                                           \
        long long x_is = (long long)(x), y_is = (long long)(y);                                    \
        if (x_is != y_is)                                                                          \
            unit_fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %s = %lld (%#llx)", #x, x_is,   \
                      x_is, #y, y_is, y_is);                                                       \
    } while (0)

#define check_text(x, y) unit_check_text(__FILE__, __LINE__, #x, x, y)
void unit_check_text(const char *file, int line, const char *what, const char *is,
                     const char *wanted);

// Reads a whole file into memory of malloc; a failure and NULL if it is not there.
void *unit_read_file(const char *path, size_t *out_size);

// A random number; the same sequence in every run.
u64 unit_random(void);
