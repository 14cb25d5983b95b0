// SPDX-License-Identifier: BSD-3-Clause
// The devices without hardware: null(4), zero(4), full(4), random(4), kmsg.
#include <linux/random.h>

#include "base/printf.h"
#include "driver/memory_devices.h"
#include "driver/random.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "thread/thread.h"

#define ZERO_CHUNK (1ul << 20) // bytes between two looks at signals

static s64 null_read(struct file *f, struct io *io, u64 *position)
{
    return 0;
}

static s64 null_write(struct file *f, struct io *io, u64 *position)
{
    s64 size = (s64)io->left;
    return size;
}

static s64 device_seek(struct file *f, s64 offset, int whence)
{
    return 0; // there is no position; memory devices accept any
}

static s64 zero_read(struct file *f, struct io *io, u64 *position)
{
    s64 done = 0;
    while (io->left) {
        size_t part = min(io->left, ZERO_CHUNK);
        s64 moved = io_put_zeros(io, part);
        if (moved < 0)
            return done ? done : moved;
        done += moved;
        if ((size_t)moved < part || (io->left && thread_interrupted()))
            break;
    }
    return done;
}

// Private zero pages. A shared mapping of /dev/zero is an anonymous shared one: linux/memory.c.
static int zero_map(struct file *f, u64 offset, u64 size, bool shared, struct map_extent *out)
{
    *out = (struct map_extent){MAP_SOURCE_ZERO, 0, size};
    return 0;
}

static s64 full_write(struct file *f, struct io *io, u64 *position)
{
    return -ENOSPC;
}

static s64 random_device_read(struct file *f, struct io *io, u64 *position)
{
    return io->left ? random_read(io) : 0;
}

static s64 random_device_write(struct file *f, struct io *io, u64 *position)
{
    return random_write(io);
}

static s64 random_device_ioctl(struct file *f, u32 command, u64 argument)
{
    switch (command) {
    case RNDGETENTCNT:
        return user_write_u32(argument, 256); // what Linux 5.18 and later always say
    case RNDADDTOENTCNT:
    case RNDADDENTROPY:
    case RNDZAPENTCNT:
    case RNDCLEARPOOL:
    case RNDRESEEDCRNG:
        return -EPERM;
    default:
        return -ENOTTY;
    }
}

// One record of the log is one write.
static s64 kmsg_write(struct file *f, struct io *io, u64 *position)
{
    char line[256];
    s64 size = (s64)io->left;
    s64 moved = io_get(io, line, min(io->left, sizeof(line) - 1));
    if (moved < 0)
        return moved;
    while (moved && line[moved - 1] == '\n')
        moved--;
    line[moved] = 0;
    if (platform_boot()->flags & BOOT_DEBUG)
        log_message("%s", line);
    return size;
}

const struct file_ops null_ops = {
    .read = null_read,
    .write = null_write,
    .seek = device_seek,
};
const struct file_ops zero_ops = {
    .read = zero_read,
    .write = null_write,
    .seek = device_seek,
    .map = zero_map,
};
const struct file_ops full_ops = {
    .read = zero_read,
    .write = full_write,
    .seek = device_seek,
};
const struct file_ops random_ops = {
    .read = random_device_read,
    .write = random_device_write,
    .seek = device_seek,
    .ioctl = random_device_ioctl,
};
const struct file_ops kmsg_ops = {
    .read = null_read,
    .write = kmsg_write,
    .seek = device_seek,
};
