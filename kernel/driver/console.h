// SPDX-License-Identifier: BSD-3-Clause
// The host's standard input, output and error. See also file/root.h: console_open, console_ready,
// console_mailbox.
#pragma once

#include "base/types.h"

struct io;
struct process;
struct stat;
struct tty;

// Queues that somebody waits for: what the idle loop hands to platform_wait as interest. What it
// reports as ready goes to console_ready. Ask anew before each wait.
u64 console_interest(void);

// Makes `p` the leader of the console's session: its group gets the console's signals. If a
// standard stream is a terminal, that becomes p's controlling terminal. p->pid, pgid and sid are
// set.
void console_attach(struct process *p);

// An open of a standard stream that is no terminal, by the number its inode has: device
// 5:CONSOLE_MINOR + port. -EACCES: it cannot be read or written so
#define CONSOLE_MINOR 192
struct file;
must_check int console_stream_open(int port, struct file *f);

// For console_tty.c and console_file.c: one port is one queue of the waist.
#define PORT_TERMINAL_INPUT  3 // the rest of the host's terminal, if it has not all of the first three
#define PORT_TERMINAL_OUTPUT 4
#define CONSOLE_PORTS        5
void console_ports_init(void);
u32 console_port_kind(int port);                                             // enum stream_kind
s64 console_port_read(int port, struct io *io, bool nonblock, u64 deadline); // -ETIMEDOUT
s64 console_port_write(int port, struct io *io, bool nonblock);
bool console_port_ready(int port); // asks the host if need be
bool console_port_is_input(int port);
// Asks the host whether another group has the terminal: then a read, even of nothing, would fail.
bool console_port_is_taken(int port);
// lseek(2) of the host's file. The new position, or its error; -ERESTARTSYS
must_check s64 console_port_seek(int port, s64 offset, u32 whence);
// pread(2), pwrite(2), in the port's direction.
must_check s64 console_port_move_at(int port, struct io *io, u64 position);
must_check int console_port_stat(int port, struct stat *out);
struct wait_queue *console_port_queue(int port);

// The terminal behind the console, whether or not a stream is one: it routes signals.
struct tty *console_tty(void);
bool console_has_tty(void); // a standard stream is a terminal
