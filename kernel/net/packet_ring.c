// SPDX-License-Identifier: BSD-3-Clause
// See packet_ring.h.
#include "net/packet_ring.h"

#include "base/string.h"
#include "file/file.h"
#include "linux/clock.h"
#include "memory/pages.h"
#include "net/packet.h"
#include "platform/platform.h"
#include "thread/wait.h"

#define RING_SIZE_MAX   (1ull << 30)
#define BLOCK_ALIGN     8u
#define LINK_ROOM       16u // for the link header, at least
#define TIMEOUT_DEFAULT 8000000u
#define NS              1000000000ull

static u32 round_up(u32 n, u32 to)
{
    return (n + to - 1) / to * to;
}

u32 ring_header_size(u32 version)
{
    static const u8 sizes[] = {[TPACKET_V1] = sizeof(struct tpacket_hdr),
                               [TPACKET_V2] = sizeof(struct tpacket2_hdr),
                               [TPACKET_V3] = sizeof(struct tpacket3_hdr)};
    return version < array_count(sizes) ? sizes[version] : 0;
}

// Of the header and the address behind it.
static u32 head_size(const struct packet_ring *r)
{
    return round_up(ring_header_size(r->version), TPACKET_ALIGNMENT) + sizeof(struct sockaddr_ll);
}

static u32 block_head(const struct packet_ring *r)
{
    return round_up(sizeof(struct tpacket_block_desc), BLOCK_ALIGN) +
           round_up(r->private_size, BLOCK_ALIGN);
}

void ring_free(struct packet_ring *r)
{
    if (r->memory)
        pages_free(r->memory, r->size / PAGE_SIZE);
    *r = (struct packet_ring){.version = r->version, .reserve = r->reserve};
}

static int request_check(const struct packet_ring *r, const struct tpacket_req3 *q)
{
    u32 per_block;

    if (!q->tp_block_size || q->tp_block_size % PAGE_SIZE || q->tp_block_size > RING_SIZE_MAX)
        return -EINVAL;
    if (r->version == TPACKET_V3 &&
        (q->tp_sizeof_priv >= q->tp_block_size || block_head(r) >= q->tp_block_size))
        return -EINVAL;
    if (q->tp_frame_size < head_size(r) + r->reserve || q->tp_frame_size % TPACKET_ALIGNMENT)
        return -EINVAL;
    per_block = q->tp_block_size / q->tp_frame_size;
    if (!per_block || (u64)per_block * q->tp_block_nr != q->tp_frame_nr)
        return -EINVAL;
    return (u64)q->tp_block_size * q->tp_block_nr > RING_SIZE_MAX ? -ENOMEM : 0;
}

int ring_set(struct packet_ring *r, const struct tpacket_req3 *q)
{
    struct packet_ring new = {.version = r->version, .reserve = r->reserve};
    int error;

    if (r->mapped || (q->tp_block_nr && r->memory))
        return -EBUSY;
    if (!q->tp_block_nr) {
        if (!q->tp_frame_nr)
            ring_free(r);
        return q->tp_frame_nr ? -EINVAL : 0;
    }
    new.block_size = q->tp_block_size;
    new.block_count = q->tp_block_nr;
    new.frame_size = q->tp_frame_size;
    new.frame_count = q->tp_frame_nr;
    new.private_size = r->version == TPACKET_V3 ? q->tp_sizeof_priv : 0;
    new.timeout = (u64)q->tp_retire_blk_tov * 1000000;
    if (!new.timeout)
        new.timeout = TIMEOUT_DEFAULT;
    error = request_check(&new, q);
    if (error)
        return error;
    new.size = (u64) new.block_size *new.block_count;
    new.memory = pages_alloc(new.size / PAGE_SIZE);
    if (!new.memory)
        return -ENOMEM;
    *r = new;
    return 0;
}

int ring_map(struct packet_ring *r, u64 offset, u64 size, struct map_extent *out)
{
    if (!r->memory || offset >= r->size || size > r->size - offset)
        return -EINVAL;
    r->mapped = true;
    *out = (struct map_extent){
        .source = MAP_SOURCE_FAMILY, .base = pages_offset(r->memory) + offset, .size = size};
    return 0;
}

static u8 *frame_at(const struct packet_ring *r, u32 n)
{
    u32 per_block = r->block_size / r->frame_size;

    if (r->version == TPACKET_V3)
        return r->memory + (u64)n * r->block_size;
    return r->memory + (u64)(n / per_block) * r->block_size + (u64)(n % per_block) * r->frame_size;
}

// The status word; it is V1's u64 in its lower half.
static u32 *status_at(const struct packet_ring *r, u32 n)
{
    u8 *frame = frame_at(r, n);

    if (r->version == TPACKET_V3)
        return &((struct tpacket_block_desc *)(void *)frame)->hdr.bh1.block_status;
    return (u32 *)(void *)frame;
}

static bool is_ours(const struct packet_ring *r, u32 n)
{
    return __atomic_load_n(status_at(r, n), __ATOMIC_ACQUIRE) == TP_STATUS_KERNEL; // the program's
}

static void hand_over(struct packet_ring *r, u32 status)
{
    u32 count = r->version == TPACKET_V3 ? r->block_count : r->frame_count;

    // The program's load sees all that was written before.
    __atomic_store_n(status_at(r, r->head), status, __ATOMIC_RELEASE);
    r->head = (r->head + 1) % count;
}

bool ring_readable(const struct packet_ring *r)
{
    u32 count = r->version == TPACKET_V3 ? r->block_count : r->frame_count;

    return r->memory && !is_ours(r, (r->head + count - 1) % count);
}

static void block_close(struct packet_ring *r, u32 status)
{
    struct tpacket_block_desc *d = (void *)frame_at(r, r->head);
    struct tpacket_hdr_v1 *h = &d->hdr.bh1;

    r->last->tp_next_offset = 0;
    h->num_pkts = r->packets;
    h->blk_len = r->used;
    h->ts_last_pkt.ts_sec = (u32)(r->last_time / NS);
    h->ts_last_pkt.ts_nsec = (u32)(r->last_time % NS);
    r->used = 0;
    hand_over(r, status);
}

static bool block_open(struct packet_ring *r, u64 time, u64 now)
{
    struct tpacket_block_desc *d = (void *)frame_at(r, r->head);
    struct tpacket_hdr_v1 *h = &d->hdr.bh1;

    if (!is_ours(r, r->head)) {
        r->freezes += !r->frozen;
        r->frozen = true;
        return false;
    }
    r->frozen = false;
    r->used = block_head(r);
    r->packets = 0;
    r->deadline = now + r->timeout;
    d->version = TPACKET_V3;
    d->offset_to_priv = round_up(sizeof(*d), BLOCK_ALIGN);
    h->offset_to_first_pkt = r->used;
    h->seq_num = ++r->sequence;
    h->ts_first_pkt.ts_sec = (u32)(time / NS);
    h->ts_first_pkt.ts_nsec = (u32)(time % NS);
    return true;
}

u64 ring_expire(struct packet_ring *r, bool *out_wake)
{
    if (!r->memory || !r->used)
        return DEADLINE_NONE;
    if (clock_monotonic() < r->deadline)
        return r->deadline;
    block_close(r, TP_STATUS_USER | TP_STATUS_BLK_TMO);
    *out_wake = true;
    return DEADLINE_NONE;
}

// Address and bytes of a packet whose header is at `frame`.
static void fill(const struct packet_ring *r, u8 *frame, const struct ring_packet *p, u32 mac,
                 u32 size)
{
    memcpy(frame + round_up(ring_header_size(r->version), TPACKET_ALIGNMENT), &p->address,
           sizeof(p->address));
    packet_copy_out(p->p, 0, frame + mac, size);
}

static bool put_frame(struct packet_ring *r, const struct ring_packet *p, u32 mac, u32 size)
{
    u8 *frame = frame_at(r, r->head);
    u16 net = (u16)(mac + p->header);

    if (!is_ours(r, r->head))
        return false;
    size = min(size, r->frame_size - mac);
    fill(r, frame, p, mac, size);
    if (r->version == TPACKET_V2) {
        struct tpacket2_hdr *h = (void *)frame;
        h->tp_len = p->p->total;
        h->tp_snaplen = size;
        h->tp_mac = (u16)mac;
        h->tp_net = net;
        h->tp_sec = (u32)(p->time / NS);
        h->tp_nsec = (u32)(p->time % NS);
        h->tp_vlan_tci = h->tp_vlan_tpid = 0;
    } else {
        struct tpacket_hdr *h = (void *)frame;
        h->tp_len = p->p->total;
        h->tp_snaplen = size;
        h->tp_mac = (u16)mac;
        h->tp_net = net;
        h->tp_sec = (u32)(p->time / NS);
        h->tp_usec = (u32)(p->time % NS / 1000);
    }
    hand_over(r, p->status);
    return true;
}

static bool put_block(struct packet_ring *r, const struct ring_packet *p, u32 mac, u32 size,
                      bool *out_wake)
{
    u64 now = clock_monotonic();
    struct tpacket3_hdr *h;
    u32 whole;

    size = min(size, r->block_size - block_head(r) - mac);
    whole = round_up(mac + size, BLOCK_ALIGN);
    if (r->used && whole > r->block_size - r->used) {
        block_close(r, TP_STATUS_USER);
        *out_wake = true;
    }
    if (!r->used && !block_open(r, p->time, now))
        return false;
    h = (void *)(frame_at(r, r->head) + r->used);
    memset(h, 0, sizeof(*h));
    h->tp_next_offset = whole;
    h->tp_len = p->p->total;
    h->tp_snaplen = size;
    h->tp_mac = (u16)mac;
    h->tp_net = (u16)(mac + p->header);
    h->tp_sec = (u32)(p->time / NS);
    h->tp_nsec = (u32)(p->time % NS);
    h->tp_status = p->status;
    fill(r, (u8 *)h, p, mac, size);
    r->last = h;
    r->last_time = p->time;
    r->used += whole;
    r->packets++;
    return true;
}

bool ring_put(struct packet_ring *r, const struct ring_packet *p, bool *out_wake)
{
    u32 net = round_up(head_size(r) + max(p->header, LINK_ROOM), TPACKET_ALIGNMENT) + r->reserve;
    u32 mac = net - p->header, size = min(p->wanted, p->p->total);

    if (!p->header) // SOCK_DGRAM
        mac = round_up(head_size(r), TPACKET_ALIGNMENT) + LINK_ROOM + r->reserve;
    if (mac > (r->version == TPACKET_V3 ? r->block_size - block_head(r) : r->frame_size))
        return false;
    if (r->version == TPACKET_V3)
        return put_block(r, p, mac, size, out_wake);
    *out_wake = put_frame(r, p, mac, size);
    return *out_wake;
}
