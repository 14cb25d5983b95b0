// SPDX-License-Identifier: BSD-3-Clause
// The tender without the command line: start IMAGE [ARG...]. Its size and start are the tender's
// own.
#include <fcntl.h>
#include <stdlib.h>

#include "tender/run.h"

int main(int argc, char **argv)
{
    struct tender_config config = {
        .image_fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1,
        .image_path = argv[1],
        .more_arguments = (const char *const *)argv + 2,
        .stdio = TENDER_STDIO,
        .debug = getenv("DEBUG") != NULL,
    };

    const char *memory = getenv("MEMORY");
    config.memory_limit = memory ? strtoull(memory, NULL, 0) : 0;
    return argc > 1 ? tender_run(&config) : 2;
}
