// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the manifest parser, and checks that what it accepts is written and read back the same.
#include <stdlib.h>
#include <string.h>

#include "base/manifest.h"
#include "base/panic.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void same_strings(const struct manifest_strings *a, const struct manifest_strings *b)
{
    assert(a->count == b->count && a->size == b->size);
    assert(!memcmp(a->first, b->first, a->size));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static char buffer[MANIFEST_SIZE_MAX], again[MANIFEST_SIZE_MAX], text[MANIFEST_SIZE_MAX];
    struct manifest m, back;
    struct manifest_error error;

    if (manifest_parse(&m, (const char *)data, size, buffer, &error) < 0)
        return 0;
    s64 length = manifest_write(&m, text, sizeof(text));
    if (length < 0)
        return 0; // escapes make it longer than allowed
    int result = manifest_parse(&back, text, (size_t)length, again, &error);
    assert(!result);
    assert(!strcmp(m.program, back.program) && m.rights == back.rights && m.cpus == back.cpus &&
           m.memory == back.memory);
    same_strings(&m.arguments, &back.arguments);
    same_strings(&m.environment, &back.environment);
    same_strings(&m.sources, &back.sources);
    return 0;
}
