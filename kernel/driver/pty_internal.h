// SPDX-License-Identifier: BSD-3-Clause
// A pseudoterminal pair: the slave (a terminal, pty_slave.c) and the master (pty_master.c).
#pragma once

#include "driver/line.h"
#include "driver/tty.h"
#include "thread/wait.h"

struct pty {
    struct tty tty; // the slave. tty.lock guards all below
    u32 number;
    struct line line;
    bool locked; // TIOCSPTLCK: the slave can't be opened
    bool slave_was_open;
    bool master_closed;
    bool packet;                   // TIOCPKT
    u8 packet_events;              // TIOCPKT_*, to be read by the master
    struct wait_queue slave_wait;  // input to read, room to write
    struct wait_queue master_wait; // output to read, room to write
};

static inline struct pty *pty_of(struct tty *tty)
{
    return container_of(tty, struct pty, tty);
}

extern const struct file_ops pty_master_ops; // f->data: struct pty, referenced through its tty

extern const struct tty_ops pty_slave_ops;
void pty_free(struct tty *tty); // the terminal's last reference has gone

void pty_node_remove(struct pty *pty);                    // /dev/pts/NUMBER
must_check int pty_peer_open(struct pty *pty, u32 flags); // TIOCGPTPEER: a descriptor

// Bytes from the keyboard, with echo and signals. Returns how many there was room for.
size_t pty_receive(struct pty *pty, const u8 *data, size_t size);
// Flushes input and output of the slave (TCFLSH, TIOCPKT tells the master).
void pty_flush(struct pty *pty, bool input, bool output);
void pty_wake_master(struct pty *pty, u32 events);
void pty_wake_slave(struct pty *pty, u32 events);
