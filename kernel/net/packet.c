// SPDX-License-Identifier: BSD-3-Clause
// Packets: making, growing, cutting. Memory comes from packet_pool.c; copying is packet_copy.c.
#include "net/packet.h"

#include "base/panic.h"
#include "base/string.h"
#include "net/packet_pool.h"

static struct packet *packet_new(void)
{
    struct packet *p = packet_pool_take();

    if (!p)
        return NULL;
    memset(p, 0, offsetof(struct packet, fragments));
    list_init(&p->node);
    return p;
}

static void set_area(struct packet *p, u8 *head, u32 room, u32 offset)
{
    p->head = head;
    p->room = room;
    p->data = head + offset;
}

struct packet *packet_alloc(u32 size)
{
    struct packet *p = packet_new();

    if (!p)
        return NULL;
    if (size <= PACKET_INLINE - PACKET_HEADROOM) {
        set_area(p, p->inline_area, PACKET_INLINE, PACKET_HEADROOM);
        return p;
    }
    p->linear = packet_data_alloc(PACKET_HEADROOM + size);
    if (!p->linear) {
        packet_pool_give(p);
        return NULL;
    }
    set_area(p, p->linear->memory, p->linear->size, PACKET_HEADROOM);
    return p;
}

struct packet *packet_from_data(struct packet_data *d, u32 offset, u32 size)
{
    struct packet *p = packet_new();

    if (!p) {
        packet_data_put(d);
        return NULL;
    }
    assert(offset <= d->size && size <= d->size - offset);
    p->linear = d;
    set_area(p, d->memory, offset + size, offset); // no tailroom: it may belong to another packet
    p->size = p->total = size;
    return p;
}

void packet_free(struct packet *p)
{
    if (!p)
        return;
    for (u32 i = 0; i < p->fragment_count; i++)
        packet_data_put(p->fragments[i].data);
    if (p->linear)
        packet_data_put(p->linear);
    packet_pool_give(p);
}

struct packet *packet_clone(const struct packet *p)
{
    struct packet *c = packet_pool_take();

    if (!c)
        return NULL;
    memcpy(c, p, offsetof(struct packet, fragments) + p->fragment_count * sizeof(p->fragments[0]));
    list_init(&c->node);
    for (u32 i = 0; i < c->fragment_count; i++)
        packet_data_get(c->fragments[i].data);
    if (c->linear) {
        packet_data_get(c->linear);
        c->room = packet_headroom(p) + p->size; // no tailroom
        return c;
    }
    set_area(c, c->inline_area, PACKET_INLINE, packet_headroom(p));
    memcpy(c->head, p->head, packet_headroom(p) + p->size);
    return c;
}

u8 *packet_push(struct packet *p, u32 size)
{
    assert(packet_headroom(p) >= size);
    p->data -= size;
    p->size += size;
    p->total += size;
    return p->data;
}

void packet_pull(struct packet *p, u32 size)
{
    assert(p->size >= size);
    p->data += size;
    p->size -= size;
    p->total -= size;
}

u8 *packet_append(struct packet *p, u32 size)
{
    u8 *end = p->data + p->size;

    assert(!p->fragment_count && p->room - packet_headroom(p) - p->size >= size);
    p->size += size;
    p->total += size;
    return end;
}

// Another linear area with the same headroom and bytes, and room for `size` bytes of data.
static bool area_replace(struct packet *p, u32 size)
{
    u32 offset = packet_headroom(p);
    struct packet_data *d = NULL;
    u8 *from = p->head;

    if (p->linear && offset + size <= PACKET_INLINE) {
        set_area(p, p->inline_area, PACKET_INLINE, offset);
    } else {
        d = packet_data_alloc(offset + size);
        if (!d)
            return false;
        set_area(p, d->memory, d->size, offset);
    }
    memcpy(p->head, from, offset + p->size);
    if (p->linear)
        packet_data_put(p->linear);
    p->linear = d;
    return true;
}

static void fragments_drop(struct packet *p, u32 count)
{
    for (u32 i = 0; i < count; i++)
        packet_data_put(p->fragments[i].data);
    p->fragment_count -= count;
    memmove(p->fragments, p->fragments + count, p->fragment_count * sizeof(p->fragments[0]));
}

// Takes `size` bytes off the fragments' front; they exist.
static void fragments_skip(struct packet *p, u32 size)
{
    u32 whole = 0;

    while (size && size >= p->fragments[whole].size)
        size -= p->fragments[whole++].size;
    if (size) {
        p->fragments[whole].offset += size;
        p->fragments[whole].size -= size;
    }
    fragments_drop(p, whole);
}

bool packet_linear(struct packet *p, u32 size)
{
    u32 more;

    if (likely(p->size >= size))
        return true;
    if (size > p->total)
        return false;
    more = size - p->size;
    if (p->room - packet_headroom(p) - p->size < more && !area_replace(p, size))
        return false;
    packet_copy_out(p, p->size, p->data + p->size, more);
    fragments_skip(p, more);
    p->size += more;
    return true;
}

void packet_trim(struct packet *p, u32 size)
{
    u32 over;

    if (size >= p->total)
        return;
    over = p->total - size;
    p->total = size;
    while (over && p->fragment_count) {
        struct packet_fragment *f = &p->fragments[p->fragment_count - 1];
        u32 cut = min(over, f->size);
        f->size -= cut;
        over -= cut;
        if (f->size)
            break;
        packet_data_put(f->data);
        p->fragment_count--;
    }
    p->size -= over;
}

void packet_skip(struct packet *p, u32 size)
{
    u32 linear = min(size, p->size);

    assert(size <= p->total);
    packet_pull(p, linear);
    p->total -= size - linear;
    fragments_skip(p, size - linear);
}

bool packet_add_fragment(struct packet *p, struct packet_data *d, u32 offset, u32 size)
{
    struct packet_fragment *last = p->fragments + max(p->fragment_count, 1u) - 1;

    assert(offset <= d->size && size <= d->size - offset);
    if (p->fragment_count && last->data == d && last->offset + last->size == offset) {
        last->size += size;
    } else {
        if (p->fragment_count == PACKET_FRAGMENTS_MAX)
            return false;
        p->fragments[p->fragment_count++] =
            (struct packet_fragment){packet_data_get(d), offset, size};
    }
    p->total += size;
    return true;
}

bool packet_join(struct packet *p, struct packet *next)
{
    struct packet_data *d = next->linear;
    u32 copy = d ? 0 : next->size;

    if (p->fragment_count + next->fragment_count + (next->size != 0) > PACKET_FRAGMENTS_MAX)
        return false;
    if (copy) { // inline bytes die with their packet
        d = packet_data_alloc(copy);
        if (!d)
            return false;
        memcpy(d->memory, next->data, copy);
    }
    if (next->size && !packet_add_fragment(p, d, copy ? 0 : packet_headroom(next), next->size))
        panic("no room for a fragment");
    if (copy)
        packet_data_put(d); // p has its own reference
    for (u32 i = 0; i < next->fragment_count; i++) {
        const struct packet_fragment *f = &next->fragments[i];
        if (!packet_add_fragment(p, f->data, f->offset, f->size))
            panic("no room for a fragment");
    }
    packet_free(next);
    return true;
}

u32 packet_charge(const struct packet *p)
{
    u32 charge = (u32)sizeof(*p);

    if (p->linear)
        charge += max(p->size, p->linear->size / p->linear->references);
    for (u32 i = 0; i < p->fragment_count; i++)
        charge += p->fragments[i].size;
    return charge;
}
