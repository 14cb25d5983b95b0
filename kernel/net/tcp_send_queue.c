// SPDX-License-Identifier: BSD-3-Clause
// The stream to be sent: blocks of reference-counted memory, into which the user's bytes are copied
// once; segments, first and repeated, only refer to them. A block is filled to its end before the
// next one is made, so that a segment of 64 KiB needs few fragments.
//
//     una             next                    end
//      |  under way    |  not yet sent         |
//     [block][block][block][block][block..room]
#include "base/string.h"
#include "memory/heap.h"
#include "net/tcp_connection.h"

#define BLOCK_MIN 2048u
#define BLOCK_MAX 32768u

static struct slab_cache block_cache = SLAB_CACHE("tcp_block", struct tcp_block);

void send_queue_init(struct tcp_send_queue *q, u32 first)
{
    *q = (struct tcp_send_queue){.una = first, .next = first, .end = first, .pushed = first};
    q->highest_sacked = first;
    list_init(&q->blocks);
    list_init(&q->records);
}

static void block_free(struct tcp_block *b)
{
    list_remove(&b->node);
    packet_data_put(b->data);
    slab_free(&block_cache, b);
}

// The last block, if it has room; else a new one for `size` bytes to come.
static struct tcp_block *block_for(struct tcp_send_queue *q, size_t size)
{
    struct tcp_block *b;

    if (!list_empty(&q->blocks)) {
        b = list_entry(q->blocks.previous, struct tcp_block, node);
        if (b->offset + b->size < b->data->size)
            return b;
    }
    b = slab_alloc(&block_cache);
    if (!b)
        return NULL;
    b->data = packet_data_alloc((u32)max(min(size, (size_t)BLOCK_MAX), (size_t)BLOCK_MIN));
    if (!b->data) {
        slab_free(&block_cache, b);
        return NULL;
    }
    b->start = q->end;
    list_push_back(&q->blocks, &b->node);
    return b;
}

s64 send_queue_write(struct tcp_send_queue *q, struct io *io, size_t size)
{
    size_t done = 0;

    size = min(size, io->left);
    while (done < size) {
        struct tcp_block *b = block_for(q, size - done);
        size_t part;
        s64 moved;

        if (!b)
            return done ? (s64)done : -ENOMEM;
        part = min(size - done, (size_t)(b->data->size - b->offset - b->size));
        moved = io_get(io, b->data->memory + b->offset + b->size, part);
        if (moved > 0) {
            b->size += (u32)moved;
            q->end += (u32)moved;
            done += (size_t)moved;
        }
        if (!b->size)
            block_free(b);
        if (moved < (s64)part)
            return done ? (s64)done : -EFAULT;
    }
    return (s64)done;
}

static struct tcp_block *block_at(struct tcp_send_queue *q, u32 sequence)
{
    struct tcp_block *b = q->next_block;

    if (!b || sequence_before(sequence, b->start))
        b = list_first(&q->blocks, struct tcp_block, node);
    for (; &b->node != &q->blocks; b = list_entry(b->node.next, struct tcp_block, node))
        if (sequence - b->start < b->size)
            return b;
    return NULL;
}

u32 send_queue_attach(struct tcp_send_queue *q, struct packet *p, u32 start, u32 end)
{
    struct tcp_block *b = start == end ? NULL : block_at(q, start);
    bool first = start == q->next;

    while (b && start != end) {
        u32 inside = start - b->start;
        u32 part = min(b->size - inside, end - start);

        if (!packet_add_fragment(p, b->data, b->offset + inside, part))
            break;
        start += part;
        if (first)
            q->next_block = b;
        b = b->node.next == &q->blocks ? NULL : list_entry(b->node.next, struct tcp_block, node);
    }
    return start;
}

void send_queue_release(struct tcp_send_queue *q)
{
    while (!list_empty(&q->blocks)) {
        struct tcp_block *b = list_first(&q->blocks, struct tcp_block, node);

        if (sequence_before(q->una, b->start + b->size))
            break;
        if (q->next_block == b)
            q->next_block = NULL;
        block_free(b);
    }
}

void send_queue_free(struct tcp_send_queue *q)
{
    struct tcp_record_sample sample = {0};

    while (!list_empty(&q->blocks))
        block_free(list_first(&q->blocks, struct tcp_block, node));
    q->next_block = NULL;
    records_acked(q, q->next, &sample);
    q->una = q->end = q->next;
}
