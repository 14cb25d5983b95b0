// SPDX-License-Identifier: BSD-3-Clause
// A set of free page runs: by address in a tree, so that neighbours merge, and by size in lists of
// powers of two, so that a run is found at once. Numbers only: no memory is touched but the nodes.
//
//     extents_add_nodes(&set, memory, size);      nodes come from the caller, who must feed the set
//     extents_put(&set, first, count, dirty);     while extents_hungry() says so
//     extents_take(&set, count, &first, &dirty);
#pragma once

#include "base/list.h"
#include "base/tree.h"

#define EXTENT_CLASSES 48

struct extents {
    struct tree by_address;
    struct list by_size[EXTENT_CLASSES]; // [n]: runs of 2^n .. 2^(n+1)-1 pages
    struct list spare;                   // unused nodes
    u64 spare_count;
    u64 page_count; // in all runs
};

void extents_init(struct extents *set);
// Gives memory for more nodes, for good.
void extents_add_nodes(struct extents *set, void *memory, size_t size);
// True when the next put or take may lack a node.
bool extents_hungry(const struct extents *set);
// Adds pages [first, first + count), which must not be in the set. dirty: they do not read as zeros.
void extents_put(struct extents *set, u64 first, u64 count, bool dirty);
// Takes `count` pages out of one run. False: there is none so long.
must_check bool extents_take(struct extents *set, u64 count, u64 *out_first, bool *out_dirty);
