// SPDX-License-Identifier: BSD-3-Clause
#include "cli/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"

static bool closed[3];

void streams_occupy(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        closed[fd] = true;
        // The wrong way round, so that using it fails as it would without.
        if (open("/dev/null", fd ? O_RDONLY : O_WRONLY) == fd)
            continue;
        complain(errno, "a standard stream is closed, and /dev/null can't be opened: %s",
                 strerror(errno));
        _exit(EXIT_CLADE);
    }
}

int streams_get(int fd)
{
    return closed[fd] ? -1 : fd;
}
