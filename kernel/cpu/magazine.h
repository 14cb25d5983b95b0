// SPDX-License-Identifier: BSD-3-Clause
// Slab caches by vCPU: a few freed objects of each of the first caches, which a vCPU takes back without a lock and
// while they are still in its processor's memory. Only the vCPUs of members that have several hold them, so a
// process of one CPU pays for a look at a pointer. [Bonwick and Adams, Magazines and Vmem, 2001]
#pragma once

#include "base/types.h"

struct slab_cache;
struct magazines; // of one vCPU

// For a cache at its first allocation: whether vCPUs keep objects of it.
u8 magazine_number(void);
// An object of c, as slab_free got it; NULL: none is kept.
void *magazine_take(const struct slab_cache *c);
// Keeps the object, which slab_free got; false: it does not.
bool magazine_give(const struct slab_cache *c, void *object);

// This vCPU keeps objects from now on, or no more. No lock is held.
void magazines_open(void);
void magazines_close(void);
