// SPDX-License-Identifier: BSD-3-Clause
// The inside of tmpfs, for tmpfs*.c only: a file system in memory, whose nodes may have a *lower* node in
// an EROFS image. What nobody has changed is read and mapped straight from the image.
//
//   directory   names made here (`names`), and those of the lower directory unless whited out. A lower
//               name gets its dentry at the first lookup. A moved directory keeps its lower node, so
//               rename of a whole lower tree is one whiteout.
//   file        extents of family pages; where there is none, the lower file's bytes up to lower_size;
//               beyond that zeros. A first write copies the part it touches.
//
// inode->lock guards a node; tmpfs.lock (inside it) the table of lower inodes.
#pragma once

#include "base/erofs.h"
#include "file/inode.h"

struct tmpfs {
    struct file_system fs;
    struct lock lock;
    struct tree by_nid;  // of tmpfs_node.nid_node
    struct erofs image;
    bool has_image;
    bool unmounted;      // freed when `inodes` comes to 0
    u64 inodes;          // alive, atomic
    u64 pages_used;      // that hold data, atomic
    u64 pages_limit;
};

// A run of pages behind pages [page, page + count) of the file.
struct extent {
    u64 page, count;
    u8 *memory;
    bool mapped;      // shared and writable at least once: any page may hold data
    u64 *written;     // bit set: pages that hold data; points to `few` if count <= 64
    u64 few;
};

struct tmpfs_data {
    struct extent *extents; // sorted by page
    u32 extent_count, extent_room;
    u32 last;         // where the last search ended
    u32 seals;        // F_SEAL_*
    u64 pages;        // of all extents
    u64 lower_size;   // bytes of the lower file that still show where no extent is
    bool hole_mapped; // a mapping shows zeros in the place of a hole
    u64 lower_map;    // offset in the image of the whole file, or NO_LOWER_MAP
};
#define NO_LOWER_MAP (~0ull)

struct tmpfs_directory {
    struct tree names;     // of dentry.node
    struct list order;     // of dentry.sibling, by dentry.position
    struct tree whiteouts; // lower names that do not show
    u64 next_position;
};

struct tmpfs_node {
    struct inode *inode;
    struct erofs_inode *lower; // NULL: none
    struct tree_node nid_node;
    bool in_table;             // of lower inodes
    bool pinned;               // the table holds a reference: a lower file with several names
    bool linkable;             // made by O_TMPFILE
    bool xattrs_own;           // the lower ones have been copied to `xattrs`
    struct list xattrs;        // of struct tmpfs_xattr
    union {
        struct tmpfs_directory directory;
        struct tmpfs_data data;
        char *target; // of a symbolic link
    };
};

static inline struct tmpfs *tmpfs_of(const struct inode *i)
{
    return container_of(i->file_system, struct tmpfs, fs);
}

static inline struct tmpfs_node *node_of(const struct inode *i)
{
    return i->data;
}

extern const struct inode_ops tmpfs_directory_ops, tmpfs_file_ops, tmpfs_link_ops, tmpfs_special_ops;
extern const struct file_ops tmpfs_file_file_ops, tmpfs_directory_file_ops;

// tmpfs.c
must_check int tmpfs_inode_create(struct tmpfs *t, u32 mode, struct inode **out);
must_check int tmpfs_inode_of_lower(struct tmpfs *t, u64 nid, struct inode **out); // referenced
void tmpfs_inode_unpin(struct inode *i); // its last name has gone
void tmpfs_evict(struct inode *i);

// tmpfs_names.c: the names of one directory; its inode->lock is held. Insertions and removals are part of a section that
// can be taken back.
struct dentry *names_find(struct tmpfs_directory *d, const char *name, size_t size, u32 hash);
void names_insert(struct tmpfs_directory *d, struct dentry *entry); // takes over a reference
void names_remove(struct tmpfs_directory *d, struct dentry *entry); // gives it back
bool whiteout_find(const struct tmpfs_directory *d, const char *name, size_t size);
must_check int whiteout_add(struct tmpfs_directory *d, const char *name, size_t size); // twice is fine
void names_free(struct tmpfs_directory *d); // all of it
u32 name_hash(const char *name, size_t size);

// tmpfs_directory.c
bool tmpfs_directory_is_empty(struct inode *i);

// tmpfs_data.c: the bytes of one file; its inode->lock is held
struct piece { // what stands at an offset
    const u8 *bytes; // NULL: a hole of zeros
    u64 size;
    bool data;       // not a hole (for SEEK_DATA)
};
must_check int data_piece(struct tmpfs_node *n, u64 offset, u64 size, struct piece *out);
struct extent *data_find(struct tmpfs_data *d, u64 page, u64 *out_next); // or NULL: next extent's page
// The extent that holds `page`, made (and filled from the lower file) if need be, for a wish of `want`
// pages. -ENOSPC
must_check int data_make(struct tmpfs_node *n, u64 page, u64 want, struct extent **out);
// How many of the pages may be written without passing the file system's limit.
u64 data_room(struct tmpfs_node *n, struct extent *e, u64 page, u64 count);
void data_mark(struct tmpfs_node *n, struct extent *e, u64 page, u64 count); // hold data now
must_check int data_punch(struct tmpfs_node *n, u64 offset, u64 size);
struct page_run {
    void *memory;
    u64 count;
};
// Cuts everything at and behind `size` off; what mappings may still show goes to *out_dead, an array of
// *out_count for heap_free, which the caller gives back by pages_free later (NULL: give back at once).
must_check int data_cut(struct tmpfs_node *n, u64 size, struct page_run **out_dead, u32 *out_count);
void data_free(struct tmpfs_node *n);

// tmpfs_xattr.c
struct tmpfs_xattr {
    struct list node;
    size_t size;
    char *name; // behind the value
    u8 value[];
};
int tmpfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
s64 tmpfs_get_xattr(struct inode *inode, const char *name, void *out, size_t size);
s64 tmpfs_list_xattr(struct inode *inode, char *out, size_t size);
void tmpfs_xattr_free(struct tmpfs_node *n);
