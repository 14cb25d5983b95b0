// SPDX-License-Identifier: BSD-3-Clause
// The way out of the line discipline: OPOST processing, columns, echo.
#include "base/string.h"
#include "driver/line.h"

u32 line_output_count(const struct line *l)
{
    return l->output_write - l->output_read;
}

u32 line_output_room(const struct line *l)
{
    u32 limit = LINE_OUTPUT_SIZE - LINE_ECHO_ROOM, count = line_output_count(l);
    return l->stopped || count >= limit ? 0 : limit - count;
}

// Echo that finds no room is lost, as on a terminal that nobody reads.
void line_output_raw(struct line *l, u8 c)
{
    if (line_output_count(l) < LINE_OUTPUT_SIZE)
        l->output[l->output_write++ % LINE_OUTPUT_SIZE] = c;
}

static void output_newline(struct line *l)
{
    if (l->termios->c_oflag & ONLRET)
        l->column = 0;
    if (l->termios->c_oflag & ONLCR) {
        l->column = 0;
        line_output_raw(l, '\r');
    }
    l->line_column = l->column;
    line_output_raw(l, '\n');
}

static void output_return(struct line *l)
{
    if ((l->termios->c_oflag & ONOCR) && !l->column)
        return;
    if (l->termios->c_oflag & OCRNL) {
        if (l->termios->c_oflag & ONLRET)
            l->column = l->line_column = 0;
        line_output_raw(l, '\n');
        return;
    }
    l->column = l->line_column = 0;
    line_output_raw(l, '\r');
}

static void output_tab(struct line *l)
{
    u32 spaces = 8 - (l->column & 7);
    l->column += spaces;
    if ((l->termios->c_oflag & TABDLY) != XTABS) {
        line_output_raw(l, '\t');
        return;
    }
    while (spaces--)
        line_output_raw(l, ' ');
}

void line_output_char(struct line *l, u8 c)
{
    if (!(l->termios->c_oflag & OPOST)) {
        line_output_raw(l, c);
        return;
    }
    switch (c) {
    case '\n':
        output_newline(l);
        return;
    case '\r':
        output_return(l);
        return;
    case '\t':
        output_tab(l);
        return;
    case '\b':
        if (l->column)
            l->column--;
        break;
    default:
        if (line_is_control(c))
            break;
        if ((l->termios->c_oflag & OLCUC) && line_is_lower(c))
            c -= 'a' - 'A';
        if (!line_is_continuation(l, c))
            l->column++;
        break;
    }
    line_output_raw(l, c);
}

void line_echo(struct line *l, u8 c)
{
    if ((l->termios->c_lflag & ECHOCTL) && line_is_control(c) && c != '\t') {
        line_output_raw(l, '^');
        line_output_raw(l, c ^ 0100);
        l->column += 2;
        return;
    }
    line_output_char(l, c);
}

size_t line_write(struct line *l, const u8 *data, size_t size)
{
    size_t done = 0;
    while (done < size && line_output_room(l) >= 8) // 8: the longest that one byte becomes
        line_output_char(l, data[done++]);
    return done;
}

size_t line_output_take(struct line *l, u8 *out, size_t size)
{
    size_t part, done = 0;
    while (done < size && line_output_count(l)) {
        u32 at = l->output_read % LINE_OUTPUT_SIZE;
        part = min(line_output_count(l), LINE_OUTPUT_SIZE - at); // up to the ring's end
        part = min(part, size - done);
        memcpy(out + done, l->output + at, part);
        l->output_read += (u32)part;
        done += part;
    }
    return done;
}
