// SPDX-License-Identifier: BSD-3-Clause
// Runs all unit tests, or those whose name contains the first argument.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tables.h"
#include "tests/unit/unit.h"

static struct {
    int passed, failed;
    bool this_failed;
    u64 random;
} unit = {.random = 1};

void unit_fail(const char *file, int line, const char *format, ...)
{
    va_list args;

    printf("    %s:%d: ", file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    unit.this_failed = true;
}

void unit_check_text(const char *file, int line, const char *what, const char *is,
                     const char *wanted)
{
    if (!is || strcmp(is, wanted))
        unit_fail(file, line, "%s is \"%s\", not \"%s\"", what, is ? is : "(null)", wanted);
}

void *unit_read_file(const char *path, size_t *out_size)
{
    FILE *f = fopen(path, "rb");

    *out_size = 0;
    if (!f) {
        unit_fail(path, 0, "cannot be opened");
        return NULL;
    }
    size_t room = 1 << 16;
    char *data = malloc(room);
    for (size_t n; (n = fread(data + *out_size, 1, room - *out_size, f)) > 0;) {
        *out_size += n;
        if (*out_size == room)
            data = realloc(data, room *= 2);
    }
    fclose(f);
    // Exactly as large as the contents, so that the sanitizer sees every step behind the end.
    return realloc(data, *out_size ? *out_size : 1);
}

u64 unit_random(void)
{
    unit.random = unit.random * 6364136223846793005ull + 1442695040888963407ull;
    return unit.random >> 16 ^ unit.random << 32;
}

static void run_table(const struct unit_test *test, const char *filter)
{
    for (; test->name; test++) {
        if (filter && !strstr(test->name, filter))
            continue;
        unit.this_failed = false;
        test->run();
        printf("%s %s\n", test->name, unit.this_failed ? "FAILED" : "ok");
        if (unit.this_failed)
            unit.failed++;
        else
            unit.passed++;
    }
}

int main(int argc, char **argv)
{
    static const struct unit_test *const tables[] = {
        string_tests, printf_tests, container_tests,     elf_tests,   erofs_tests, manifest_tests,
        crash_tests,  pages_tests,  address_space_tests, patch_tests, clock_tests, rollback_tests,
    };

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < array_count(tables); i++)
        run_table(tables[i], argc > 1 ? argv[1] : NULL);
    printf("%d passed, %d failed\n", unit.passed, unit.failed);
    return unit.failed != 0;
}
