// SPDX-License-Identifier: BSD-3-Clause
// Terminals in common: references, open files, sessions and job control. See tty.h.
//
// A hang-up must reach files that were opened before it, and no later ones: each file notes in its
// position (terminals have no other) how many hang-ups there had been.
#include "driver/tty.h"

#include <asm/signal.h>

#include "base/string.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

void tty_termios_default(struct termios2 *out)
{
    static const u8 control[] = {
        [VINTR] = 3,     [VQUIT] = 28,   [VERASE] = 127, [VKILL] = 21, [VEOF] = 4,
        [VMIN] = 1,      [VSTART] = 17,  [VSTOP] = 19,   [VSUSP] = 26, [VREPRINT] = 18,
        [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22,
    };
    memset(out, 0, sizeof(*out));
    out->c_iflag = ICRNL | IXON;
    out->c_oflag = OPOST | ONLCR;
    out->c_cflag = B38400 | CS8 | CREAD | HUPCL;
    out->c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    out->c_ispeed = out->c_ospeed = 38400;
    memcpy(out->c_cc, control, sizeof(control));
}

void tty_init(struct tty *tty, const struct tty_ops *ops, u32 rdevice)
{
    tty->references = 1;
    tty->ops = ops;
    tty->rdevice = rdevice;
    tty_termios_default(&tty->termios);
}

struct tty *tty_get(struct tty *tty)
{
    if (tty)
        __atomic_add_fetch(&tty->references, 1, __ATOMIC_RELAXED);
    return tty;
}

void tty_put(struct tty *tty)
{
    // Pairs with itself: the last one sees what the others wrote.
    if (tty && !__atomic_sub_fetch(&tty->references, 1, __ATOMIC_ACQ_REL) && tty->ops->free)
        tty->ops->free(tty);
}

// At boot files are opened before there is a process.
static struct process *current_process(void)
{
    struct thread *t = thread_current();
    return t ? t->process : NULL;
}

struct tty *tty_current(void)
{
    struct process *p = current_process();
    if (!p)
        return NULL;
    lock_acquire(&p->lock);
    struct tty *tty = tty_get(p->tty);
    lock_release(&p->lock);
    return tty;
}

void tty_set_controlling(struct process *p, struct tty *tty)
{
    tty_get(tty);
    lock_acquire(&p->lock);
    struct tty *old = p->tty;
    p->tty = tty;
    lock_release(&p->lock);
    tty_put(old);
}

// Takes `tty` from the processes of one session.
struct session_clear {
    struct tty *tty;
    int session;
};

static void session_clear_one(struct process *p, void *arg)
{
    const struct session_clear *c = arg;
    if (p->sid == c->session && p->tty == c->tty)
        tty_set_controlling(p, NULL);
}

// The terminal is nobody's any more. *out_foreground: the group that had it.
static int session_clear(struct tty *tty, int *out_foreground)
{
    struct session_clear c = {.tty = tty};
    lock_acquire(&tty->lock);
    c.session = tty->session;
    *out_foreground = tty->foreground;
    tty->session = tty->foreground = 0;
    lock_release(&tty->lock);
    if (c.session)
        process_visit(session_clear_one, &c);
    return c.session;
}

void tty_session_clear(struct tty *tty)
{
    int foreground;
    session_clear(tty, &foreground);
}

static void send_group(int group, int signal)
{
    siginfo_t info = {.si_signo = signal, .si_code = SI_KERNEL};
    if (group > 0)
        signal_send_group(group, &info);
}

void tty_signal_foreground(struct tty *tty, int signal)
{
    lock_acquire(&tty->lock);
    int group = tty->foreground;
    lock_release(&tty->lock);
    send_group(group, signal);
}

void tty_hangup(struct tty *tty)
{
    int foreground;
    lock_acquire(&tty->lock);
    __atomic_add_fetch(&tty->hangups, 1, __ATOMIC_RELEASE); // pairs with tty_file_hung_up
    lock_release(&tty->lock);
    int session = session_clear(tty, &foreground);
    struct process *leader = session ? process_find(session) : NULL;
    if (leader) {
        signal_raise_process(leader, SIGHUP);
        signal_raise_process(leader, SIGCONT);
    }
    if (tty->ops->hung_up)
        tty->ops->hung_up(tty);
}

void tty_disassociate(struct process *p)
{
    int foreground;
    struct tty *tty = tty_get(p->tty);
    if (!tty)
        return;
    if (p->pid == p->sid) {
        session_clear(tty, &foreground);
        send_group(foreground, SIGHUP);
        send_group(foreground, SIGCONT);
    }
    tty_set_controlling(p, NULL);
    tty_put(tty);
}

static bool signal_ignored(struct process *p, int signal)
{
    return (thread_current()->blocked & signal_bit(signal)) ||
           p->signals->actions[signal - 1].handler == (uaddr_t)SIG_IGN;
}

bool tty_is_taken(struct tty *tty)
{
    return tty->ops->taken && tty->ops->taken(tty);
}

int tty_check_background(struct tty *tty, int signal)
{
    struct process *p = current_process();
    if (!p || p->tty != tty)
        return 0;
    lock_acquire(&tty->lock);
    int foreground = tty->foreground;
    lock_release(&tty->lock);
    if ((!foreground || p->pgid == foreground) && !tty_is_taken(tty))
        return 0;
    if (signal_ignored(p, signal))
        return signal == SIGTTIN ? -EIO : 0;
    if (process_group_is_orphaned(p->pgid))
        return -EIO;
    send_group(p->pgid, signal);
    return -ERESTARTSYS;
}

int tty_open(struct tty *tty, struct file *f)
{
    struct process *p = current_process();
    bool take = p && !(f->flags & O_NOCTTY) && p->pid == p->sid && !p->tty && file_readable(f);
    int error = 0;

    lock_acquire(&tty->lock);
    if (tty->exclusive && p && credentials_now()->euid)
        error = -EBUSY;
    take = take && !error && !tty->session;
    if (take) {
        tty->session = p->sid;
        tty->foreground = p->pgid;
    }
    if (!error) {
        tty->open_count++;
        f->position = tty->hangups;
    }
    lock_release(&tty->lock);
    if (error)
        return error;
    f->ops = &tty_file_ops;
    f->data = tty_get(tty);
    if (take)
        tty_set_controlling(p, tty);
    return 0;
}

bool tty_file_hung_up(const struct tty *tty, const struct file *f)
{
    // Pairs with tty_hangup.
    return (u32)f->position != __atomic_load_n(&tty->hangups, __ATOMIC_ACQUIRE);
}

static s64 tty_file_read(struct file *f, struct io *io, u64 *position)
{
    struct tty *tty = f->data;
    return tty_file_hung_up(tty, f) ? 0 : tty->ops->read(tty, f, io);
}

static s64 tty_file_write(struct file *f, struct io *io, u64 *position)
{
    struct tty *tty = f->data;
    return tty_file_hung_up(tty, f) ? -EIO : tty->ops->write(tty, f, io);
}

static u32 tty_file_poll(struct file *f, struct poll_table *table)
{
    struct tty *tty = f->data;
    u32 events = tty->ops->poll(tty, f, table);
    if (tty_file_hung_up(tty, f))
        events |= POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    return events;
}

static s64 tty_file_ioctl(struct file *f, u32 command, u64 argument)
{
    struct tty *tty = f->data;
    if (tty_file_hung_up(tty, f))
        return command == TIOCSPGRP ? -ENOTTY : -EIO;
    return tty_ioctl(tty, f, command, argument, /*master=*/false);
}

static void tty_file_release(struct file *f)
{
    struct tty *tty = f->data;
    lock_acquire(&tty->lock);
    bool last = --tty->open_count == 0;
    if (last)
        tty->exclusive = false;
    lock_release(&tty->lock);
    if (last && tty->ops->closed)
        tty->ops->closed(tty);
    tty_put(tty);
}

const struct file_ops tty_file_ops = {
    .read = tty_file_read,
    .write = tty_file_write,
    .poll = tty_file_poll,
    .ioctl = tty_file_ioctl,
    .release = tty_file_release,
};
