// SPDX-License-Identifier: BSD-3-Clause
// Standard streams that are no terminal, as files of the guest: what flows, which looks like a pipe, and
// the host's regular files.
//
// A file's position is the host's, as whoever shares the open file, in the guest or on the host, shares it:
// `(clade run head -1; cat) <file`. Opened anew by a name (/dev/stdin) input has a position of its own;
// output goes on at the host's, as a file of the host can't be opened twice here.
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <linux/fs.h>

#include "abi/queue.h"
#include "base/printf.h"
#include "driver/console.h"
#include "driver/devices.h"
#include "file/inode.h"
#include "file/root.h"
#include "file/splice.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

static int port_of(struct file *f)
{
    return (int)(uintptr_t)f->data;
}

static u32 access_of(int index)
{
    return index == QUEUE_STDIN ? O_RDONLY : O_WRONLY;
}

static s64 stream_read(struct file *f, struct io *io, u64 *position)
{
    if (!io->left)
        return 0;
    return console_port_read(port_of(f), io, f->flags & O_NONBLOCK, DEADLINE_NONE);
}

static s64 stream_write(struct file *f, struct io *io, u64 *position)
{
    s64 result = console_port_write(port_of(f), io, f->flags & O_NONBLOCK);
    if (result == -EPIPE) {
        siginfo_t info = {.si_signo = SIGPIPE, .si_code = SI_USER};
        signal_send_thread(thread_current(), &info, /*force=*/false);
    }
    return result;
}

static u32 stream_poll(struct file *f, struct poll_table *table)
{
    int index = port_of(f);
    poll_wait(table, console_port_queue(index));
    if (!console_port_ready(index))
        return 0;
    return index == QUEUE_STDIN ? POLLIN | POLLRDNORM : POLLOUT | POLLWRNORM;
}

static s64 stream_ioctl(struct file *f, u32 command, u64 argument)
{
    int index = port_of(f);
    if (command != FIONREAD)
        return -ENOTTY;
    // How much there is only the host knows; that there is something is what callers ask.
    return user_write_u32(argument, index == QUEUE_STDIN && console_port_ready(index));
}

static void stream_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "pipe:[%llu]", (unsigned long long)f->inode->number);
}

static const struct file_ops stream_ops = {
    .read = stream_read,
    .write = stream_write,
    .poll = stream_poll,
    .ioctl = stream_ioctl,
    .describe = stream_describe,
};

// Positions are given by pread and its kin only: see file_ops.own_position.
static s64 file_move(struct file *f, struct io *io, u64 *position)
{
    s64 result = console_port_move_at(port_of(f), io, *position);
    if (result > 0)
        *position += (u64)result;
    return result;
}

static s64 file_stream_read(struct file *f, struct io *io, u64 *position)
{
    return position ? file_move(f, io, position) : stream_read(f, io, NULL);
}

static bool host_appends(int index)
{
    return platform_boot()->stream_appends >> index & 1;
}

static s64 file_stream_write(struct file *f, struct io *io, u64 *position)
{
    int index = port_of(f);
    if ((f->flags & O_APPEND || io->append) && !host_appends(index)) {
        s64 end = console_port_seek(index, 0, SEEK_END);
        if (end < 0)
            return end;
        position = NULL;
    }
    return position ? file_move(f, io, position) : stream_write(f, io, NULL);
}

static s64 file_stream_seek(struct file *f, s64 offset, int whence)
{
    return console_port_seek(port_of(f), offset, (u32)whence);
}

static s64 opened_seek(struct file *f, s64 offset, int whence)
{
    struct stat host;
    int error = whence == SEEK_END ? console_port_stat(port_of(f), &host) : 0;
    if (error)
        return error;
    if (whence > SEEK_END)
        return -EINVAL;
    s64 base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (s64)f->position : host.st_size;
    if (__builtin_add_overflow(base, offset, &base))
        return -EOVERFLOW;
    if (base < 0)
        return -EINVAL;
    f->position = (u64)base;
    return base;
}

// A mapping shows a copy of the bytes: the waist has no call to map a stream.
static int file_stream_stand_in(struct file *f, u64 offset, u64 size, struct file **out)
{
    u64 from = offset, to = offset;
    struct stat host;
    s64 moved = 1;
    int error = console_port_stat(port_of(f), &host);
    if (!error)
        error = tmpfs_create_file("stdin", (u64)host.st_size, O_RDWR, out);
    if (error)
        return error;
    u64 end = min(offset + size, (u64)host.st_size);
    while (from < end && moved > 0)
        moved = splice_files(f, &from, *out, &to, end - from);
    if (moved < 0)
        file_put(*out);
    return moved < 0 ? (int)moved : 0;
}

static int file_stream_sync(struct file *f)
{
    return 0; // the host does, in its own time
}

static void file_stream_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "/%s (deleted)", port_of(f) == QUEUE_STDIN ? "stdin" : "stdout");
}

static const struct file_ops file_stream_ops = {
    .read = file_stream_read,
    .write = file_stream_write,
    .seek = file_stream_seek,
    .stand_in = file_stream_stand_in,
    .sync = file_stream_sync,
    .describe = file_stream_describe,
    .sleeps = true,
    .own_position = true,
};

static const struct file_ops opened_ops = {
    .read = file_stream_read,
    .seek = opened_seek,
    .stand_in = file_stream_stand_in,
    .sync = file_stream_sync,
    .describe = file_stream_describe,
    .sleeps = true,
};

static int file_stream_open(struct inode *i, struct file *f)
{
    int index = (int)(uintptr_t)i->data;
    if ((f->flags & O_ACCMODE) != access_of(index))
        return -EACCES;
    f->ops = index == QUEUE_STDIN ? &opened_ops : &file_stream_ops;
    f->data = i->data;
    return 0;
}

// What the host says of its file. The owner stays the guest's first user, whoever that is on the host.
static void file_stream_refresh(struct inode *i)
{
    struct stat host;
    if (console_port_stat((int)(uintptr_t)i->data, &host))
        return;
    lock_acquire(&i->lock);
    i->number = host.st_ino;
    i->mode = host.st_mode;
    i->links = (u32)host.st_nlink;
    i->blocks = (u64)host.st_blocks;
    i->size = (u64)host.st_size;
    i->accessed = (struct __kernel_timespec){(s64)host.st_atime, (s64)host.st_atime_nsec};
    i->modified = (struct __kernel_timespec){(s64)host.st_mtime, (s64)host.st_mtime_nsec};
    i->changed = (struct __kernel_timespec){(s64)host.st_ctime, (s64)host.st_ctime_nsec};
    lock_release(&i->lock);
}

static const struct inode_ops file_stream_inode_ops = {
    .open = file_stream_open,
    .refresh = file_stream_refresh,
};

static struct file_system host_files = {.type = "host", .source = "none"};

static int file_stream(int index, struct file **out)
{
    const struct boot_info *boot = platform_boot();
    struct inode *i;
    if (!host_files.device)
        host_files.device = file_system_device();
    int error = inode_create(&host_files, &file_stream_inode_ops, boot->stream_mode[index], &i);
    if (error)
        return error;
    i->data = (void *)(uintptr_t)index;
    error = file_create(&file_stream_ops, i, NULL,
                        access_of(index) | (host_appends(index) ? O_APPEND : 0) | O_LARGEFILE, out);
    if (!error)
        (*out)->data = i->data;
    return error;
}

// A tender that is older than the kernel does not know requests of files.
static bool is_file(const struct boot_info *boot, int index)
{
    return boot->size > __builtin_offsetof(struct boot_info, stream_appends) &&
           boot->stream[index] == STREAM_FILE && S_ISREG(boot->stream_mode[index]);
}

int console_stream_open(int index, struct file *f)
{
    u32 access = f->flags & O_ACCMODE;
    if (index >= PORT_TERMINAL_INPUT || access == (index == QUEUE_STDIN ? O_WRONLY : O_RDONLY))
        return -EACCES;
    f->ops = &stream_ops;
    f->data = (void *)(uintptr_t)index;
    return 0;
}

// Looks like a pipe. Its device number leads back here when it is opened through /proc/self/fd.
static int pipe_stream(int index, struct file **out)
{
    int error = file_create_anonymous(&stream_ops, S_IFIFO | 0600, (void *)(uintptr_t)index,
                                      access_of(index), out);
    if (!error)
        (*out)->inode->rdevice = DEVICE(5, CONSOLE_MINOR + index);
    return error;
}

int console_open(const struct boot_info *boot, int fd, struct file **out)
{
    console_ports_init();
    switch (boot->stream[fd]) {
    case STREAM_CLOSED:
        return -EBADF;
    case STREAM_TTY:
        return device_file("console", O_RDWR, out);
    case STREAM_NULL:
        return device_file("null", access_of(fd), out);
    case STREAM_REVERSED:
        return device_file("null", fd == QUEUE_STDIN ? O_WRONLY : O_RDONLY, out);
    default:
        return is_file(boot, fd) ? file_stream(fd, out) : pipe_stream(fd, out);
    }
}
