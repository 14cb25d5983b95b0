// SPDX-License-Identifier: BSD-3-Clause
// Reading a packet's bytes wherever they lie: linear area first, then the fragments.
#include "base/panic.h"
#include "base/string.h"
#include "file/io.h"
#include "net/checksum.h"
#include "net/packet.h"

// The piece that holds byte `offset`, which exists: its address, and how many bytes follow in it.
static const u8 *piece_at(const struct packet *p, u32 offset, u32 *out_size)
{
    const struct packet_fragment *f = p->fragments;

    if (offset < p->size) {
        *out_size = p->size - offset;
        return p->data + offset;
    }
    offset -= p->size;
    for (; offset >= f->size; f++)
        offset -= f->size;
    *out_size = f->size - offset;
    return f->data->memory + f->offset + offset;
}

void packet_copy_out(const struct packet *p, u32 offset, void *to, u32 size)
{
    u32 piece;

    assert(offset <= p->total && size <= p->total - offset);
    for (u8 *out = to; size; out += piece, offset += piece, size -= piece) {
        const u8 *from = piece_at(p, offset, &piece);
        piece = min(piece, size);
        memcpy(out, from, piece);
    }
}

s64 packet_read(const struct packet *p, u32 offset, struct io *io, size_t size)
{
    s64 done = 0, moved;

    size = min(size, io->left);
    assert(offset <= p->total && size <= p->total - offset);
    while (size) {
        u32 piece;
        const u8 *from = piece_at(p, offset, &piece);
        piece = (u32)min((size_t)piece, size);
        moved = io_put(io, from, piece);
        if (moved < 0)
            return done ? done : moved;
        done += moved;
        if (moved < (s64)piece)
            break;
        offset += piece;
        size -= piece;
    }
    return done;
}

u32 packet_sum(const struct packet *p, u32 offset, u32 size)
{
    u32 sum = 0, piece, part;
    bool odd = false;

    assert(offset <= p->total && size <= p->total - offset);
    for (; size; offset += piece, size -= piece) {
        const u8 *from = piece_at(p, offset, &piece);
        piece = min(piece, size);
        part = checksum_sum(from, piece);
        sum = checksum_add(sum, odd ? checksum_odd(part) : part);
        odd ^= piece & 1;
    }
    return sum;
}
