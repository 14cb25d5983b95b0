// SPDX-License-Identifier: BSD-3-Clause
// The slave of a pseudoterminal: reads with VMIN and VTIME, writes, ioctls. [termios(3)]
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/capability.h>

#include "base/string.h"
#include "driver/pty_internal.h"
#include "linux/clock.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define CHUNK      512          // bytes copied at a time between user memory and the rings
#define VTIME_UNIT 100000000ull // ns

struct slave_wait { // argument of the conditions below
    struct pty *pty;
    struct file *f;
};

static bool wait_is_over(const struct slave_wait *w)
{
    return w->pty->master_closed || tty_file_hung_up(&w->pty->tty, w->f);
}

static bool readable(void *arg)
{
    struct slave_wait *w = arg;
    return line_readable(&w->pty->line, 1) || wait_is_over(w);
}

static bool writable(void *arg)
{
    struct slave_wait *w = arg;
    return line_output_room(&w->pty->line) >= 8 || wait_is_over(w);
}

struct read_terms { // what c_cc and O_NONBLOCK ask of a read
    bool canonical, nonblock;
    u32 minimum;
    u64 first, next; // ns to wait for the first byte and for each other; 0: no limit
    bool poll;       // VMIN 0, VTIME 0: never wait
};

static struct read_terms read_terms(struct pty *pty, struct file *f)
{
    const struct termios2 *t = &pty->tty.termios;
    struct read_terms r = {.canonical = t->c_lflag & ICANON, .nonblock = f->flags & O_NONBLOCK};
    if (r.canonical)
        return r;
    r.minimum = t->c_cc[VMIN];
    if (r.minimum)
        r.next = t->c_cc[VTIME] * VTIME_UNIT;
    else
        r.first = t->c_cc[VTIME] * VTIME_UNIT;
    r.poll = !r.minimum && !r.first;
    return r;
}

// Waits for input. 0; 1: stop reading, without an error; or an error.
static int wait_input(struct pty *pty, struct file *f, const struct read_terms *terms, bool first)
{
    struct slave_wait w = {pty, f};
    u64 patience = first ? terms->first : terms->next;
    if (line_readable(&pty->line, 1))
        return 0;
    if (pty->master_closed)
        return -EIO;
    if (tty_file_hung_up(&pty->tty, f) || terms->poll)
        return 1;
    if (terms->nonblock)
        return -EAGAIN;
    int error = wait_until_locked(&pty->slave_wait, &pty->tty.lock,
                                  patience ? clock_monotonic() + patience : DEADLINE_NONE,
                                  WAIT_INTERRUPTIBLE, readable, &w);
    if (error)
        return error == -ETIMEDOUT ? 1 : error;
    return wait_input(pty, f, terms, first);
}

// Takes input until the terms are met. Called with the lock held, which it lets go while it copies.
static s64 read_locked(struct pty *pty, struct file *f, struct io *io)
{
    struct read_terms terms = read_terms(pty, f);
    u8 chunk[CHUNK];
    bool end = false;
    s64 done = 0;
    int error = 0;
    while (io->left && !end && !error) {
        if (done && (terms.canonical || (size_t)done >= max(terms.minimum, 1u)) &&
            !line_readable(&pty->line, 1))
            break;
        error = wait_input(pty, f, &terms, !done);
        if (error)
            break;
        size_t size = line_read(&pty->line, chunk, min(io->left, sizeof(chunk)), &end);
        lock_release(&pty->tty.lock);
        s64 moved = size ? io_put(io, chunk, size) : 0;
        lock_acquire(&pty->tty.lock);
        if (moved < 0)
            error = (int)moved;
        else
            done += moved;
    }
    return done || error == 1 ? done : error;
}

static s64 slave_read(struct tty *tty, struct file *f, struct io *io)
{
    struct pty *pty = pty_of(tty);
    int error = tty_check_background(tty, SIGTTIN);
    if (error)
        return error;
    lock_acquire(&tty->lock);
    bool was_full = !line_has_room(&pty->line);
    s64 result = read_locked(pty, f, io);
    lock_release(&tty->lock);
    if (was_full && result > 0)
        pty_wake_master(pty, POLLOUT | POLLWRNORM);
    return result;
}

// Puts one chunk out, waiting for room as often as it takes.
static size_t write_chunk(struct pty *pty, struct file *f, const u8 *data, size_t size,
                          int *out_error)
{
    struct slave_wait w = {pty, f};
    size_t done = 0;
    lock_acquire(&pty->tty.lock);
    for (;;) {
        if (wait_is_over(&w)) {
            *out_error = -EIO;
            break;
        }
        done += line_write(&pty->line, data + done, size - done);
        if (done == size)
            break;
        *out_error = -EAGAIN;
        if (f->flags & O_NONBLOCK)
            break;
        lock_release(&pty->tty.lock);
        pty_wake_master(pty, POLLIN | POLLRDNORM);
        lock_acquire(&pty->tty.lock);
        *out_error = wait_until_locked(&pty->slave_wait, &pty->tty.lock, DEADLINE_NONE,
                                       WAIT_INTERRUPTIBLE, writable, &w);
        if (*out_error)
            break;
    }
    lock_release(&pty->tty.lock);
    pty_wake_master(pty, POLLIN | POLLRDNORM);
    return done;
}

static s64 slave_write(struct tty *tty, struct file *f, struct io *io)
{
    struct pty *pty = pty_of(tty);
    u8 chunk[CHUNK];
    s64 done = 0;
    int error = tty->termios.c_lflag & TOSTOP ? tty_check_background(tty, SIGTTOU) : 0;
    while (io->left && !error) {
        s64 size = io_get(io, chunk, min(io->left, sizeof(chunk)));
        if (size <= 0) {
            error = size < 0 ? (int)size : -EFAULT;
            break;
        }
        done += (s64)write_chunk(pty, f, chunk, (size_t)size, &error);
    }
    return done ? done : error;
}

static u32 slave_poll(struct tty *tty, struct file *f, struct poll_table *table)
{
    struct pty *pty = pty_of(tty);
    u32 events = 0;
    poll_wait(table, &pty->slave_wait);
    lock_acquire(&tty->lock);
    const u8 *c_cc = tty->termios.c_cc;
    if (line_readable(&pty->line, !c_cc[VTIME] ? c_cc[VMIN] : 1))
        events |= POLLIN | POLLRDNORM;
    if (line_output_room(&pty->line))
        events |= POLLOUT | POLLWRNORM;
    if (pty->master_closed)
        events |= POLLHUP;
    lock_release(&tty->lock);
    return events;
}

static s64 slave_flush(struct pty *pty, u64 which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    pty_flush(pty, which != TCOFLUSH, which != TCIFLUSH);
    pty_wake_master(pty, POLLOUT | POLLWRNORM);
    return 0;
}

// TCXONC: stop and go for output, or have the other side do so.
static s64 slave_flow(struct pty *pty, u64 action)
{
    u8 key;
    if (action > TCION)
        return -EINVAL;
    lock_acquire(&pty->tty.lock);
    if (action == TCOOFF || action == TCOON) {
        pty->line.stopped = action == TCOOFF;
    } else {
        key = pty->tty.termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
        if (key)
            line_output_raw(&pty->line, key);
    }
    lock_release(&pty->tty.lock);
    pty_wake_slave(pty, POLLOUT | POLLWRNORM);
    pty_wake_master(pty, POLLIN | POLLRDNORM);
    return 0;
}

static s64 slave_type(struct pty *pty, uaddr_t from)
{
    struct process *p = thread_process();
    u8 key;
    if (p->tty != &pty->tty && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    int error = user_read(&key, from, 1);
    if (!error)
        pty_receive(pty, &key, 1);
    return error;
}

static s64 slave_ioctl(struct tty *tty, struct file *f, u32 command, u64 argument)
{
    struct pty *pty = pty_of(tty);
    int error;
    switch (command) {
    case FIONREAD:
        return user_write_u32(argument, line_input_count(&pty->line));
    case TIOCOUTQ: // what was written is with the master
        return user_write_u32(argument, 0);
    case TCFLSH:
        error = tty_check_background(tty, SIGTTOU);
        return error ? error : slave_flush(pty, argument);
    case TCXONC:
        error = tty_check_background(tty, SIGTTOU);
        return error ? error : slave_flow(pty, argument);
    case TIOCSTI:
        return slave_type(pty, argument);
    case TIOCVHANGUP:
        tty_hangup(tty);
        return 0;
    default:
        return -ENOTTY;
    }
}

// A pseudoterminal has bytes of eight bits without parity, whatever it is told.
static void slave_termios_changed(struct tty *tty, const struct termios2 *old)
{
    struct pty *pty = pty_of(tty);
    lock_acquire(&tty->lock);
    tty->termios.c_cflag = (tty->termios.c_cflag & ~(u32)(CSIZE | PARENB)) | CS8 | CREAD;
    line_termios_changed(&pty->line, old);
    if (pty->packet) {
        const u8 *c = tty->termios.c_cc;
        bool was = (old->c_iflag & IXON) && old->c_cc[VSTOP] == 19 && old->c_cc[VSTART] == 17;
        bool is = (tty->termios.c_iflag & IXON) && c[VSTOP] == 19 && c[VSTART] == 17;
        if (was != is)
            pty->packet_events |= is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
    }
    lock_release(&tty->lock);
    pty_wake_slave(pty, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    pty_wake_master(pty, POLLIN | POLLPRI);
}

static int slave_drain(struct tty *tty)
{
    return 0; // output is the master's as soon as it is written
}

static void slave_flush_input(struct tty *tty)
{
    pty_flush(pty_of(tty), /*input=*/true, /*output=*/false);
}

static void slave_hung_up(struct tty *tty)
{
    pty_wake_slave(pty_of(tty), ~0u);
}

static void slave_closed(struct tty *tty)
{
    pty_wake_master(pty_of(tty), POLLHUP | POLLIN);
}

const struct tty_ops pty_slave_ops = {
    .read = slave_read,
    .write = slave_write,
    .poll = slave_poll,
    .ioctl = slave_ioctl,
    .termios_changed = slave_termios_changed,
    .drain = slave_drain,
    .flush_input = slave_flush_input,
    .hung_up = slave_hung_up,
    .closed = slave_closed,
    .free = pty_free,
};
