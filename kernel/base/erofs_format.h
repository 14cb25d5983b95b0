// SPDX-License-Identifier: BSD-3-Clause
// The on-disk format of EROFS, as far as erofs*.c read it. All numbers are little-endian.
// [Linux, Documentation/filesystems/erofs.rst and the format it describes]
#pragma once

#include "base/erofs.h"

#define EROFS_SUPER_OFFSET 1024
#define EROFS_MAGIC        0xe0f5e1e2u

#define EROFS_COMPAT_CHECKSUM 1u
// Incompatible features that need nothing of a reader of plain files: zero padding of compressed
// blocks (1) and chunked files (4).
#define EROFS_INCOMPAT_KNOWN (1u | 4u)

struct erofs_disk_super {
    u32 magic, checksum, compat;
    u8 block_bits, extra_slots;
    u16 root_nid;
    u64 inode_count, build_time;
    u32 build_time_nsec, block_count, meta_block, xattr_block;
    u8 uuid[16], volume[16];
    u32 incompat;
    u16 algorithms, device_count, device_slot;
    u8 directory_block_bits, prefix_count;
    u32 prefix_start;
    u64 packed_nid;
    u8 reserved[24];
};
_Static_assert(sizeof(struct erofs_disk_super) == 128, "on disk");

//  format: bit 0 the inode is extended, bits 1-3 the layout of its data
struct erofs_disk_inode { // the compact form
    u16 format, xattr_count, mode, nlink;
    u32 size, reserved, u, ino;
    u16 uid, gid;
    u32 reserved2;
};
_Static_assert(sizeof(struct erofs_disk_inode) == 32, "on disk");

struct erofs_disk_inode_extended {
    u16 format, xattr_count, mode, reserved;
    u64 size;
    u32 u, ino, uid, gid;
    u64 mtime;
    u32 mtime_nsec, nlink;
    u8 reserved2[16];
};
_Static_assert(sizeof(struct erofs_disk_inode_extended) == 64, "on disk");

// A directory block: an array of these, then the names, each up to the next one's offset, the last
// up to a NUL or the end of the block. The first name's offset tells the length of the array.
struct erofs_disk_entry {
    u64 nid;
    u16 name_offset;
    u8 type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_disk_entry) == 12, "on disk");

struct erofs_disk_xattr_header { // behind the inode; then shared_count u32, then entries
    u32 filter;
    u8 shared_count;
    u8 reserved[7];
};
_Static_assert(sizeof(struct erofs_disk_xattr_header) == 12, "on disk");

struct erofs_disk_xattr {
    u8 name_size, prefix;
    u16 value_size;
};
_Static_assert(sizeof(struct erofs_disk_xattr) == 4, "on disk");

#define EROFS_CHUNK_BITS    0x1fu
#define EROFS_CHUNK_INDEXES 0x20u
#define EROFS_CHUNK_HOLE    0xffffffffu

struct erofs_disk_chunk { // of files with EROFS_CHUNK_INDEXES; others have the block alone
    u16 advise, device;
    u32 block;
};
_Static_assert(sizeof(struct erofs_disk_chunk) == 8, "on disk");

// The bytes [offset, offset + size) of the image, or NULL if it does not have them.
const void *erofs_bytes(const struct erofs *fs, u64 offset, u64 size);
