// SPDX-License-Identifier: BSD-3-Clause
// Which address spaces show a file: what connects truncate(2) and copy-up with mmap(2).
//
//   memory/address_space.c            file/tmpfs_*.c
//   area made:   inode_mapping_add    memory behind a range of the file is about to change:
//   area gone:   inode_mapping_remove     inode_mappings_changed -> address_space_file_changed
//                                         (which asks file_ops.map again for that range)
//                                     then the old pages are freed
//
// Lock order: the outer lock of an address space (if it has one) > inode.lock > address_space.lock >
// inode.mapping_lock. So file_ops.map, which takes inode.lock, is called WITHOUT the lock that a fault
// takes; add and remove may be called with it.
#pragma once

#include "base/list.h"

struct address_space;
struct inode;

struct inode_mapping { // stands inside an area; one for each area of a file
    struct list node;  // on inode.mappings, guarded by inode.mapping_lock
    struct address_space *space;
};

void inode_mapping_add(struct inode *inode, struct inode_mapping *m, struct address_space *space);
bool inode_mapped_for_writing(struct inode *inode); // by a shared mapping that is, or may become, writable
void inode_mapping_remove(struct inode *inode, struct inode_mapping *m);

// True if somebody maps the file; a hint without the lock.
static inline bool inode_mapped(const struct list *mappings)
{
    return __atomic_load_n(&mappings->next, __ATOMIC_RELAXED) != mappings; // pairs with add
}

// Tells every address space that maps the inode that [offset, offset + size) of the file has other memory
// behind it now, or none. Called with no lock held.
void inode_mappings_changed(struct inode *inode, u64 offset, u64 size);
