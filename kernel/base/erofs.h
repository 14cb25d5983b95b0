// SPDX-License-Identifier: BSD-3-Clause
// A reader of uncompressed EROFS images that are mapped whole. Nothing is allocated and nothing is
// cached: the image is the page cache. Every offset is checked, so a torn or hostile image costs an
// -EUCLEAN, never a fault.
//
//     struct erofs fs;                     struct erofs_inode inode;
//     erofs_open(&fs, image, size);        erofs_inode_read(&fs, fs.root_nid, &inode);
//     erofs_lookup(&fs, &inode, "etc", 3, &nid, NULL);
//     for (u64 at = 0; at < inode.size; at += n)
//         erofs_data(&fs, &inode, at, &bytes, &n);
//
// [Linux, Documentation/filesystems/erofs.rst]
#pragma once

#include "base/types.h"

#define EROFS_NAME_MAX 255

struct erofs {
    const u8 *image;
    u64 size;
    u32 block_bits;
    u64 meta_offset;  // of inode number 0
    u64 xattr_offset; // of the shared extended attributes
    u64 root_nid;
    u64 inode_count;
    u64 block_count;
    u64 build_time; // s since 1970; also the mtime of compact inodes
    u32 build_time_nsec;
};

enum erofs_layout { EROFS_PLAIN = 0, EROFS_INLINE = 2, EROFS_CHUNKS = 4 };

struct erofs_inode {
    u64 nid;
    u64 size;
    u64 mtime; // s since 1970
    u32 mtime_nsec;
    u32 ino; // what stat shows
    u32 mode;
    u32 uid, gid, nlink;
    u32 major, minor; // of a device node

    // The reader's own:
    enum erofs_layout layout;
    u64 data_offset;  // PLAIN, INLINE: of the whole blocks; CHUNKS: of the chunk table
    u64 tail_offset;  // INLINE: of the last block's bytes
    u64 tail_start;   // INLINE: the first byte of the file that stands there
    u64 xattr_offset; // of the inode's attributes
    u32 xattr_size;   // 0: none
    u32 chunk_bits;
    bool chunk_indexes;
};

// -EINVAL: not an EROFS image; -EUCLEAN: torn; -EOPNOTSUPP: it uses what this reader lacks
// (compression, several devices, ...). *out_words says it for people; may be NULL.
must_check int erofs_open(struct erofs *fs, const void *image, u64 size, const char **out_words);

// -EUCLEAN, -EOPNOTSUPP (a compressed file).
must_check int erofs_inode_read(const struct erofs *fs, u64 nid, struct erofs_inode *out);

// Finds a name in a directory: binary search. out_type (may be NULL) is DT_*. -ENOENT, -ENOTDIR,
// -EUCLEAN
must_check int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir, const char *name,
                            size_t name_size, u64 *out_nid, u8 *out_type);

struct erofs_entry {
    u64 nid;
    const char *name; // in the image, not terminated
    u32 name_size;
    u8 type; // DT_*
};

// The entry at *cursor (0: the first; "." and ".." are among them, in sorted order), which moves
// on. A cursor stays valid for ever: it may be given to user code and taken back, any value is
// safe. 1: *out; 0: the end; -ENOTDIR, -EUCLEAN.
must_check int erofs_iterate(const struct erofs *fs, const struct erofs_inode *dir, u64 *cursor,
                             struct erofs_entry *out);

// The bytes of a file from `offset` on, as many as stand together: at least one, unless offset is
// at or behind the end (then *out_size is 0). *out_data NULL: a hole of *out_size zeros. -EUCLEAN
must_check int erofs_data(const struct erofs *fs, const struct erofs_inode *inode, u64 offset,
                          const void **out_data, u64 *out_size);

// The target of a symbolic link: its bytes in the image, not terminated. -EINVAL: not a link;
// -EUCLEAN
must_check int erofs_link(const struct erofs *fs, const struct erofs_inode *inode,
                          const char **out_target, u64 *out_size);

// Where in the image the file begins, for mapping it: a multiple of the page size, and all pages of
// the file follow. -ENODEV: the file does not lie so (inline or chunked, or small blocks).
must_check int erofs_map_offset(const struct erofs *fs, const struct erofs_inode *inode,
                                u64 *out_offset);

struct erofs_xattr {
    const char *prefix; // "user.", "security.", ...
    const char *name;   // behind the prefix; in the image, not terminated
    u32 name_size;
    const void *value;
    u32 value_size;
};

// The attribute number `index`. 1: *out; 0: there is none; -EUCLEAN.
must_check int erofs_xattr(const struct erofs *fs, const struct erofs_inode *inode, u32 index,
                           struct erofs_xattr *out);
// The attribute of this full name. -ENODATA, -EUCLEAN
must_check int erofs_xattr_find(const struct erofs *fs, const struct erofs_inode *inode,
                                const char *name, struct erofs_xattr *out);
