// SPDX-License-Identifier: BSD-3-Clause
// One file of the cache's index: what an invocation looked at, and the ID of the image it led to.
#pragma once

#include "cli/pack.h"

#define INDEX_ID_SIZE 33 // hexadecimal, with its terminator

// Looks at everything again. 0 and the ID if all is as it was; -ENOENT if not, or if the file is no
// index of this version of clade.
int index_check(const char *path, char out_id[INDEX_ID_SIZE]);

// The ID alone, unchecked.
int index_read_id(const char *path, char out_id[INDEX_ID_SIZE]);

// Writes what `p` has looked at. 0 or -errno; no complaint, since nothing depends on it.
int index_write(const char *path, const char *id, const struct pack *p);
