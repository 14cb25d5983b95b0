// SPDX-License-Identifier: BSD-3-Clause
// The master of a pseudoterminal: where the terminal emulator reads the screen and types. pty(7),
// ioctl_tty(2) for packet mode.
#include <asm/ioctls.h>
#include <asm/signal.h>

#include "base/string.h"
#include "driver/pty_internal.h"
#include "memory/user_copy.h"
#include "thread/thread.h"

#define CHUNK 512 // bytes copied at a time

// Nobody has the slave open any more, and somebody had.
static bool slave_gone(const struct pty *pty)
{
    return pty->slave_was_open && !pty->tty.open_count;
}

static bool readable(void *arg)
{
    struct pty *pty = arg;
    return line_output_count(&pty->line) || pty->packet_events || slave_gone(pty);
}

static bool writable(void *arg)
{
    return line_has_room(&((struct pty *)arg)->line);
}

// Waits for output of the slave. -EIO: there will be none.
static int wait_output(struct pty *pty, bool nonblock)
{
    int error = 0;
    if (!readable(pty))
        error = nonblock ? -EAGAIN
                         : wait_until_locked(&pty->master_wait, &pty->tty.lock, DEADLINE_NONE,
                                             WAIT_INTERRUPTIBLE, readable, pty);
    if (error)
        return error;
    return line_output_count(&pty->line) || pty->packet_events ? 0 : -EIO;
}

// In packet mode the first byte of each read says whether data or events follow.
static size_t packet_head(struct pty *pty, u8 *out)
{
    if (!pty->packet)
        return 0;
    *out = pty->packet_events;
    pty->packet_events = 0;
    return 1;
}

static s64 master_read(struct file *f, struct io *io, u64 *position)
{
    struct pty *pty = f->data;
    u8 chunk[CHUNK];
    s64 done = 0;
    if (!io->left)
        return 0;
    lock_acquire(&pty->tty.lock);
    int error = wait_output(pty, f->flags & O_NONBLOCK);
    size_t size = error ? 0 : packet_head(pty, chunk);
    bool events = size && chunk[0];
    while (!error && io->left) {
        if (!events)
            size += line_output_take(&pty->line, chunk + size, min(io->left, sizeof(chunk)) - size);
        if (!size)
            break;
        lock_release(&pty->tty.lock);
        s64 moved = io_put(io, chunk, size);
        lock_acquire(&pty->tty.lock);
        if (moved < 0)
            error = (int)moved;
        else
            done += moved;
        size = 0;
        if (events)
            break;
    }
    lock_release(&pty->tty.lock);
    if (done)
        pty_wake_slave(pty, POLLOUT | POLLWRNORM);
    return done ? done : error;
}

static s64 master_write(struct file *f, struct io *io, u64 *position)
{
    struct pty *pty = f->data;
    u8 chunk[CHUNK];
    s64 done = 0;
    while (io->left) {
        s64 size = io_get(io, chunk, min(io->left, sizeof(chunk)));
        if (size <= 0)
            return done ? done : size < 0 ? size : -EFAULT;
        for (size_t part = 0; part < (size_t)size;) {
            size_t taken = pty_receive(pty, chunk + part, (size_t)size - part);
            part += taken;
            done += (s64)taken;
            if (part == (size_t)size)
                break;
            if (f->flags & O_NONBLOCK)
                return done ? done : -EAGAIN;
            lock_acquire(&pty->tty.lock);
            int error = wait_until_locked(&pty->master_wait, &pty->tty.lock, DEADLINE_NONE,
                                          WAIT_INTERRUPTIBLE, writable, pty);
            lock_release(&pty->tty.lock);
            if (error)
                return done ? done : error;
        }
    }
    return done;
}

static u32 master_poll(struct file *f, struct poll_table *table)
{
    struct pty *pty = f->data;
    u32 events = 0;
    poll_wait(table, &pty->master_wait);
    lock_acquire(&pty->tty.lock);
    if (line_output_count(&pty->line))
        events |= POLLIN | POLLRDNORM;
    if (pty->packet_events)
        events |= POLLIN | POLLRDNORM | POLLPRI;
    if (line_has_room(&pty->line))
        events |= POLLOUT | POLLWRNORM;
    if (slave_gone(pty))
        events |= POLLHUP;
    lock_release(&pty->tty.lock);
    return events;
}

static s64 flag_set(struct pty *pty, bool *flag, uaddr_t from)
{
    u32 value;
    int error = user_read_u32(&value, from);
    if (error)
        return error;
    lock_acquire(&pty->tty.lock);
    *flag = value;
    if (!pty->packet)
        pty->packet_events = 0;
    lock_release(&pty->tty.lock);
    return 0;
}

static s64 master_flush(struct pty *pty, u64 which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    // The master's input is the slave's output, and the other way round.
    pty_flush(pty, which != TCIFLUSH, which != TCOFLUSH);
    return 0;
}

static s64 master_ioctl(struct file *f, u32 command, u64 argument)
{
    struct pty *pty = f->data;
    switch (command) {
    case TIOCGPTN:
        return user_write_u32(argument, pty->number);
    case TIOCSPTLCK:
        return flag_set(pty, &pty->locked, argument);
    case TIOCGPTLCK:
        return user_write_u32(argument, pty->locked);
    case TIOCPKT:
        return flag_set(pty, &pty->packet, argument);
    case TIOCGPKT:
        return user_write_u32(argument, pty->packet);
    case TIOCGPTPEER:
        return pty_peer_open(pty, (u32)argument);
    case TIOCSIG:
        if (argument != SIGINT && argument != SIGQUIT && argument != SIGTSTP)
            return -EINVAL;
        tty_signal_foreground(&pty->tty, (int)argument);
        return 0;
    case FIONREAD:
        return user_write_u32(argument, line_output_count(&pty->line));
    case TIOCOUTQ:
        return user_write_u32(argument, 0);
    case TCFLSH:
        return master_flush(pty, argument);
    case TCXONC:
        return argument > TCION ? -EINVAL : 0;
    case TIOCSCTTY: // a master is nobody's controlling terminal
    case TIOCSTI:
        return -EINVAL;
    default:
        return tty_ioctl(&pty->tty, f, command, argument, /*master=*/true);
    }
}

static void master_release(struct file *f)
{
    struct pty *pty = f->data;
    pty_node_remove(pty);
    lock_acquire(&pty->tty.lock);
    pty->master_closed = true;
    lock_release(&pty->tty.lock);
    tty_hangup(&pty->tty);
    tty_put(&pty->tty);
}

const struct file_ops pty_master_ops = {
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .release = master_release,
};
