// SPDX-License-Identifier: BSD-3-Clause
// The host's terminal as a terminal of the guest: /dev/console, and /dev/tty of its session.
//
// The host's line discipline does the work: bytes go straight through. Settings are kept here and
// forwarded to the supervisor through the mailbox; host signals and the window size come back
// through it. It routes the host's signals also when no standard stream is a terminal.
#include <asm/ioctls.h>
#include <asm/signal.h>

#include "abi/queue.h"
#include "base/string.h"
#include "driver/console.h"
#include "driver/devices.h"
#include "driver/tty.h"
#include "file/root.h"
#include "linux/clock.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define TERMIOS_PATIENCE 2000000000ull // ns that the supervisor may take for a change of settings
#define VTIME_UNIT       100000000ull  // ns

static struct {
    bool initialised;
    struct tty tty;
    struct wait_queue mailbox_changed;
} console;

// The one part of boot info that changes; an integer on the way because boot info is const.
static struct boot_mailbox *mailbox(void)
{
    return (struct boot_mailbox *)(uintptr_t)&platform_boot()->mailbox;
}

// The port that reads from the terminal, or writes to it; -1: none.
static int terminal_port(bool input)
{
    for (int i = 0; i < CONSOLE_PORTS; i++) {
        if (console_port_is_input(i) == input && console_port_kind(i) == STREAM_TTY)
            return i;
    }
    return -1;
}

static bool input_ready(void)
{
    int port = terminal_port(/*input=*/true);
    return port >= 0 && console_port_ready(port);
}

static bool console_tty_taken(struct tty *tty)
{
    int port = terminal_port(/*input=*/true);
    return port >= 0 && console_port_is_taken(port);
}

static s64 console_tty_get(struct tty *tty, struct file *f, struct io *io, int port)
{
    lock_acquire(&tty->lock);
    bool may_be_empty = !(tty->termios.c_lflag & ICANON) && !tty->termios.c_cc[VMIN];
    u64 patience = tty->termios.c_cc[VTIME] * VTIME_UNIT;
    lock_release(&tty->lock);
    if (!may_be_empty || (f->flags & O_NONBLOCK))
        return console_port_read(port, io, f->flags & O_NONBLOCK, DEADLINE_NONE);
    s64 result = console_port_read(port, io, !patience, clock_monotonic() + patience);
    return result == -ETIMEDOUT || result == -EAGAIN ? 0 : result;
}

static s64 console_tty_read(struct tty *tty, struct file *f, struct io *io)
{
    int error = tty_check_background(tty, SIGTTIN);
    if (error)
        return error;
    int port = terminal_port(/*input=*/true);
    if (port < 0)
        return -EIO;
    if (!io->left)
        return 0;
    s64 result = console_tty_get(tty, f, io, port);
    if (result == -EIO) // taken meanwhile
        error = tty_check_background(tty, SIGTTIN);
    return error ? error : result;
}

static s64 console_tty_write(struct tty *tty, struct file *f, struct io *io)
{
    int port = terminal_port(/*input=*/false);
    if (tty->termios.c_lflag & TOSTOP) {
        int error = tty_check_background(tty, SIGTTOU);
        if (error)
            return error;
    }
    return port < 0 ? -EIO : console_port_write(port, io, f->flags & O_NONBLOCK);
}

static u32 console_tty_poll(struct tty *tty, struct file *f, struct poll_table *table)
{
    u32 events = 0;
    int port = terminal_port(/*input=*/true);
    if (port >= 0) {
        poll_wait(table, console_port_queue(port));
        if (console_port_ready(port))
            events |= POLLIN | POLLRDNORM;
    }
    port = terminal_port(/*input=*/false);
    if (port >= 0) {
        poll_wait(table, console_port_queue(port));
        if (console_port_ready(port))
            events |= POLLOUT | POLLWRNORM;
    }
    return events;
}

static bool termios_is_done(void *arg)
{
    u32 request = (u32)(uintptr_t)arg;
    // Pairs with the supervisor's store once the host's terminal has changed.
    return (s32)(__atomic_load_n(&mailbox()->termios_done, __ATOMIC_ACQUIRE) - request) >= 0;
}

// Has the supervisor set the host's terminal, and waits until it has: what the program writes next
// must meet the new settings.
static void termios_forward(struct tty *tty, u8 how)
{
    struct boot_mailbox *m = mailbox();
    lock_acquire(&tty->lock);
    memcpy(m->termios, &tty->termios, sizeof(tty->termios));
    m->termios[BOOT_TERMIOS_HOW] = how;
    u32 request = m->termios_request + 1;
    // Pairs with the supervisor's load: it sees the settings.
    __atomic_store_n(&m->termios_request, request, __ATOMIC_RELEASE);
    lock_release(&tty->lock);
    platform_ring(RING_SUPERVISOR);
    // A supervisor that does not answer costs the settings, not the program.
    int error = wait_until(&console.mailbox_changed, clock_monotonic() + TERMIOS_PATIENCE, 0,
                           termios_is_done, (void *)(uintptr_t)request);
    (void)error;
}

static void console_tty_termios_changed(struct tty *tty, const struct termios2 *old)
{
    if (memcmp(old, &tty->termios, sizeof(*old)))
        termios_forward(tty, BOOT_TERMIOS_DRAIN);
}

static void console_tty_flush_input(struct tty *tty)
{
    termios_forward(tty, BOOT_TERMIOS_FLUSH);
}

// Writes end in the host's terminal before they return.
static int console_tty_drain(struct tty *tty)
{
    return 0;
}

static void console_tty_refresh(struct tty *tty)
{
    struct boot_mailbox *m = mailbox();
    u16 rows = (u16)__atomic_load_n(&m->winsize_rows, __ATOMIC_ACQUIRE);
    u16 columns = (u16)__atomic_load_n(&m->winsize_columns, __ATOMIC_ACQUIRE);
    lock_acquire(&tty->lock);
    tty->winsize.ws_row = rows;
    tty->winsize.ws_col = columns;
    lock_release(&tty->lock);
}

static s64 console_tty_ioctl(struct tty *tty, struct file *f, u32 command, u64 argument)
{
    switch (command) {
    case FIONREAD: // how much there is only the host knows
        return user_write_u32(argument, input_ready());
    case TIOCOUTQ:
        return user_write_u32(argument, 0);
    case TCFLSH:
        if (argument > TCIOFLUSH)
            return -EINVAL;
        if (argument != TCOFLUSH)
            console_tty_flush_input(tty);
        return 0;
    case TCXONC:
        return argument > TCION ? -EINVAL : 0;
    case TIOCSTI:
        return -EPERM;
    default:
        return -ENOTTY;
    }
}

static const struct tty_ops console_tty_ops = {
    .read = console_tty_read,
    .write = console_tty_write,
    .poll = console_tty_poll,
    .ioctl = console_tty_ioctl,
    .termios_changed = console_tty_termios_changed,
    .drain = console_tty_drain,
    .flush_input = console_tty_flush_input,
    .taken = console_tty_taken,
    .refresh = console_tty_refresh,
};

struct tty *console_tty(void)
{
    struct termios2 host;
    if (console.initialised)
        return &console.tty;
    wait_queue_init(&console.mailbox_changed);
    tty_init(&console.tty, &console_tty_ops, DEVICE(5, 1));
    memcpy(&host, mailbox()->termios, sizeof(host));
    if (host.c_cflag)
        console.tty.termios = host;
    console_tty_refresh(&console.tty);
    console.initialised = true;
    return &console.tty;
}

bool console_has_tty(void)
{
    return terminal_port(/*input=*/true) >= 0 || terminal_port(/*input=*/false) >= 0;
}

void console_attach(struct process *p)
{
    struct tty *tty = console_tty();
    lock_acquire(&tty->lock);
    tty->session = p->sid;
    tty->foreground = p->pgid;
    lock_release(&tty->lock);
    if (console_has_tty())
        tty_set_controlling(p, tty);
}

// To the foreground group; without one (its session has ended) to the first process.
static void forward_signal(struct tty *tty, int signal)
{
    bool terminal =
        signal == SIGINT || signal == SIGQUIT || signal == SIGTSTP || signal == SIGWINCH;
    siginfo_t info = {.si_signo = signal, .si_code = terminal ? SI_KERNEL : SI_USER};
    lock_acquire(&tty->lock);
    int group = tty->foreground;
    lock_release(&tty->lock);
    bool sent = group && signal_send_group(group, &info) != -ESRCH;
    struct process *first = process_find(1);
    if (first && (!sent || (signal == SIGCONT && first->pgid != group)))
        signal_send_process(first, &info); // SIGCONT: the host has seen it stop
}

void console_mailbox(void)
{
    struct tty *tty = console_tty();
    // Pairs with the supervisor's atomic or.
    u64 signals = __atomic_exchange_n(&mailbox()->signals, 0, __ATOMIC_ACQ_REL);
    u16 rows = tty->winsize.ws_row, columns = tty->winsize.ws_col;
    console_tty_refresh(tty);
    if (rows != tty->winsize.ws_row || columns != tty->winsize.ws_col)
        signals |= signal_bit(SIGWINCH);
    for (int signal = 1; signals; signal++, signals >>= 1) {
        if (signals & 1)
            forward_signal(tty, signal);
    }
    wait_queue_wake(&console.mailbox_changed, ~0u);
}
