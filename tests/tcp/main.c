// SPDX-License-Identifier: BSD-3-Clause
// Runs the tests of TCP, or those that are named.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/tcp/tests.h"

static int failures;

void test_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "FAIL: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    failures++;
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"rules", test_rules},
    {"loss", test_loss},
    {"window", test_window},
    {"transfer", test_transfer},
};

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < array_count(tests); i++) {
        if (argc > 1 && strcmp(argv[1], tests[i].name))
            continue;
        printf("%s\n", tests[i].name);
        tests[i].run();
    }
    if (failures)
        fprintf(stderr, "%d failures\n", failures);
    return failures != 0;
}
