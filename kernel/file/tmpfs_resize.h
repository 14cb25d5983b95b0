// SPDX-License-Identifier: BSD-3-Clause
// Changes of a tmpfs file that its mappings have to follow; for tmpfs_*.c.
#pragma once

#include "file/tmpfs.h"

#define TMPFS_SIZE_MAX ((u64)INT64_MAX) // bytes of a file

struct page_range { // of a file; end == 0: nothing
    u64 start, end; // bytes, whole pages
};

// data_make, which widens *changed if a mapping may show something else there (the lower file, zeros).
must_check int data_make_noting(struct tmpfs_node *n, u64 page, u64 want, struct page_range *changed,
                                struct extent **out);
// With no lock held: tells the mappings of *changed, and of growth from old_size to new_size.
void mappings_follow(struct inode *i, const struct page_range *changed, u64 old_size, u64 new_size);

int tmpfs_truncate(struct inode *i, u64 size);
int tmpfs_allocate(struct inode *i, int mode, u64 offset, u64 size);
int tmpfs_seals_add(struct file *f, u32 seals);
