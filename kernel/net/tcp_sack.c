// SPDX-License-Identifier: BSD-3-Clause
// The scoreboard: a record for each transmission that is under way, in order of sequence. SACK
// blocks cut records at their edges, so a record is wholly sacked, lost or neither. The sums of the
// flagged bytes give RFC 6675's pipe (send_queue_in_flight):
//
//     LOST and RETRANSMITTED: lost once, the repetition is under way
//     LOST alone:             to be sent again
//     SACKED:                 the peer has it; never together with the others
#include "memory/heap.h"
#include "net/tcp_connection.h"

static struct slab_cache record_cache = SLAB_CACHE("tcp_record", struct tcp_record);

static struct tcp_record *record_of(struct list *node)
{
    return list_entry(node, struct tcp_record, node);
}

struct tcp_record *record_new(void)
{
    return slab_alloc(&record_cache);
}

void record_free(struct tcp_record *r)
{
    slab_free(&record_cache, r);
}

void records_add(struct tcp_send_queue *q, struct tcp_record *r, u32 start, u32 end, u64 now)
{
    r->start = start;
    r->end = end;
    r->sent = now;
    list_push_back(&q->records, &r->node);
}

// Adds `bytes` (negative: takes them away) to the sums that r's flags belong to.
static void count(struct tcp_send_queue *q, const struct tcp_record *r, s64 bytes)
{
    if (r->flags & RECORD_SACKED)
        q->sacked += (u32)bytes;
    if (r->flags & RECORD_LOST)
        q->lost += (u32)bytes;
    if (r->flags & RECORD_RETRANSMITTED)
        q->retransmitted += (u32)bytes;
}

bool records_split(struct tcp_send_queue *q, struct tcp_record *r, u32 at)
{
    struct tcp_record *rest = slab_alloc(&record_cache);

    if (!rest)
        return false;
    rest->start = at;
    rest->end = r->end;
    rest->flags = r->flags;
    rest->sent = r->sent;
    r->end = at;
    list_insert_after(&r->node, &rest->node);
    return true;
}

static void sample_take(struct tcp_record_sample *s, const struct tcp_record *r)
{
    if (!(r->flags & RECORD_REPEATED))
        s->sent = max(s->sent, r->sent);
    if (r->sent > s->rack_sent ||
        (r->sent == s->rack_sent && sequence_after(r->end, s->rack_end))) {
        s->rack_sent = r->sent;
        s->rack_end = r->end;
        s->rack_repeated = r->flags & RECORD_REPEATED;
    }
}

void records_acked(struct tcp_send_queue *q, u32 ack, struct tcp_record_sample *sample)
{
    while (!list_empty(&q->records)) {
        struct tcp_record *r = record_of(q->records.next);
        u32 part;

        if (!sequence_before(r->start, ack))
            return;
        part = min(r->end - r->start, ack - r->start);
        if (!(r->flags & RECORD_SACKED)) {
            sample_take(sample, r);
            sample->acked += part;
            if (!(r->flags & RECORD_REPEATED) && sequence_before(r->end, q->highest_sacked))
                sample->reordered = true;
        }
        count(q, r, -(s64)part);
        r->start += part;
        if (r->start != r->end)
            return;
        list_remove(&r->node);
        slab_free(&record_cache, r);
    }
}

static void record_sacked(struct tcp_send_queue *q, struct tcp_record *r,
                          struct tcp_record_sample *sample)
{
    u32 size = r->end - r->start;

    sample_take(sample, r);
    sample->sacked += size;
    if (!(r->flags & RECORD_REPEATED) && sequence_before(r->end, q->highest_sacked))
        sample->reordered = true;
    count(q, r, -(s64)size);
    r->flags = (r->flags & RECORD_REPEATED) | RECORD_SACKED;
    count(q, r, size);
    q->highest_sacked = sequence_max(q->highest_sacked, r->end);
}

void records_sacked(struct tcp_send_queue *q, const struct tcp_range *range,
                    struct tcp_record_sample *sample)
{
    struct list *node = q->records.next;

    for (; node != &q->records; node = node->next) {
        struct tcp_record *r = record_of(node);

        if (!sequence_before(r->start, range->end))
            return;
        if (!sequence_after(r->end, range->start) || (r->flags & RECORD_SACKED))
            continue;
        if (sequence_before(r->start, range->start)) {
            if (!records_split(q, r, range->start))
                return; // no memory: this SACK is forgotten, which is allowed
            continue;
        }
        if (sequence_after(r->end, range->end) && !records_split(q, r, range->end))
            return;
        record_sacked(q, r, sample);
    }
}

void record_mark_lost(struct tcp_send_queue *q, struct tcp_record *r)
{
    count(q, r, -(s64)(r->end - r->start));
    r->flags = (r->flags & ~RECORD_RETRANSMITTED) | RECORD_LOST;
    count(q, r, r->end - r->start);
}

void record_sent_again(struct tcp_send_queue *q, struct tcp_record *r, u64 now)
{
    count(q, r, -(s64)(r->end - r->start));
    r->flags |= RECORD_REPEATED;
    if (r->flags & RECORD_LOST)
        r->flags |= RECORD_RETRANSMITTED;
    r->sent = now;
    count(q, r, r->end - r->start);
}

void records_mark_all_lost(struct tcp_send_queue *q, bool forget_sacks)
{
    struct tcp_record *r;

    if (forget_sacks)
        q->highest_sacked = q->una;
    list_for_each(r, &q->records, node)
    {
        if (forget_sacks) {
            count(q, r, -(s64)(r->end - r->start));
            r->flags &= ~RECORD_SACKED;
            count(q, r, r->end - r->start);
        }
        if (!(r->flags & RECORD_SACKED))
            record_mark_lost(q, r);
    }
}

void records_unmark_lost(struct tcp_send_queue *q)
{
    struct tcp_record *r;

    list_for_each(r, &q->records, node)
    {
        count(q, r, -(s64)(r->end - r->start));
        r->flags &= ~(RECORD_LOST | RECORD_RETRANSMITTED);
        count(q, r, r->end - r->start);
    }
}

struct tcp_record *records_next_lost(struct tcp_send_queue *q)
{
    struct tcp_record *r;

    if (q->lost == q->retransmitted)
        return NULL;
    list_for_each(r, &q->records, node)
    {
        if ((r->flags & (RECORD_LOST | RECORD_RETRANSMITTED)) == RECORD_LOST)
            return r;
    }
    return NULL;
}
