// SPDX-License-Identifier: BSD-3-Clause
// Runs of pages of family memory. All of it is mapped, shared, at the same address in every member,
// and a page costs the host nothing until it is touched. So a large reservation is free of charge.
// Freed pages go back to the host (small runs after a short stay in a cache).
#pragma once

#include "base/types.h"

struct boot_info;

void pages_init(const struct boot_info *boot);

// `count` contiguous pages that read as zeros. NULL: none left.
must_check void *pages_alloc(size_t count);
void pages_free(void *pages, size_t count); // whole, or a part of a run
// Drops the contents: the pages stay allocated, read as zeros again, and cost nothing until touched.
void pages_discard(void *pages, size_t count);
// Gives the cache of small runs back to the host.
void pages_trim(void);

// Offset of a kernel address in the family memory object: what map(MAP_SOURCE_FAMILY) takes.
u64 pages_offset(const void *address);
void *pages_at(u64 offset); // the other way round

// One word per page for the owner of an allocated page (the heap uses it to find an object's slab). 0 at
// first, and to be set back to 0 before the page is freed.
void pages_set_owner(void *pages, size_t count, u64 owner);
u64 pages_owner(const void *address);

// Pages allocated now; for the leak check and /proc/meminfo.
u64 pages_allocated(void);
