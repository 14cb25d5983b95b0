// SPDX-License-Identifier: BSD-3-Clause
// A recovery that was for nothing: what we took for lost was only late. Told by D-SACKs of all that
// was sent again [RFC 3708, RFC 8985 6.2], or by the timestamp of the first ACK that moves on, when it
// is older than our first repetition [Eifel: RFC 3522, RFC 4015]; then the windows are as before.
#include "net/tcp_connection.h"

void undo_begin(struct tcp_connection *c)
{
    c->undo_window = c->congestion.window;
    c->undo_threshold = c->congestion.threshold;
    c->undo_count = 0;
}

static void undo(struct tcp_connection *c)
{
    c->congestion.window = max(c->congestion.window, c->undo_window);
    c->congestion.threshold = max(c->congestion.threshold, c->undo_threshold);
    c->undo_window = 0;
}

void undo_note_sent(struct tcp_connection *c, u64 now)
{
    if (c->undo_window && !c->undo_count++)
        c->undo_stamp = tcp_timestamp(now) + c->timestamp_offset;
}

void recovery_duplicate(struct tcp_connection *c)
{
    mib_count(MIB_TWICE_TOLD);
    c->probe_duplicate = true;
    c->reordering = true;
    c->reorder_steps = min(c->reorder_steps + 1, 16u);
    if (c->undo_window && c->undo_count && !--c->undo_count)
        undo(c);
}

void undo_by_echo(struct tcp_connection *c, u32 echo)
{
    if (c->recovery == RECOVERY_NONE || !c->undo_window || !c->undo_count ||
        (s32)(echo - c->undo_stamp) >= 0)
        return;
    undo(c);
    if (c->recovery == RECOVERY_TIMEOUT)
        records_unmark_lost(&c->send); // still under way, as it seems; RACK will tell
    c->recovery = RECOVERY_NONE;
    c->duplicate_acks = 0;
}
