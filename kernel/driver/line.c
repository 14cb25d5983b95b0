// SPDX-License-Identifier: BSD-3-Clause
// The way in of the line discipline: editing, signals, flow control, and what a read gets.
#include "driver/line.h"

#include <asm/signal.h>

#include "base/string.h"
#include "memory/pages.h"

#define MASK    (LINE_INPUT_SIZE - 1)
#define NO_CHAR 0 // _POSIX_VDISABLE; also what stands in the input for an end of file

static bool flag_local(const struct line *l, u32 flag)
{
    return l->termios->c_lflag & flag;
}

static bool flag_input(const struct line *l, u32 flag)
{
    return l->termios->c_iflag & flag;
}

// Is c the control character `which`, one that is not disabled?
static bool is_char(const struct line *l, int which, u8 c)
{
    return c != NO_CHAR && l->termios->c_cc[which] == c;
}

static bool is_extended(const struct line *l, int which, u8 c)
{
    return flag_local(l, IEXTEN) && is_char(l, which, c);
}

int line_init(struct line *l, const struct termios2 *termios)
{
    l->termios = termios;
    l->input = pages_alloc(LINE_INPUT_SIZE / PAGE_SIZE);
    l->output = pages_alloc(LINE_OUTPUT_SIZE / PAGE_SIZE);
    if (l->input && l->output)
        return 0;
    line_free(l);
    return -ENOMEM;
}

void line_free(struct line *l)
{
    if (l->input)
        pages_free(l->input, LINE_INPUT_SIZE / PAGE_SIZE);
    if (l->output)
        pages_free(l->output, LINE_OUTPUT_SIZE / PAGE_SIZE);
    l->input = l->output = NULL;
}

static void end_set(struct line *l, u32 at, bool set)
{
    u64 bit = 1ull << (at % 64), *word = &l->ends[(at & MASK) / 64];
    *word = set ? *word | bit : *word & ~bit;
}

static bool end_get(const struct line *l, u32 at)
{
    return l->ends[(at & MASK) / 64] >> (at % 64) & 1;
}

static void put(struct line *l, u8 c)
{
    l->input[l->write & MASK] = c;
    end_set(l, l->write, false);
    l->write++;
    if (!flag_local(l, ICANON))
        l->commit = l->write;
}

// One place stays free: a line that fills the buffer must be able to end.
bool line_has_room(const struct line *l)
{
    if (l->write - l->read < LINE_INPUT_SIZE - 1)
        return true;
    return flag_local(l, ICANON) && l->commit == l->read; // what comes replaces the last byte
}

static void finish_erasing(struct line *l)
{
    if (l->erasing)
        line_output_char(l, '/');
    l->erasing = false;
}

static void echo_back(struct line *l)
{
    line_output_char(l, '\b');
    line_output_char(l, ' ');
    line_output_char(l, '\b');
}

// Moves the cursor back over a tab: to where the text in front of it ends.
static void erase_tab(struct line *l)
{
    u32 columns = 0, at = l->write;
    bool after_tab = false;
    while (at != l->commit && !after_tab) {
        u8 c = l->input[--at & MASK];
        if (c == '\t')
            after_tab = true;
        else if (line_is_control(c))
            columns += flag_local(l, ECHOCTL) ? 2 : 0;
        else if (!line_is_continuation(l, c))
            columns++;
    }
    if (!after_tab)
        columns += l->line_column;
    for (u32 i = 8 - (columns & 7); i; i--)
        line_output_char(l, '\b');
}

// Shows that c, which took `size` bytes from `from` on, was erased.
static void echo_erased(struct line *l, u8 c, u32 from, u32 size, bool erase_key)
{
    if (!flag_local(l, ECHO))
        return;
    if (flag_local(l, ECHOPRT)) {
        if (!l->erasing)
            line_output_char(l, '\\');
        l->erasing = true;
        line_echo(l, c);
        for (u32 i = 1; i < size; i++)
            line_output_raw(l, l->input[(from + i) & MASK]);
    } else if (erase_key && !flag_local(l, ECHOE)) {
        line_echo(l, l->termios->c_cc[VERASE]);
    } else if (c == '\t') {
        erase_tab(l);
    } else {
        if (line_is_control(c) && flag_local(l, ECHOCTL))
            echo_back(l);
        if (!line_is_control(c) || flag_local(l, ECHOCTL))
            echo_back(l);
    }
}

static bool is_word(u8 c)
{
    return (c >= '0' && c <= '9') || line_is_upper(c) || line_is_lower(c) || c == '_';
}

// VKILL where the terminal can't erase: the line is crossed out or left behind.
static void kill_line(struct line *l)
{
    l->write = l->commit;
    if (!flag_local(l, ECHO))
        return;
    finish_erasing(l);
    line_echo(l, l->termios->c_cc[VKILL]);
    if (flag_local(l, ECHOK))
        line_output_char(l, '\n');
}

// VERASE, VWERASE, VKILL
static void erase(struct line *l, u8 key)
{
    bool erase_key = is_char(l, VERASE, key), word_key = !erase_key && is_extended(l, VWERASE, key);
    bool seen_word = false;
    if (l->write == l->commit)
        return;
    if (!erase_key && !word_key &&
        (l->termios->c_lflag & (ECHO | ECHOE | ECHOK | ECHOKE)) !=
            (ECHO | ECHOE | ECHOK | ECHOKE)) {
        kill_line(l);
        return;
    }
    while (l->write != l->commit) {
        u32 at = l->write;
        u8 c;
        do
            c = l->input[--at & MASK];
        while (line_is_continuation(l, c) && at != l->commit);
        if (line_is_continuation(l, c))
            break;
        if (word_key && !is_word(c) && seen_word)
            break;
        seen_word |= is_word(c);
        u32 size = l->write - at;
        l->write = at;
        echo_erased(l, c, at, size, erase_key);
        if (erase_key)
            break;
    }
    if (l->write == l->commit && flag_local(l, ECHO))
        finish_erasing(l);
}

static void reprint(struct line *l)
{
    finish_erasing(l);
    line_echo(l, l->termios->c_cc[VREPRINT]);
    line_output_char(l, '\n');
    for (u32 at = l->commit; at != l->write; at++)
        line_echo(l, l->input[at & MASK]);
}

static void echo_input(struct line *l, u8 c)
{
    if (!flag_local(l, ECHO))
        return;
    finish_erasing(l);
    if (l->write == l->commit)
        l->line_column = l->column;
    line_echo(l, c);
}

static void end_line(struct line *l, u8 c)
{
    put(l, c);
    end_set(l, l->write - 1, true);
    l->commit = l->write;
}

// A byte in canonical mode. True: it had a meaning of its own.
static bool canonical(struct line *l, u8 c)
{
    if (is_char(l, VERASE, c) || is_char(l, VKILL, c) || is_extended(l, VWERASE, c)) {
        erase(l, c);
    } else if (is_extended(l, VLNEXT, c)) {
        l->literal_next = true;
        if (flag_local(l, ECHO) && flag_local(l, ECHOCTL)) {
            finish_erasing(l);
            line_output_raw(l, '^');
            line_output_raw(l, '\b');
        }
    } else if (is_extended(l, VREPRINT, c) && flag_local(l, ECHO)) {
        reprint(l);
    } else if (c == '\n') {
        if (flag_local(l, ECHO | ECHONL))
            line_output_char(l, '\n');
        end_line(l, c);
    } else if (is_char(l, VEOF, c)) {
        end_line(l, NO_CHAR);
    } else if (is_char(l, VEOL, c) || is_extended(l, VEOL2, c)) {
        echo_input(l, c);
        end_line(l, c);
    } else {
        return false;
    }
    return true;
}

static bool flow_control(struct line *l, u8 c)
{
    if (!flag_input(l, IXON))
        return false;
    if (is_char(l, VSTART, c))
        l->stopped = false;
    else if (is_char(l, VSTOP, c))
        l->stopped = true;
    else
        return false;
    return true;
}

static int signal_of(const struct line *l, u8 c)
{
    if (!flag_local(l, ISIG))
        return 0;
    return is_char(l, VINTR, c)   ? SIGINT
           : is_char(l, VQUIT, c) ? SIGQUIT
           : is_char(l, VSUSP, c) ? SIGTSTP
                                  : 0;
}

bool line_receive(struct line *l, u8 c, int *out_signal)
{
    *out_signal = 0;
    if (!line_has_room(l))
        return false;
    if (l->write - l->read >= LINE_INPUT_SIZE)
        l->write--;
    if (flag_input(l, ISTRIP))
        c &= 0x7f;
    if (flag_input(l, IUCLC) && flag_local(l, IEXTEN) && line_is_upper(c))
        c += 'a' - 'A';
    if (l->literal_next) {
        l->literal_next = false;
        echo_input(l, c);
        put(l, c);
        return true;
    }
    if (l->stopped && flag_input(l, IXON) && flag_input(l, IXANY) && !is_char(l, VSTOP, c))
        l->stopped = false;
    if (flow_control(l, c))
        return true;
    *out_signal = signal_of(l, c);
    if (*out_signal) {
        if (!flag_local(l, NOFLSH))
            line_flush(l, /*input=*/true, /*output=*/true);
        if (flag_input(l, IXON))
            l->stopped = false;
        if (flag_local(l, ECHO))
            line_echo(l, c);
        return true;
    }
    u8 typed = c;
    if (c == '\r') {
        if (flag_input(l, IGNCR))
            return true;
        if (flag_input(l, ICRNL))
            c = '\n';
    } else if (c == '\n' && flag_input(l, INLCR)) {
        c = '\r';
    }
    if (flag_local(l, ICANON) && canonical(l, c))
        return true;
    if (c == '\n' && typed == '\r' &&
        flag_local(l, ECHO)) // the return key shows as a new line, not as ^J
        line_output_char(l, c);
    else
        echo_input(l, c);
    put(l, c);
    return true;
}

bool line_readable(const struct line *l, u32 minimum)
{
    u32 count = l->commit - l->read;
    return flag_local(l, ICANON) ? count : count >= max(minimum, 1u);
}

size_t line_read(struct line *l, u8 *out, size_t size, bool *out_end)
{
    bool canon = flag_local(l, ICANON);
    size_t done = 0;
    *out_end = false;
    while (l->read != l->commit && !*out_end) {
        u8 c = l->input[l->read & MASK];
        bool end = canon && end_get(l, l->read), eof = end && c == NO_CHAR;
        if (done == size && !(eof && done)) // an end of file right behind goes with the data
            break;
        end_set(l, l->read, false);
        l->read++;
        if (!eof)
            out[done++] = c;
        *out_end = end;
    }
    return done;
}

u32 line_input_count(const struct line *l)
{
    u32 count = l->commit - l->read;
    for (u32 at = l->read; flag_local(l, ICANON) && at != l->commit; at++)
        count -= end_get(l, at) && l->input[at & MASK] == NO_CHAR;
    return count;
}

void line_flush(struct line *l, bool input, bool output)
{
    if (input) {
        l->read = l->commit = l->write = 0;
        memset(l->ends, 0, sizeof(l->ends));
        l->erasing = false;
    }
    if (output && line_output_count(l) > LINE_KEPT)
        l->output_write = l->output_read + LINE_KEPT;
}

void line_termios_changed(struct line *l, const struct termios2 *old)
{
    if ((old->c_lflag ^ l->termios->c_lflag) & ICANON) {
        memset(l->ends, 0, sizeof(l->ends));
        l->commit = l->write;
        if (flag_local(l, ICANON) && l->write != l->read)
            end_set(l, l->write - 1, true); // what was typed so far is a line
        l->erasing = l->literal_next = false;
    }
    if (!flag_input(l, IXON) && (old->c_iflag & IXON))
        l->stopped = false;
}
