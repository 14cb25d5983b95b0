// SPDX-License-Identifier: BSD-3-Clause
// The manifest parser and writer.
#include <string.h>

#include "base/manifest.h"
#include "tests/unit/tables.h"

static char buffer[MANIFEST_SIZE_MAX];

static void parse_all_keys(void)
{
    static const char text[] = "clade 1\n# a comment\n\nprogram /usr/bin/python3\narg python3\n"
                               "env PATH=/bin\narg -c\narg print(\"a\\n\\t\\\\\\x41\")\narg \narg\n"
                               "workdir /tmp\nhostname box\nright memory\nright fork\nmemory 512M\n"
                               "cpus 4\nenv A=\nsource Debian 12\n";
    struct manifest m;
    struct manifest_error e;

    check_equal(manifest_parse(&m, text, sizeof(text) - 1, buffer, &e), 0);
    check_text(m.program, "/usr/bin/python3");
    check_text(m.workdir, "/tmp");
    check_text(m.hostname, "box");
    check_equal(m.rights, RIGHT_MEMORY | RIGHT_FORK);
    check_equal(m.memory, 512ull << 20);
    check_equal(m.cpus, 4);
    check_equal(m.arguments.count, 5);
    const char *s = manifest_next(&m.arguments, NULL);
    check_text(s, "python3");
    check_text(s = manifest_next(&m.arguments, s), "-c");
    check_text(s = manifest_next(&m.arguments, s), "print(\"a\n\t\\A\")");
    check_text(s = manifest_next(&m.arguments, s), "");
    check_text(s = manifest_next(&m.arguments, s), "");
    check(!manifest_next(&m.arguments, s));
    check_equal(m.environment.count, 2);
    s = manifest_next(&m.environment, NULL);
    check_text(s, "PATH=/bin");
    check_text(manifest_next(&m.environment, s), "A=");
    check_text(m.sources.first, "Debian 12");
}

static void defaults_are_absent(void)
{
    static const char text[] = "clade 1\nprogram /p";
    struct manifest m;
    struct manifest_error e;

    check_equal(manifest_parse(&m, text, sizeof(text) - 1, buffer, &e), 0);
    check(!m.workdir && !m.hostname && !m.rights && !m.cpus && !m.memory);
    check(!manifest_next(&m.arguments, NULL));
}

static void errors_name_their_line(void)
{
    static const struct {
        const char *text;
        u32 line;
        const char *words;
    } cases[] = {
        {"", 1, "not a manifest: 'clade 1' is missing"},
        {"program /p\n", 1, "not a manifest: 'clade 1' is missing"},
        {"clade 2\nprogram /p\n", 1, "a version that is not supported"},
        {"clade 1\n", 0, "no program"},
        {"clade 1\nprogram p\n", 2, "not an absolute path"},
        {"clade 1\nprogram /p\nprogram /q\n", 3, "given twice"},
        {"clade 1\nprogram /p\nright memory\nright all\n", 4, "unknown right"},
        {"clade 1\n\n#\nfrobnicate 1\n", 4, "unknown key"},
        {"clade 1\nprogram /p\narg \\q\n", 3, "bad escape: \\n, \\t, \\\\ and \\xHH are known"},
        {"clade 1\nprogram /p\narg \\x4\n", 3, "bad escape: \\n, \\t, \\\\ and \\xHH are known"},
        {"clade 1\nprogram /p\narg \\", 3, "bad escape: \\n, \\t, \\\\ and \\xHH are known"},
        {"clade 1\nprogram /p\narg \\x00\n", 3, "a NUL byte"},
        {"clade 1\nprogram /p\nenv X\n", 3, "not NAME=value"},
        {"clade 1\nprogram /p\nenv =1\n", 3, "not NAME=value"},
        {"clade 1\nprogram /p\ncpus 0\n", 3, "not a number of vCPUs"},
        {"clade 1\nprogram /p\ncpus 1x\n", 3, "not a number of vCPUs"},
        {"clade 1\nprogram /p\nmemory 1Q\n", 3, "not a size (like 512M)"},
        {"clade 1\nprogram /p\nmemory 99999999999T\n", 3, "not a size (like 512M)"},
        {"clade 1\nprogram /p\nworkdir tmp\n", 3, "not an absolute path"},
        {"clade 1\nprogram /p\nhostname \n", 3, "not a host name"},
    };

    for (size_t i = 0; i < array_count(cases); i++) {
        struct manifest m;
        struct manifest_error e;
        check_equal(manifest_parse(&m, cases[i].text, strlen(cases[i].text), buffer, &e), -EINVAL);
        check_equal(e.line, cases[i].line);
        check_text(e.words, cases[i].words);
    }
}

static void written_text_reads_back(void)
{
    static const char arguments[] = "prog\0a b\0\0tab\there\nnew\\back\x01\x7f";
    struct manifest m = {
        .program = "/bin/a b",
        .workdir = "/",
        .arguments = {arguments, 4, sizeof(arguments)},
        .rights = RIGHT_TICK | RIGHT_NETWORK,
        .cpus = 2,
        .memory = 3ull << 30,
    };
    char text[500];
    struct manifest back;
    struct manifest_error e;

    s64 size = manifest_write(&m, text, sizeof(text));
    check(size > 0);
    check_equal(manifest_parse(&back, text, (size_t)size, buffer, &e), 0);
    check_text(back.program, m.program);
    check_text(back.workdir, "/");
    check(!back.hostname);
    check_equal(back.arguments.count, 4);
    check_equal(back.arguments.size, m.arguments.size);
    check_equal(memcmp(back.arguments.first, arguments, sizeof(arguments)), 0);
    check_equal(back.rights, m.rights);
    check_equal(back.cpus, 2);
    check_equal(back.memory, m.memory);
    check_equal(manifest_write(&m, text, (size_t)size - 1), -ENOSPC);
    check_equal(manifest_write(&m, text, (size_t)size), size);
}

static void size_limit(void)
{
    static char text[MANIFEST_SIZE_MAX + 1];
    struct manifest m;
    struct manifest_error e;

    memset(text, '\n', sizeof(text));
    memcpy(text, "clade 1\nprogram /p", 18);
    check_equal(manifest_parse(&m, text, MANIFEST_SIZE_MAX, buffer, &e), 0);
    check_equal(manifest_parse(&m, text, sizeof(text), buffer, &e), -EINVAL);
    // As many strings as there is room for: the buffer must hold all of them.
    for (size_t at = 18; at + 4 < MANIFEST_SIZE_MAX; at += 4)
        memcpy(text + at, "\narg", 4);
    check_equal(manifest_parse(&m, text, MANIFEST_SIZE_MAX, buffer, &e), 0);
    check(m.arguments.count > 16000);
}

const struct unit_test manifest_tests[] = {
    TEST(parse_all_keys),          TEST(defaults_are_absent), TEST(errors_name_their_line),
    TEST(written_text_reads_back), TEST(size_limit),          {0},
};
