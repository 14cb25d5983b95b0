// SPDX-License-Identifier: BSD-3-Clause
// The line discipline of pseudoterminals: what lies between the keys and read(2), and between
// write(2) and the screen. termios(3). Called with the terminal's lock held; it never waits.
//
//     keys --line_receive--> input --line_read--> program --line_write--> output --> screen
//                |                                                          ^
//                +---------------------------- echo ------------------------+
//
// input is a ring with three marks:  read <= commit <= write. In canonical mode [read, commit) are
// whole lines, whose last bytes are marked in `ends`, and [commit, write) can still be edited; else
// commit == write.
#pragma once

#include <asm/termbits.h>

#include "base/types.h"

#define LINE_INPUT_SIZE  4096u
#define LINE_OUTPUT_SIZE 65536u
#define LINE_KEPT        4096u // of the output: on Linux a flush does not reach what the master has
#define LINE_ECHO_ROOM   8192u // of the output that programs leave free, so that echo has room

struct line {
    const struct termios2 *termios; // the terminal's
    u8 *input, *output;             // LINE_INPUT_SIZE, LINE_OUTPUT_SIZE bytes
    u32 read, commit, write;        // free-running counters
    u32 output_read, output_write;
    u64 ends[LINE_INPUT_SIZE / 64];
    u32 column;        // of the cursor
    u32 line_column;   // where the line being edited began
    bool literal_next; // VLNEXT was typed
    bool erasing;      // within \.../ of ECHOPRT
    bool stopped;      // VSTOP was typed, or TCOOFF
};

must_check int line_init(struct line *l, const struct termios2 *termios); // -ENOMEM
void line_free(struct line *l);

// One byte from the keyboard. *out_signal: the signal it asks for, or 0; the caller sends it when
// it has let go of the lock. False: there is no room, try again after a read.
bool line_receive(struct line *l, u8 c, int *out_signal);
bool line_has_room(const struct line *l);

// Is there something to read? `minimum` bytes of it count in non-canonical mode.
bool line_readable(const struct line *l, u32 minimum);
// Takes what one read gets: at most size bytes, in canonical mode at most one line. *out_end: the
// read is complete, even if there is room left (a line's end, or end of file if it returns 0).
size_t line_read(struct line *l, u8 *out, size_t size, bool *out_end);
u32 line_input_count(const struct line *l); // FIONREAD

// Puts program output through the discipline; returns how many bytes it took.
size_t line_write(struct line *l, const u8 *data, size_t size);
u32 line_output_room(const struct line *l); // for programs; 0 when stopped
u32 line_output_count(const struct line *l);
size_t line_output_take(struct line *l, u8 *out, size_t size); // what the screen gets

void line_flush(struct line *l, bool input, bool output);
void line_termios_changed(struct line *l, const struct termios2 *old);

// For line.c: echo, as line_write but with all of the room.
void line_output_raw(struct line *l, u8 c);  // as it is
void line_output_char(struct line *l, u8 c); // as OPOST wants it
void line_echo(struct line *l, u8 c);        // with ^X for control characters (ECHOCTL)

static inline bool line_is_control(u8 c)
{
    return c < 0x20 || c == 0x7f;
}

// Letters are those of Latin-1, for which IUCLC and OLCUC were made.
static inline bool line_is_upper(u8 c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static inline bool line_is_lower(u8 c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
}

// A byte inside of a UTF-8 character takes no column, and is erased with the first one.
static inline bool line_is_continuation(const struct line *l, u8 c)
{
    return (l->termios->c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}
