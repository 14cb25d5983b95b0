// SPDX-License-Identifier: BSD-3-Clause
// A packet: one linear area, into which headers are pushed and from which they are pulled, and
// behind it, for large payloads, fragments of reference-counted memory. Belongs to one owner, and
// goes on by a push (push.h); packet_free ends it.
//
//     head                                 head + room
//      | headroom | data ... data + size | tailroom |  + fragments[0] + fragments[1] + ...
//
// Small packets have their linear area inside (PACKET_INLINE bytes); a larger one, or a buffer that
// a device has filled, is a struct packet_data. Nothing is zeroed.
//
// Sending TCP: keep the stream in packet_data chunks; a segment is packet_alloc(0) with a fragment
// for each piece (packet_add_fragment takes a reference), then the headers pushed. To send it again
// make another packet. All of it lies in family memory, so a device may read it in place.
#pragma once

#include "base/list.h"
#include "net/address.h"

#define PACKET_INLINE        640u
#define PACKET_HEADROOM      128u // Ethernet + IPv6 with some extension + TCP with all options fit
#define PACKET_FRAGMENTS_MAX 18u  // 64 KiB of whole pages that do not start at a page, and one
#define PACKET_SIZE_MAX      65535u

struct net_interface;

struct packet_data { // payload memory; may be referenced by several packets and queues
    u32 references;  // atomic
    u32 size;        // bytes at memory
    u8 *memory;
    void (*release)(struct packet_data *d); // behind the last reference
};

struct packet_fragment {
    struct packet_data *data; // holds a reference
    u32 offset, size;
};

enum packet_checksum {
    CHECKSUM_NONE,   // received: not known. sent: all is filled in
    CHECKSUM_NEEDED, // the field at checksum_start + checksum_offset holds the folded sum of the
                     // pseudo header; the sum from checksum_start to the end is to be put there.
                     // Received so (loopback, virtio): as good as VALID
    CHECKSUM_VALID,  // received: the device has verified it
};

enum packet_gso { GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP };

struct packet {
    struct list node; // of whatever queue it is on
    u8 *head;         // linear area
    u32 room;         // bytes of it
    u8 *data;         // first byte
    u32 size;         // linear bytes at data
    u32 total;        // size and all fragments
    u32 fragment_count;
    struct packet_data *linear; // owner of head; NULL: inline

    struct net_interface *interface; // it came from, or goes to
    u64 time;                        // received at, CLOCK_REALTIME in ns; 0: not taken

    // Offsets from head, so that pushing and pulling leaves them alone.
    u16 link_header, network_header, transport_header;
    u16 checksum_start;  // from head
    u16 checksum_offset; // from checksum_start
    u8 checksum;         // enum packet_checksum
    u8 gso;              // enum packet_gso
    u16 gso_size;        // payload bytes of each segment
    u16 gso_header;      // bytes of all headers (virtio's hdr_len), 0: not known

    // Filled in by IP for received packets.
    struct ip_address source, destination;
    u8 protocol, hop_limit, traffic_class;
    u8 link_type;      // PACKET_HOST, ... of <linux/if_packet.h>
    u16 link_protocol; // Ethernet type, host order
    bool routed; // for us, whatever its destination: sent over a local route with a header of the user's

    u64 control[4]; // free for the layer that owns it (TCP: sequence numbers)

    struct packet_fragment fragments[PACKET_FRAGMENTS_MAX];
    u8 inline_area[PACKET_INLINE];
};

// Room for `size` bytes behind PACKET_HEADROOM bytes of headroom; the packet is empty. NULL: no
// memory.
must_check struct packet *packet_alloc(u32 size);
// A packet around memory that a device has filled: data at offset, the bytes before it are
// headroom. Takes over the caller's reference to d (also when it fails). NULL: no memory.
must_check struct packet *packet_from_data(struct packet_data *d, u32 offset, u32 size);
void packet_free(struct packet *p); // NULL is fine

// Another packet with the same bytes and fields. An inline area is copied, other memory is shared,
// so neither may write to its bytes then (headroom that only one of them uses is fine). NULL: no
// memory.
must_check struct packet *packet_clone(const struct packet *p);

// Adds `size` bytes in front and returns them. The headroom must do.
u8 *packet_push(struct packet *p, u32 size);
// Removes `size` linear bytes at the front, which must be there (packet_linear).
void packet_pull(struct packet *p, u32 size);
// Adds `size` bytes at the end of the linear area (no fragments yet; tailroom must do) and returns
// them.
u8 *packet_append(struct packet *p, u32 size);
// Makes the first `size` bytes linear, from the fragments if need be. False: the packet is shorter,
// or `size` is more than the linear area can hold (no memory).
must_check bool packet_linear(struct packet *p, u32 size);
// Cuts the packet to `size` bytes (total); no effect if it is shorter.
void packet_trim(struct packet *p, u32 size);
// Removes `size` bytes at the front, be they linear or not (size <= total).
void packet_skip(struct packet *p, u32 size);

// Adds [offset, offset + size) of d behind all else, taking one more reference. False: no more room
// for a fragment. Joins a fragment that continues the last one.
must_check bool packet_add_fragment(struct packet *p, struct packet_data *d, u32 offset, u32 size);
// Moves all bytes of `next`, which is freed, behind those of p. False: too many fragments; nothing
// done.
must_check bool packet_join(struct packet *p, struct packet *next);

// Copies [offset, offset + size) of the packet's bytes; they must exist.
void packet_copy_out(const struct packet *p, u32 offset, void *to, u32 size);
struct io;
// The same to the buffers of an io; as io_put.
must_check s64 packet_read(const struct packet *p, u32 offset, struct io *io, size_t size);
// The Internet checksum's unfolded sum of [offset, offset + size), see checksum.h.
u32 packet_sum(const struct packet *p, u32 offset, u32 size);

// Memory of its own for payload: at least `size` bytes, one reference. From a pool for 2 KiB and
// 4 KiB .. 64 KiB powers of two. NULL: no memory.
must_check struct packet_data *packet_data_alloc(u32 size);
struct packet_data *packet_data_get(struct packet_data *d); // returns d
void packet_data_put(struct packet_data *d);

static inline u8 *packet_network(const struct packet *p)
{
    return p->head + p->network_header;
}

static inline u8 *packet_transport(const struct packet *p)
{
    return p->head + p->transport_header;
}

static inline u32 packet_headroom(const struct packet *p)
{
    return (u32)(p->data - p->head);
}

// What a queue is charged for holding the packet, in bytes of memory.
u32 packet_charge(const struct packet *p);
