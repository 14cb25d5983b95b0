// SPDX-License-Identifier: BSD-3-Clause
// Terminals: what the console (whose line discipline is the host's) and pseudoterminals (whose line
// discipline is driver/line.c) have in common: settings, size, session, foreground group, ioctls.
//
// Lock order: process.lock before tty.lock. No signal is sent with tty.lock held.
#pragma once

#include <asm/termbits.h>
#include <asm/termios.h>

#include "file/file.h"
#include "thread/lock.h"

struct process;
struct tty;

struct tty_ops {
    s64 (*read)(struct tty *tty, struct file *f, struct io *io);
    s64 (*write)(struct tty *tty, struct file *f, struct io *io);
    u32 (*poll)(struct tty *tty, struct file *f, struct poll_table *table);
    // Commands of the kind: FIONREAD, TCFLSH, TCXONC, ... -ENOTTY: not known
    s64 (*ioctl)(struct tty *tty, struct file *f, u32 command, u64 argument);
    // tty->termios has changed from *old. Called without the lock.
    void (*termios_changed)(struct tty *tty, const struct termios2 *old);
    // Waits until output has gone out (TCSETSW, TCSBRK). 0 or -ERESTARTSYS
    int (*drain)(struct tty *tty);
    void (*flush_input)(struct tty *tty);
    bool (*taken)(struct tty *tty);   // another session has it at the moment; NULL: never
    void (*refresh)(struct tty *tty); // brings winsize up to date; may be NULL
    void (*hung_up)(struct tty *tty); // wakes who waits; may be NULL
    void (*closed)(struct tty *tty);  // the last open file has gone; may be NULL
    void (*free)(struct tty *tty);    // the last reference has gone; may be NULL
};

struct tty {
    u32 references; // atomic: open files, controlling-terminal pointers, the pty master
    const struct tty_ops *ops;
    u32 rdevice;

    struct lock lock; // all below
    u32 open_count;
    struct termios2 termios;
    struct termios2 locked; // bits that TIOCSLCKTRMIOS set: they stay as they are
    struct winsize winsize;
    int session;    // 0: nobody's controlling terminal
    int foreground; // process group, 0: none
    bool exclusive; // TIOCEXCL
    u32 hangups;    // how often it was hung up; atomic: read without the lock
};

// Every file that is open on a terminal has these operations and f->data == tty (referenced).
extern const struct file_ops tty_file_ops;

void tty_init(struct tty *tty, const struct tty_ops *ops, u32 rdevice);
struct tty *tty_get(struct tty *tty);
void tty_put(struct tty *tty);

// Turns f into an open file of tty: takes a reference of its own; makes it the controlling terminal
// of a session leader without one, unless O_NOCTTY. -EBUSY: TIOCEXCL
must_check int tty_open(struct tty *tty, struct file *f);

// True: the terminal was hung up after f was opened; what waits for f must end.
bool tty_file_hung_up(const struct tty *tty, const struct file *f);

// The controlling terminal of the current process, referenced; NULL: none.
struct tty *tty_current(void);
// Makes tty (NULL: none) the controlling terminal of p alone; references are kept right.
void tty_set_controlling(struct process *p, struct tty *tty);
// p is a session leader that ends or gives up its terminal: hangs up on the foreground group and
// takes the terminal from every process of the session. Harmless for other processes. The exit path
// calls it.
void tty_disassociate(struct process *p);
// Takes the terminal from every process of its session, silently.
void tty_session_clear(struct tty *tty);
// SIGHUP and SIGCONT to the session's leader; reads give end of file, writes EIO.
void tty_hangup(struct tty *tty);

// The terminal is the host's, whose shell has put the whole unikernel into the background.
bool tty_is_taken(struct tty *tty);

// What a background process gets for touching its terminal: 0: go on; -EIO; or -ERESTARTSYS with
// `signal` (SIGTTIN, SIGTTOU) sent to its group.
must_check int tty_check_background(struct tty *tty, int signal);

// Sends a signal of the terminal (SIGINT, SIGWINCH, ...) to the foreground group.
void tty_signal_foreground(struct tty *tty, int signal);

// ioctl(2) on a terminal, or on the master of one (master: no background check, no session check).
s64 tty_ioctl(struct tty *tty, struct file *f, u32 command, u64 argument, bool master);
must_check int tty_set_winsize(struct tty *tty, const struct winsize *size);
void tty_termios_default(struct termios2 *out); // as Linux gives a new terminal
