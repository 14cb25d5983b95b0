// SPDX-License-Identifier: BSD-3-Clause
// Replays the inputs that once broke a reader: tests/fuzz/crashes/TARGET/*, and the fuzzers' seeds.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tables.h"

// The fuzz targets' LLVMFuzzerTestOneInput, renamed when they are compiled for this program.
int fuzz_elf(const u8 *data, size_t size);
int fuzz_erofs(const u8 *data, size_t size);
int fuzz_manifest(const u8 *data, size_t size);

static int replay(const char *folder, int (*target)(const u8 *data, size_t size))
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int count = 0;

    while (dir && (entry = readdir(dir))) {
        char path[600];
        size_t size;
        if (*entry->d_name == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        u8 *data = unit_read_file(path, &size);
        check_equal(target(data, size), 0);
        free(data);
        count++;
    }
    if (dir)
        closedir(dir);
    return count;
}

static void crash_files_replay(void)
{
    replay("tests/fuzz/crashes/fuzz_elf", fuzz_elf);
    replay("tests/fuzz/crashes/fuzz_erofs", fuzz_erofs);
    replay("tests/fuzz/crashes/fuzz_manifest", fuzz_manifest);
}

static void seeds_replay(void)
{
    check(replay(IMAGES "/fuzz_erofs", fuzz_erofs) >= 2);
    check(replay("tests/fuzz/seeds/fuzz_manifest", fuzz_manifest) >= 1);
}

const struct unit_test crash_tests[] = {
    TEST(crash_files_replay),
    TEST(seeds_replay),
    {0},
};
