// SPDX-License-Identifier: BSD-3-Clause
// ioctl_tty(2): settings in their three layouts, window size, session and foreground group.
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/capability.h>

#include "base/string.h"
#include "driver/tty.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"


// Speeds by the low four bits of c_cflag's code, without and with CBAUDEX. termios(3)
static const u32 baud_rates[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const u32 baud_rates_high[] = {0,       57600,   115200,  230400,  460800,  500000,
                                      576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                      2500000, 3000000, 3500000, 4000000};

static u32 baud_decode(u32 bits, u32 other)
{
    if ((bits & CBAUD) == BOTHER)
        return other;
    return bits & CBAUDEX ? baud_rates_high[bits & 15] : baud_rates[bits & 15];
}

static void decode_speeds(struct termios2 *t)
{
    u32 input = (t->c_cflag >> IBSHIFT) & CBAUD;
    t->c_ospeed = baud_decode(t->c_cflag, t->c_ospeed);
    t->c_ispeed = input ? baud_decode(input, t->c_ispeed) : t->c_ospeed;
}

// Reads the user's settings over *t, which holds the present ones. size: of the layout.
static int termios_read(struct termios2 *t, uaddr_t from, size_t size)
{
    struct termio old;
    int error;
    if (size != sizeof(old)) {
        error = user_read(t, from, size);
        if (!error)
            decode_speeds(t);
        return error;
    }
    error = user_read(&old, from, sizeof(old));
    if (error)
        return error;
    t->c_iflag = (t->c_iflag & 0xffff0000) | old.c_iflag;
    t->c_oflag = (t->c_oflag & 0xffff0000) | old.c_oflag;
    t->c_cflag = (t->c_cflag & 0xffff0000) | old.c_cflag;
    t->c_lflag = (t->c_lflag & 0xffff0000) | old.c_lflag;
    memcpy(t->c_cc, old.c_cc, NCC);
    decode_speeds(t);
    return 0;
}

static int termios_write(const struct termios2 *t, uaddr_t to, size_t size)
{
    struct termio old = {0};
    if (size != sizeof(old))
        return user_write(to, t, size);
    old.c_iflag = (u16)t->c_iflag;
    old.c_oflag = (u16)t->c_oflag;
    old.c_cflag = (u16)t->c_cflag;
    old.c_lflag = (u16)t->c_lflag;
    memcpy(old.c_cc, t->c_cc, NCC);
    return user_write(to, &old, sizeof(old));
}

static s64 termios_get(struct tty *tty, uaddr_t to, size_t size)
{
    lock_acquire(&tty->lock);
    struct termios2 copy = tty->termios;
    lock_release(&tty->lock);
    return termios_write(&copy, to, size);
}

static s64 locked_ioctl(struct tty *tty, u32 command, uaddr_t argument)
{
    struct termios2 copy = { 0 };
    int error;

    if (command == TIOCGLCKTRMIOS) {
        lock_acquire(&tty->lock);
        copy = tty->locked;
        lock_release(&tty->lock);
        return termios_write(&copy, argument, sizeof(struct termios));
    }
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    error = user_read(&copy, argument, sizeof(struct termios));
    if (error)
        return error;
    lock_acquire(&tty->lock);
    tty->locked = copy;
    lock_release(&tty->lock);
    return 0;
}

// ioctl_tty(2), "Locking the termios structure".
static void keep_locked(struct termios2 *new, const struct termios2 *old, const struct termios2 *locked)
{
    new->c_iflag = (new->c_iflag & ~locked->c_iflag) | (old->c_iflag & locked->c_iflag);
    new->c_oflag = (new->c_oflag & ~locked->c_oflag) | (old->c_oflag & locked->c_oflag);
    new->c_cflag = (new->c_cflag & ~locked->c_cflag) | (old->c_cflag & locked->c_cflag);
    new->c_lflag = (new->c_lflag & ~locked->c_lflag) | (old->c_lflag & locked->c_lflag);
    new->c_line = locked->c_line ? old->c_line : new->c_line;
    for (size_t i = 0; i < array_count(new->c_cc); i++)
        new->c_cc[i] = locked->c_cc[i] ? old->c_cc[i] : new->c_cc[i];
}

#define SET_DRAIN 1u // wait until output has gone out
#define SET_FLUSH 2u // drop input that was not read

static s64 termios_set(struct tty *tty, uaddr_t from, size_t size, u32 how, bool master)
{
    int error = master ? 0 : tty_check_background(tty, SIGTTOU);
    if (error)
        return error;
    lock_acquire(&tty->lock);
    struct termios2 old = tty->termios;
    lock_release(&tty->lock);
    struct termios2 new = old;
    error = termios_read(&new, from, size);
    if (error)
        return error;
    if (how & SET_FLUSH)
        tty->ops->flush_input(tty);
    if (how & SET_DRAIN) {
        error = tty->ops->drain(tty);
        if (error)
            return error;
    }
    lock_acquire(&tty->lock);
    keep_locked(&new, &tty->termios, &tty->locked);
    tty->termios = new;
    lock_release(&tty->lock);
    tty->ops->termios_changed(tty, &old);
    return 0;
}

int tty_set_winsize(struct tty *tty, const struct winsize *size)
{
    lock_acquire(&tty->lock);
    bool same = !memcmp(&tty->winsize, size, sizeof(*size));
    tty->winsize = *size;
    lock_release(&tty->lock);
    if (!same)
        tty_signal_foreground(tty, SIGWINCH);
    return 0;
}

static s64 winsize_ioctl(struct tty *tty, u32 command, uaddr_t argument)
{
    struct winsize size;
    if (command == TIOCSWINSZ) {
        int error = user_read(&size, argument, sizeof(size));
        return error ? error : tty_set_winsize(tty, &size);
    }
    if (tty->ops->refresh)
        tty->ops->refresh(tty);
    lock_acquire(&tty->lock);
    size = tty->winsize;
    lock_release(&tty->lock);
    return user_write(argument, &size, sizeof(size));
}

struct group_search {
    int group, session; // session: of the group that was found, 0: none
};

static void group_search_one(struct process *p, void *arg)
{
    struct group_search *s = arg;
    if (p->pgid == s->group)
        s->session = p->sid;
}

static s64 foreground_set(struct tty *tty, uaddr_t argument)
{
    struct process *p = thread_process();
    u32 value;
    int error = tty_check_background(tty, SIGTTOU);
    if (error)
        return error == -EIO ? -ENOTTY : error;
    if (p->tty != tty || tty->session != p->sid)
        return -ENOTTY;
    error = user_read_u32(&value, argument);
    if (error)
        return error;
    struct group_search search = {.group = (int)value};
    if (search.group < 0)
        return -EINVAL;
    process_visit(group_search_one, &search);
    if (!search.session)
        return -ESRCH;
    if (search.session != p->sid)
        return -EPERM;
    lock_acquire(&tty->lock);
    tty->foreground = search.group;
    lock_release(&tty->lock);
    return 0;
}

static s64 controlling_set(struct tty *tty, struct file *f, u64 steal)
{
    struct process *p = thread_process();
    bool leader = p->pid == p->sid, admin = capable(CAP_SYS_ADMIN);
    if (leader && tty->session == p->sid)
        return 0;
    if (!leader || p->tty)
        return -EPERM;
    if (tty->session && !(steal == 1 && admin))
        return -EPERM;
    if (!file_readable(f) && !admin)
        return -EPERM;
    if (tty->session)
        tty_session_clear(tty);
    lock_acquire(&tty->lock);
    tty->session = p->sid;
    tty->foreground = p->pgid;
    lock_release(&tty->lock);
    tty_set_controlling(p, tty);
    return 0;
}

static s64 session_ioctl(struct tty *tty, struct file *f, u32 command, u64 argument, bool master)
{
    struct process *p = thread_process();
    switch (command) {
    case TIOCGPGRP:
        if (!master && p->tty != tty)
            return -ENOTTY;
        return user_write_u32(argument, tty_is_taken(tty) ? 0 : (u32)tty->foreground);
    case TIOCGSID:
        if ((!master && p->tty != tty) || !tty->session)
            return -ENOTTY;
        return user_write_u32(argument, (u32)tty->session);
    case TIOCSPGRP:
        return foreground_set(tty, argument);
    case TIOCSCTTY:
        return controlling_set(tty, f, argument);
    default: // TIOCNOTTY
        if (p->tty != tty)
            return -ENOTTY;
        tty_disassociate(p);
        return 0;
    }
}

static s64 exclusive_ioctl(struct tty *tty, u32 command, uaddr_t argument)
{
    if (command == TIOCGEXCL)
        return user_write_u32(argument, tty->exclusive);
    lock_acquire(&tty->lock);
    tty->exclusive = command == TIOCEXCL;
    lock_release(&tty->lock);
    return 0;
}

static s64 break_ioctl(struct tty *tty, u32 command, u64 argument, bool master)
{
    int error = master ? 0 : tty_check_background(tty, SIGTTOU);
    if (error || command == TIOCSBRK || command == TIOCCBRK)
        return error;
    return tty->ops->drain(tty); // tcdrain is TCSBRK with 1; a break means nothing here
}

s64 tty_ioctl(struct tty *tty, struct file *f, u32 command, u64 argument, bool master)
{
    switch (command) {
    case TCGETS:
        return termios_get(tty, argument, sizeof(struct termios));
    case TCGETS2:
        return termios_get(tty, argument, sizeof(struct termios2));
    case TCGETA:
        return termios_get(tty, argument, sizeof(struct termio));
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return termios_set(tty, argument, sizeof(struct termios),
                           command == TCSETS    ? 0
                           : command == TCSETSW ? SET_DRAIN
                                                : SET_DRAIN | SET_FLUSH,
                           master);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return termios_set(tty, argument, sizeof(struct termios2),
                           command == TCSETS2    ? 0
                           : command == TCSETSW2 ? SET_DRAIN
                                                 : SET_DRAIN | SET_FLUSH,
                           master);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return termios_set(tty, argument, sizeof(struct termio),
                           command == TCSETA    ? 0
                           : command == TCSETAW ? SET_DRAIN
                                                : SET_DRAIN | SET_FLUSH,
                           master);
    case TIOCGWINSZ:
    case TIOCSWINSZ:
        return winsize_ioctl(tty, command, argument);
    case TIOCGPGRP:
    case TIOCSPGRP:
    case TIOCGSID:
    case TIOCSCTTY:
    case TIOCNOTTY:
        return session_ioctl(tty, f, command, argument, master);
    case TIOCEXCL:
    case TIOCNXCL:
    case TIOCGEXCL:
        return exclusive_ioctl(tty, command, argument);
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
        return break_ioctl(tty, command, argument, master);
    case TIOCGLCKTRMIOS:
    case TIOCSLCKTRMIOS:
        return locked_ioctl(tty, command, argument);
    case TIOCGETD: // the line discipline's number: N_TTY
        return user_write_u32(argument, 0);
    case TIOCGDEV:
        return user_write_u32(argument, tty->rdevice);
    case TIOCGSOFTCAR:
        return user_write_u32(argument, !!(tty->termios.c_cflag & CLOCAL));
    default:
        return tty->ops->ioctl(tty, f, command, argument);
    }
}
