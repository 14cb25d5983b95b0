// SPDX-License-Identifier: BSD-3-Clause
// getrandom(2). The generator is seeded before the first program starts, so nothing ever blocks.
#include <linux/random.h>

#include "driver/random.h"
#include "linux/calls.h"

s64 sys_getrandom(uaddr_t buffer, size_t size, u32 flags)
{
    struct io io;
    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if (size > INT32_MAX)
        size = INT32_MAX;
    if (!size)
        return 0;
    io_init_user(&io, buffer, size);
    return random_read(&io);
}
