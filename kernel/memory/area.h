// SPDX-License-Identifier: BSD-3-Clause
// Inside kernel/memory: the tree of areas, places in it, and its mirror at the host. Every function is
// called with space->change held; those that change the tree take space->lock themselves.
#pragma once

#include "abi/calls.h"
#include "memory/address_space.h"

#define area_of(n) tree_entry(n, struct area, node)

static inline u64 area_size(const struct area *a)
{
    return a->end - a->start;
}

void space_begin(struct address_space *s); // takes `change`
void space_end(struct address_space *s);   // releases it, and frees the dead areas

// Walks. area_at: the first area that ends above `at`. NULL: none.
struct area *area_at(const struct address_space *s, uaddr_t at);
struct area *area_next(const struct area *a);
struct area *area_previous(const struct area *a);
// True if user code takes them for one: a ends where b starts, and all it can see is the same.
bool area_continues(const struct area *a, const struct area *b);
// The end of the mapping that user code sees around a.
uaddr_t area_visible_end(const struct area *a);

// A copy of *like for [start, end), not in the tree; takes a reference to its file. NULL: no memory
must_check struct area *area_create(const struct area *like, uaddr_t start, uaddr_t end);
void area_insert(struct address_space *s, struct area *a);
// Out of the tree, and onto s->dead.
void area_remove(struct address_space *s, struct area *a);
// Makes `at` a border between areas, if it lies within one. -ENOMEM
must_check int area_split(struct address_space *s, uaddr_t at);
// Merges areas that touch or lie within [start, end] wherever that can be done.
void area_merge(struct address_space *s, uaddr_t start, uaddr_t end);
void area_set(struct address_space *s, struct area *a, u32 flags, u32 source, u64 base);
// Takes [start, end), borders of areas, out of the tree; the host's mapping stays. Kernel areas are kept.
void area_cut(struct address_space *s, uaddr_t start, uaddr_t end);

// place.c: the highest free place below map_top; 0: none. room: bytes to leave free above it.
uaddr_t place_find(struct address_space *s, u64 size, u64 align, u64 room);
uaddr_t place_find_low(struct address_space *s, u64 size); // MAP_32BIT
bool place_free(const struct address_space *s, uaddr_t at, u64 size);
// The bytes above area a that are kept free for it.
u64 place_room(const struct area *a);
void place_freed(struct address_space *s, uaddr_t start, uaddr_t end);

// mirror.c: the host's side of an area. flags: AREA_READ/WRITE/EXEC count.
must_check int mirror_map(struct address_space *s, const struct area *a, u32 flags);
must_check int mirror_protect(struct address_space *s, const struct area *a, u32 flags);
void mirror_huge(struct address_space *s, const struct area *a); // a hint: large pages
void mirror_unmap(struct address_space *s, uaddr_t start, uaddr_t end);
void mirror_discard(struct address_space *s, uaddr_t start, uaddr_t end);

// pieces.c: the areas that will show [start, end) of a mapping like *like, on list `out` (linked by link). With
// a file, file_ops.map is asked. -ENOMEM, -ENODEV; the list is empty then.
must_check int pieces_make(struct address_space *s, const struct area *like, uaddr_t start,
                           uaddr_t end, struct list *out);
void pieces_drop(struct address_space *s, struct list *pieces);
// Maps them at the host and puts them into the tree, in place of what was there. -ENOMEM: the
// whole range is unmapped then.
must_check int pieces_install(struct address_space *s, struct list *pieces, uaddr_t start,
                              uaddr_t end);

// changed.c: asks for all areas again that show [offset, file_end) of the inode; NULL: of any.
void area_refresh(struct address_space *s, const struct inode *inode, u64 offset, u64 file_end);

// commit.c: as commit.h, on the account of s too.
must_check int commit_add(struct address_space *s, u64 size);
void commit_remove(struct address_space *s, u64 size);
// True if an area with these flags counts.
bool commit_counts(u32 flags);

// address_space.c, for brk and mremap
must_check int space_map(struct address_space *s, struct area *like, uaddr_t at, u64 size,
                         bool fixed, bool replace, uaddr_t *out);
must_check int space_unmap(struct address_space *s, uaddr_t at, u64 size);
